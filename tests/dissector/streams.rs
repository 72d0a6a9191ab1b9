//! How segments cut a stream must not matter; and what is shown where segments are lost, late, or come again.

use peer_process::protocol::message::Message::{Interested, Unchoke};

use crate::capture::{Capture, Connection};
use crate::shark::Shark;
use crate::{INFO, bitfield, bytes, handshake, have, piece, request};

const IN_ORDER: &[&str] = &["-o", "tcp.reassemble_out_of_order:TRUE"];

/// What the seeder sends, with what is told of each message.
fn stream() -> (Vec<u8>, Vec<&'static str>) {
    let parts = [
        (handshake(1001), "handshake of 1001"),
        (bitfield(&[0, 1, 2, 3]), "bitfield (4 set)"),
        (bytes(&Unchoke), "unchoke"),
        (piece(3), "piece 3 (1000 bytes)"),
        (have(17), "have 17"),
        (piece(19), "piece 19 (500 bytes)"),
        (bytes(&Interested), "interested"),
    ];
    (parts.iter().flat_map(|(bytes, _)| bytes.clone()).collect(), parts.map(|(_, told)| told).to_vec())
}

/// All that is told of a side's messages, without the peers' IDs.
fn told(lines: &[String]) -> Vec<&str> {
    let told = |line: &'_ str| line.split_once(": ").map_or(0, |(peers, _)| peers.len() + 2);
    // In its second pass tshark adds words of its own to a frame whose last message goes on.
    let own = |line: &'_ str| {
        line.len() - line.strip_suffix(" [TCP segment of a reassembled PDU]").map_or(0, |rest| line.len() - rest.len())
    };
    lines.iter().flat_map(|line| line[told(line)..own(line)].split("; ")).collect()
}

#[test]
fn a_stream_may_be_cut_anywhere() {
    let cuts: [&[usize]; 9] = [&[1], &[3], &[5], &[7, 2], &[18, 14], &[100], &[536], &[999, 1], &[1448]];
    let mut capture = Capture::new();
    let (bytes, wanted) = stream();
    for (port, lens) in (6001..=6008).cycle().zip(cuts) {
        let dials = format!("10.0.0.2:{}", 40000 + capture.next_frame());
        let mut link = Connection::between(&dials, &format!("10.0.0.1:{port}")).open(&mut capture);
        link.send_cut(&mut capture, 1, &bytes, lens);
    }
    let Some(shark) = Shark::new(&capture) else { return };
    for options in [&[][..], IN_ORDER, &["-2"]] {
        let rows = shark.fields(options, "p2pfs", &["tcp.stream", INFO]);
        for (stream, lens) in cuts.iter().enumerate() {
            let of_stream = rows.iter().filter(|row| row[0] == stream.to_string());
            let lines: Vec<_> = of_stream.map(|row| row[1].clone()).collect();
            assert_eq!(told(&lines), wanted, "cut after {lens:?} with {options:?}");
        }
    }
    assert_eq!(shark.frames("p2pfs.expert"), [0; 0]);
}

#[test]
fn several_messages_in_a_segment_are_all_there() {
    let mut capture = Capture::new();
    let mut link = Connection::begun().open(&mut capture);
    let (bytes, wanted) = stream();
    link.send(&mut capture, 1, &bytes);
    let Some(shark) = Shark::new(&capture) else { return };
    // `have 17` is there and so is `piece 3`, but no `have 3`: a filter of two fields cannot tell, for it looks at the packet.
    assert_eq!(shark.frames("p2pfs.message == \"have 17\""), [4]);
    assert_eq!(shark.frames("p2pfs.message == \"have 3\""), [0; 0]);
    assert_eq!(shark.frames("p2pfs.type == 4 && p2pfs.index == 3"), [4]);
    let rows = shark.fields(&[], "p2pfs", &["p2pfs.type", "p2pfs.index", "p2pfs.peer_id", INFO]);
    let told = format!("1001 -> ?: {}", wanted.join("; "));
    assert_eq!(rows, [["5,1,7,4,7,2", "3,17,19", "1001", told.as_str()]]);
}

#[test]
fn segments_that_come_again_are_no_new_messages() {
    let mut capture = Capture::new();
    let mut link = Connection::begun().open(&mut capture);
    let (bytes, wanted) = stream();
    for segment in bytes.chunks(400) {
        let seq = link.next[1];
        link.send(&mut capture, 1, segment);
        link.send_at(&mut capture, 1, seq, segment);
    }
    let Some(shark) = Shark::new(&capture) else { return };
    for options in [&[][..], IN_ORDER, &["-2"]] {
        let lines = shark.column(options, "p2pfs.type || p2pfs.peer_id", INFO);
        assert_eq!(told(&lines), wanted, "{options:?}");
    }
}

