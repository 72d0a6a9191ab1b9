//! `swarm invite` and `swarm join` on one machine: what each side says, and that files appear whole or not at all.

use std::fs;
use std::path::Path;

use crate::support::process::{Ended, Process};
use crate::{Place, SWARM};

pub const COMMON: &str = "NumberOfPreferredNeighbors 1\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\nFileName a.dat\n\
    FileSize 4\nPieceSize 2\n";
const PEERS: &str = "1001 localhost 6001 1\n1002 localhost 6002 0\n1003 localhost 6003 0\n";

/// Starts the program here by a line of words; stdout and stderr are read together.
fn start(dir: &Path, line: &str) -> Process {
    let mut command = std::process::Command::new(SWARM);
    command.args(line.split_whitespace()).current_dir(dir);
    Process::spawn_talking(command)
}

/// An invitation to the swarm in `lab`.
pub struct Invitation {
    pub place: Place,
    pub inviter: Process,
    /// What follows `swarm join`.
    pub code: String,
    pub port: u16,
}

impl Invitation {
    pub fn new(options: &str) -> Self {
        Self::to(PEERS, options)
    }

    /// Invites to a swarm with these lines.
    pub fn to(peers: &str, options: &str) -> Self {
        let place = Place::new();
        fs::create_dir(place.path("lab")).expect("a directory");
        place.write("lab/Common.cfg", COMMON.as_bytes());
        place.write("lab/PeerInfo.cfg", peers.as_bytes());
        Self::at(place, options)
    }

    /// Invites to the swarm that is there.
    pub fn at(place: Place, options: &str) -> Self {
        let inviter = start(place.0.path(), &format!("invite lab {options}"));
        inviter.wait_for("it ends when ");
        let line = inviter.line_with("swarm join ");
        let word = line.split("swarm join ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a place");
        let (code, host) = word.split_once('@').expect("a code");
        let port = host.rsplit_once(':').map_or(6970, |(_, port)| port.parse().expect("a port"));
        Self { code: code.to_owned(), port, place, inviter }
    }

    /// What follows `swarm join` on this machine.
    pub fn word(&self) -> String {
        format!("{}@127.0.0.1:{}", self.code, self.port)
    }

    /// Joins with these further words: a directory and options.
    fn join(&self, rest: &str) -> Process {
        start(self.place.0.path(), &format!("join {} {rest}", self.word()))
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.place.read(name)).expect("it is text")
    }
}

/// Asserts how a program has ended, and that it has said this.
#[track_caller]
pub fn check(ended: &Ended, status: i32, part: &str) {
    assert_eq!(ended.status, Some(status), "{:#?}", ended.lines);
    assert!(ended.lines.iter().any(|line| line.contains(part)), "no '{part}' in {:#?}", ended.lines);
}

#[test]
fn all_get_the_files_when_each_line_is_taken_and_the_manifest_too() {
    let place = Place::new();
    assert_eq!(place.run_line("init lab --peers 2 --size 9000 --piece-size 4096 --meta").status, Some(0));
    let invitation = Invitation::at(place, "");
    let served =
        "anyone who has the code can read Common.cfg, PeerInfo.cfg and file.dat.meta.json; nothing else is served";
    invitation.inviter.wait_for(served);
    let member = invitation.join("new/lab").wait();
    check(&member, 0, "Next: swarm start --here new/lab");
    for name in ["Common.cfg", "PeerInfo.cfg", "file.dat.meta.json"] {
        assert_eq!(invitation.text(&format!("new/lab/{name}")), invitation.text(&format!("lab/{name}")));
    }
    assert_eq!(fs::read_dir(invitation.place.path("new/lab")).expect("a directory").count(), 3);
    check(&invitation.inviter.wait(), 0, "1 other machine and this one have the same files");
}

