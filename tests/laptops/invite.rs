//! `swarm invite` on one laptop and `swarm join` on the others: all have the same files, and a swarm runs with them.

use std::fs;

use crate::laptops::Laptops;
use crate::support::process::{Ended, Process};
use crate::support::swarm::bytes;

const PEERS: &str = "1001 localhost 6001 1\n1002 localhost 6002 0\n1003 localhost 6003 0\n";
const FILE_SIZE: usize = 300_000;

fn common() -> String {
    format!(
        "NumberOfPreferredNeighbors 1\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\nFileName file.bin\n\
         FileSize {FILE_SIZE}\nPieceSize 16384\n"
    )
}

/// An invitation on laptop 1, and its code.
struct Invitation {
    inviter: Process,
    code: String,
}

impl Invitation {
    /// Invites to a swarm with these lines, with the file of the first.
    fn start(laptops: &Laptops, peers: &str, options: &str) -> Self {
        laptops.write(1, "lab/Common.cfg", common());
        laptops.write(1, "lab/PeerInfo.cfg", peers);
        laptops.write(1, "lab/peer_1001/file.bin", bytes(FILE_SIZE));
        let inviter = laptops.swarm(1, &format!("invite lab {options}"));
        let line = inviter.line_with("swarm join ");
        let code = line.trim().strip_prefix("swarm join ").and_then(|rest| rest.split('@').next()).expect("a code");
        Self { code: code.to_owned(), inviter }
    }

    /// Joins on a laptop.
    fn join(&self, laptops: &Laptops, number: u8, rest: &str) -> Process {
        laptops.swarm(number, &format!("join {}@{} {rest}", self.code, Laptops::address(1)))
    }
}

impl Ended {
    /// Asserts how it ended and that it has said this.
    #[track_caller]
    fn said(&self, status: i32, part: &str) {
        assert_eq!(self.status, Some(status), "{:#?}", self.lines);
        assert!(self.lines.iter().any(|line| line.contains(part)), "no '{part}' in {:#?}", self.lines);
    }

    /// Its lines with four words each.
    fn words(&self) -> Vec<&str> {
        let lines = self.lines.iter().skip_while(|line| !line.starts_with("In words")).skip(1);
        lines.take_while(|line| line.starts_with("  ")).map(String::as_str).collect()
    }
}

#[test]
fn three_laptops_get_the_same_files_and_run_a_swarm_with_them() {
    let Some(laptops) = Laptops::new("same", 3) else { return };
    let invitation = Invitation::start(&laptops, PEERS, "");
    let second = invitation.join(&laptops, 2, "--id 1003 lab");
    invitation.inviter.wait_for("1003 is 10.77.0.2's now; 1 line is free");
    let third = invitation.join(&laptops, 3, "");
    let ended = [invitation.inviter.wait(), second.wait(), third.wait()];
    ended[0].said(0, "2 other machines and this one have the same files");
    ended[1].said(0, "10.77.0.1 has given 1003 to this machine, whose address is 10.77.0.2 there");
    ended[1].said(0, "Next: swarm start --here lab");
    ended[2].said(0, "Next: swarm start --here");
    let expected = "1001 10.77.0.1 6001 1\n1002 10.77.0.3 6002 0\n1003 10.77.0.2 6003 0\n";
    for (number, dir) in [(1, "lab/"), (2, "lab/"), (3, "")] {
        assert_eq!(laptops.read(number, &format!("{dir}PeerInfo.cfg")), expected);
        assert_eq!(laptops.read(number, &format!("{dir}Common.cfg")), common());
    }
    assert_eq!(ended[0].words().len(), 2);
    assert!(ended.iter().all(|one| one.words() == ended[0].words()), "{ended:#?}");
    // Nothing else was written, and no lock is left.
    let names = fs::read_dir(laptops.dir(3)).expect("a directory").map(|entry| entry.expect("an entry").file_name());
    assert_eq!(names.count(), 2);

    let peers = [(1, "1001 -C lab"), (2, "1003 -C lab"), (3, "1002")];
    let peers: Vec<_> = peers.into_iter().map(|(number, line)| laptops.peer(number, line)).collect();
    for peer in peers {
        peer.wait_for_success();
    }
    for path in [laptops.path(2, "lab/peer_1003/file.bin"), laptops.path(3, "peer_1002/file.bin")] {
        assert!(fs::read(path).expect("a file") == bytes(FILE_SIZE), "the copies are the seeder's file");
    }
}

#[test]
fn a_laptop_behind_a_router_joins_and_both_sides_say_what_that_means() {
    let Some(laptops) = Laptops::with_routers("router", 2, &[2]) else { return };
    let invitation = Invitation::start(&laptops, "1001 localhost 6001 1\n1002 localhost 6002 0\n", "");
    let member = invitation.join(&laptops, 2, "lab").wait();
    member.said(0, "this machine calls itself 192.168.77.2, so a router translates its address");
    member.said(0, "Next: swarm start --here=1002 lab");
    let told = "1002: that machine calls itself 192.168.77.2 and comes from 10.77.0.2: it is behind a router";
    invitation.inviter.wait().said(0, told);
    assert_eq!(laptops.read(2, "lab/PeerInfo.cfg"), "1001 10.77.0.1 6001 1\n1002 10.77.0.2 6002 0\n");
}

/// It would be in the files, and the third laptop would not, if nobody had asked whether it is still there.
#[test]
fn a_laptop_that_vanishes_loses_its_line_before_the_files_are_given_out() {
    let Some(laptops) = Laptops::new("vanishes", 4) else { return };
    let invitation = Invitation::start(&laptops, PEERS, "");
    let gone = invitation.join(&laptops, 2, "lab");
    gone.wait_for("1 line is free");
    laptops.unplug(2);
    let second = invitation.join(&laptops, 3, "lab");
    invitation.inviter.wait_for("1002 is free again: 10.77.0.2 has left: nothing comes from it any more");
    let third = invitation.join(&laptops, 4, "lab");
    let expected = "1001 10.77.0.1 6001 1\n1002 10.77.0.4 6002 0\n1003 10.77.0.3 6003 0\n";
    for (number, process) in [(3, second), (4, third)] {
        process.wait_for_success();
        assert_eq!(laptops.read(number, "lab/PeerInfo.cfg"), expected);
    }
    invitation.inviter.wait_for_success();
    // It will notice that too, but not soon.
    drop(gone);
    assert!(!laptops.path(2, "lab").exists());
}

#[test]
fn what_keeps_a_laptop_away_is_said_in_one_sentence() {
    let Some(laptops) = Laptops::new("away", 2) else { return };
    let invitation = Invitation::start(&laptops, PEERS, "");
    laptops.block(1, 6970);
    let blocked = invitation.join(&laptops, 2, "");
    let no_way = laptops.swarm(2, &format!("join {}@192.0.2.1", invitation.code)).wait();
    no_way.said(1, "swarm: this machine has no way to 192.0.2.1:6970: both must be in the same network");
    let nobody = laptops.swarm(2, &format!("join {}@10.77.0.2", invitation.code)).wait();
    nobody.said(1, "swarm: nobody listens at 10.77.0.2:6970: `swarm invite` has ended there, or prints another port");
    let blocked = blocked.wait();
    blocked.said(1, "swarm: nothing answers at 10.77.0.1:6970: a firewall there, a guest network or a VPN may keep");
    assert_eq!((blocked.lines.len(), no_way.lines.len(), nobody.lines.len()), (1, 1, 1));
}
