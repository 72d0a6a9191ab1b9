//! Files of every shape, and pieces so large that they fill every buffer on the way.

use crate::log::Event;
use crate::swarm::{Plan, Swarm};

/// A seeder and two leechers share a file of this shape.
fn check(file_size: usize, piece_size: usize) -> Vec<Event> {
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let logs = Swarm::new(Plan { file_size, piece_size, peers, ..Plan::default() }).run();
    logs[&1003].iter().map(|entry| entry.event.clone()).collect()
}

#[test]
fn a_file_of_0_bytes_is_complete_from_the_start_and_the_logs_have_the_connections_only() {
    let log = check(0, 16);
    assert_eq!(log.len(), 2, "{log:?}");
    assert!(log.contains(&Event::Connects(1001)) && log.contains(&Event::Connects(1002)), "{log:?}");
}

#[test]
fn a_file_of_1_byte() {
    assert!(check(1, 16).contains(&Event::Complete));
}

#[test]
fn a_piece_of_1_byte() {
    check(20, 1);
}

#[test]
fn a_file_smaller_than_a_piece() {
    check(1000, 4096);
}

#[test]
fn a_file_of_exactly_one_piece() {
    check(4096, 4096);
}

#[test]
fn a_last_piece_of_1_byte() {
    check(4096 * 9 + 1, 4096);
}

#[test]
fn pieces_that_fill_the_file_exactly() {
    check(4096 * 8, 4096);
}

/// Three peers, all unchoked: the leechers send pieces to each other while the seeder sends pieces to them.
///
/// `uploads` shows for certain that two peers in the middle of a piece do not wait for each other.
fn check_large_pieces(piece_size: usize, piece_count: usize) {
    let file_size = piece_size * piece_count - 1;
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let swarm = Swarm::new(Plan { file_size, piece_size, peers, ..Plan::default() });
    swarm.run();
}

#[test]
fn pieces_of_6_mib() {
    check_large_pieces(6 << 20, 9);
}

#[test]
fn pieces_of_32_mib() {
    check_large_pieces(32 << 20, 4);
}
