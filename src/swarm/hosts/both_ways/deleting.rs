//! What is deleted and what is in the way; processes, their records and their ends.

use std::fs;

use peer_process::disk::lock::{Attempt, Lock};

use super::super::obstacle::Obstacle;
use super::super::peer_command::{PeerCommand, What};
use super::super::record::State;
use super::super::sight::LogNames;
use super::{Both, owned, peer, same, sentence};

#[test]
fn obstacles_on_the_way_and_held_locks() {
    let both = Both::new();
    both.write("peer_1003/file", b"seeder's", 0);
    both.write("elsewhere/file", b"other", 0);
    both.link("peer_1003", "peer_1001");
    both.link("elsewhere", "peer_1002");
    both.write("peer_1004.lock", b"77\n", 0);
    both.write("peer_1006.lock", b"not a number\n", 0);
    both.link("peer_1004.lock", "peer_1005.lock");
    let attempt = Lock::attempt(&both.path().join("peer_1003.lock")).expect("a plain file");
    let Attempt::Ours(lock) = attempt else { panic!("{attempt:?}") };
    let files = owned(&[
        ("peer_1001/file", Some(1001)),
        ("peer_1001/missing", Some(1001)),
        ("peer_1002/file", Some(1002)),
        ("peer_1003/file", Some(1003)),
        ("peer_1003.pid", Some(1003)),
        ("peer_1004.lock", Some(1004)),
        ("peer_1005.lock", Some(1005)),
        ("peer_1006.lock", Some(1006)),
        ("swarm.begun", None),
    ]);
    let dirs = ["peer_1001", "peer_1003", "peer_1009"].map(String::from);
    let found = same(both.local.obstacles(&files, &dirs), both.remote.obstacles(&files, &dirs));
    assert_eq!(
        found,
        [
            Obstacle::Link("peer_1001".into()),
            Obstacle::Link("peer_1002".into()),
            Obstacle::Held(peer(1003), Some(std::process::id())),
            Obstacle::Same("peer_1001".into(), "peer_1003".into()),
        ]
    );
    drop(lock);
    assert!(same(both.local.obstacles(&owned(&[]), &[]), both.remote.obstacles(&owned(&[]), &[])).is_empty());
}

/// Deletes the same files in two directories that are the same, each in its own way.
#[track_caller]
fn remove(make: impl Fn(&Both) -> Option<Lock>, files: &[(&str, Option<u32>)]) -> (Option<String>, Vec<String>) {
    let [local, remote] = [true, false].map(|by_local| {
        let both = Both::new();
        let lock = make(&both);
        let files = owned(files);
        let removed = if by_local { both.local.remove(&files) } else { both.remote.remove(&files) };
        let left = both.all();
        drop(lock);
        (removed.err().map(|error| format!("{error:#}")), left)
    });
    assert_eq!(local, remote);
    (local.0, local.1.into_keys().collect())
}

#[test]
fn what_is_deleted_and_what_is_refused() {
    let files: &[_] = &[
        ("swarm.begun", None),
        ("missing", None),
        ("peer_1001.err", Some(1001)),
        ("peer_1001.pid", Some(1001)),
        ("peer_1001.lock", Some(1001)),
        ("peer_1001/file", Some(1001)),
        ("plain/inside", Some(1001)),
        ("peer_1002.lock", Some(1002)),
    ];
    let make = |both: &Both| {
        for name in ["swarm.begun", "peer_1001.err", "peer_1001/file", "kept", "plain"] {
            both.write(name, b"bytes", 0);
        }
        both.write("peer_1001.pid", b"1 none@none 5 1 none@none -\n", 0);
        both.write("peer_1001.lock", b"1\n", 0);
        None
    };
    assert_eq!(remove(make, files), (None, ["kept", "plain"].map(String::from).to_vec()));

    let held = |both: &Both| {
        make(both);
        match Lock::attempt(&both.path().join("peer_1001.lock")).expect("a plain file") {
            Attempt::Ours(lock) => Some(lock),
            other => panic!("{other:?}"),
        }
    };
    let (said, left) = remove(held, files);
    let holder = std::process::id();
    let expected = format!("peer 1001 is running: process {holder} holds peer_1001.lock; stop it first");
    assert_eq!(said.as_deref(), Some(&*expected));
    assert!(left.contains(&"peer_1001/file".to_owned()) && !left.contains(&"swarm.begun".to_owned()), "{left:?}");

    let behind_link = |both: &Both| {
        both.write("elsewhere/file", b"bytes", 0);
        both.link("elsewhere", "peer_1001");
        None
    };
    let (said, left) = remove(behind_link, &[("peer_1001/file", None)]);
    assert_eq!(said.as_deref(), Some("peer_1001 is a link, so swarm deletes nothing in it"));
    assert!(left.contains(&"elsewhere/file".to_owned()), "{left:?}");

    let linked_lock = |both: &Both| {
        both.write("precious", b"bytes", 0);
        both.link("precious", "peer_1001.lock");
        None
    };
    let (said, _) = remove(linked_lock, &[("peer_1001.lock", Some(1001))]);
    assert_eq!(said.as_deref(), Some("peer_1001.lock is a link, so it is not used as a lock; delete it"));

    // A link itself is deleted.
    let link = |both: &Both| {
        both.write("precious", b"bytes", 0);
        both.link("precious", "peer_1001.pid");
        both.link("precious", "peer_1001.err");
        None
    };
    let (said, left) = remove(link, &[("peer_1001.pid", Some(1001)), ("peer_1001.err", Some(1001))]);
    assert_eq!((said, left), (None, vec!["precious".to_owned()]));
}

