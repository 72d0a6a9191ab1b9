//! What is found and read: files, logs, and the note of a run's beginning.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, SystemTime};

use super::super::peer_command::{PeerCommand, What};
use super::super::sight::{LogFile, LogNames, Reading};
use super::super::trouble::NoDirectory;
use super::{Both, owned, peer, same};
use crate::logs::LogPattern;

#[test]
fn sizes_ages_digests_and_bytes_of_files() {
    let both = Both::new();
    both.write("plain", b"some bytes", 30);
    both.write("new one", b"", 0);
    both.write("peer_1001/file", &vec![7; 100_000], 5);
    both.write("swarm.begun", b"", 10);
    both.link("plain", "link");
    both.link("nowhere", "broken");
    let names = ["plain", "new one", "peer_1001", "peer_1001/file", "link", "broken", "missing", "plain/no"];
    let names = names.map(String::from);
    let listed = same(both.local.list(&names), both.remote.list(&names));
    assert_eq!(listed.len(), 4);
    let old = same(both.local.old(&names), both.remote.old(&names));
    assert_eq!(old.into_iter().collect::<Vec<_>>(), ["link", "plain"]);
    for name in ["plain", "new one", "peer_1001/file", "missing"] {
        let mut told = [0, 0];
        let local = both.local.digest(name, &mut |count| told[0] += count);
        let remote = both.remote.digest(name, &mut |count| told[1] += count);
        same(local, remote);
        assert_eq!(told[0], told[1], "{name}");
    }
    let mut read = [Vec::new(), Vec::new()];
    let mut local = |part: &[u8]| {
        read[0].extend_from_slice(part);
        Ok(())
    };
    both.local.read("peer_1001/file", &mut local).expect("it is there");
    let mut remote = |part: &[u8]| {
        read[1].extend_from_slice(part);
        Ok(())
    };
    both.remote.read("peer_1001/file", &mut remote).expect("it is there");
    assert!(read[0] == read[1] && read[0].len() == 100_000);
}

#[test]
fn a_directory_that_is_missing() {
    let both = Both::new();
    fs::remove_dir(both.path()).expect("it is empty");
    let (ids, names, files) = ([peer(1001)], LogNames::default(), owned(&[("a", None)]));
    let asked = [(peer(1001), None)];
    let command = PeerCommand { dir: None, what: What::Line("true".into(), Vec::new()) };
    let (local, remote) = (&both.local, &both.remote);
    let errors = [
        local.list(&["a".into()]).err(),
        remote.list(&["a".into()]).err(),
        local.signal("TERM", &ids, 0).err(),
        remote.signal("TERM", &ids, 0).err(),
        local.look(&asked, &names).err(),
        remote.look(&asked, &names).err(),
        local.obstacles(&files, &[]).err(),
        remote.obstacles(&files, &[]).err(),
        local.remove(&files).err(),
        remote.remove(&files).err(),
        local.begin(&ids, &names).err(),
        remote.begin(&ids, &names).err(),
        local.find(true, &ids, &names).err(),
        remote.find(true, &ids, &names).err(),
        local.start(ids[0], &command).err(),
        remote.start(ids[0], &command).err(),
    ];
    let is_told = |error: &Option<anyhow::Error>| error.as_ref().is_some_and(anyhow::Error::is::<NoDirectory>);
    assert!(errors.iter().all(is_told), "{errors:?}");
}

/// A log of an earlier run whose end has what a shell changes: blanks in a row, a NUL, bytes that are not UTF-8.
const ODD: &[u8] = b"  [Time]: Peer  1002\tends \0 with \xff\xfe bytes\r\n\n  and no line feed";

fn with_logs() -> Both {
    let both = Both::new();
    both.write("log_peer_1002.log", b"the course's\n", 5);
    both.write("log_peer_1003.log", b"", 5);
    both.write("log_peer_10020.log", b"of another\n", 5);
    both.write("logs/log_peer_[1002]_2025-04-22.log", ODD, 50);
    both.write("log/log_peer_1002.log", &b"0123456789 ".repeat(60), 50);
    both.write("peer_1002/log_peer_1002.log", b"x", 50);
    both.write("out/[1002] a.txt", b"by a pattern\n", 50);
    both.write("out/.[1002] b.txt", b"hidden\n", 50);
    both.write("out/[1001] a.txt", b"of another\n", 50);
    both.write("swarm.tap/1002/logs/log_peer_1002.log", b"tapped\n", 50);
    both.write("swarm.tap/1002/out/[1002] c.txt", b"tapped\n", 50);
    both.write("log_peer_\n1002.log", b"two lines\n", 5);
    fs::create_dir(both.path().join("log_peer_1002_.log")).expect("it is new");
    both
}

