//! `swarm init`: what it makes, and what it says.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use peer_process::config::{self, Config};
use tempfile::TempDir;

use crate::support::left_out::left_out;
use crate::{Outcome, Place, SWARM};

/// What each of the peers makes of the directory: a seeder has looked at its file then.
fn load(dir: &Path) -> Vec<Config> {
    let (_, peers) = config::read(dir).expect("it is right");
    peers
        .iter()
        .map(|peer| config::load(dir, peer.id).unwrap_or_else(|error| panic!("{}: {error:#}", peer.id)))
        .collect()
}

/// The peers of the directory `s` that have a copy of the file.
pub fn seeders(place: &Place) -> Vec<u32> {
    let peers = load(&place.path("s"));
    let has_copy = |config: &&Config| config.peer_dir().join(&config.common.file_name).exists();
    peers.iter().filter(has_copy).map(|config| config.own().id.number()).collect()
}

/// Everything below a directory, and what is in it.
pub fn everything(dir: &Path) -> BTreeSet<(String, Option<Vec<u8>>)> {
    let mut found = BTreeSet::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).expect("it is a directory") {
            let path = entry.expect("an entry").path();
            let is_dir = path.symlink_metadata().expect("it is there").is_dir();
            let content = (!is_dir && path.is_file()).then(|| fs::read(&path).expect("it is readable"));
            found.insert((path.display().to_string(), content));
            dirs.extend(is_dir.then_some(path));
        }
    }
    found
}

fn same_file(place: &Place, one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|name| fs::metadata(place.path(name)).expect("it is there"));
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[test]
fn each_peer_accepts_what_was_made() {
    for (options, count, having) in [
        ("--size 100000", 6, &[1001][..]),
        ("--size 0", 6, &[1001]),
        ("--size 1 --peers 1", 1, &[1001]),
        ("--size 64KiB --peers 3 --seeders 3 --piece-size 1k -k 0", 3, &[1001, 1002, 1003]),
        ("--preset small", 9, &[1001, 1006]),
        ("--preset large --size 10k", 6, &[1001]),
        ("--preset spec --size 3MB --seeders 2 --peers 3", 3, &[1001, 1002]),
        ("--size 3MB --hosts 127.0.0.2,127.0.0.3,127.0.0.4", 3, &[1001]),
        ("--size 1k --hosts lab1,lab2 --port 7000", 2, &[1001]),
    ] {
        let place = Place::new();
        place.run_line(&format!("init s {options}")).success();
        let peers = load(&place.path("s"));
        assert_eq!((peers.len(), seeders(&place).as_slice()), (count, having), "{options}");
        assert!(peers.iter().all(|config| config.peer_dir().is_dir()), "{options}");
    }
}

#[test]
fn what_it_says_names_all_that_it_made_and_ends_with_what_to_type_next() {
    let place = Place::new();
    let said = place.run_line("init s --size 100000 --seeders 2 --port 7000 -k 4").success();
    let expected = format!(
        "'s' is now a swarm of 6 peers:\n  \
         Common.cfg          7 pieces of 16384 bytes, k 4, p 1 s, m 2 s\n  \
         PeerInfo.cfg        peers 1001 to 1006 on localhost, ports 7000 to 7005\n  \
         peer_1001/file.dat  100000 random bytes; 1002 has the same\n\
         To run it:\n  \
         {SWARM} start s\n"
    );
    assert_eq!(said, expected);
}

#[test]
fn what_is_to_be_typed_next_is_understood_by_a_shell() {
    for dir in ["s", ".", "a/b/c", "my swarm", "it's $HOME"] {
        let place = Place::new();
        let said = place.run(&["init", dir, "--size", "1k"]).success();
        let line = said.lines().last().expect("there is one").trim();
        // `init` names the directory that it was told: where that has been cut into words, another one or none.
        let mut shell = Command::new("sh");
        shell.args(["-c", &line.replacen(" start", " init", 1)]).current_dir(place.0.path());
        let sentence = Outcome::of(shell).sentence(2);
        assert!(sentence.starts_with(&format!("'{dir}' already has Common.cfg, PeerInfo.cfg")), "{line}: {sentence}");
    }
}

#[test]
fn without_a_directory_it_is_the_current_one() {
    let place = Place::new();
    let said = place.run_line("init --size 1k").success();
    assert!(said.ends_with(&format!("  {SWARM} start\n")), "{said}");
    assert_eq!(load(place.0.path()).len(), 6);
}

#[test]
fn random_bytes_are_different_each_time_and_the_same_for_all_seeders() {
    let place = Place::new();
    place.run_line("init s --size 3000001 --seeders 2").success();
    place.run_line("init t --size 3000001").success();
    let [first, second, other] =
        ["s/peer_1001/file.dat", "s/peer_1002/file.dat", "t/peer_1001/file.dat"].map(|name| place.read(name));
    // Not `assert_eq!`: nobody wants to read megabytes.
    assert!(first.len() == 3_000_001 && first == second && first != other);
    // Each byte is there about 11719 times.
    let mut counts = [0_u32; 256];
    for byte in &first {
        counts[usize::from(*byte)] += 1;
    }
    assert!(counts.iter().all(|count| (10_500..13_000).contains(count)), "{counts:?}");
    assert!(same_file(&place, "s/peer_1001/file.dat", "s/peer_1002/file.dat"));
}

