//! The handshake (protocol A4), and the bytes that public peers send in its place (C).

use peer_process::protocol::peer_id::PeerId;
use peer_process::protocol::wire::{HANDSHAKE_LEN, Handshake, HandshakeFault};

const GOLDEN: &[u8; 32] = b"P2PFILESHARINGPROJ\0\0\0\0\0\0\0\0\0\0\x00\x00\x03\xe9";

fn id(number: u32) -> PeerId {
    PeerId::new(number).expect("a positive number")
}

/// Returns the ID that a handshake with these last four bytes means to a peer that knows these IDs.
fn check_id(last_four: [u8; 4], known: &[u32], expected: Option<u32>) {
    let mut bytes = *GOLDEN;
    bytes[28..].copy_from_slice(&last_four);
    let handshake = Handshake::read(&bytes).expect("the right header").expect("32 bytes");
    let got = handshake.peer_id(|id| known.contains(&id.number()));
    assert_eq!(got, expected.map(id), "{last_four:?} where {known:?} are known");
    assert_eq!(handshake.id_number(), u32::from_be_bytes(last_four), "what an error can name");
}

#[test]
fn golden_bytes_both_ways() {
    assert_eq!(&Handshake::of(id(1001)).to_bytes(), GOLDEN);
    assert_eq!(Handshake::read(GOLDEN), Ok(Some(Handshake::of(id(1001)))));
    assert_eq!(&Handshake::of(id(u32::MAX)).to_bytes()[28..], [255; 4]);
}

#[test]
fn more_is_needed_until_the_last_byte() {
    for count in 0..HANDSHAKE_LEN {
        assert_eq!(Handshake::read(&GOLDEN[..count]), Ok(None), "{count} bytes");
    }
}

#[test]
fn what_follows_in_the_same_read_is_left_alone() {
    let mut bytes = GOLDEN.to_vec();
    bytes.extend([0, 0, 0, 1, 2]);
    assert_eq!(Handshake::read(&bytes), Ok(Some(Handshake::of(id(1001)))));
}

#[test]
fn ascii_zeros_before_the_id_are_accepted() {
    let bytes = b"P2PFILESHARINGPROJ0000000000\x00\x00\x03\xe9";
    assert_eq!(Handshake::read(bytes), Ok(Some(Handshake::of(id(1001)))));
}

#[test]
fn the_id_is_a_big_endian_number() {
    check_id([0, 0, 3, 233], &[1001, 1002], Some(1001));
    check_id([233, 3, 0, 0], &[1001], None);
    check_id([0, 0, 3, 233], &[1002], None);
    check_id([0, 0, 0, 0], &[1001], None);
}

#[test]
fn our_own_id_is_nobody_s() {
    // `known` names the peers that we would talk to, and we are never among them.
    let own = id(1001);
    let handshake = Handshake::of(own);
    assert_eq!(handshake.peer_id(|id| id != own), None);
}

#[test]
fn an_ascii_id_counts_only_when_no_such_binary_id_is_known() {
    let as_number = u32::from_be_bytes(*b"1001");
    check_id(*b"1001", &[1001], Some(1001));
    check_id(*b"1001", &[1001, as_number], Some(as_number));
    check_id(*b"1001", &[1002], None);
    check_id(*b"0007", &[7], Some(7));
    check_id(*b"0000", &[1001], None);
    check_id(*b"10x1", &[1001], None);
    check_id(*b"+100", &[100], None);
    check_id([0xff, 0xfe, b'0', b'1'], &[1], None);
}

#[test]
fn a_java_object_stream_is_recognised_after_4_bytes() {
    let bytes = b"\xac\xed\x00\x05sr\x00\x09Handshake";
    for count in 4..=bytes.len() {
        assert_eq!(Handshake::read(&bytes[..count]), Err(HandshakeFault::JavaObjectStream), "{count} bytes");
    }
    // Fewer bytes could become anything, and a verdict must not change later.
    for count in 1..4 {
        assert_eq!(Handshake::read(&bytes[..count]), Ok(None), "{count} bytes");
        let other = [&bytes[..count], b"P"].concat();
        assert_eq!(Handshake::read(&other), Err(HandshakeFault::OtherHeader), "{other:?}");
    }
}

#[test]
fn another_header_is_recognised_at_its_first_wrong_byte() {
    for place in 0..18 {
        let mut bytes = *GOLDEN;
        bytes[place] ^= 0x20;
        assert_eq!(Handshake::read(&bytes[..place]), Ok(None), "nothing wrong in the first {place} bytes");
        for count in place + 1..=HANDSHAKE_LEN {
            assert_eq!(Handshake::read(&bytes[..count]), Err(HandshakeFault::OtherHeader), "byte {place} of {count}");
        }
    }
    assert_eq!(Handshake::read(b"GET / HTTP/1.1\r\n"), Err(HandshakeFault::OtherHeader));
    assert_eq!(Handshake::read(b"\xac\xed\x00\x06"), Err(HandshakeFault::OtherHeader));
}

#[test]
fn a_fault_is_told_in_a_sentence() {
    assert_eq!(
        format!("Peer 1003 {}", HandshakeFault::JavaObjectStream),
        "Peer 1003 sent a Java object stream instead of the handshake"
    );
    assert_eq!(
        format!("Peer 1003 {}", HandshakeFault::OtherHeader),
        "Peer 1003 sent something other than the handshake header 'P2PFILESHARINGPROJ'"
    );
}
