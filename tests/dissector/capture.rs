//! Captures that the tests write themselves: TCP segments in IPv4, IPv6 or Ethernet, in the format of pcap files.

use std::net::SocketAddr;
use std::path::Path;
use std::{fs, iter};

/// The kinds of a capture's frames, as pcap files number them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Frames {
    Ethernet = 1,
    RawIp = 101,
}

/// A capture in the making. A millisecond passes with each frame.
pub struct Capture {
    kind: Frames,
    frames: Vec<Vec<u8>>,
    /// Number of bytes that are kept of each frame.
    pub snap_len: usize,
}

/// A TCP connection in it: first the side that dials.
#[derive(Clone)]
pub struct Connection {
    ends: [SocketAddr; 2],
    /// The number of the next byte that each side sends.
    pub next: [u32; 2],
}

const SYN: u8 = 2;
const ACK: u8 = 16;

impl Capture {
    pub fn new() -> Self {
        Self::of(Frames::RawIp)
    }

    pub fn of(kind: Frames) -> Self {
        Self { kind, frames: Vec::new(), snap_len: 1 << 18 }
    }

    /// Number of the frame that comes next.
    pub fn next_frame(&self) -> usize {
        self.frames.len() + 1
    }

    pub fn write(&self, path: &Path) {
        let mut file = Vec::new();
        for number in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 1 << 18, self.kind as u32] {
            file.extend(number.to_le_bytes());
        }
        for (millis, frame) in (0_u32..).zip(&self.frames) {
            let kept = &frame[..frame.len().min(self.snap_len)];
            let lens = [kept.len(), frame.len()].map(|len| u32::try_from(len).expect("a short frame"));
            for number in [1_700_000_000 + millis / 1000, millis % 1000 * 1000, lens[0], lens[1]] {
                file.extend(number.to_le_bytes());
            }
            file.extend(kept);
        }
        fs::write(path, file).expect("a capture");
    }

    fn add(&mut self, from: SocketAddr, to: SocketAddr, seq: u32, ack: u32, flags: u8, payload: &[u8]) {
        let mut tcp = Vec::new();
        tcp.extend(from.port().to_be_bytes());
        tcp.extend(to.port().to_be_bytes());
        tcp.extend(seq.to_be_bytes());
        tcp.extend(ack.to_be_bytes());
        tcp.extend([5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(payload);
        let len = u16::try_from(tcp.len()).expect("a short segment");
        let mut frame = Vec::new();
        if self.kind == Frames::Ethernet {
            frame.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
            frame.extend(if from.is_ipv4() { [8, 0] } else { [0x86, 0xdd] });
        }
        match (from, to) {
            (SocketAddr::V4(from), SocketAddr::V4(to)) => {
                frame.extend([0x45, 0]);
                frame.extend((len + 20).to_be_bytes());
                frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
                frame.extend(from.ip().octets());
                frame.extend(to.ip().octets());
            }
            (SocketAddr::V6(from), SocketAddr::V6(to)) => {
                frame.extend([0x60, 0, 0, 0]);
                frame.extend(len.to_be_bytes());
                frame.extend([6, 64]);
                frame.extend(from.ip().octets());
                frame.extend(to.ip().octets());
            }
            _ => panic!("both ends have the same version"),
        }
        frame.extend(tcp);
        self.frames.push(frame);
    }
}

impl Connection {
    /// A connection whose beginning is not in the capture, from 40001 to 6001.
    pub fn begun() -> Self {
        Self::between("10.0.0.2:40001", "10.0.0.1:6001")
    }

    pub fn between(dials: &str, listens: &str) -> Self {
        let ends = [dials, listens].map(|end| end.parse().expect("an address and a port"));
        // The second wraps soon.
        Self { ends, next: [1000, u32::MAX - 20] }
    }

    /// Opens it in the capture.
    pub fn open(self, capture: &mut Capture) -> Self {
        let [dials, listens] = self.ends;
        let [a, b] = self.next.map(|next| next.wrapping_sub(1));
        capture.add(dials, listens, a, 0, SYN, &[]);
        capture.add(listens, dials, b, self.next[0], SYN | ACK, &[]);
        capture.add(dials, listens, self.next[0], self.next[1], ACK, &[]);
        self
    }

    /// One segment that comes in order.
    pub fn send(&mut self, capture: &mut Capture, side: usize, bytes: &[u8]) {
        self.send_at(capture, side, self.next[side], bytes);
        self.skip(side, bytes.len());
    }

    /// Segments of these lengths in turn.
    pub fn send_cut(&mut self, capture: &mut Capture, side: usize, mut bytes: &[u8], lens: &[usize]) {
        for len in iter::repeat(lens).flatten() {
            let (segment, rest) = bytes.split_at(bytes.len().min(*len));
            self.send(capture, side, segment);
            bytes = rest;
            if bytes.is_empty() {
                return;
            }
        }
    }

    /// A segment that begins at this number: again, too early or too late.
    pub fn send_at(&self, capture: &mut Capture, side: usize, seq: u32, bytes: &[u8]) {
        capture.add(self.ends[side], self.ends[1 - side], seq, self.next[1 - side], ACK, bytes);
    }

    /// These bytes are not in the capture, or come later.
    pub fn skip(&mut self, side: usize, len: usize) {
        self.next[side] = self.next[side].wrapping_add(u32::try_from(len).expect("few bytes"));
    }
}
