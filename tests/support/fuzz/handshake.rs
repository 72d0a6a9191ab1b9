//! The handshake (protocol A4): for any bytes, whole or in part, there is one verdict, and it never changes later.

use peer_process::protocol::peer_id::PeerId;
use peer_process::protocol::wire::{HANDSHAKE_LEN, Handshake, diagnosis};

/// Reads the bytes as they would arrive, one more at a time.
pub fn check(bytes: &[u8]) {
    let mut refused = None;
    for end in 0..=bytes.len().min(2 * HANDSHAKE_LEN) {
        match Handshake::read(&bytes[..end]) {
            Ok(None) => assert!(refused.is_none() && end < HANDSHAKE_LEN, "waits for more at {end} bytes"),
            Ok(Some(handshake)) => {
                assert!(refused.is_none() && end >= HANDSHAKE_LEN, "takes {end} bytes for a handshake");
                check_read(handshake, &bytes[..HANDSHAKE_LEN]);
            }
            Err(fault) => {
                for words in [fault.to_string(), diagnosis::of_other_header(&bytes[..end])] {
                    let is_plain = words.starts_with("sent ") && !words.contains(char::is_control);
                    assert!(is_plain, "told as a person would: {words}");
                }
                refused = Some(fault);
            }
        }
    }
}

fn check_read(handshake: Handshake, bytes: &[u8]) {
    let (header, id) = (&bytes[..18], u32::from_be_bytes(bytes[28..].try_into().expect("4 bytes")));
    assert_eq!(header, b"P2PFILESHARINGPROJ");
    assert_eq!(handshake.id_number(), id);
    let written = handshake.to_bytes();
    assert_eq!((&written[..18], &written[18..28], &written[28..]), (header, [0; 10].as_slice(), &bytes[28..]));
    assert_eq!(handshake.peer_id(|_| false), None, "who is not known is nobody");
    let is_filled = bytes[18..28] != [0; 10];
    let told = diagnosis::of_handshake(bytes.try_into().expect("32 bytes"));
    assert_eq!(told.is_empty(), !is_filled && !bytes[28..].iter().all(u8::is_ascii_digit), "{told:?}");
    if let Some(id) = PeerId::new(id) {
        assert_eq!(handshake.peer_id(|known| known == id), Some(id));
        assert_eq!(Handshake::of(id), handshake);
    }
}
