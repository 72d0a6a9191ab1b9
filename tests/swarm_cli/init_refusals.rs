//! `swarm init`: what it refuses, and what it leaves when it fails.

use std::fs;
use std::io::Read;
use std::process::{Child, Command};

use crate::init::{everything, seeders};
use crate::support::left_out::with_own_mounts;
use crate::support::process::wait_until;
use crate::support::signal;
use crate::{Outcome, Place, SWARM, command};

#[test]
fn nothing_is_overwritten_without_force() {
    for (spoil, sentence) in [
        ("Common.cfg", "'s' already has Common.cfg; --force overwrites it"),
        ("PeerInfo.cfg", "'s' already has PeerInfo.cfg; --force overwrites it"),
        ("peer_1001/file.dat", "'s' already has peer_1001/file.dat; --force overwrites it"),
        ("peer_1002/file.dat", "'s' already has peer_1002/file.dat; --force overwrites it"),
    ] {
        let place = Place::new();
        for id in [1001, 1002] {
            fs::create_dir_all(place.path(&format!("s/peer_{id}"))).expect("it can be made");
        }
        place.write(&format!("s/{spoil}"), b"mine");
        let before = everything(place.0.path());
        assert_eq!(place.run_line("init s --size 1k --seeders 2").sentence(2), sentence);
        assert_eq!(everything(place.0.path()), before);
        place.run_line("init s --size 1k --seeders 2 --force").success();
        assert_eq!(seeders(&place), [1001, 1002]);
    }
    let place = Place::new();
    place.run_line("init s --size 1k").success();
    let sentence = "'s' already has Common.cfg, PeerInfo.cfg, peer_1001/file.dat; --force overwrites them";
    assert_eq!(place.run_line("init s --size 1k").sentence(2), sentence);
}