#[test]
fn enter_ends_it_and_leaves_out_lines_that_mean_no_machine() {
    let mut invitation = Invitation::to(&format!("{PEERS}1004 storm.example 6004 0\n"), "");
    let member = invitation.join("new --id 1003");
    member.wait_for("2 lines are free");
    invitation.inviter.type_line("");
    member.wait_for_success();
    let left = "1002 is left out: nobody took that line, and its host means each machine itself";
    let expected = "1001 localhost 6001 1\n1003 localhost 6003 0\n1004 storm.example 6004 0\n";
    assert_eq!(invitation.text("new/PeerInfo.cfg"), expected);
    assert_eq!(invitation.text("lab/PeerInfo.cfg"), expected);
    let ended = invitation.inviter.wait();
    check(&ended, 0, left);
    check(&ended, 0, "1004 is as before: nobody took that line");
}

#[test]
fn when_the_time_is_over_those_who_came_get_the_files_and_else_nothing_changes() {
    let invitation = Invitation::new("--minutes 0.02");
    check(&invitation.inviter.wait(), 1, "nobody has joined, so nothing has changed");
    assert_eq!(fs::read_to_string(invitation.place.path("lab/PeerInfo.cfg")).expect("a file"), PEERS);

    let invitation = Invitation::new("--minutes 0.05");
    let member = invitation.join("new");
    member.wait_for_success();
    assert_eq!(invitation.text("new/PeerInfo.cfg"), "1001 localhost 6001 1\n1002 localhost 6002 0\n");
    check(&invitation.inviter.wait(), 0, "1003 is left out");
}

#[test]
fn of_two_that_want_the_same_line_the_second_is_refused() {
    let invitation = Invitation::new("");
    let first = invitation.join("first --id 1002");
    first.wait_for("1 line is free");
    let second = invitation.join("second --id 1002").wait();
    check(&second, 1, "127.0.0.1 gives this machine no line: 1002 is taken by 127.0.0.1; 1003 is free");
    assert!(!invitation.place.path("second").exists());
    let third = invitation.join("third --id 1001").wait();
    check(&third, 1, "1001 is the inviter's own line; 1003 is free");
    let fourth = invitation.join("fourth");
    first.wait_for_success();
    fourth.wait_for_success();
    check(&invitation.inviter.wait(), 0, "have the same files");
}

#[test]
fn a_member_that_leaves_frees_its_line_and_may_come_again() {
    let invitation = Invitation::new("");
    let member = invitation.join("new --id 1003");
    member.wait_for("1 line is free");
    member.signal("INT");
    let left = "this machine does not take part; nothing was written: stopped by a signal";
    check(&member.wait(), 130, left);
    invitation.inviter.wait_for("1003 is free again: 127.0.0.1 has left");
    assert!(!invitation.place.path("new").exists());
    let both = invitation.join("new --id 1003,1002");
    both.wait_for_success();
    assert_eq!(invitation.text("new/PeerInfo.cfg"), PEERS);
    check(&invitation.inviter.wait(), 0, "1 other machine and this one have the same files");
}

#[test]
fn ctrl_c_on_the_inviter_changes_nothing_anywhere() {
    let invitation = Invitation::new("");
    let member = invitation.join("new");
    member.wait_for("1 line is free");
    invitation.inviter.signal("INT");
    check(&member.wait(), 1, "127.0.0.1 has called it off: the inviter was stopped; nothing was written here");
    check(&invitation.inviter.wait(), 130, "stopped by a signal");
    assert!(!invitation.place.path("new").exists());
    assert_eq!(fs::read_to_string(invitation.place.path("lab/PeerInfo.cfg")).expect("a file"), PEERS);
}

