//! The table of messages that no peer should send: each closes its connection at once, with one sentence.

use std::time::Duration;

use crate::client::{
    BITFIELD, CHOKE, Client, HAVE, INTERESTED, NOT_INTERESTED, PIECE, REQUEST, UNCHOKE, check_bounds, handshake,
    indexed, message, piece, told,
};
use crate::support::process::Process;
use crate::support::relay::Network;
use crate::support::swarm::{Plan, Swarm};

const PIECE_SIZE: usize = 16_384;
/// 123 pieces, the last of 1152 bytes; 16 bytes of bitfield with 5 spare bits.
const FILE_SIZE: usize = 2_000_000;
const LAST_SIZE: usize = 1152;
/// The limit is a second, but machines may be busy.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);
const FIRST_HOSTILE: u32 = 1101;

/// The bytes after the handshake, and the sentence about them.
type Row = (&'static str, Vec<u8>, &'static str);

/// Returns a message with a length that does not match its content.
fn with_length(length: u32, message_type: u8, payload: &[u8]) -> Vec<u8> {
    [&length.to_be_bytes()[..], &[message_type], payload].concat()
}

fn wrong_lengths() -> Vec<Row> {
    vec![
        ("choke with a payload", message(CHOKE, &[0]), "sent a message 'choke' of length 2 instead of 1"),
        (
            "unchoke with a payload",
            message(UNCHOKE, &[0; 4]),
            "sent a message 'unchoke' of length 5 instead of 1: its length seems to count its own 4 bytes, which it must not",
        ),
        (
            "interested with a payload",
            message(INTERESTED, &[0]),
            "sent a message 'interested' of length 2 instead of 1",
        ),
        (
            "not interested with a payload",
            message(NOT_INTERESTED, &[1]),
            "sent a message 'not interested' of length 2 instead of 1",
        ),
        ("have without an index", message(HAVE, &[]), "sent a message 'have' of length 1 instead of 5"),
        (
            "have of 3 bytes",
            message(HAVE, &[0; 3]),
            "sent a message 'have' of length 4 instead of 5: its length seems to leave out the type, which it must count",
        ),
        (
            "have of 8 bytes",
            message(HAVE, &[0; 8]),
            "sent a message 'have' of length 9 instead of 5: its index seems to have 8 bytes instead of 4",
        ),
        ("request without an index", message(REQUEST, &[]), "sent a message 'request' of length 1 instead of 5"),
        (
            "request of a block",
            message(REQUEST, &[0; 12]),
            "sent a message 'request' of length 13 instead of 5: it looks like a BitTorrent request for a block, but here a request names only a piece",
        ),
        (
            "bitfield of nothing",
            message(BITFIELD, &[]),
            "sent a message 'bitfield' of length 1 instead of 17: its bitfield is empty, like that of a Java BitSet without bits, but zeros must be sent too",
        ),
        (
            "bitfield too short",
            message(BITFIELD, &[0; 15]),
            "sent a message 'bitfield' of length 16 instead of 17: its length seems to leave out the type, which it must count",
        ),
        (
            "bitfield too long",
            message(BITFIELD, &[0; 17]),
            "sent a message 'bitfield' of length 18 instead of 17: perhaps it has a different Common.cfg",
        ),
    ]
}

fn wrong_piece_lengths() -> Vec<Row> {
    vec![
        ("piece without an index", message(PIECE, &[]), "sent a message 'piece' of length 1 instead of 16389"),
        ("piece of half an index", message(PIECE, &[0; 3]), "sent a message 'piece' of length 4 instead of 16389"),
        ("piece without bytes", piece(0, &[]), "sent a message 'piece' of length 5 instead of 16389"),
        (
            "piece too short",
            piece(0, &[7; PIECE_SIZE - 1]),
            "sent a message 'piece' of length 16388 instead of 16389: its length seems to leave out the type, which it must count",
        ),
        (
            "piece too long",
            piece(0, &[7; PIECE_SIZE + 1]),
            "sent a message 'piece' of length 16390 instead of 16389: perhaps it has a different Common.cfg",
        ),
        (
            "last piece padded",
            piece(122, &[7; PIECE_SIZE]),
            "sent a message 'piece' of length 16389 instead of 1157: it seems to pad the last piece, which is shorter than the others",
        ),
        (
            "piece like the last",
            piece(0, &[7; LAST_SIZE]),
            "sent a message 'piece' of length 1157 instead of 16389: perhaps it has a different Common.cfg",
        ),
    ]
}

fn lengths_of_no_message() -> Vec<Row> {
    vec![
        (
            "length 0, then nothing",
            vec![0; 4],
            "sent a message of length 0: its length seems to leave out the type, which it must count",
        ),
        (
            "length 0, then others",
            vec![0; 400],
            "sent a message of length 0: it looks like a BitTorrent keep-alive, which this protocol does not have",
        ),
        (
            "2^32-1 for a have",
            with_length(u32::MAX, HAVE, &[0; 4]),
            "sent a message 'have' of length 4294967295 instead of 5",
        ),
        (
            "2^32-1 for a bitfield",
            with_length(u32::MAX, BITFIELD, &[0xff; 99]),
            "sent a message 'bitfield' of length 4294967295 instead of 17",
        ),
        (
            "2^32-1 for a piece",
            with_length(u32::MAX, PIECE, &[0; 9999]),
            "sent a message 'piece' of length 4294967295 instead of 16389",
        ),
        (
            "the length without the type",
            with_length(4, HAVE, &[0; 4]),
            "sent a message 'have' of length 4 instead of 5: its length seems to leave out the type, which it must count",
        ),
        (
            "the lowest byte first",
            [&5_u32.to_le_bytes()[..], &[HAVE, 0, 0, 0, 0]].concat(),
            "sent a message 'have' of length 83886080 instead of 5: it seems to write numbers with the lowest byte first instead of the highest",
        ),
    ]
}

