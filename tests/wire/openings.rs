//! The sentences about the first bytes of a connection: odd handshakes that are understood, and bytes in place of a handshake
//! (protocol C).

use peer_process::protocol::wire::diagnosis::{of_handshake, of_id, of_opening, of_other_header};
use peer_process::protocol::wire::{Handshake, HandshakeFault};

/// Returns the sentences about an odd handshake that is understood.
fn check_odd(bytes: &[u8; 32], sentences: &[&str]) {
    assert!(matches!(Handshake::read(bytes), Ok(Some(_))), "{bytes:?}");
    let told: Vec<_> = of_handshake(bytes).into_iter().map(|mistake| mistake.to_string()).collect();
    assert_eq!(told, sentences, "{bytes:?}");
}

#[test]
fn an_ascii_handshake_and_other_bytes_than_zeros() {
    check_odd(b"P2PFILESHARINGPROJ\0\0\0\0\0\0\0\0\0\0\x00\x00\x03\xe9", &[]);
    check_odd(
        b"P2PFILESHARINGPROJ0000000000\x00\x00\x03\xe9",
        &["its handshake has ten ASCII zeros where zero bytes belong"],
    );
    let ascii_id = "its handshake has the ID in ASCII digits, '1001', where a 4-byte number belongs";
    check_odd(b"P2PFILESHARINGPROJ\0\0\0\0\0\0\0\0\0\x001001", &[ascii_id]);
    check_odd(
        b"P2PFILESHARINGPROJ00000000001001",
        &["its handshake is text: ten ASCII zeros for the zero bytes, and ASCII digits for the ID's 4 bytes"],
    );
    check_odd(
        b"P2PFILESHARINGPROJECT\0\0\0\0\0\0\0\x00\x00\x03\xe9",
        &["its handshake has 'ECT' where ten zero bytes belong"],
    );
    check_odd(
        b"P2PFILESHARINGPROJ\0\0\0\0\0\0\0\0\0\x011001",
        &["its handshake has 00 00 00 00 00 00 00 00 00 01 where ten zero bytes belong", ascii_id],
    );
    check_odd(
        b"P2PFILESHARINGPROJ          \x00\x00\x03\xe9",
        &["its handshake has '          ' where ten zero bytes belong"],
    );
}

#[test]
fn an_id_that_nobody_has() {
    let told = |number| of_id(number, |id| id.number() == 1001).map(|mistake| mistake.to_string());
    assert_eq!(told(1002), None);
    assert_eq!(told(0), None);
    assert_eq!(
        told(1001_u32.swap_bytes()).as_deref(),
        Some("with the highest byte first, as the protocol demands, its ID would be 1001")
    );
    assert_eq!(
        told(u32::from_be_bytes(*b"1009")).as_deref(),
        Some("its handshake has the ID in ASCII digits, '1009', where a 4-byte number belongs")
    );
}

