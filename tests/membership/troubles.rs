//! Trackers that lie, refuse or hang, and peers that share an ID by mistake.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::time::Duration;

use crate::room::Room;
use crate::support::relay;
use crate::tracker::{Manner, Tracker};

#[test]
fn a_tracker_that_names_addresses_of_nobody_and_of_others_does_no_harm() {
    let web = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let nobody = [
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1),
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0),
        SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 6001),
        SocketAddrV4::new(Ipv4Addr::BROADCAST, 6001),
        SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 1), 6001),
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, web.local_addr().expect("it is bound").port()),
    ];
    let (room, tracker) = (Room::new(500_000), Tracker::new(Manner::Lying(nobody.into())));
    let url = tracker.url();
    let seeder = room.start(1001, &["--tracker", &url, "--has-file"]);
    let second = room.start(1002, &["--tracker", &url]);
    room.wait_for_end(vec![(1001, seeder), (1002, second)]);
    // Nobody has dialed itself: each log has one connection.
    for id in [1001, 1002] {
        let log = room.log(id);
        let connections =
            log.lines().filter(|line| line.contains(" connection to ") || line.contains("connected from"));
        assert_eq!(connections.count(), 1, "{log}");
    }
}

#[test]
fn two_peers_with_one_id_are_both_told_and_others_go_on() {
    let (room, tracker) = (Room::new(500_000), Tracker::new(Manner::Fair(1)));
    let other_room = Room::new(500_000);
    let url = tracker.url();
    let seeder = room.start(1001, &["--tracker", &url, "--has-file", "--forever"]);
    let first = room.start(1002, &["--tracker", &url, "--forever"]);
    room.wait_for_log(1002, "has downloaded the complete file");
    let second = other_room.start(1002, &["--tracker", &url]);
    second.wait_for("our ID 1002 is taken: 127.0.0.1:");
    first.wait_for("each peer needs an ID of its own");
    seeder.wait_for("both answer as peer 1002; each peer needs an ID of its own");
    let log = room.log(1001);
    let connections = log.lines().filter(|line| line.contains(" connection to ") || line.contains("connected from"));
    assert_eq!(connections.count(), 1, "the later one is turned away: {log}");
    let told = second.wait().fault(2, &other_room.dir(1002));
    let address = tracker.announces_of(1002)[0].port;
    let why = format!("the ID 1002 is taken: a living peer at 127.0.0.1:{address} has it, and nobody lets this one in");
    assert_eq!(told, format!("{why}; start this peer with another ID"));
    for peer in [seeder, first] {
        peer.terminate();
    }
}

/// A router may send a call to its own public address back into its network. The peer then sees the router's address.
#[test]
fn a_peer_whose_calls_come_back_to_it_through_a_router_is_not_told_of_another() {
    // Host 1 is the peer; what is sent to the relay from host 0 to it comes from an address of the relay.
    let router = relay::Network::new(2, 10_000_000, Duration::ZERO);
    let (room, tracker) = (Room::new(100_000), Tracker::new(Manner::Lying(vec![router.relay(0, 1)])));
    let listen = router.address(1).to_string();
    let peer = room.start_at(&listen, 1001, &["--tracker", &tracker.url(), "--has-file", "-v"]);
    peer.wait_for("this peer has called itself, through");
    // It dials others, but never this address again.
    let second = room.start(1002, &["--tracker", &tracker.url()]);
    let ended = room.wait_for_end(vec![(1001, peer), (1002, second)]);
    let lines = || ended.iter().flat_map(|one| &one.lines);
    assert_eq!(lines().filter(|line| line.contains("[WARN]")).count(), 0, "{:#?}", lines().collect::<Vec<_>>());
    assert_eq!(ended[0].lines.iter().filter(|line| line.contains("has called itself, through")).count(), 1);
}

#[test]
fn a_peer_that_was_there_before_its_twin_stays_and_says_what_is_wrong() {
    let (room, tracker) = (Room::new(500_000), Tracker::new(Manner::Fair(1)));
    let other_room = Room::new(500_000);
    let url = tracker.url();
    let first = room.start(1002, &["--tracker", &url]);
    // It is no newcomer after this.
    first.wait_for("waiting for another member; ");
    let second = other_room.start(1002, &["--tracker", &url]);
    assert_eq!(second.wait().status, Some(2));
    first.wait_for("our ID 1002 is taken");
    first.terminate();
}

#[test]
fn a_peer_that_is_alone_at_a_tracker_that_works_is_told_what_may_differ() {
    let (room, tracker) = (Room::new(100_000), Tracker::new(Manner::Fair(1)));
    let leecher = room.start(1001, &["--tracker", &tracker.url()]);
    leecher.wait_for("waiting for another member; the tracker ");
    let told = "answers and knows nobody else in this swarm; perhaps nobody else has started, or their FileName, FileSize, \
                PieceSize, manifest or --swarm differs: compare the line 'for trackers, this swarm is ...' of all peers";
    let lines = leecher.terminate().lines;
    assert!(lines.iter().any(|line| line.ends_with(told)), "{lines:#?}");
}

#[test]
fn a_tracker_that_refuses_or_answers_nonsense_is_told_once_with_its_reason() {
    for (manner, told) in [
        (Manner::Refusing("this swarm is not allowed"), "this swarm is not allowed"),
        (Manner::Page("400 Invalid Request"), "400"),
    ] {
        let (room, tracker) = (Room::new(100_000), Tracker::new(manner));
        let seeder = room.start(1001, &["--tracker", &tracker.url(), "--has-file"]);
        seeder.wait_for(told);
        let lines = seeder.terminate().lines;
        let lines: Vec<_> = lines.iter().filter(|line| line.contains(told)).collect();
        assert!(lines.len() == 1 && lines[0].contains("[WARN] the tracker "), "{lines:#?}");
        // Only a refusal may be of this swarm.
        assert_eq!(lines[0].contains("manifest or --swarm differs: compare "), told.contains("swarm"), "{lines:#?}");
    }
}
