//! What breaks the protocol is told (protocol C), and only that.

use peer_process::protocol::message::Message::{Interested, Unchoke};

use crate::capture::{Capture, Connection};
use crate::shark::Shark;
use crate::{bitfield, bytes, handshake, have, piece, request};

/// What a side sends after the connection was opened, with the only fault that is told of it.
fn cases() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let mut reserved = handshake(1002);
    reserved[18..28].fill(b'0');
    let mut ascii_id = handshake(1002);
    ascii_id[28..].copy_from_slice(b"1002");
    let mut java = vec![0xac, 0xed, 0, 5, 0x77, 0x20];
    java.extend(handshake(1002));
    let hello = handshake(1002);
    let after = |messages: &[&[u8]]| {
        let messages = messages.iter().map(|message| message.to_vec());
        std::iter::once(hello.clone()).chain(messages).collect::<Vec<_>>()
    };
    vec![
        ("", after(&[&bitfield(&[1]), &bytes(&Interested), &have(2)])),
        ("header", vec![b"P2PBITTORRENTFILES\0\0\0\0\0\0\0\0\0\0\0\0\x03\xea".to_vec(), bitfield(&[1])]),
        ("header", vec![b"HELLO world, who is there?".to_vec()]),
        ("reserved", vec![reserved, bitfield(&[1])]),
        ("ascii_id", vec![ascii_id, bitfield(&[1])]),
        ("java", vec![java.clone()]),
        ("java", after(&[&java])),
        ("no_handshake", vec![bitfield(&[1])]),
        ("short_length", after(&[&bitfield(&[1]), &[0, 0, 0, 0, 2]])),
        ("short_length", after(&[&bitfield(&[1]), &[0, 0, 0, 4, 4, 0, 0, 0, 9]])),
        ("short_length", after(&[&[0, 0, 0, 3, 5, 0x80, 0, 0, 0, 0, 0, 0, 2]])),
        ("payload_length", after(&[&[0, 0, 0, 2, 2, 0]])),
        ("payload_length", after(&[&[0, 0, 0, 3, 4, 0, 9]])),
        ("payload_length", after(&[&[0, 0, 0, 6, 6, 0, 0, 0, 9, 0]])),
        ("payload_length", after(&[&[0, 0, 0, 3, 7, 0, 0]])),
        ("payload_length", after(&[&[0, 0, 0, 6, 5, 0, 0, 0, 0, 0]])),
        ("too_long", after(&[&[0xff, 0, 0, 1, 4, 0, 0, 0, 1]])),
        ("type", after(&[&[0, 0, 0, 1, 8]])),
        ("type", after(&[&[0, 0, 0, 5, 9, 1, 2, 3, 4], &have(3)])),
        ("late_bitfield", after(&[&have(1), &bitfield(&[1])])),
        ("spare", after(&[&[0, 0, 0, 4, 5, 0, 0, 1]])),
        ("low_bit", after(&[&[0, 0, 0, 4, 5, 0xff, 0xff, 0x0f]])),
        ("index", after(&[&[0, 0, 0, 5, 4, 0, 0, 0, 20]])),
    ]
}

#[test]
fn each_fault_is_told_and_nothing_else() {
    let mut capture = Capture::new();
    for (place, (_, sent)) in cases().iter().enumerate() {
        let dials = format!("10.0.0.2:{}", 40000 + place);
        let mut link = Connection::between(&dials, "10.0.0.1:6001").open(&mut capture);
        for bytes in sent {
            link.send(&mut capture, 0, bytes);
        }
    }
    let Some(shark) = Shark::new(&capture) else { return };
    let names: std::collections::BTreeSet<_> =
        cases().iter().map(|(name, _)| *name).filter(|name| !name.is_empty()).collect();
    for name in names {
        let filter = format!("p2pfs.expert.{name}");
        let shown = shark.column(&["-o", "p2pfs.pieces:20"], &filter, "tcp.stream");
        let wanted = |(place, (case, _)): (usize, (&str, _))| (case == name).then(|| place.to_string());
        let mut wanted: Vec<_> = cases().into_iter().enumerate().filter_map(wanted).collect();
        // A bitfield from the low bit has spare bits, too.
        if name == "spare" {
            wanted.push("21".to_string());
        }
        assert_eq!(shown, wanted, "{name}");
    }
    let all = shark.column(&["-o", "p2pfs.pieces:20"], "p2pfs.expert", "tcp.stream");
    assert_eq!(all.len(), cases().len() - 1, "one frame of each: {all:?}");
}

#[test]
fn faults_that_two_sides_show() {
    let mut capture = Capture::new();
    let mut link = Connection::begun().open(&mut capture);
    link.send(&mut capture, 0, &handshake(1002));
    link.send(&mut capture, 1, &handshake(1001));
    link.send(&mut capture, 0, &bitfield(&[]));
    link.send(&mut capture, 1, &[0, 0, 0, 5, 5, 0xff, 0, 0, 0]);
    link.send(&mut capture, 1, &bytes(&Unchoke));
    link.send(&mut capture, 0, &request(2));
    link.send(&mut capture, 1, &piece(3));
    link.send(&mut capture, 1, &piece(2));
    let Some(shark) = Shark::new(&capture) else { return };
    assert_eq!(shark.frames("p2pfs.expert.other_size"), [7]);
    assert_eq!(shark.frames("p2pfs.expert.unasked"), [10]);
    assert_eq!(shark.frames("p2pfs.expert"), [7, 10]);
}
