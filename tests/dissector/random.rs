//! Random bytes, and true streams that are damaged, cut and shuffled: no fault of Lua, and true messages come out.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::capture::{Capture, Connection};
use crate::shark::Shark;
use crate::{bitfield, handshake, have, piece, request};

/// Number of connections in the capture.
const CONNECTIONS: u16 = 600;

/// A few messages, some with a byte changed, and some noise.
fn stream(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = if random.random_bool(0.8) { handshake(1001) } else { Vec::new() };
    for _ in 0..random.random_range(0..6) {
        bytes.extend(match random.random_range(0..6) {
            0 => bitfield(&[1, 5]),
            1 => have(random.random_range(0..20)),
            2 => request(random.random_range(0..20)),
            3 => piece(random.random_range(0..20)),
            4 => vec![0, 0, 0, random.random_range(0..9), random.random_range(0..10)],
            _ => (0..random.random_range(0..50)).map(|_| random.random()).collect(),
        });
    }
    for _ in 0..random.random_range(0..3) {
        if !bytes.is_empty() {
            let place = random.random_range(0..bytes.len());
            bytes[place] = random.random();
        }
    }
    bytes
}

#[test]
fn no_bytes_make_lua_fail() {
    let mut random = StdRng::seed_from_u64(17);
    for snap_len in [1 << 18, 97] {
        let mut capture = Capture::new();
        capture.snap_len = snap_len;
        for port in 0..CONNECTIONS {
            let link = Connection::between(&format!("10.0.0.2:{}", 30000 + port), "10.0.0.1:6001");
            // TCP itself cannot put segments in order whose first was not the first of the connection.
            let disorder = random.random_range(0..4);
            let open = disorder == 0 || random.random_bool(0.5);
            let mut link = if open { link.open(&mut capture) } else { link };
            let mut segments = Vec::new();
            for side in [0, 1] {
                let bytes = stream(&mut random);
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    let (segment, after) = rest.split_at(random.random_range(1..=rest.len().min(700)));
                    segments.push((side, link.next[side], segment.to_vec()));
                    link.skip(side, segment.len());
                    rest = after;
                }
            }
            match disorder {
                0 => segments.shuffle(&mut random),
                1 => segments = segments.iter().flat_map(|segment| [segment.clone(), segment.clone()]).collect(),
                2 if !segments.is_empty() => _ = segments.remove(random.random_range(0..segments.len())),
                _ => {}
            }
            for (side, seq, bytes) in segments {
                link.send_at(&mut capture, side, seq, &bytes);
            }
        }
        let Some(shark) = Shark::new(&capture) else { return };
        // tshark's own word for segments that overlap is no fault of ours.
        // With frames that are cut off, TCP fails at putting segments in order, whatever is in them.
        let in_order = if snap_len > 97 { &["-o", "tcp.reassemble_out_of_order:TRUE"][..] } else { &["-2"] };
        for options in [&[][..], in_order] {
            assert_eq!(
                shark.column(options, "_ws.lua.error || (_ws.malformed && !_ws.malformed.reassembly)", "frame.number"),
                [""; 0],
                "{options:?}"
            );
        }
        assert!(shark.frames("p2pfs.type").len() > usize::from(CONNECTIONS / 2), "most of it is understood");
    }
}
