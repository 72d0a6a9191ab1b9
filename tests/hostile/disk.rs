//! Disks that fail: one sentence, status 1, nothing announced that is not there, and the neighbors continue.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::left_out::{find, with_own_mounts};
use crate::support::process::{BINARY, Process};
use crate::support::relay::Network;
use crate::support::swarm::{Plan, Swarm};

/// A seeder, the peer whose disk fails, and a leecher that must not notice anything.
fn swarm() -> Swarm {
    Swarm::on_loopback(Plan { peers: vec![(1001, true), (1002, false), (1003, false)], ..Plan::default() })
}

fn part(swarm: &Swarm) -> PathBuf {
    swarm.peer_dir(1002).join("file.bin.part")
}

/// Peer 1002, on a swarm's own disk or another.
fn victim(swarm: &Swarm, mut command: Command) -> Process {
    command.arg("1002").arg("--dir").arg(swarm.dir(1002));
    Process::spawn(command)
}

/// A disk that only those see who are started on it: it is mounted in a namespace of its own, and ends with this value.
struct Disk {
    holder: Child,
    /// Where `nsenter` is.
    enter: PathBuf,
}

impl Disk {
    /// Mounts a disk on a directory; `None`, with a note, where that is not allowed.
    fn mount(dir: &Path, options: &str) -> Option<Self> {
        let enter = find("nsenter")?;
        // It holds the namespace until its stdin ends, which is when the test does.
        let mut command = with_own_mounts("mount -t tmpfs -o \"$1\" tmpfs \"$2\" && echo ready && exec cat")?;
        command.args(["sh", options]).arg(dir).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().expect("it starts");
        let mut line = String::new();
        let told = BufReader::new(holder.stdout.take().expect("it is piped")).read_line(&mut line);
        let disk = Self { holder, enter };
        assert!(told.is_ok() && line == "ready\n", "{} is not mounted: {line}", dir.display());
        Some(disk)
    }

    /// Returns the command that starts the peer on it.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.enter);
        command.args(["-m", "-t", &self.holder.id().to_string(), BINARY]);
        command
    }

    /// Returns where a path is on it.
    fn path(&self, path: &Path) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.holder.id(), path.display()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        _ = self.holder.kill();
        _ = self.holder.wait();
    }
}

/// Returns the numbers after these words in a log.
fn numbers_after(log: &str, words: &str) -> Vec<u32> {
    let number = |line: &str| line.split_once(words)?.1.split([' ', '.']).next()?.parse().ok();
    log.lines().filter_map(number).collect()
}

#[test]
fn a_full_disk_ends_the_peer_with_one_sentence_and_nothing_was_announced_that_is_not_there() {
    let swarm = swarm();
    let Some(disk) = Disk::mount(&swarm.peer_dir(1002), "size=1m") else { return };
    let [seeder, leecher] = [1001, 1003].map(|id| swarm.start(id, &[]));
    let fault = victim(&swarm, disk.command()).wait().fault(1, swarm.root());
    assert!(fault.starts_with("cannot write ") && fault.contains(" 1002/peer_1002/file.bin."), "{fault}");
    assert!(fault.ends_with(": No space left on device (os error 28)"), "{fault}");
    swarm.wait_for_file(1003);
    // Their logs are complete once they have exited.
    leecher.terminate();
    seeder.terminate();
    let [in_log, at_seeder, at_leecher] = [
        numbers_after(&swarm.log(1002), "has downloaded the piece "),
        numbers_after(&swarm.log(1001), "'have' message from 1002 for the piece "),
        numbers_after(&swarm.log(1003), "'have' message from 1002 for the piece "),
    ];
    // A peer that has a piece itself may learn of it a little later, and then not at all.
    let heard = at_seeder.len() + at_leecher.len();
    assert!(in_log.len() > 10 && heard > 0, "{in_log:?} {at_seeder:?} {at_leecher:?}");
    let file = File::open(disk.path(&part(&swarm))).expect("it is there");
    for number in in_log.into_iter().chain(at_seeder).chain(at_leecher) {
        let expected = swarm.piece(number);
        let mut bytes = vec![0; expected.len()];
        let start = u64::from(number) * swarm.plan.piece_size as u64;
        file.read_exact_at(&mut bytes, start).expect("within the file");
        assert!(bytes == expected, "piece {number} was announced and is not there");
    }
}

#[test]
fn a_directory_that_cannot_be_written_to_is_told_at_once() {
    let swarm = swarm();
    let Some(disk) = Disk::mount(&swarm.peer_dir(1002), "ro") else { return };
    let fault = victim(&swarm, disk.command()).wait().fault(1, swarm.root());
    assert_eq!(fault, "cannot create 1002/peer_1002/file.bin.part: Read-only file system (os error 30)");
}

