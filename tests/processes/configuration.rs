//! Faults of the configuration end the process with status 2 and one sentence, before anything is created, bound or written.

use std::net::TcpListener;

use crate::swarm::{Plan, Swarm};

/// Spoils a correct directory; peer 1002 must report this sentence, and change nothing.
fn check(spoil: impl FnOnce(&Swarm), sentence: &str) {
    check_peer("1002", spoil, sentence);
}

fn check_peer(id: &str, spoil: impl FnOnce(&Swarm), sentence: &str) {
    let swarm = Swarm::new(Plan::default());
    // A peer that tried to listen would find its port taken and exit with status 1.
    let _listeners: Vec<_> =
        [1001, 1002].map(|id| TcpListener::bind(swarm.address(id)).expect("a free port")).into_iter().collect();
    swarm.env.write("log_peer_1002.log", "an earlier log");
    spoil(&swarm);
    let before = swarm.env.listing();
    let ended = swarm.env.run(&[id]);
    let sentence = sentence.replace("HOST", &swarm.env.host.to_string());
    assert_eq!(ended.stderr, [format!("peer_process: {sentence}")]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""));
    assert_eq!(swarm.env.listing(), before);
}

/// Replaces text in one of the two files.
fn edit(swarm: &Swarm, name: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(swarm.env.dir().join(name)).expect("a file");
    assert!(text.contains(from), "'{from}' in {text}");
    swarm.env.write(name, text.replace(from, to));
}

fn check_common(from: &str, to: &str, sentence: &str) {
    check(|swarm| edit(swarm, "Common.cfg", from, to), sentence);
}

fn check_peer_info(from: &str, to: &str, sentence: &str) {
    check(|swarm| edit(swarm, "PeerInfo.cfg", from, to), sentence);
}

#[test]
fn a_missing_file() {
    for name in ["Common.cfg", "PeerInfo.cfg"] {
        let remove = |swarm: &Swarm| std::fs::remove_file(swarm.env.dir().join(name)).expect("it was there");
        let hint = "start in the directory that holds the file, or name that directory with -C";
        let other = match name {
            "PeerInfo.cfg" if cfg!(feature = "discovery") => "; with --tracker or --lan, a peer needs no such file",
            _ => "",
        };
        check(remove, &format!("cannot read ./{name}: No such file or directory (os error 2); {hint}{other}"));
    }
}

#[test]
fn text_that_is_none() {
    check(|swarm| swarm.env.write("Common.cfg", b"A 1\nB \xff\n"), "Common.cfg line 2: byte 0xff is not UTF-8 text");
}

#[test]
fn faults_in_common_cfg() {
    check_common("FileSize 100000\n", "", "Common.cfg: key FileSize is missing");
    check_common("PieceSize", "FileSize 1\nPieceSize", "Common.cfg line 6: FileSize was already given in line 5");
    check_common(
        "\nUnchokingInterval 1",
        "\nUnchokingInterval one",
        "Common.cfg line 2: UnchokingInterval 'one' is not a whole number",
    );
    check_common(
        "\nUnchokingInterval 1",
        "\nUnchokingInterval 0",
        "Common.cfg line 2: UnchokingInterval '0' is not a number from 1 to 4294967295",
    );
    check_common("4096", "-4096", "Common.cfg line 6: PieceSize '-4096' is not a number from 1 to 4294967290");
    check_common(
        "100000",
        "9223372036854775808",
        "Common.cfg line 5: FileSize '9223372036854775808' is not a number from 0 to 9223372036854775807",
    );
    check_common(
        "100000\nPieceSize 4096",
        "9000000000000000000\nPieceSize 7",
        "Common.cfg line 6: PieceSize '7' cuts 9000000000000000000 bytes into 1285714285714285715 pieces, more than the \
         4294967295 that a 4-byte index can count",
    );
    check_common("file.bin", "", "Common.cfg line 4: FileName '' is empty");
    for name in ["..", "../file.bin", "/file.bin"] {
        let fault = "is not a plain file name; the file must stay in the peer's directory";
        check_common("file.bin", name, &format!("Common.cfg line 4: FileName '{name}' {fault}"));
    }
}

