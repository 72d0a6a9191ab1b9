//! Every field, the column, and who is asked first about the bytes.

use std::thread;

use peer_process::protocol::message::Message::{Choke, Interested, NotInterested, Unchoke};

use crate::capture::{Capture, Connection, Frames};
use crate::shark::Shark;
use crate::{INFO, PROTOCOL, bitfield, bytes, handshake, have, piece, request};

/// 1002 dials 1001 and gets piece 3; each message has a segment.
fn exchange(capture: &mut Capture, mut link: Connection) -> usize {
    let first = capture.next_frame();
    link.send(capture, 0, &handshake(1002));
    link.send(capture, 1, &handshake(1001));
    link.send(capture, 0, &bitfield(&[]));
    link.send(capture, 1, &bitfield(&[3, 4, 17, 19]));
    link.send(capture, 0, &bytes(&Interested));
    link.send(capture, 1, &bytes(&Unchoke));
    link.send(capture, 0, &request(3));
    link.send(capture, 1, &piece(3));
    link.send(capture, 0, &have(3));
    link.send(capture, 0, &bytes(&NotInterested));
    link.send(capture, 1, &bytes(&Choke));
    first
}

const LINES: [&str; 11] = [
    "1002 -> ?: handshake of 1002",
    "1001 -> 1002: handshake of 1001",
    "1002 -> 1001: bitfield (0 set)",
    "1001 -> 1002: bitfield (4 set)",
    "1002 -> 1001: interested",
    "1001 -> 1002: unchoke",
    "1002 -> 1001: request 3",
    "1001 -> 1002: piece 3 (1000 bytes)",
    "1002 -> 1001: have 3",
    "1002 -> 1001: not interested",
    "1001 -> 1002: choke",
];

#[test]
fn the_column_has_the_words_of_the_protocol() {
    let ends = [
        ("10.0.0.2:40001", "10.0.0.1:6001"),
        ("[fe80::2]:40002", "[fe80::1]:6008"),
        // Ports of nobody, of X11 beyond ours, and of HTTP: the handshake is known there.
        ("10.0.0.2:40003", "10.0.0.1:50123"),
        ("10.0.0.2:40004", "10.0.0.1:6010"),
        ("10.0.0.2:40005", "10.0.0.1:8080"),
        ("127.0.0.1:40006", "127.0.0.1:6002"),
    ];
    for kind in [Frames::RawIp, Frames::Ethernet] {
        let mut capture = Capture::of(kind);
        for (dials, listens) in ends {
            let link = Connection::between(dials, listens).open(&mut capture);
            exchange(&mut capture, link);
        }
        let Some(shark) = Shark::new(&capture) else { return };
        let rows = shark.fields(&[], "tcp.len > 0", &[PROTOCOL, INFO]);
        let wanted: Vec<_> = LINES.repeat(ends.len()).into_iter().map(|line| ["P2PFS", line]).collect();
        assert_eq!(rows, wanted);
        assert_eq!(shark.frames("x11 || http || p2pfs.expert"), [0; 0]);
    }
}

