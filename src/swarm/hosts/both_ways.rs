//! Each request both ways on the same directory: by the scripts in this machine's shell, and by `local`. The answers, the files
//! and the sentences are the same.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use peer_process::disk::lock::{Attempt, Lock};
use peer_process::protocol::peer_id::PeerId;
use tempfile::TempDir;

use super::local::Local;
use super::obstacle::{Obstacle, Owned};
use super::peer_command::{PeerCommand, What};
use super::record::State;
use super::remote::{Remote, Shell};
use super::sight::{LogFile, LogNames, Reading};
use super::trouble::NoDirectory;
use crate::logs::LogPattern;

/// One directory, and the two ways to it.
struct Both {
    dir: TempDir,
    local: Local,
    remote: Remote,
}

impl Both {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().canonicalize().expect("it is there");
        let remote = Remote { shell: Shell::Here, dir: path.to_str().expect("text").to_owned() };
        Self { dir, local: Local::new(path), remote }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file, which is this many seconds old.
    fn write(&self, name: &str, bytes: &[u8], age_secs: u64) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
        let mut file = File::create(path).expect("a file");
        file.write_all(bytes).expect("there is room");
        file.set_modified(SystemTime::now() - Duration::from_secs(age_secs)).expect("it is ours");
    }

    fn link(&self, target: &str, name: &str) {
        symlink(target, self.path().join(name)).expect("a link");
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    /// Asserts that both answer the same, and returns that.
    #[track_caller]
    fn same<T: Debug>(&self, local: Result<T>, remote: Result<T>) -> T {
        let [local_text, remote_text] = [&local, &remote].map(|answer| format!("{answer:#?}"));
        assert_eq!(local_text, remote_text);
        local.expect("an answer")
    }

    /// All below the directory, with the content of files and the targets of links.
    fn all(&self) -> BTreeMap<String, String> {
        let (mut found, mut folders) = (BTreeMap::new(), vec![self.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a directory").flatten() {
                let path = entry.path();
                let name = path.strip_prefix(self.path()).expect("below it").display().to_string();
                if path.is_symlink() {
                    found.insert(name, format!("-> {}", fs::read_link(&path).expect("a link").display()));
                } else if path.is_dir() {
                    folders.push(path);
                } else {
                    found.insert(name, String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned());
                }
            }
        }
        found
    }
}

fn peer(number: u32) -> PeerId {
    PeerId::new(number).expect("positive")
}

fn owned(files: &[(&str, Option<u32>)]) -> Owned {
    files.iter().map(|(name, owner)| ((*name).to_owned(), owner.map(peer))).collect()
}

fn sentence<T: Debug>(answer: Result<T>) -> String {
    format!("{:#}", answer.expect_err("refused"))
}

#[test]
fn sizes_ages_digests_and_bytes_of_files() {
    let both = Both::new();
    both.write("plain", b"some bytes", 30);
    both.write("new one", b"", 0);
    both.write("peer_1001/file", &[7; 100_000], 5);
    both.write("swarm.begun", b"", 10);
    both.link("plain", "link");
    both.link("nowhere", "broken");
    let names = ["plain", "new one", "peer_1001", "peer_1001/file", "link", "broken", "missing", "plain/no"];
    let names = names.map(String::from);
    let listed = both.same(both.local.list(&names), both.remote.list(&names));
    assert_eq!(listed.len(), 4);
    let old = both.same(both.local.old(&names), both.remote.old(&names));
    assert_eq!(old.into_iter().collect::<Vec<_>>(), ["link", "plain"]);
    for name in ["plain", "new one", "peer_1001/file", "missing"] {
        let told = |way: &dyn Fn(&mut dyn FnMut(u64)) -> Result<Option<super::digest::Digest>>| {
            let mut sum = 0;
            way(&mut |count| sum += count).map(|digest| (digest, sum))
        };
        both.same(told(&|told| both.local.digest(name, told)), told(&|told| both.remote.digest(name, told)));
    }
    let bytes = |way: &dyn Fn(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>| {
        let mut all = Vec::new();
        way(&mut |part| Ok(all.extend_from_slice(part))).map(|()| all)
    };
    let read = both.same(
        bytes(&|told| both.local.read("peer_1001/file", told)),
        bytes(&|told| both.remote.read("peer_1001/file", told)),
    );
    assert_eq!(read.len(), 100_000);
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
    assert!(errors.iter().all(|error| error.as_ref().is_some_and(|error| error.is::<NoDirectory>())), "{errors:?}");
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

        let find = |all| both.same(both.local.find(all, &ids, &names), both.remote.find(all, &ids, &names));
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
            both.same(both.local.look(&readings(said), &names), both.remote.look(&readings(said), &names));
        }
        let heads = ["log_peer_1002.log", "log/log_peer_1002.log", "out/[1002] a.txt"].map(String::from);
        both.same(both.local.heads(&heads), both.remote.heads(&heads));
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
            both.same(Ok(found), both.remote.find(false, &ids, &names));
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
    let found = both.same(both.local.obstacles(&files, &dirs), both.remote.obstacles(&files, &dirs));
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
    assert!(both.same(both.local.obstacles(&owned(&[]), &[]), both.remote.obstacles(&owned(&[]), &[])).is_empty());
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
        files.iter().for_each(|(name, _)| both.write(name, b"left", 0));
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
        let look = || both.same(both.local.look(&asked, &names), both.remote.look(&asked, &names)).remove(0).record;
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
        assert!(both.same(both.local.signal(signal, &[id], 0), both.remote.signal(signal, &[id], 0)).is_empty());
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
        let sights = both.same(both.local.look(&asked, &names), both.remote.look(&asked, &names));
        assert!(sights[0].record.is_none_or(|record| record.state != State::Running), "{text:?}");
        let ids = [peer(1001)];
        assert!(both.same(both.local.signal("KILL", &ids, 0), both.remote.signal("KILL", &ids, 0)).is_empty());
    }
}
