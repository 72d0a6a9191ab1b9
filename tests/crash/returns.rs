//! One situation each: a peer that was killed or has exited comes back as it should.

use std::fs;

use crate::log::{Line, downloads};
use crate::running::Running;
use crate::swarm::Swarm;

const PIECES: u32 = 10;

/// A seeder and leechers; 10 pieces, the last shorter.
fn swarm(leechers: usize) -> Swarm {
    let have_file: Vec<_> = (0..=leechers).map(|place| place == 0).collect();
    Swarm::new(9_500, 1000, &have_file)
}

fn is_complete_once(swarm: &Swarm, id: u32) -> bool {
    swarm.log(id).iter().filter(|line| **line == Line::Complete).count() == 1
}

/// Lets 1002 become complete and known as complete, while 1003 is not there.
fn two_complete(swarm: &Swarm) -> [Running; 2] {
    let peers = [swarm.start(1001), swarm.start(1002)];
    // After the last piece the leecher lacks nothing; its later writes are the rename and the log.
    peers[0].wait_for(" from 1002: not interested", 1);
    peers
}

#[test]
fn a_complete_peer_killed_before_the_swarm_has_ended_comes_back_complete() {
    let swarm = swarm(2);
    let [seeder, leecher] = two_complete(&swarm);
    leecher.kill();
    let leecher = swarm.start(1002);
    let last = swarm.start(1003);
    let ended = vec![seeder.wait(), leecher.wait(), last.wait()];
    swarm.check_end(&ended);
    assert_eq!(ended[1].has(), Some(PIECES));
    assert!(is_complete_once(&swarm, 1002) && is_complete_once(&swarm, 1003));
    assert!(downloads(&swarm.log(1002)).len() <= PIECES as usize, "nothing was downloaded again");
}

#[test]
fn a_seeder_killed_with_nobody_left_to_tell_it_ends_by_what_it_wrote_down() {
    let swarm = swarm(2);
    swarm.leave(1001, &[], &[1002, 1003]);
    fs::remove_file(swarm.part_path(1001)).expect("a seeder has none");
    let ended = swarm.start(1001).wait();
    assert_eq!((ended.status, ended.has()), (Some(0), Some(PIECES)));
    assert!(!swarm.journal_path(1001).exists());
}

#[test]
fn a_leecher_killed_before_the_rename_ends_by_what_it_wrote_down() {
    let swarm = swarm(1);
    let all: Vec<_> = (0..PIECES).collect();
    swarm.leave(1002, &all, &[1001]);
    let ended = swarm.start(1002).wait();
    assert_eq!((ended.status, ended.has()), (Some(0), Some(PIECES)));
    assert_eq!(swarm.log(1002), [Line::Complete]);
    assert_eq!(fs::read(swarm.complete_path(1002)).expect("renamed"), swarm.file);
    assert!(!swarm.journal_path(1002).exists() && !swarm.part_path(1002).exists());
}

#[test]
fn a_leecher_killed_between_the_rename_and_the_log_tells_once_that_it_is_complete() {
    let swarm = swarm(1);
    let all: Vec<_> = (0..PIECES).collect();
    for log in ["", "[2026-11-21 14:03:09]: Peer 1002 has downloaded the complete file.\n"] {
        swarm.leave(1002, &all, &[1001]);
        fs::rename(swarm.part_path(1002), swarm.complete_path(1002)).expect("a rename");
        swarm.write_log(1002, log);
        assert_eq!(swarm.start(1002).wait().status, Some(0));
        assert_eq!(swarm.log(1002), [Line::Complete]);
    }
}

#[test]
fn a_killed_leecher_asks_only_for_what_it_lacks_and_its_log_goes_on_behind_its_last_whole_line() {
    let swarm = swarm(1);
    swarm.leave(1002, &[0, 3, 4, 9], &[]);
    let whole = "[2026-11-21 14:03:09]: Peer 1002 is unchoked by 1001.\n";
    swarm.write_log(1002, &format!("{whole}[2026-11-21 14:03:09]: Peer 1002 has downloaded the pie"));
    let ended = swarm.run_to_the_end();
    assert_eq!(ended[1].has(), Some(4));
    let mut downloaded = downloads(&swarm.log(1002));
    downloaded.sort_unstable();
    assert_eq!(downloaded, [1, 2, 5, 6, 7, 8]);
    assert!(swarm.log_text(1002).starts_with(whole) && is_complete_once(&swarm, 1002));
    // The neighbor learns at once which pieces were kept.
    assert!(ended[0].stderr.iter().any(|line| line.ends_with("from 1002: bitfield with 4 of 10 pieces")));
}

#[test]
fn fresh_starts_from_nothing_whatever_was_left() {
    let swarm = swarm(1);
    swarm.leave(1002, &[0, 3, 4, 9], &[]);
    swarm.write_log(1002, "[2026-11-21 14:03:09]: Peer 1002 is unchoked by 1001.\n");
    let ended = vec![swarm.start(1001), swarm.start_with(1002, &["-v", "--fresh"])];
    let ended = ended.into_iter().map(Running::wait).collect();
    swarm.check_end(&ended);
    assert_eq!((ended[1].has(), ended[1].warnings()), (Some(0), vec![]));
    assert_eq!(downloads(&swarm.log(1002)).len(), PIECES as usize);
    assert!(!swarm.log_text(1002).contains("2026-11-21 14:03:09"), "the log is truncated");
}

#[test]
fn after_a_swarm_has_ended_the_next_run_starts_from_nothing() {
    let swarm = swarm(2);
    for _ in 0..2 {
        let ended = swarm.run_to_the_end();
        assert_eq!(ended[2].has(), Some(0));
        assert_eq!(downloads(&swarm.log(1003)).len(), PIECES as usize, "a new log of a new download");
        assert!(is_complete_once(&swarm, 1003));
    }
}

#[test]
fn sigterm_keeps_the_journal_and_the_next_run_goes_on() {
    let swarm = swarm(2);
    for peer in two_complete(&swarm) {
        peer.signal("TERM");
        assert_eq!(peer.wait().status, Some(143));
    }
    assert_eq!(swarm.journaled(1002).len(), PIECES as usize);
    let before = swarm.log_text(1002);
    let ended = swarm.run_to_the_end();
    assert_eq!(ended[1].has(), Some(PIECES));
    assert!(swarm.log_text(1002).starts_with(&before));
    // The test itself ended it, so not even a line of the log was lost.
    assert_eq!(downloads(&swarm.log(1002)).len(), PIECES as usize);
    assert!(is_complete_once(&swarm, 1002));
}

#[test]
fn a_partial_download_survives_many_kills_while_nobody_is_there() {
    let swarm = swarm(1);
    swarm.leave(1002, &[2, 5], &[]);
    for lines in 0..6 {
        let peer = swarm.start(1002);
        peer.wait_for_count(lines % 2);
        peer.kill();
        assert_eq!(swarm.journaled(1002), [2, 5].into());
    }
    swarm.run_to_the_end();
    assert_eq!(downloads(&swarm.log(1002)).len(), PIECES as usize - 2);
}