/// Each filter, and the frames of the exchange that it shows, counted from 0.
const FILTERS: [(&str, &[usize]); 31] = [
    ("p2pfs", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ("p2pfs.header == \"P2PFILESHARINGPROJ\"", &[0, 1]),
    ("p2pfs.reserved == 00:00:00:00:00:00:00:00:00:00", &[0, 1]),
    ("p2pfs.peer_id == 1002", &[0]),
    ("p2pfs.length == 1", &[4, 5, 9, 10]),
    ("p2pfs.type == 0", &[10]),
    ("p2pfs.type == 1", &[5]),
    ("p2pfs.type == 2", &[4]),
    ("p2pfs.type == 3", &[9]),
    ("p2pfs.type == 4", &[8]),
    ("p2pfs.type == 5", &[2, 3]),
    ("p2pfs.type == 6", &[6]),
    ("p2pfs.type == 7", &[7]),
    ("p2pfs.type == \"unchoke\"", &[5]),
    ("p2pfs.index == 3", &[6, 7, 8]),
    ("p2pfs.bitfield == 18:00:50", &[3]),
    ("p2pfs.bitfield.count == 4", &[3]),
    ("p2pfs.bitfield.spare == 0", &[2, 3]),
    ("p2pfs.data contains 03:0a:11", &[7]),
    ("p2pfs.data_len == 1000", &[7]),
    ("p2pfs.message == \"request 3\"", &[6]),
    ("p2pfs.sender == 1001", &[1, 3, 5, 7, 10]),
    ("p2pfs.receiver == 1001", &[2, 4, 6, 8, 9]),
    ("p2pfs.peers == \"1002 -> 1001\"", &[2, 4, 6, 8, 9]),
    ("p2pfs.handshake.sender == 1 && p2pfs.handshake.receiver == 0", &[0]),
    ("p2pfs.handshake.receiver == 1", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ("p2pfs.request_in == 10", &[7]),
    ("p2pfs.response_in == 11", &[6]),
    ("p2pfs.response_time == 0.001", &[7]),
    ("p2pfs.payload || p2pfs.continuation || p2pfs.retransmitted || p2pfs.undecoded", &[]),
    ("p2pfs.expert", &[]),
];

#[test]
fn each_field_can_be_filtered_by() {
    let mut capture = Capture::new();
    let link = Connection::begun().open(&mut capture);
    let first = exchange(&mut capture, link);
    let Some(shark) = Shark::new(&capture) else { return };
    let check = |filter: &str, wanted: &[usize]| {
        // `-2` gives what comes later to what came before, such as the answer to a request.
        let shown = shark.column(&["-2", "-o", "p2pfs.pieces:20"], filter, "frame.number");
        let wanted: Vec<_> = wanted.iter().map(|place| (place + first).to_string()).collect();
        assert_eq!(shown, wanted, "{filter}");
    };
    // tshark mostly waits while it starts.
    for filters in FILTERS.chunks(6) {
        thread::scope(|scope| {
            for (filter, wanted) in filters {
                scope.spawn(|| check(filter, wanted));
            }
        });
    }
}

#[test]
fn json_names_the_fields_as_the_filters_do() {
    let mut capture = Capture::new();
    let link = Connection::begun().open(&mut capture);
    exchange(&mut capture, link);
    let Some(shark) = Shark::new(&capture) else { return };
    let shown = shark.run(&["-Y", "p2pfs.type == 7", "-T", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let layer = &shown[0]["_source"]["layers"]["p2pfs"];
    for (field, value) in [("type", "7"), ("index", "3"), ("data_len", "1000"), ("peers", "1001 -> 1002")] {
        assert_eq!(layer[format!("p2pfs.{field}")], value, "{layer}");
    }
}

#[test]
fn the_ports_are_a_setting_and_x11_keeps_its_own() {
    let mut capture = Capture::new();
    let mut x11 = Connection::between("10.0.0.2:40001", "10.0.0.1:6001").open(&mut capture);
    x11.send(&mut capture, 0, b"l\0\x0b\0\0\0\0\0\0\0\0\0");
    // In the middle of a connection, on a port of nobody.
    let mut link = Connection::between("10.0.0.2:40002", "10.0.0.1:50123");
    link.send(&mut capture, 1, &have(17));
    let Some(shark) = Shark::new(&capture) else { return };
    assert_eq!(shark.frames("x11"), [4]);
    assert_eq!(shark.frames("p2pfs"), [0; 0]);
    assert_eq!(shark.column(&["-o", "p2pfs.ports:7001,50120-50129"], "p2pfs", INFO), ["have 17"]);
    assert_eq!(shark.column(&["-d", "tcp.port==50123,p2pfs"], "p2pfs", INFO), ["have 17"]);
    let shown = shark.column(&["-o", "p2pfs.ports:50123", "-o", "p2pfs.anywhere:FALSE"], "x11 || p2pfs", PROTOCOL);
    assert_eq!(shown, ["X11", "P2PFS"]);
}