#[test]
fn other_files_are_replaced_only_if_that_is_wanted_and_it_is_told() {
    let invitation = Invitation::to("1001 localhost 6001 1\n1002 localhost 6002 0\n", "");
    fs::create_dir(invitation.place.path("old")).expect("a directory");
    let other = COMMON.replace("FileSize 4", "FileSize 5");
    invitation.place.write("old/Common.cfg", other.as_bytes());
    invitation.place.write("old/a.dat.meta.json", b"{}");
    let refused = invitation.join("old").wait();
    let them = "'old' already has Common.cfg, a.dat.meta.json, which differ from the inviter's; --force replaces them";
    check(&refused, 2, them);
    invitation.inviter.wait_for(&format!("1002 is free again: 127.0.0.1 has left: {them}"));
    assert_eq!(invitation.text("old/Common.cfg"), other);
    let member = invitation.join("old --force").wait();
    check(&member, 0, "replaced in 'old': Common.cfg, a.dat.meta.json");
    assert_eq!(invitation.text("old/Common.cfg"), COMMON);
    assert!(!invitation.place.path("old/a.dat.meta.json").exists());

    // The next day, at other addresses, the same directories do.
    invitation.inviter.wait_for_success();
    let again = Invitation::at(invitation.place, "");
    again.join("old").wait_for_success();
}

#[test]
fn where_a_peer_runs_nobody_gets_other_files() {
    let invitation = Invitation::to("1001 localhost 6001 1\n1002 localhost 6002 0\n", "");
    let one_of_two = invitation.place.run_line("invite lab").sentence(2);
    assert!(one_of_two.ends_with("is running in 'lab': it holds peer_1001.lock; stop it first"), "{one_of_two}");
    fs::create_dir(invitation.place.path("new")).expect("a directory");
    let lock = fs::File::create(invitation.place.path("new/peer_1002.lock")).expect("a file");
    lock.lock().expect("nobody else has it");
    check(&invitation.join("new").wait(), 2, "is running in 'new': it holds peer_1002.lock; stop it first");
    drop(lock);
    invitation.inviter.wait_for("1002 is free again");
    invitation.join("new").wait_for_success();
}

#[test]
fn what_an_inviter_cannot_use_is_said_before_anybody_can_come() {
    let place = Place::new();
    assert_eq!(place.run_line("invite lab").sentence(2), "there is no directory 'lab'");
    fs::create_dir(place.path("lab")).expect("a directory");
    place.write("lab/Common.cfg", COMMON.as_bytes());
    place.write("lab/PeerInfo.cfg", b"1001 localhost 6001 1\n");
    let only = "the only line of PeerInfo.cfg is this machine's, so nobody could join; --id says which are";
    assert_eq!(place.run_line("invite lab").sentence(2), only);
    place.write("lab/PeerInfo.cfg", PEERS.as_bytes());
    let unknown = "--id '7' is not in PeerInfo.cfg; it lists 1001, 1002, 1003";
    assert_eq!(place.run_line("invite lab --id 7").sentence(2), unknown);
    let holder = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = holder.local_addr().expect("an address").port();
    let taken = format!("--port '{port}': another program has this port");
    assert_eq!(place.run_line(&format!("invite lab --port {port}")).sentence(1), taken);
    place.write("lab/a.dat.meta.json", b"{}");
    let wrong = place.run_line("invite lab").sentence(2);
    assert!(wrong.starts_with("a.dat.meta.json: "), "{wrong}");
}

#[test]
fn what_leads_nowhere_is_said_in_one_sentence() {
    let place = Place::new();
    let join = |word: &str, status| place.run_line(&format!("join {word}")).sentence(status);
    assert!(join("mona", 2).starts_with("'mona' is not CODE@HOST, as `swarm invite` prints it: it has no @"));
    let holder = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = holder.local_addr().expect("an address").port();
    drop(holder);
    let nobody = format!("nobody listens at 127.0.0.1:{port}: `swarm invite` has ended there, or prints another port");
    assert_eq!(join(&format!("k7m-4qx@127.0.0.1:{port}"), 1), nobody);
    let unknown = "no machine is called 'no.such.host.invalid' here; write the address that `swarm invite` prints";
    assert_eq!(join("k7m-4qx@no.such.host.invalid", 1), unknown);
    place.write("file", b"");
    let invitation = Invitation::new("");
    let word = invitation.word();
    assert_eq!(join(&format!("{word} file"), 2), "'file' is not a directory");
}