fn wrong_contents() -> Vec<Row> {
    let spare = message(BITFIELD, &[0xff; 16]);
    let low_bits_first = message(BITFIELD, &[&[0xff; 15][..], &[0x07]].concat());
    let number = |message_type, piece| indexed(message_type, piece);
    vec![
        (
            "type 8, longer than a piece",
            with_length(16_390, 8, &[0; 99]),
            "sent a message of unknown type 8 and length 16390",
        ),
        ("type 255", with_length(u32::MAX, 255, &[]), "sent a message of unknown type 255 and length 4294967295"),
        (
            "a type in ASCII, longer than a piece",
            with_length(16_390, b'4', &[0; 99]),
            "sent a message of unknown type 52 and length 16390: its type seems to be the ASCII digit '4' instead of the \
             number 4",
        ),
        (
            "have, one too far",
            number(HAVE, 123),
            "sent a message 'have' for piece 123, but there are only 123 pieces: it seems to count pieces from 1, but the first is 0",
        ),
        (
            "have, much too far",
            number(HAVE, u32::MAX),
            "sent a message 'have' for piece 4294967295, but there are only 123 pieces: perhaps it has a different Common.cfg",
        ),
        (
            "request, one too far",
            number(REQUEST, 123),
            "sent a message 'request' for piece 123, but there are only 123 pieces: it seems to count pieces from 1, but the first is 0",
        ),
        (
            "piece, one too far",
            piece(123, &[7; PIECE_SIZE]),
            "sent a message 'piece' for piece 123, but there are only 123 pieces: it seems to count pieces from 1, but the first is 0",
        ),
        (
            "spare bits",
            spare,
            "sent a bitfield with bits set after the last piece: its last byte seems to be padded with ones instead of zeros",
        ),
        (
            "the low bit first",
            low_bits_first,
            "sent a bitfield with bits set after the last piece: its bitfield seems to have the low bit first, with a last \
             byte of 07 instead of E0",
        ),
        (
            "a second handshake",
            handshake(1101),
            "sent a message of unknown type 73 and length 1345474630: that is a second handshake",
        ),
        (
            "another protocol",
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            "sent a message of unknown type 47 and length 1195725856: it is text, 'GET / HTTP/1.1'",
        ),
        (
            "Java objects",
            b"\xac\xed\x00\x05sr\x00\x07Message".to_vec(),
            "sent a Java object stream instead of messages",
        ),
        ("noise", (0..999_u32).map(|n| (n * n % 251) as u8 | 0x80).collect(), NOISE),
    ]
}

const NOISE: &str = "sent a message of unknown type 144 and length 2155971721";

/// Messages that are begun and never finished: nothing is wrong with them yet.
fn halves() -> Vec<Vec<u8>> {
    vec![
        vec![],
        vec![0],
        vec![0, 0, 0, 5],
        vec![0, 0, 0, 5, HAVE, 0, 0, 0],
        vec![0, 0, 0, 17, BITFIELD, 0],
        with_length(16_389, PIECE, &[0; 3]),
    ]
}

/// The victim is between a seeder and a leecher that reaches no other peer.
#[test]
fn each_fault_closes_its_connection_with_one_sentence_and_a_leecher_beside_them_gets_its_file() {
    let (rows, halves) =
        ([wrong_lengths(), wrong_piece_lengths(), lengths_of_no_message(), wrong_contents()].concat(), halves());
    let hostile_count = u32::try_from(rows.len() + halves.len()).expect("a short table");
    let mut peers = vec![(1001, true), (1002, false), (1003, false)];
    peers.extend((FIRST_HOSTILE..FIRST_HOSTILE + hostile_count).map(|id| (id, false)));
    // So slow that the leecher is in the middle of its file when the table ends.
    let network = Network::new(3, 100_000, Duration::from_millis(1));
    network.cut(0, 2);
    let swarm = Swarm::behind(Plan { k: 3, file_size: FILE_SIZE, piece_size: PIECE_SIZE, peers }, &network);
    let [seeder, victim, leecher] = [1001, 1002, 1003].map(|id| swarm.start(id, &[]));
    swarm.wait_for_log(1003, "from 1002. Now the number of pieces", 1);

    let address = swarm.address(1002);
    let mut ids = FIRST_HOSTILE..;
    let silent: Vec<_> = (ids.by_ref().zip(halves))
        .map(|(id, half)| {
            let mut client = Client::join(address, id);
            client.say(&half);
            client
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for (id, (what, bytes, fault)) in ids.zip(rows) {
        let mut client = Client::join(address, id);
        client.say(&bytes);
        let took = client.wait_for_close();
        slowest = slowest.max(took);
        assert!(took < CLOSED_WITHIN, "{what}: {took:?}");
        victim.wait_for(&format!("neighbor {id} "));
        assert_eq!(victim.warnings_about(&id.to_string()), [told(id, fault)], "{what}");
    }
    println!("the slowest was closed after {slowest:?}");
    assert_eq!(swarm.count_in_log(1003, "has downloaded the complete file"), 0, "it was there all the time");
    end(&swarm, &network, [seeder, victim, leecher], u64::from(hostile_count) + 2);
    drop(silent);
}

fn end(swarm: &Swarm, network: &Network, peers: [Process; 3], neighbors: u64) {
    (0..3).for_each(|host| network.set_rate(host, 50_000_000));
    swarm.wait_for_file(1002);
    swarm.wait_for_file(1003);
    let [seeder, victim, leecher] = peers;
    check_bounds(&victim, neighbors);
    for peer in [leecher, victim, seeder] {
        peer.terminate();
    }
}
