//! Messages that the protocol does not have, but that are understood (B): reported once per connection, and the exchange
//! continues.

use crate::client::{BITFIELD, Client, INTERESTED, PIECE, REQUEST, UNCHOKE, indexed, message};
use crate::support::swarm::{Plan, Swarm};

const PIECE_SIZE: usize = 16_384;
/// 123 pieces, 16 bytes of bitfield.
const FILE_SIZE: usize = 2_000_000;

const SENTENCES: [&str; 2] = [
    "sent a message of unknown type 8 and length 1, which is skipped",
    "sent a bitfield that is not its first message; its pieces count as announced",
];

/// Two neighbors, one after the other.
const IDS: [u32; 2] = [1005, 1006];

/// Each comes many times, and the exchange continues: the neighbor gets pieces after it, and is reported once.
#[test]
fn strange_types_and_late_bitfields_are_told_once_and_the_exchange_goes_on() {
    let mut peers = vec![(1002, true)];
    peers.extend(IDS.map(|id| (id, false)));
    let swarm = Swarm::on_loopback(Plan { k: 3, file_size: FILE_SIZE, piece_size: PIECE_SIZE, peers });
    let victim = swarm.start(1002, &[]);
    let empty = message(BITFIELD, &[0; 16]);
    let strange =
        [message(8, &[]), message(8, &[0; 4]), message(9, &vec![7; PIECE_SIZE + 4]), message(255, b"bye")].concat();
    // Even before the bitfield.
    let openings = [[strange, empty.clone()].concat(), empty.repeat(4)];
    for (id, opening) in IDS.into_iter().zip(openings) {
        let mut client = Client::join(swarm.address(1002), id);
        [opening, message(INTERESTED, &[])].concat().chunks(999).for_each(|chunk| client.say(chunk));
        client.wait_for(UNCHOKE);
        for number in 0..20 {
            client.say(&[message(8, &[]), indexed(REQUEST, number), empty.clone()].concat());
            let heard = client.wait_for(PIECE);
            assert!(heard[..4] == number.to_be_bytes() && heard[4..] == *swarm.piece(number), "piece {number}");
        }
    }
    // All lines were written by then, and each kind once.
    let mut told = victim.terminate().lines;
    told.retain(|line| line.contains("[WARN]"));
    for id in IDS {
        let name = format!("peer 1002: [WARN] neighbor {id} ");
        let about: Vec<_> = told.iter().filter_map(|line| line.strip_prefix(&name)).collect();
        assert!(about.len() == 2 && SENTENCES.iter().all(|sentence| about.contains(sentence)), "{told:#?}");
    }
}