/// Seen: the lock was deleted before the files that it protects, by the order of their names.
#[cfg(target_os = "linux")]
#[test]
fn a_peer_s_lock_is_held_until_all_is_deleted() {
    use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
    let files: &[_] = &[
        ("log_peer_1002.log", Some(1002)),
        ("peer_1002.lock", Some(1002)),
        ("peer_1002.pid", Some(1002)),
        ("peer_1002/file.journal", Some(1002)),
        ("peer_1002/file.part", Some(1002)),
    ];
    for by_local in [true, false] {
        let both = Both::new();
        for (name, _) in files {
            both.write(name, b"left", 0);
        }
        let watch = inotify::init(CreateFlags::NONBLOCK).expect("the system has it");
        for dir in [both.path().to_owned(), both.path().join("peer_1002")] {
            inotify::add_watch(&watch, dir, WatchFlags::DELETE).expect("it is ours");
        }
        let files = owned(files);
        if by_local { both.local.remove(&files) } else { both.remote.remove(&files) }.expect("nothing is in the way");
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&watch, &mut buffer);
        let mut deleted = Vec::new();
        while let Ok(event) = reader.next() {
            deleted.extend(event.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
        assert_eq!(deleted.len(), files.len(), "{deleted:?}");
        assert_eq!(deleted.last().map(String::as_str), Some("peer_1002.lock"), "{deleted:?}");
    }
}

#[test]
fn what_cannot_be_deleted_or_made_is_told_with_the_reason() {
    let both = Both::new();
    fs::create_dir(both.path().join("swarm.begun")).expect("it is new");
    let names = LogNames::default();
    let said = sentence(both.local.begin(&[], &names));
    assert!(said.starts_with("cannot write there: cannot delete swarm.begun: "), "{said}");
    let said = sentence(both.remote.begin(&[], &names));
    assert!(said.starts_with("cannot write there: ") && said.contains("swarm.begun"), "{said}");
}

/// The scripts start it, because the keeper of this machine's way is the program itself; `tests/swarm_cli/ways.rs` has that.
#[test]
fn a_process_that_runs_and_how_it_ended() {
    for signal in ["TERM", "KILL"] {
        let both = Both::new();
        let id = peer(1001);
        let what = What::Line("sleep 600 & echo >begun; wait".into(), Vec::new());
        let pid = both.remote.start(id, &PeerCommand { dir: None, what }).expect("it starts");
        while !both.path().join("begun").exists() {
            std::thread::yield_now();
        }
        let (asked, names) = ([(id, None)], LogNames::default());
        let look = || same(both.local.look(&asked, &names), both.remote.look(&asked, &names)).remove(0).record;
        let record = look().expect("it was started");
        assert_eq!((record.pid, record.state), (pid, State::Running));
        let files = owned(&[("peer_1001.pid", Some(1001))]);
        let expected = format!("peer 1001 is running: it is process {pid}; stop it first");
        assert_eq!([sentence(both.local.remove(&files)), sentence(both.remote.remove(&files))], [&*expected; 2]);
        let expected = format!("peer 1001 is already running: it is process {pid}");
        let again = PeerCommand { dir: None, what: What::Line("true".into(), Vec::new()) };
        assert_eq!([sentence(both.local.start(id, &again)), sentence(both.remote.start(id, &again))], [&*expected; 2]);
        assert_eq!(both.local.signal(signal, &[id, peer(1002)], 100).expect("it can be signaled"), []);
        while !both.text("peer_1001.pid").contains("exit") {
            // Its keeper has not noted it yet.
            std::thread::yield_now();
        }
        let ended = look();
        let status = if signal == "TERM" { 143 } else { 137 };
        let state = ended.expect("a record").state;
        assert!(matches!(state, State::Ended { status: told, .. } if told == status), "{state:?}");
        assert!(both.text("peer_1001.pid").ends_with('\n'));
        assert!(same(both.local.signal(signal, &[id], 0), both.remote.signal(signal, &[id], 0)).is_empty());
        both.local.remove(&files).expect("nothing is in the way");
    }
}

#[test]
fn records_that_are_none_or_another_machine_s_name_nobody_who_runs() {
    let own = std::process::id();
    for text in [
        "",
        "\n",
        "x y z\n",
        "-1 -1 -1 -1 -1\n",
        "0 0 0 0 0\n",
        &format!("{own}\n"),
        &format!("{own} 1@none 5 {own} 1@none -\n"),
        &format!("{own} 1@none 5 {own} 1@none -"),
        &format!("{own} 1@none 5 {own} 1@none -\nexit 3 8\n"),
        &format!("{own} 1@none 5 {own} 1@none -\nexit x\n"),
        &format!("{own} 1@none x {own} 1@none -\n"),
        &format!("{own} 1@none 5 {own}\n"),
        &format!("  {own}\t1@none  5 {own} 1@none\n"),
    ] {
        let both = Both::new();
        both.write("peer_1001.pid", text.as_bytes(), 0);
        let (asked, names) = ([(peer(1001), None)], LogNames::default());
        let sights = same(both.local.look(&asked, &names), both.remote.look(&asked, &names));
        assert!(sights[0].record.is_none_or(|record| record.state != State::Running), "{text:?}");
        let ids = [peer(1001)];
        assert!(same(both.local.signal("KILL", &ids, 0), both.remote.signal("KILL", &ids, 0)).is_empty());
    }
}
