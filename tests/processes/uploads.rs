//! What a hand-driven neighbor gets for its requests (protocol A7, A8).

use crate::client::{BITFIELD, CHOKE, Client, INTERESTED, NOT_INTERESTED, PIECE, REQUEST, UNCHOKE};
use crate::client::{full_bitfield, index, listen};
use crate::swarm::{Plan, Swarm};

#[test]
fn a_request_while_choked_gets_nothing_and_one_while_unchoked_the_exact_piece() {
    let swarm = Swarm::new(Plan { file_size: 910, piece_size: 100, ..Plan::default() });
    let seeder = swarm.start_and_wait(1001);
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say_index(REQUEST, 4);
    client.say(INTERESTED, &[]);
    assert_eq!(client.hear(), Some((UNCHOKE, vec![])), "and not piece 4");
    // Piece 9 is the last one and shorter.
    for piece in [9_u32, 0, 5, 5] {
        client.say_index(REQUEST, piece);
        assert_eq!(client.hear(), Some((PIECE, [&piece.to_be_bytes(), swarm.piece(piece)].concat())));
    }
    assert_eq!(swarm.piece(9).len(), 10);
    client.say_all_haves(&swarm);
    assert_eq!(client.hear_out(), []);
    drop(client);
    assert_eq!(seeder.wait().status, Some(0));
}

#[test]
fn who_loses_interest_is_choked_at_the_next_tick() {
    let swarm = Swarm::new(Plan::default());
    let seeder = swarm.start_and_wait(1001);
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say(INTERESTED, &[]);
    assert_eq!(client.hear(), Some((UNCHOKE, vec![])));
    client.say(NOT_INTERESTED, &[]);
    assert_eq!(client.hear(), Some((CHOKE, vec![])));
    client.say_index(REQUEST, 0);
    client.say(INTERESTED, &[]);
    assert_eq!(client.hear(), Some((UNCHOKE, vec![])), "and not piece 0");
    drop(seeder);
}

#[test]
fn several_requests_at_once_are_answered_in_order() {
    let swarm = Swarm::new(Plan::default());
    let seeder = swarm.start_and_wait(1001);
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say(INTERESTED, &[]);
    assert_eq!(client.hear(), Some((UNCHOKE, vec![])));
    (0..25).for_each(|piece| client.say_index(REQUEST, piece));
    for piece in 0..25_u32 {
        assert_eq!(client.hear(), Some((PIECE, [&piece.to_be_bytes(), swarm.piece(piece)].concat())));
    }
    drop(seeder);
}

/// As at the start; so the optimistically unchoked one differs from those just preferred.
#[test]
fn where_both_ticks_fall_together_the_preferred_are_selected_first() {
    let swarm = Swarm::new(Plan::default());
    let seeder = swarm.env.start(&["-vv", "1001"]).wait_until_up();
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say(INTERESTED, &[]);
    seeder.wait_for_lines("OptimisticTick", 5);
    seeder.signal("TERM");
    let told = seeder.wait().stderr;
    let ticks: Vec<_> = told.iter().filter_map(|line| line.split("[TRACE] ").nth(1)?.strip_suffix("Tick")).collect();
    assert_eq!(ticks[..10], ["Preferred", "Optimistic"].repeat(5));
}

/// Both sides are in the middle of a piece, and ours does not read until it has sent all of its own.
#[test]
fn two_that_send_each_other_large_pieces_do_not_wait_for_each_other() {
    let swarm = Swarm::new(Plan { file_size: 3 << 25, piece_size: 1 << 25, ..Plan::default() });
    let listener = listen(&swarm, 1001);
    let peer = swarm.start(1002);
    let mut client = Client::accept(&listener);
    client.send(&crate::client::handshake(1001));
    assert_eq!(client.receive(32), crate::client::handshake(1002));
    client.hear_bitfield(&swarm);
    client.say(BITFIELD, &full_bitfield(3));
    client.say(INTERESTED, &[]);
    client.say(UNCHOKE, &[]);
    let (mut requests, mut unchoked, mut has) = (vec![], false, vec![]);
    while has.is_empty() || !unchoked || requests.len() < 2 {
        match client.hear().expect("a message") {
            (REQUEST, piece) => {
                requests.push(index(&piece));
                // The second request is not answered yet.
                if requests.len() == 1 {
                    client.say_piece(&swarm, index(&piece));
                }
            }
            (4, piece) => has.push(index(&piece)),
            (UNCHOKE, _) => unchoked = true,
            (INTERESTED, _) => {}
            other => panic!("{other:?}"),
        }
    }
    client.say_index(REQUEST, has[0]);
    client.say_piece(&swarm, requests[1]);
    let piece = loop {
        let (kind, payload) = client.hear().expect("a message");
        if kind == PIECE {
            break payload;
        }
    };
    assert!(index(&piece) == has[0] && &piece[4..] == swarm.piece(has[0]), "the piece asked for");
    drop(peer);
}
