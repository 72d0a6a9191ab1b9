//! SIGINT and SIGTERM end a peer in order, whatever it is doing, and its log is complete.

use std::time::{Duration, Instant};

use crate::client::{Client, listen};
use crate::env::Running;
use crate::log::Event;
use crate::swarm::{Plan, Swarm};

/// Sends the signal; asserts the exit status and that it took no time worth mentioning.
fn check(peer: Running, signal: &str) {
    let status = if signal == "INT" { 130 } else { 143 };
    let started = Instant::now();
    peer.signal(signal);
    let ended = peer.wait();
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(status), ""), "{ended:#?}");
    // It takes a few milliseconds; a machine that does much else may need longer.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(ended.stderr.iter().any(|line| line.contains("stopped by a signal after ")), "{ended:#?}");
}

#[test]
fn while_waiting_for_neighbors() {
    let peers = vec![(1001, false), (1002, false), (1003, true)];
    let swarm = Swarm::new(Plan { peers, ..Plan::default() });
    for signal in ["INT", "TERM"] {
        for id in [1001, 1002, 1003] {
            check(swarm.start_and_wait(id), signal);
            assert_eq!(swarm.env.log(id), []);
        }
    }
}

#[test]
fn in_the_middle_of_a_download_and_the_log_has_all_that_was_announced() {
    for signal in ["INT", "TERM"] {
        let swarm = Swarm::new(Plan::default());
        let listener = listen(&swarm, 1001);
        let leecher = swarm.start(1002);
        let mut client = Client::seed(&swarm, &listener, 1001, 1002);
        let (_, haves) = client.serve(&swarm, 12);
        check(leecher, signal);
        let logged: Vec<_> = swarm.env.log(1002).into_iter().map(|entry| entry.event).collect();
        let downloads = haves.iter().zip(1..).map(|(&piece, count)| Event::Downloaded { piece, from: 1001, count });
        let expected: Vec<_> = [Event::Connects(1001), Event::UnchokedBy(1001)].into_iter().chain(downloads).collect();
        assert_eq!(logged, expected);
        let kept = swarm.env.listing();
        assert!(kept.contains(&"peer_1002/file.bin.part 100000".into()), "{kept:?}");
        assert!(!kept.iter().any(|entry| entry.starts_with("peer_1002/file.bin ")), "{kept:?}");
    }
}

#[test]
fn while_a_neighbor_takes_nothing_of_a_large_piece() {
    let swarm = Swarm::new(Plan { file_size: 1 << 25, piece_size: 1 << 25, ..Plan::default() });
    let seeder = swarm.env.start(&["-v", "1001"]).wait_until_up();
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say(crate::client::INTERESTED, &[]);
    client.hear().expect("an unchoke");
    client.say_index(crate::client::REQUEST, 0);
    seeder.wait_for_line("to 1002: piece 0");
    check(seeder, "INT");
}

#[test]
fn while_a_caller_has_not_shaken_hands() {
    let swarm = Swarm::new(Plan::default());
    let seeder = swarm.start_and_wait(1001);
    let mut silent = Client::dial(swarm.address(1001));
    silent.receive(32);
    check(seeder, "TERM");
}

#[test]
fn while_it_waits_for_others_to_close() {
    let swarm = Swarm::new(Plan::default());
    let seeder = swarm.start_and_wait(1001);
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say_all_haves(&swarm);
    assert_eq!(client.hear_out(), [], "it has finished");
    check(seeder, "INT");
}
