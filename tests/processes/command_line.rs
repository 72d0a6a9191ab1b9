//! The command: its arguments, its output, and its exit status.

use std::net::TcpListener;
use std::process::Command;

use crate::client::{Client, listen};
use crate::env::TestEnv;
use crate::swarm::{Plan, Swarm};

#[test]
fn help_and_version_go_to_stdout() {
    let env = TestEnv::new();
    for argument in ["-h", "--help", "-V", "--version"] {
        let ended = env.run(&[argument]);
        assert_eq!((ended.status, ended.stderr.len()), (Some(0), 0), "{ended:#?}");
        let version = format!("peer_process {}\n", env!("CARGO_PKG_VERSION"));
        if argument.to_lowercase().starts_with("-v") || argument == "--version" {
            assert_eq!(ended.stdout, version);
        } else {
            for part in ["PEER_ID", "--dir", "--verbose", "--quiet", "--request-timeout", "--seed", "Exit status"] {
                assert!(ended.stdout.contains(part), "'{part}' is missing: {ended:#?}");
            }
        }
    }
}

#[test]
fn a_wrong_usage_is_one_sentence_and_status_2() {
    let swarm = Swarm::new(Plan::default());
    let before = swarm.env.listing();
    for arguments in [
        &[] as &[&str],
        &["abc"],
        &["0"],
        &["-1"],
        &["4294967296"],
        &["1001", "1002"],
        &["--no-such-option", "1001"],
        &["--seed", "many", "1001"],
        &["--request-timeout", "0", "1001"],
        &["--request-timeout"],
        &["-q", "-v", "1001"],
    ] {
        let ended = swarm.env.run(arguments);
        ended.assert_one_sentence(2, &["see --help"]);
        assert_eq!(ended.stderr.len(), 1, "{ended:#?}");
    }
    assert_eq!(swarm.env.listing(), before);
}

#[test]
fn a_number_that_is_none_is_told_with_its_place_and_range() {
    let env = TestEnv::new();
    let seconds = "is not a number from 1 to 4294967295";
    for (arguments, sentence) in [
        (&["abc"] as &[&str], &format!("peer ID 'abc' {seconds}")),
        (&["0"], &format!("peer ID '0' {seconds}")),
        (&["-1"], &format!("peer ID '-1' {seconds}")),
        (&[""], &format!("peer ID '' {seconds}")),
        (&["4294967296"], &format!("peer ID '4294967296' {seconds}")),
        (&["--seed", "many", "1001"], &"--seed 'many' is not a number from 0 to 18446744073709551615".into()),
        (&["--request-timeout", "0", "1001"], &format!("--request-timeout '0' {seconds}")),
        (&["--request-timeout", "-1", "1001"], &format!("--request-timeout '-1' {seconds}")),
        (&["--peer-timeout=1.5", "1001"], &format!("--peer-timeout '1.5' {seconds}")),
    ] {
        let ended = env.run(arguments);
        assert_eq!((ended.status, ended.stderr), (Some(2), vec![format!("peer_process: {sentence}; see --help")]));
    }
}

#[test]
fn the_name_that_the_course_gives_it_starts_the_same_peer_and_is_the_name_in_what_it_says() {
    const BY_COURSE: &str = env!("CARGO_BIN_EXE_peerProcess");
    let swarm = Swarm::new(Plan { peers: vec![(1001, true)], ..Plan::default() });
    let run = |arguments: &[&str]| {
        let mut command = Command::new(BY_COURSE);
        command.args(arguments);
        swarm.env.start_command(command).wait()
    };
    assert_eq!(run(&["--version"]).stdout, format!("peerProcess {}\n", env!("CARGO_PKG_VERSION")));
    let help = run(&["--help"]).stdout;
    assert!(help.contains("Usage: peerProcess [OPTIONS] <PEER_ID>"), "{help}");
    let [own, by_course] = [swarm.env.run(&["abc"]), run(&["abc"])].map(|ended| (ended.status, ended.stderr));
    assert_eq!(by_course.0, own.0);
    assert_eq!(by_course.1, [own.1.concat().replace("peer_process: ", "peerProcess: ")]);
    let unlisted = run(&["1009"]);
    assert_eq!(unlisted.status, Some(2));
    assert!(unlisted.stderr.concat().starts_with("peerProcess: "), "{unlisted:#?}");
    assert_eq!(run(&["1001"]).status, Some(0));
    assert_eq!(swarm.env.log(1001), []);
}

#[test]
fn another_directory() {
    let swarm = Swarm::new(Plan { peers: vec![(1001, true)], ..Plan::default() });
    let elsewhere = TestEnv::new();
    for option in ["-C", "--dir"] {
        let ended = elsewhere.run(&[option, swarm.env.dir().to_str().expect("a plain path"), "1001"]);
        assert_eq!(ended.status, Some(0), "{ended:#?}");
    }
    assert_eq!(elsewhere.listing(), Vec::<String>::new());
    assert_eq!(swarm.env.log(1001), []);
}