/// Bytes that do not start with the header, their form in a sentence, and the likely mistake, if there is one.
const OPENINGS: &[(&[u8], &str, &str)] = &[
    (b"HELLO", "'HELLO'", ""),
    (b"HELLO\r\n", "'HELLO'", ""),
    (b"x", "'x'", ""),
    (b"\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91", "91 91 91 91 91 91 91 91 91 91 91 91 …", ""),
    (b"\n", "0A", ""),
    (b"HE\x1b[2J", "48 45 1B 5B 32 4A", ""),
    (
        b"\x00\x00\x00\x20P2PFILESHARINGPROJ\0\0\0\0\0\0\0\0\0\0",
        "00 00 00 20 50 32 50 46 49 4C 45 53 …",
        "it seems to send a length first, but a handshake has no length",
    ),
    (b"\x00\x00\x00\x20", "00 00 00 20", "it seems to send a length first, but a handshake has no length"),
    (b"\x00\x00\x00\x12", "00 00 00 12", "it seems to send a length first, but a handshake has no length"),
    (b"\x00\x00\x00\x20P", "00 00 00 20 50", "it seems to send a length first, but a handshake has no length"),
    (
        b"\x20\x00\x00\x00P2PF",
        "20 00 00 00 50 32 50 46",
        "it seems to send a length first, but a handshake has no length",
    ),
    (
        b"\x00\x12P2PFILESHARINGPROJ\0\0\0\0\0\0\0\0\0\0",
        "00 12 50 32 50 46 49 4C 45 53 48 41 …",
        "it seems to use Java's writeUTF, which puts a length of 2 bytes first",
    ),
    (b"\x00\x12", "00 12", "it seems to use Java's writeUTF, which puts a length of 2 bytes first"),
    (b"\x00\x12P", "00 12 50", "it seems to use Java's writeUTF, which puts a length of 2 bytes first"),
    (
        b"w\x20P2PFILESHARINGPROJ\0\0",
        "'w P2PFILESHARINGPROJ'",
        "it seems to use Java's ObjectOutputStream, which puts its own blocks around the bytes",
    ),
    (
        b"\xef\xbb\xbfP2PFILESHARINGPROJ",
        "EF BB BF 50 32 50 46 49 4C 45 53 48 …",
        "the header comes only after 3 other bytes",
    ),
    (b"\x12P2PFILE", "12 50 32 50 46 49 4C 45", "the header comes only after 1 other byte"),
    (b"P2PBITTORRENTFILES\0\0", "'P2PBITTORRENTFILES'", "that is the header of another year's project"),
    (b"P2PB", "'P2PB'", "that is the header of another year's project"),
    (b"CEN5501C2008SPRING\0\0", "'CEN5501C2008SPRING'", "that is the header of another year's project"),
    (b"P2PFILESHARINGPROT", "'P2PFILESHARINGPROT'", "it differs from the header from byte 18 on"),
    (b"p2pfilesharingproj", "'p2pfilesharingproj'", "it differs from the header from byte 1 on"),
    (b"P2PFILE_SHARING", "'P2PFILE_SHARING'", "it differs from the header from byte 8 on"),
    (
        b"\x13BitTorrent protocol\0\0\0\0",
        "13 42 69 74 54 6F 72 72 65 6E 74 20 …",
        "that is the handshake of BitTorrent itself",
    ),
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "'GET / HTTP/1.1'", "that is HTTP"),
    (b"\x16\x03\x01\x02\x00\x01", "16 03 01 02 00 01", "that is the start of a TLS connection"),
    (
        b"\x80\x04\x95\x19\x00\x00\x00",
        "80 04 95 19 00 00 00",
        "it seems to use Python's pickle instead of the protocol's bytes",
    ),
    (
        b"\x80\x04\x95\x24\0\0\0\0\0\0\0C\x20P2PFILESHARINGPROJ\0\0\0\0\0\0\0\0\0\0\0\0\x03\xe9\x94.",
        "80 04 95 24 00 00 00 00 00 00 00 43 …",
        "it seems to use Python's pickle instead of the protocol's bytes",
    ),
    (b"GET /P2PFILESHARINGPROJ", "'GET /P2PFILESHARINGPROJ'", "that is HTTP"),
    (b"P\x002\x00P\x00", "50 00 32 00 50 00", "it seems to write 2-byte characters, as Java's writeChars does"),
    (b"\x00P\x002", "00 50 00 32", "it seems to write 2-byte characters, as Java's writeChars does"),
    (b"\x00\x00\x00\x01\x02", "00 00 00 01 02", "it seems to begin with a message, but the handshake comes first"),
    (
        b"\x00\x00\x00\x28\x05\xff\xff",
        "00 00 00 28 05 FF FF",
        "it seems to begin with a message, but the handshake comes first",
    ),
];

#[test]
fn what_is_not_a_handshake_is_shown_and_named() {
    for (bytes, shown, mistake) in OPENINGS {
        assert_eq!(Handshake::read(bytes), Err(HandshakeFault::OtherHeader), "{shown}");
        let mistake = if mistake.is_empty() { String::new() } else { format!(": {mistake}") };
        assert_eq!(
            of_other_header(bytes),
            format!("sent {shown} instead of the handshake header 'P2PFILESHARINGPROJ'{mistake}")
        );
    }
}

#[test]
fn a_guess_from_few_bytes_is_none_or_the_one_from_more() {
    for (bytes, shown, _) in OPENINGS {
        let whole = of_opening(bytes);
        for count in 1..bytes.len() {
            let early = of_opening(&bytes[..count]);
            assert!(early.is_none() || early == whole, "{count} bytes of {shown}: {early:?}, later {whole:?}");
        }
    }
}