#[test]
fn a_wrong_usage_is_one_sentence_and_nothing_is_made() {
    let place = Place::new();
    place.write("film.mkv", b"mine");
    place.write("back\\slash", b"mine");
    fs::create_dir(place.path("folder")).expect("it is new");
    let made = Command::new("mkfifo").arg(place.path("pipe")).status().expect("there is mkfifo");
    assert!(made.success());
    for dir in ["has_dir/Common.cfg", "copy_dir/peer_1001/file.dat", "file_dir", "own/peer_1001", "own/peer_1002"] {
        fs::create_dir_all(place.path(dir)).expect("it is new");
    }
    place.write("file_dir/peer_1004", b"mine");
    place.write("own/peer_1001/x", b"mine");
    place.write("own/peer_1002/y", b"mine");
    let before = everything(place.0.path());
    for (line, sentence) in [
        ("s --peers 0", "--peers '0' is not a number from 1 to 1000; see --help"),
        ("s --peers 3 --hosts a,b", "--peers is '3', but --hosts names 2, one for each peer"),
        ("s --hosts a,,b", "--hosts: '' is neither a host's name nor an address"),
        ("s --hosts=-oX", "--hosts: '-oX' is neither a host's name nor an address"),
        ("s --hosts me@lab1", "--hosts: 'me@lab1' is neither a host's name nor an address"),
        ("s --seeders 0", "--seeders '0' leaves no peer to start with the file, so no peer would ever have it"),
        ("s --seeders 7", "--seeders '7' is more than the number of peers, 6"),
        (
            "s --size 1.5MB",
            "--size '1.5MB' is not a whole number with or without a unit, such as 24MB, 64KiB or 1000000",
        ),
        ("s --size 10000000TB", "--size '10000000TB' is more than a file can have, 9223372036854775807 bytes"),
        ("s --piece-size 0", "--piece-size '0' is not a number of bytes from 1 to 4294967290"),
        ("s --piece-size 4GiB", "--piece-size '4GiB' is not a number of bytes from 1 to 4294967290"),
        ("s -p 0", "-p '0' is not a number from 1 to 4294967295; see --help"),
        ("s -m 0", "-m '0' is not a number from 1 to 4294967295; see --help"),
        ("s --port 0", "--port '0' is not a number from 1 to 65535; see --help"),
        ("s --port 65534", "--port '65534' is too high for the peers on localhost: one would have port 65536"),
        ("s --file nowhere", "--file 'nowhere' cannot be read: No such file or directory (os error 2)"),
        ("s --file folder", "--file 'folder' is not a regular file"),
        ("s --file /dev/null", "--file '/dev/null' is not a regular file"),
        ("s --file pipe", "--file 'pipe' is not a regular file"),
        (
            "s --file back\\slash",
            "--file: Common.cfg cannot carry the name 'back\\\\slash': it must be UTF-8 text without a \
             backslash, a control character, or a blank at either end",
        ),
        ("film.mkv", "'film.mkv' is not a directory"),
        ("has_dir --force", "'has_dir/Common.cfg' is a directory, so no file can have that name"),
        ("copy_dir --force", "'copy_dir/peer_1001/file.dat' is a directory, so no file can have that name"),
        ("file_dir --force", "'file_dir/peer_1004' is not a directory, but it is the place of a peer's directory"),
        ("own --force --file own/peer_1001/x", "--file 'own/peer_1001/x' would be overwritten itself"),
        (
            "own --seeders 2 --force --file own/../own/peer_1002/y",
            "--file 'own/peer_1002/y' would be overwritten itself",
        ),
    ] {
        assert_eq!(place.run_line(&format!("init {line}")).sentence(2), sentence, "{line}");
        assert!(everything(place.0.path()) == before, "{line}");
    }
    // The library that reads the command line notices these.
    for (line, sentence) in [
        ("s --size 1k --file film.mkv", "the argument '--size <SIZE>' cannot be used with '--file <PATH>'; see --help"),
        ("s --port 65536", "--port '65536' is not a number from 1 to 65535; see --help"),
        ("s -k -1", "-k '-1' is not a number from 0 to 4294967295; see --help"),
        ("s --peers x", "--peers 'x' is not a number from 1 to 1000; see --help"),
        (
            "s --preset tiny",
            "invalid value 'tiny' for '--preset <PRESET>' [possible values: spec, small, large]; see --help",
        ),
        ("s t", "unexpected argument 't' found; see --help"),
        ("s --port-size 1", "unexpected argument '--port-size' found; a similar argument exists: '--port'; see --help"),
    ] {
        assert_eq!(place.run_line(&format!("init {line}")).sentence(2), sentence, "{line}");
        assert!(everything(place.0.path()) == before, "{line}");
    }
}

#[test]
fn a_loopback_host_among_others_is_told_but_made() {
    let place = Place::new();
    let outcome = place.run_line("init s --size 1k --hosts lab1,localhost");
    assert_eq!(outcome.status, Some(0));
    let sentence = "swarm: on the other hosts 'localhost' is not this machine, so their peers will not find 1002\n";
    assert_eq!(outcome.stderr, sentence);
}

#[test]
fn a_directory_that_cannot_be_made_is_told_with_status_1() {
    let place = Place::new();
    place.write("file", b"");
    let sentence = "cannot make the directory file/s/peer_1001: Not a directory (os error 20)";
    assert_eq!(place.run_line("init file/s").sentence(1), sentence);
}

/// Asserts that of the file in `s` nothing is there, and that nobody takes the directory for a swarm.
fn assert_nothing_unfinished(place: &Place) {
    let left = everything(&place.path("s"));
    let files: Vec<_> = left.iter().filter(|(name, _)| !place.path(name).is_dir()).collect();
    assert!(files.is_empty(), "{:?}", files.iter().map(|(name, _)| name).collect::<Vec<_>>());
}