#[test]
fn segments_that_come_too_late() {
    let (bytes, wanted) = stream();
    let segments: Vec<_> = bytes.chunks(400).collect();
    for late in 0..segments.len() - 1 {
        let mut capture = Capture::new();
        let mut link = Connection::begun().open(&mut capture);
        for (place, segment) in segments.iter().enumerate() {
            if place == late {
                link.skip(1, segment.len());
            } else {
                let seq = link.next[1];
                link.send(&mut capture, 1, segment);
                if place == late + 1 {
                    let missing = u32::try_from(segments[late].len()).expect("few bytes");
                    link.send_at(&mut capture, 1, seq.wrapping_sub(missing), segments[late]);
                }
            }
        }
        // The last message follows in any case.
        link.send(&mut capture, 1, &have(5));
        let Some(shark) = Shark::new(&capture) else { return };
        let lines = shark.column(IN_ORDER, "p2pfs.type || p2pfs.peer_id", INFO);
        let all: Vec<_> = wanted.iter().copied().chain(["have 5"]).collect();
        assert_eq!(told(&lines), all, "segment {late} late");
        let lines = shark.column(&[], "p2pfs", INFO);
        assert_eq!(told(&lines).last(), Some(&"have 5"), "segment {late} late, and not put in order: {lines:?}");
    }
}

#[test]
fn a_capture_may_begin_in_the_middle() {
    let mut capture = Capture::new();
    let mut link = Connection::begun();
    let whole = piece(3);
    link.send(&mut capture, 1, &whole[300..]);
    link.send(&mut capture, 0, &[have(3), request(4)].concat());
    link.send(&mut capture, 1, &piece(4));
    let Some(shark) = Shark::new(&capture) else { return };
    // The first bytes could be those of any protocol.
    assert_eq!(shark.column(&[], "p2pfs", INFO), ["have 3; request 4", "piece 4 (1000 bytes)"]);
    let rows = shark.fields(&[], "p2pfs.request_in", &["p2pfs.request_in", "p2pfs.response_time", "p2pfs.sender"]);
    assert_eq!(rows, [["2", "0.001000000", ""]]);
}

#[test]
fn another_protocol_on_the_ports_of_peers_is_left_alone_in_the_middle_of_a_connection() {
    let mut capture = Capture::new();
    let said: [&[u8]; 3] =
        [b"GET / HTTP/1.1\r\n\r\n", &[0x17, 3, 3, 0, 4, 1, 2, 3, 4], &[1, 0, 9, 0, 0, 0, 0, 0, 1, 2, 3, 4]];
    for (port, bytes) in (6002..).zip(said) {
        let mut link = Connection::between(&format!("10.0.0.2:{}", 40000 + port), &format!("10.0.0.1:{port}"));
        link.send(&mut capture, 0, bytes);
        link.send(&mut capture, 1, bytes);
    }
    let Some(shark) = Shark::new(&capture) else { return };
    assert_eq!(shark.frames("p2pfs"), [0; 0]);
}

#[test]
fn a_capture_may_lack_a_segment_or_the_ends_of_frames() {
    let mut capture = Capture::new();
    let mut link = Connection::begun().open(&mut capture);
    link.send(&mut capture, 1, &handshake(1001));
    link.send(&mut capture, 1, &piece(1)[..500]);
    link.skip(1, 509);
    link.send(&mut capture, 1, &have(7));
    let Some(shark) = Shark::new(&capture) else { return };
    let lines = shark.column(&[], "p2pfs", INFO);
    assert_eq!(told(&lines).last(), Some(&"have 7"), "{lines:?}");

    let mut capture = Capture::new();
    capture.snap_len = 80;
    let mut link = Connection::begun().open(&mut capture);
    link.send_cut(&mut capture, 1, &stream().0, &[32, 8, 5, 600]);
    let Some(shark) = Shark::new(&capture) else { return };
    let lines = shark.column(&[], "p2pfs", INFO);
    let wanted = ["handshake of 1001", "bitfield (4 set)", "unchoke", "piece 3 (1000 bytes)"];
    assert_eq!(told(&lines)[..4], wanted, "{lines:?}");
}