#[test]
fn the_start_line_to_the_letter() {
    let peers = (1001..=1006).map(|id| (id, id == 1001)).collect();
    let plan = Plan { p: 5, m: 15, file_size: 10_000_232, piece_size: 32_768, peers, ..Plan::default() };
    let swarm = Swarm::new(plan);
    let settings = "k=2 p=5 s m=15 s";
    for (id, has, port) in [(1002, 0, 6002), (1001, 306, 6001)] {
        let line = format!(
            "peer {id}: 306 pieces of 32768 bytes, has {has}; {settings}; listening on port {port}; 5 neighbors"
        );
        let peer = swarm.start(id);
        assert_eq!(peer.wait_for_line("pieces"), line);
        peer.signal("TERM");
        assert_eq!(peer.wait().stderr[0], line);
    }
}

#[test]
fn the_start_line_counts_one_of_a_thing_in_the_singular() {
    let swarm = Swarm::new(Plan { file_size: 1, piece_size: 1, ..Plan::default() });
    let [first, second] = [1001, 1002].map(|id| swarm.start(id));
    let line = first.wait_for_line("listening");
    assert!(line.starts_with("peer 1001: 1 piece of 1 byte, has 1; "), "{line}");
    assert!(line.ends_with("; listening on port 6001; 1 neighbor"), "{line}");
    assert_eq!([first, second].map(|peer| peer.wait().status), [Some(0); 2]);

    let swarm = Swarm::new(Plan { file_size: 0, peers: vec![(1001, true)], ..Plan::default() });
    let ended = swarm.env.run(&["1001"]);
    assert!(ended.stderr[0].starts_with("peer 1001: 0 pieces of 4096 bytes, has 0; "), "{ended:#?}");
    assert!(ended.stderr[0].ends_with("; 0 neighbors"), "{ended:#?}");
}

#[test]
fn quiet_is_silent_on_success() {
    let swarm = Swarm::new(Plan::default());
    let peers = [1001, 1002].map(|id| swarm.env.start(&["-q", &id.to_string()]));
    for peer in peers {
        let ended = peer.wait();
        assert_eq!((ended.status, ended.stdout.as_str(), ended.stderr.len()), (Some(0), "", 0), "{ended:#?}");
    }
}

#[test]
fn the_trace_shows_every_message_both_ways() {
    let swarm = Swarm::new(Plan { file_size: 3 * 4096, ..Plan::default() });
    let listener = listen(&swarm, 1001);
    let leecher = swarm.env.start(&["-v", "1002"]);
    let mut client = Client::seed(&swarm, &listener, 1001, 1002);
    let (pieces, _) = client.serve(&swarm, 3);
    client.part();
    let ended = leecher.wait();
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), ""), "{ended:#?}");
    let trace: Vec<_> = ended.stderr.iter().filter_map(|line| line.strip_prefix("peer 1002: [DEBUG] ")).collect();
    let shown = |line: &str| assert!(trace.contains(&line), "'{line}' is missing: {trace:#?}");
    for line in [
        "to 1001: handshake",
        "from 1001: handshake",
        "to 1001: bitfield with 0 of 3 pieces",
        "from 1001: bitfield with 3 of 3 pieces",
        "to 1001: interested",
        "from 1001: unchoke",
    ] {
        shown(line);
    }
    for piece in pieces {
        shown(&format!("to 1001: request {piece}"));
        shown(&format!("from 1001: piece {piece}"));
        shown(&format!("to 1001: have {piece}"));
    }
    shown("to 1001: not interested");
}

#[test]
fn the_summary_tells_bytes_from_and_to_each_neighbor() {
    let swarm = Swarm::new(Plan::default());
    let peers = [1001, 1002].map(|id| swarm.start_and_wait(id));
    for (peer, line) in peers.into_iter().zip([
        "peer 1001: 1002: received 0 bytes, sent 100000 bytes",
        "peer 1002: 1001: received 100000 bytes, sent 0 bytes",
    ]) {
        let ended = peer.wait();
        assert!(ended.stderr.iter().any(|other| other == line), "'{line}' is missing: {ended:#?}");
    }
}

#[test]
fn a_taken_port_is_a_fault_while_running_and_nothing_is_created() {
    let swarm = Swarm::new(Plan::default());
    let before = swarm.env.listing();
    let listener = TcpListener::bind(swarm.address(1002)).expect("a free port");
    let ended = swarm.env.run(&["1002"]);
    ended.assert_one_sentence(1, &["cannot listen on port 6002 for peer 1002", "Address already in use"]);
    let tried = "peer 1002: port 6002 is in use; retrying for a few seconds";
    assert_eq!(ended.stderr.iter().filter(|line| *line != tried).count(), 1, "{ended:#?}");
    assert_eq!(swarm.env.listing(), before);
    drop(listener);
}