#[test]
fn a_file_beyond_the_limit_is_told_and_what_was_written_of_it_is_gone() {
    let place = Place::new();
    let mut limited = Command::new("sh");
    // In blocks of 512 or 1024 bytes, it does not matter.
    limited.args(["-c", "ulimit -f 3000 && exec \"$0\" init s --size 5MB", SWARM]).current_dir(place.0.path());
    let sentence = "cannot make s/peer_1001/file.dat: File too large (os error 27)";
    assert_eq!(Outcome::of(limited).sentence(1), sentence);
    assert_nothing_unfinished(&place);
}

#[test]
fn a_full_disk_is_told_and_what_was_written_of_it_is_gone() {
    let place = Place::new();
    fs::create_dir(place.path("s")).expect("it is new");
    // The disk is there only for those in a namespace of its own.
    let script = "mount -t tmpfs -o size=2m tmpfs s && echo mounted && { \"$0\" init s --size 5MB; find s -type f; }";
    let Some(mut command) = with_own_mounts(script) else { return };
    let output = command.arg(SWARM).current_dir(place.0.path()).output().expect("it starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let sentence = "swarm: cannot make s/peer_1001/file.dat: No space left on device (os error 28)\n";
    assert_eq!((&*stdout, &*stderr), ("mounted\n", sentence));
}

/// What a killed one has left has the same name as what is made now, and may be a link to a file of somebody else.
#[test]
fn what_an_init_that_was_killed_has_left_is_taken_away_and_never_written_to() {
    let place = Place::new();
    place.write("mine", b"mine");
    fs::create_dir_all(place.path("s/peer_1001")).expect("it is new");
    for name in ["Common.cfg", "PeerInfo.cfg", "peer_1001/file.dat"] {
        let (dir, file) = name.rsplit_once('/').unwrap_or((".", name));
        fs::hard_link(place.path("mine"), place.path(&format!("s/{dir}/.swarm-init.{file}"))).expect("it is free");
    }
    place.run_line("init s --size 1k").success();
    assert!(!everything(place.0.path()).iter().any(|(name, _)| name.contains(".swarm-init")));
    assert_eq!(place.read("mine"), b"mine");
}

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Begins to make a file of 1 TB.
fn begin(place: &Place) -> Running {
    let running = Running(command(place.0.path(), &["init", "s", "--size", "1TB"]).spawn().expect("it starts"));
    let unfinished = place.path("s/peer_1001/.swarm-init.file.dat");
    wait_until("the file is begun", || unfinished.metadata().is_ok_and(|facts| facts.len() > 0));
    running
}

/// Seen: only the next file of the same name took it away.
#[test]
fn what_an_init_that_was_killed_has_left_of_another_file_is_taken_away() {
    let place = Place::new();
    place.write("mine", b"mine");
    drop(begin(&place));
    assert!(place.path("s/peer_1001/.swarm-init.file.dat").exists());
    place.run_line("init s --file mine").success();
    assert!(!everything(place.0.path()).iter().any(|(name, _)| name.contains(".swarm-init")));
}

#[test]
fn what_an_init_is_still_making_is_left_to_it() {
    let place = Place::new();
    place.write("mine", b"mine");
    let _running = begin(&place);
    let sentence = place.run_line("init s --size 1k").sentence(1);
    assert_eq!(sentence, "cannot make s/peer_1001/file.dat: another process is making it");
    place.run_line("init s --file mine").success();
    let listed = place.run_line("clean s --yes").success();
    assert_eq!(listed, "no files are left of a run\n");
    assert!(place.path("s/peer_1001/.swarm-init.file.dat").exists());
}

#[test]
fn a_signal_in_the_middle_leaves_nothing_unfinished() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let place = Place::new();
        // Far more than it can write before the signal comes.
        let mut running = begin(&place);
        assert!(signal::signal(running.0.id(), signal), "it runs");
        assert_eq!(running.0.wait().expect("it is ours").code(), Some(status));
        let mut stderr = String::new();
        running.0.stderr.take().expect("it is piped").read_to_string(&mut stderr).expect("it is text");
        assert_eq!(stderr, "swarm: cannot make s/peer_1001/file.dat: stopped by a signal\n");
        assert_nothing_unfinished(&place);
    }
}
