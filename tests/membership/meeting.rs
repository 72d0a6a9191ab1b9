//! Peers find each other.

use crate::room::Room;
use crate::tracker::{Manner, Tracker};

/// Large enough that a swarm takes several intervals.
const FILE_SIZE: usize = 2_000_000;

#[test]
fn five_peers_without_a_list_find_each_other_by_a_tracker_and_all_end() {
    let (room, tracker) = (Room::new(FILE_SIZE), Tracker::new(Manner::Fair(1)));
    // Some trackers know their users by such a key.
    let url = format!("{}?key=7", tracker.url());
    let seeder = room.start(1001, &["--tracker", &url, "--has-file", "--min-peers", "5"]);
    let others = (1002..=1005).map(|id| (id, room.start(id, &["--tracker", &url, "--min-peers", "5"])));
    let peers: Vec<_> = [(1001, seeder)].into_iter().chain(others).collect();
    for (id, peer) in peers {
        let ended = peer.wait_for_success();
        assert!(!ended.lines.iter().any(|line| line.contains("key=7")), "{:#?}", ended.lines);
        room.check_file(id);
    }
    for id in 1002..=1005 {
        assert!(room.log(id).contains("has downloaded the complete file"), "{id}");
        let events: Vec<_> = tracker.announces_of(id).into_iter().map(|announce| announce.event).collect();
        assert_eq!(events.first().map(String::as_str), Some("started"), "{id}");
        assert_eq!(events.iter().filter(|event| *event == "completed").count(), 1, "{id}: {events:?}");
        assert_eq!(events.last().map(String::as_str), Some("stopped"), "{id}");
    }
    let events: Vec<_> =
        tracker.announces_of(1001).into_iter().map(|announce| (announce.event, announce.left)).collect();
    assert!(events.iter().all(|(event, left)| event != "completed" && *left == 0), "{events:?}");
}

#[test]
fn a_peer_that_comes_when_the_others_have_the_file_is_served_by_one_that_lingers() {
    let (room, tracker) = (Room::new(FILE_SIZE), Tracker::new(Manner::Fair(1)));
    let url = tracker.url();
    let seeder = room.start(1001, &["--tracker", &url, "--has-file", "--forever"]);
    let second = room.start(1002, &["--tracker", &url]);
    room.wait_for_end(vec![(1002, second)]);
    seeder.wait_for("staying until it is stopped (--forever)");
    let third = room.start(1003, &["--tracker", &url]);
    room.wait_for_end(vec![(1003, third)]);
    seeder.terminate();
    assert_eq!(tracker.announces_of(1001).last().expect("it announced").event, "stopped");
}

#[test]
fn a_tracker_that_is_killed_and_started_again_in_mid_run_loses_nobody() {
    let room = Room::new(FILE_SIZE);
    let tracker = Tracker::new(Manner::Fair(1));
    let (url, address) = (tracker.url(), tracker.address());
    let limit = ["--upload-limit-per-neighbor", "400k", "--min-peers", "3"];
    let seeder = room.start(1001, &[&["--tracker", &url, "--has-file"][..], &limit].concat());
    let second = room.start(1002, &[&["--tracker", &url][..], &limit].concat());
    room.wait_for_log(1002, "has downloaded the piece");
    drop(tracker);
    seeder.wait_for("cannot be reached");
    // The two go on without it.
    room.wait_for_log(1002, "has downloaded the complete file");
    let tracker = Tracker::at(address, Manner::Fair(1));
    let third = room.start(1003, &["--tracker", &url, "--min-peers", "3"]);
    tracker.wait_for(1003, "started");
    room.wait_for_end(vec![(1001, seeder), (1002, second), (1003, third)]);
}

#[test]
fn lines_of_peer_info_are_members_from_the_start_and_a_tracker_adds_others() {
    let (room, tracker) = (Room::new(FILE_SIZE), Tracker::new(Manner::Fair(1)));
    let url = tracker.url();
    let seeder = room.start(1001, &["--tracker", &url, "--has-file"]);
    let port = tracker.wait_for(1001, "started").port;
    for id in [1002, 1003] {
        room.prepare(id, false);
    }
    // The one that is listed and has not started is waited for, the one that comes besides is served, too.
    let list = format!("1001 127.0.0.1 {port} 1\n1002 127.0.0.1 0 0\n").replace(" 0 0", " 1 0");
    std::fs::write(room.dir(1003).join("PeerInfo.cfg"), list).expect("a file");
    let third = room.start(1003, &["--tracker", &url]);
    room.wait_for_log(1003, "has downloaded the complete file");
    third.wait_for("staying for 1002 (has 0 pieces and is not connected)");
    let second = room.start(1002, &["--tracker", &url]);
    room.wait_for_end(vec![(1001, seeder), (1002, second), (1003, third)]);
}