#[test]
fn a_given_file_is_linked_under_its_own_name_even_if_a_symbolic_link_names_it() {
    let place = Place::new();
    place.write("film.mkv", &[7; 5000]);
    symlink("film.mkv", place.path("a link")).expect("it is new");
    let said = place.run(&["init", "s", "--file", "a link", "--seeders", "2"]).success();
    assert!(said.contains("  peer_1001/a link  a hard link to a link, 5000 bytes; 1002 has the same\n"), "{said}");
    for id in [1001, 1002] {
        assert!(same_file(&place, "film.mkv", &format!("s/peer_{id}/a link")));
        assert!(!place.path(&format!("s/peer_{id}/a link")).is_symlink());
    }
    assert_eq!(load(&place.path("s"))[0].common.file_name, "a link");
}

#[test]
fn a_given_file_on_another_disk_is_copied_and_a_private_one_stays_private() {
    let place = Place::new();
    let Ok(elsewhere) = TempDir::new_in("/dev/shm") else { return left_out("there is no other disk") };
    let dev = |path: &Path| fs::metadata(path).expect("it is there").dev();
    if dev(elsewhere.path()) == dev(place.0.path()) {
        return left_out("/dev/shm is on the same disk as temporary files");
    }
    let file = elsewhere.path().join("film.mkv");
    let bytes: Vec<_> = (0..2_500_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    fs::write(&file, &bytes).expect("there is room");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).expect("it is ours");
    let said = place.run(&["init", "s", "--file", file.to_str().expect("it is text"), "--seeders", "2"]).success();
    assert!(said.contains(&format!("a copy of {}, 2500000 bytes; 1002 has the same\n", file.display())), "{said}");
    assert!(place.read("s/peer_1001/film.mkv") == bytes);
    assert!(same_file(&place, "s/peer_1001/film.mkv", "s/peer_1002/film.mkv"));
    assert_eq!(fs::metadata(place.path("s/peer_1001/film.mkv")).expect("it is there").mode() & 0o777, 0o400);
    load(&place.path("s"));
}

#[test]
fn ports_are_free_ones_below_the_system_s_own() {
    let place = Place::new();
    place.run_line("init s --size 1k --peers 40 --hosts ").sentence(2);
    place.run_line("init s --size 1k --peers 40").success();
    let ports: BTreeSet<_> = load(&place.path("s")).iter().map(|config| config.own().port).collect();
    assert_eq!(ports.len(), 40);
    assert!(ports.iter().all(|port| (20_000..32_000).contains(port)), "{ports:?}");
}

#[test]
fn a_port_that_is_taken_is_not_given_to_a_peer() {
    // In a swarm of this many peers, one that starts close below it comes across it; where it starts is random.
    let taken: Vec<_> =
        (20_000..32_000).step_by(60).filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).collect();
    let place = Place::new();
    place.run_line("init s --size 1k --peers 100").success();
    let given: BTreeSet<_> = load(&place.path("s")).iter().map(|config| config.own().port).collect();
    for listener in &taken {
        let port = listener.local_addr().expect("it is bound").port();
        assert!(!given.contains(&port), "{port}");
    }
}

#[test]
fn force_never_writes_through_a_link() {
    let place = Place::new();
    place.write("film.mkv", b"mine");
    place.write("old.cfg", b"mine too");
    place.run_line("init s --file film.mkv").success();
    fs::remove_file(place.path("s/Common.cfg")).expect("it was made");
    fs::remove_file(place.path("s/PeerInfo.cfg")).expect("it was made");
    symlink("../old.cfg", place.path("s/Common.cfg")).expect("it is free");
    fs::hard_link(place.path("old.cfg"), place.path("s/PeerInfo.cfg")).expect("it is free");
    // Once more the same file, of which the old one is a link already, and then another one of its name.
    place.run_line("init s --file film.mkv --force").success();
    assert!(same_file(&place, "film.mkv", "s/peer_1001/film.mkv"));
    fs::create_dir(place.path("other")).expect("it is new");
    place.write("other/film.mkv", b"another");
    place.run_line("init s --file other/film.mkv --force").success();
    assert_eq!(place.read("s/peer_1001/film.mkv"), b"another");
    assert_eq!((place.read("film.mkv"), place.read("old.cfg")), (b"mine".to_vec(), b"mine too".to_vec()));
    assert!(!everything(place.0.path()).iter().any(|(name, _)| name.contains(".swarm-init")));
}

#[test]
fn what_an_earlier_run_has_left_is_told_but_for_unfinished_files_which_are_taken_away() {
    let place = Place::new();
    place.run_line("init s --size 1k").success();
    for name in ["peer_1002/file.dat.part", "peer_1002/file.dat.journal", "peer_1003/file.dat"] {
        place.write(&format!("s/{name}"), b"");
    }
    let said = place.run_line("init s --size 1k --force").success();
    let expected =
        format!("An earlier run has left peer_1003/file.dat. To delete it:\n  {SWARM} clean s --yes\nTo run it:");
    assert!(said.contains(&expected), "{said}");
}