#[test]
fn the_note_of_a_beginning_and_what_is_found_by_it() {
    let pattern = LogPattern::parse("./out/*[{id}]?*.txt").expect("a pattern");
    for names in [LogNames::default(), LogNames(Some(pattern))] {
        let both = with_logs();
        let ids = [1001, 1002, 1003].map(peer);
        let begun = || fs::read(both.path().join("swarm.begun")).expect("a file");
        both.local.begin(&ids, &names).expect("there is room");
        let by_local = begun();
        both.remote.begin(&ids, &names).expect("there is room");
        assert_eq!(String::from_utf8_lossy(&by_local), String::from_utf8_lossy(&begun()));
        assert!(by_local == begun() && by_local.len() > 300);

        let find = |all| same(both.local.find(all, &ids, &names), both.remote.find(all, &ids, &names));
        assert!(!find(false).contains_key(&peer(1002)), "all are older");
        assert!(find(true)[&peer(1002)].len() >= 5);
        // One grows, one is replaced, one shrinks, and others stay.
        File::options()
            .append(true)
            .open(both.path().join("logs/log_peer_[1002]_2025-04-22.log"))
            .and_then(|mut file| file.write_all(b" more\n"))
            .expect("there is room");
        both.write("log/log_peer_1002.log", &b"another one".repeat(80), 0);
        both.write("peer_1002/log_peer_1002.log", b"", 0);
        both.write("log_peer_1003.log", b"", 0);
        let later = SystemTime::now() + Duration::from_secs(5);
        for name in ["logs/log_peer_[1002]_2025-04-22.log", "log/log_peer_1002.log", "log_peer_1003.log"] {
            let file = File::options().append(true).open(both.path().join(name)).expect("a file");
            file.set_modified(later).expect("it is ours");
        }
        let found = find(false);
        let log = |name: &str, skip: usize| LogFile { name: name.into(), skip: skip as u64 };
        assert_eq!(
            found[&peer(1002)],
            [log("log/log_peer_1002.log", 0), log("logs/log_peer_[1002]_2025-04-22.log", ODD.len())]
        );
        assert_eq!(found[&peer(1003)], [log("log_peer_1003.log", 0)], "an empty one is better than none");
        find(true);

        both.write("peer_1002.err", b"said\nmore\n", 0);
        let readings = |said| {
            let known = Reading { file: Some(found[&peer(1002)][0].clone()), len: 9, said: Some(said) };
            [(peer(1001), None), (peer(1002), Some(known)), (peer(1003), Some(Reading::default()))]
        };
        for said in [0, 5, 10, 11] {
            same(both.local.look(&readings(said), &names), both.remote.look(&readings(said), &names));
        }
        let heads = ["log_peer_1002.log", "log/log_peer_1002.log", "out/[1002] a.txt"].map(String::from);
        same(both.local.heads(&heads), both.remote.heads(&heads));
    }
}

#[test]
fn damaged_notes_of_a_beginning_skip_nothing() {
    let check = |note: &str, has_number: bool| {
        let both = Both::new();
        both.write("swarm.begun", note.as_bytes(), 60);
        both.write("log/log_peer_1002.log", b"0123456789 ", 0);
        let (ids, names) = ([peer(1002)], LogNames::default());
        let found = both.local.find(false, &ids, &names).expect("it is there");
        assert_eq!(found[&peer(1002)][0].skip, 0, "{note:?}");
        if has_number {
            same(Ok(found), both.remote.find(false, &ids, &names));
        }
    };
    for note in ["", "5\n", "1\nlog/log_peer_1002.log\n", "99\nlog/log_peer_1002.log\n0123456789 \n"] {
        check(note, true);
    }
    // Each shell does something else with what is no number.
    for note in ["\n\n\n", "x\nlog/log_peer_1002.log\n \n", "-1\nlog/log_peer_1002.log\n \n"] {
        check(note, false);
    }
}
