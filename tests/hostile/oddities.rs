//! What no message of the protocol is and is understood all the same (B): told once a connection, and the exchange goes on.

use crate::client::{BITFIELD, Client, INTERESTED, PIECE, REQUEST, UNCHOKE, indexed, message};
use crate::support::swarm::{Plan, Swarm};

const PIECE_SIZE: usize = 16_384;
/// 123 pieces, 16 bytes of bitfield.
const FILE_SIZE: usize = 2_000_000;

/// Who says them, and how the first is told; a type above 7 may come before the bitfield.
const STRANGE: [(u32, &str); 2] = [
    (1005, "sent a message of unknown type 8 and length 1, which is passed over"),
    (1006, "sent a bitfield that is not its first message; its pieces count as announced"),
];

/// Each comes many times, and the exchange goes on: the neighbor gets pieces behind it, and is told of once.
#[test]
fn strange_types_and_late_bitfields_are_told_once_and_the_exchange_goes_on() {
    let mut peers = vec![(1002, true)];
    peers.extend(STRANGE.map(|(id, _)| (id, false)));
    let swarm = Swarm::on_loopback(Plan { k: 3, file_size: FILE_SIZE, piece_size: PIECE_SIZE, peers });
    let victim = swarm.start(1002, &[]);
    let empty = message(BITFIELD, &[0; 16]);
    let strange =
        [message(8, &[]), message(8, &[0; 4]), message(9, &vec![7; PIECE_SIZE + 4]), message(255, b"bye")].concat();
    for ((id, sentence), odd) in STRANGE.into_iter().zip([strange, empty.repeat(3)]) {
        let mut client = Client::join(swarm.address(1002), id);
        // In the middle of the stream; and one byte at a time where it is short.
        if odd.len() < 1000 {
            client.say(&[empty.clone(), odd, message(INTERESTED, &[])].concat());
        } else {
            odd.chunks(999).for_each(|chunk| client.say(chunk));
            client.say(&[empty.clone(), message(INTERESTED, &[])].concat());
        }
        client.wait_for(UNCHOKE);
        for number in 0..20 {
            client.say(&[message(8, &[]), indexed(REQUEST, number), empty.clone()].concat());
            let heard = client.wait_for(PIECE);
            assert!(heard[..4] == number.to_be_bytes() && heard[4..] == *swarm.piece(number), "piece {number}");
        }
        let told = victim.warnings_about(&id.to_string());
        let first = told.iter().filter(|line| line.ends_with(&format!("neighbor {id} {sentence}"))).count();
        assert_eq!((first, told.len()), (1, 2), "each kind once: {told:#?}");
    }
    victim.terminate();
}