#[test]
fn faults_in_peer_info_cfg() {
    check_peer_info(
        "6002 0",
        "6002",
        "PeerInfo.cfg line 2: '1002 HOST 6002' has 3 columns instead of the 4 of '<peer ID> <host> <port> <1 or 0>'",
    );
    check_peer_info("1001", "1002", "PeerInfo.cfg line 2: peer ID '1002' was already given in line 1");
    check_peer_info("6002", "6001", "PeerInfo.cfg line 2: 'HOST 6001' was already given in line 1");
    check_peer_info("6002", "70000", "PeerInfo.cfg line 2: port '70000' is not a number from 1 to 65535");
    check_peer_info("6002 0", "6002 2", "PeerInfo.cfg line 2: last column '2' is neither 1 nor 0");
    check_peer_info("1001", "0", "PeerInfo.cfg line 1: peer ID '0' is not a number from 1 to 4294967295");
    check(|swarm| swarm.env.write("PeerInfo.cfg", ""), "PeerInfo.cfg: no peer is listed");
}

#[test]
fn an_id_that_is_not_listed_is_told_those_that_are() {
    check_peer("1003", |_| (), "PeerInfo.cfg: peer '1003' is not listed; the listed peers are 1001, 1002");
    let many = |swarm: &Swarm| {
        let line = |id| format!("{id} {} {id} 0\n", swarm.env.host);
        swarm.env.write("PeerInfo.cfg", (1..=13).map(line).collect::<String>());
    };
    let sentence =
        "PeerInfo.cfg: peer '1003' is not listed; the listed peers are 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 3 more";
    check_peer("1003", many, sentence);
}

#[test]
fn a_seeder_s_file_that_is_missing_or_of_another_size() {
    let path = "./peer_1001/file.bin";
    let promise = "PeerInfo.cfg line 1 says that peer 1001 has the file, but";
    let remove = |swarm: &Swarm| std::fs::remove_file(swarm.env.dir().join(path)).expect("it was there");
    let missing = format!("{promise} {path} cannot be found: No such file or directory (os error 2)");
    check_peer("1001", remove, &missing);
    let replace = |swarm: &Swarm| {
        remove(swarm);
        std::fs::create_dir(swarm.env.dir().join(path)).expect("a directory");
    };
    check_peer("1001", replace, &format!("{promise} {path} is not a file"));
    let sentence = |found: u64| format!("Common.cfg line 5: FileSize is '100000', but {path} has {found} bytes");
    check_peer("1001", |swarm| swarm.env.write(path, vec![7; 99_999]), &sentence(99_999));
    check_peer("1001", |swarm| swarm.env.write(path, "1"), &sentence(1).replace("bytes", "byte"));
    let hint =
        "; the difference is exactly its number of line feeds, so a checkout has probably converted its line endings";
    let converted = "twenty bytes a line\r\n".repeat(5000);
    check_peer("1001", |swarm| swarm.env.write(path, &converted), &format!("{}{hint}", sentence(105_000)));
}

#[test]
fn another_directory_without_files() {
    let swarm = Swarm::new(Plan::default());
    let ended = swarm.env.run(&["-C", "nowhere", "1002"]);
    let sentence = "peer_process: cannot read nowhere/Common.cfg: No such file or directory (os error 2)";
    assert_eq!((ended.status, ended.stderr), (Some(2), vec![sentence.into()]), "who has named it needs no hint");
}

#[test]
fn what_is_merely_odd_is_understood_and_an_unknown_key_is_a_warning() {
    let swarm = Swarm::new(Plan { peers: vec![(1001, true)], ..Plan::default() });
    let common = "\u{feff}PieceSize\t4096\r\n\r\n \t\r\nFileName  file.bin \r\nColour blue\r\nFileSize 100000\t\r\n\
                  OptimisticUnchokingInterval 1\r\nUnchokingInterval\t 1\r\nNumberOfPreferredNeighbors 2";
    swarm.env.write("Common.cfg", common);
    swarm.env.write("PeerInfo.cfg", format!("\u{feff}\r\n1001\t{}  6001\t1 \t", swarm.env.host));
    let ended = swarm.env.run(&["1001"]);
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    assert_eq!(ended.stderr[0], "peer 1001: [WARN] Common.cfg line 5: unknown key 'Colour' is ignored");
    assert!(ended.stderr[1].contains("25 pieces of 4096 bytes, has 25; k=2 p=1 s m=1 s;"), "{ended:#?}");
}
