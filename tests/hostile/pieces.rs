//! Pieces and the messages about them: some are refused, and harmless ones are ignored.

use crate::client::{
    CHOKE, Client, HAVE, INTERESTED, NOT_INTERESTED, PIECE, REQUEST, UNCHOKE, check_bounds, full_bitfield, indexed,
    message, piece, told,
};
use crate::support::process::Process;
use crate::support::swarm::{Plan, Swarm};

/// The clients that claim to have everything.
const IDS: [u32; 3] = [1101, 1102, 1103];
const PIECE_COUNT: usize = 60;

/// A leecher whose seeder has not come yet, so it asks any client that claims to have something.
fn victim() -> (Swarm, Process) {
    let mut peers = vec![(1001, true), (1002, false)];
    peers.extend(IDS.map(|id| (id, false)));
    let piece_size = 10_000;
    let swarm = Swarm::on_loopback(Plan { peers, piece_size, file_size: piece_size * PIECE_COUNT - 1, k: 5 });
    let victim = swarm.start(1002, &["-v"]);
    (swarm, victim)
}

/// Its seeder comes, and nothing that was sent to the leecher has harmed it.
fn check_recovers(swarm: &Swarm, victim: Process) {
    let seeder = swarm.start(1001, &[]);
    swarm.wait_for_file(1002);
    check_bounds(&victim, 4);
    victim.terminate();
    seeder.terminate();
}

/// Returns a client that has everything, and that the victim has asked for a piece.
fn asked(swarm: &Swarm, id: u32) -> (Client, u32) {
    let mut client = Client::join(swarm.address(1002), id);
    client.say(&full_bitfield(PIECE_COUNT));
    client.wait_for(INTERESTED);
    client.say(&message(UNCHOKE, &[]));
    let asked = client.wait_for_request();
    (client, asked)
}

fn check_closed(victim: &Process, client: &mut Client, id: u32, fault: &str) {
    client.wait_for_close();
    victim.wait_for(&format!("[WARN] neighbor {id} "));
    assert_eq!(victim.warnings_about(&id.to_string()), [told(id, fault)]);
}

#[test]
fn a_piece_that_was_never_asked_for_or_has_another_length_is_refused() {
    let (swarm, victim) = victim();
    // It was never asked for anything.
    let mut client = Client::join(swarm.address(1002), IDS[0]);
    client.say(&piece(5, swarm.piece(5)));
    check_closed(&victim, &mut client, IDS[0], "sent piece 5, which was not requested from it");
    // It was asked for another piece.
    let (mut client, asked_for) = asked(&swarm, IDS[1]);
    let other = (asked_for + 1) % 60;
    client.say(&piece(other, swarm.piece(other)));
    check_closed(&victim, &mut client, IDS[1], &format!("sent piece {other}, which was not requested from it"));
    // It was asked for this piece, but the piece is not whole.
    let (mut client, asked_for) = asked(&swarm, IDS[2]);
    let expected = 5 + swarm.piece(asked_for).len();
    client.say(&piece(asked_for, b"short"));
    let fault =
        format!("sent a message 'piece' of length 10 instead of {expected}: perhaps it has a different Common.cfg");
    check_closed(&victim, &mut client, IDS[2], &fault);
    assert_eq!(swarm.count_in_log(1002, "has downloaded"), 0);
    check_recovers(&swarm, victim);
}

#[test]
fn half_a_piece_and_then_silence_does_no_harm() {
    let (swarm, victim) = victim();
    let (mut client, asked_for) = asked(&swarm, IDS[0]);
    let whole = piece(asked_for, swarm.piece(asked_for));
    client.say(&whole[..5000]);
    let (mut leaving, asked_for) = asked(&swarm, IDS[1]);
    let whole = piece(asked_for, swarm.piece(asked_for));
    leaving.say(&whole[..5000]);
    leaving.finish();
    leaving.wait_for_close();
    // The piece of the client that left is free at once, the other's when its connection is.
    client.finish();
    client.wait_for_close();
    assert_eq!(victim.lines_with("[WARN]"), [""; 0]);
    check_recovers(&swarm, victim);
}

#[test]
fn a_late_piece_that_is_still_missed_is_kept() {
    let (swarm, victim) = victim();
    let (mut client, asked_for) = asked(&swarm, IDS[0]);
    client.say(&message(CHOKE, &[]));
    client.say(&piece(asked_for, swarm.piece(asked_for)));
    client.wait_for(HAVE);
    let kept = format!("has downloaded the piece {asked_for} from {}. Now the number of pieces it has is 1.", IDS[0]);
    swarm.wait_for_log(1002, &kept, 1);
    assert_eq!(victim.lines_with("[WARN]"), [""; 0]);
    check_recovers(&swarm, victim);
}

#[test]
fn what_repeats_itself_or_comes_too_late_is_ignored() {
    let (swarm, victim) = victim();
    let (mut client, first) = asked(&swarm, IDS[0]);
    let mut say = |bytes: &[u8]| client.say(bytes);
    say(&piece(first, swarm.piece(first)));
    // The piece that is there already, twice, and a piece that it was not asked for but that is there.
    say(&piece(first, swarm.piece(first)));
    say(&piece(first, &vec![7; swarm.piece(first).len()]));
    // Announced before, or never true.
    say(&indexed(HAVE, first));
    say(&indexed(HAVE, first));
    say(&message(UNCHOKE, &[]));
    say(&message(CHOKE, &[]));
    say(&message(CHOKE, &[]));
    say(&message(NOT_INTERESTED, &[]));
    // Requests while it is choked itself: for a piece that is there, and for one that is not.
    let missing = (first + 1) % 60;
    say(&indexed(REQUEST, first));
    say(&indexed(REQUEST, missing));
    // Now it is unchoked, and requests a missing piece, then one that is there.
    say(&message(INTERESTED, &[]));
    say(&message(INTERESTED, &[]));
    let mut client = wait_for_unchoke(client, first);
    client.say(&indexed(REQUEST, missing));
    client.say(&indexed(REQUEST, first));
    let (message_type, payload) = client.hear().expect("the connection stays");
    let expected = [&first.to_be_bytes(), swarm.piece(first)].concat();
    assert!((message_type, payload) == (PIECE, expected), "the one piece that is there, and nothing before it");
    // It may still be asked for pieces.
    client.say(&message(UNCHOKE, &[]));
    client.wait_for(REQUEST);
    assert_eq!(victim.lines_with("[WARN]"), [""; 0]);
    swarm.wait_for_log(1002, "is unchoked by", 2);
    assert_eq!(swarm.count_in_log(1002, "is choked by"), 1, "a choke while choked says nothing new");
    assert_eq!(swarm.count_in_log(1002, "has downloaded"), 1);
    drop(client);
    check_recovers(&swarm, victim);
}

/// Skips the messages before the unchoke: the `have` of the first piece, and a request that the choke made void.
fn wait_for_unchoke(mut client: Client, first: u32) -> Client {
    let mut heard = Vec::new();
    loop {
        let (message_type, payload) = client.hear().expect("the connection stays");
        match message_type {
            UNCHOKE => break,
            HAVE => assert_eq!(payload, first.to_be_bytes()),
            _ => heard.push(message_type),
        }
    }
    assert!(heard.iter().all(|&message_type| message_type == REQUEST), "{heard:?}");
    client
}