/// Spoils the directory of a peer, starts it, and asserts its sentence.
fn check_start(spoil: impl Fn(&Swarm), expected: &str) -> Swarm {
    let swarm = swarm();
    spoil(&swarm);
    assert_eq!(victim(&swarm, Command::new(BINARY)).wait().fault(1, swarm.root()), expected);
    swarm
}

#[test]
fn what_is_in_the_way_of_the_file_is_told_and_left_alone() {
    let not_plain = "1002/peer_1002/file.bin.part is not a plain file, so nothing is written to it";
    let swarm = check_start(|swarm| fs::create_dir(part(swarm)).expect("a directory"), not_plain);
    assert!(part(&swarm).is_dir());

    let elsewhere = |swarm: &Swarm| swarm.root().join("elsewhere");
    let link = |swarm: &Swarm| symlink(elsewhere(swarm), part(swarm)).expect("a link");
    let swarm = check_start(
        |swarm| {
            fs::write(elsewhere(swarm), "somebody's").expect("a file");
            link(swarm);
        },
        not_plain,
    );
    assert_eq!(fs::read(elsewhere(&swarm)).expect("still there"), b"somebody's");
    // A link to nothing is a link too.
    let swarm = check_start(link, not_plain);
    assert!(!elsewhere(&swarm).exists());

    let file_instead_of_directory = |swarm: &Swarm| {
        fs::remove_dir(swarm.peer_dir(1002)).expect("it is empty");
        fs::write(swarm.peer_dir(1002), "").expect("a file");
    };
    check_start(file_instead_of_directory, "cannot make the directory 1002/peer_1002: File exists (os error 17)");
    let log = |swarm: &Swarm| fs::create_dir(swarm.dir(1002).join("log_peer_1002.log")).expect("a directory");
    let directory = |swarm: &Swarm| fs::create_dir(swarm.path(1002)).expect("a directory");
    check_start(directory, "1002/peer_1002/file.bin is a directory, so no file can have that name");
    check_start(log, "cannot create 1002/log_peer_1002.log: Is a directory (os error 21)");
}

/// Its last step fails: all pieces are there, but the file cannot have its name.
#[test]
fn a_directory_in_the_place_of_the_complete_file_ends_the_peer_and_not_its_neighbors() {
    let swarm = swarm();
    let victim = swarm.start(1002, &[]);
    victim.wait_for("listening on port");
    fs::create_dir(swarm.path(1002)).expect("a directory");
    let [seeder, leecher] = [1001, 1003].map(|id| swarm.start(id, &[]));
    let fault = victim.wait().fault(1, swarm.root());
    let expected =
        "cannot rename 1002/peer_1002/file.bin.part to 1002/peer_1002/file.bin: Is a directory (os error 21)";
    assert_eq!(fault, expected);
    assert_eq!(swarm.count_in_log(1002, "has downloaded the complete file"), 0);
    assert!(fs::read(part(&swarm)).expect("still there") == swarm.file, "nothing is lost");
    // Whether its last `have` got out before its exit, and so whether they wait for its return, is a matter of luck.
    swarm.wait_for_file(1003);
    drop([seeder, leecher]);
}

#[test]
fn a_seeder_whose_file_shrinks_ends_with_one_sentence_and_the_others_get_the_rest_from_the_other_one() {
    let peers = vec![(1001, true), (1002, true), (1003, false), (1004, false)];
    let network = Network::new(4, 1_000_000, Duration::from_millis(1));
    let swarm = Swarm::behind(Plan { peers, ..Plan::default() }, &network);
    let mut peers = swarm.start_all(&[]);
    swarm.wait_for_log(1003, "from 1001. Now the number of pieces", 3);
    let file = File::options().write(true).open(swarm.path(1001)).expect("a file");
    file.set_len(10_000).expect("it can be cut");
    let fault = peers.remove(0).wait().fault(1, swarm.root());
    let place = "1001/peer_1001/file.bin";
    let looked = format!("{place} has changed from {} to 10000 bytes while this peer was using it", swarm.file.len());
    // It may have checked the file before it had to read such a piece.
    if fault != looked {
        let piece = numbers_after(&fault, "cannot read piece ");
        let [piece] = piece.as_slice() else { panic!("{fault}") };
        assert_eq!(fault, format!("cannot read piece {piece} from {place}: the file has become shorter"));
    }
    for (id, peer) in [1002, 1003, 1004].into_iter().zip(peers) {
        peer.wait_for_success();
        swarm.check_file(id);
    }
}
