//! What two machines that meet say to each other. Pure.
//!
//! Both begin with [`GREETING`]. The one that was called says it first, so that a caller never says a word to a program that is not
//! a doctor. It says it only after a pause, in which a peer that dials would speak. Then frames follow: a byte for the kind,
//! four for the length (big-endian), and the body. The caller asks, and the other one answers.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::report::Report;

/// The first line of both. It has more bytes than a handshake (protocol A4), so a peer sees at once that it is not one.
pub const GREETING: &[u8; 33] = b"swarm doctor meets, not a peer 1\n";
/// Number of bytes before a body.
pub const HEAD_LEN: usize = 5;
/// Maximum number of bytes of a body.
pub const MOST_BODY: usize = 64 * 1024;
/// Maximum number of bytes of a body that is no report and no filling.
const MOST_SMALL: usize = 256;

/// A frame.
#[derive(Clone, PartialEq, Debug)]
pub enum Frame {
    /// The caller's machine.
    Hello(Hello),
    /// The machine of the one that was called.
    Welcome(Welcome),
    /// What a machine knows.
    Report(Box<Report>),
    /// The reports of this turn are over.
    Turn,
    /// Asks for the time.
    Ping,
    /// The time, in microseconds since 1970.
    Pong(i64),
    /// Asks to send for a second.
    Ask,
    /// Agrees.
    Go,
    /// Another transfer goes on.
    Busy,
    /// Bytes that only fill the line; their number.
    Fill(usize),
    /// The second is over.
    End,
    /// What has arrived.
    Got(Got),
}

/// Who calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The caller's number.
    pub machine: u64,
}

/// Who was called.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// Its number.
    pub machine: u64,
    /// The address from which the call came.
    pub seen: IpAddr,
}

/// What has arrived in the second.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Got {
    /// Number of bytes.
    pub bytes: u64,
    /// The time that they took.
    pub micros: u64,
}

impl Frame {
    /// Returns the bytes of a frame.
    pub fn bytes(&self) -> Vec<u8> {
        let json = |value: Result<Vec<u8>, serde_json::Error>| value.expect("plain data");
        let (kind, body) = match self {
            Self::Hello(hello) => (1, json(serde_json::to_vec(hello))),
            Self::Welcome(welcome) => (2, json(serde_json::to_vec(welcome))),
            Self::Report(report) => (3, json(serde_json::to_vec(report))),
            Self::Turn => (4, Vec::new()),
            Self::Ping => (5, Vec::new()),
            Self::Pong(micros) => (6, micros.to_be_bytes().to_vec()),
            Self::Ask => (7, Vec::new()),
            Self::Go => (8, Vec::new()),
            Self::Busy => (9, Vec::new()),
            Self::Fill(len) => (10, vec![b'.'; *len]),
            Self::End => (11, Vec::new()),
            Self::Got(got) => (12, json(serde_json::to_vec(got))),
        };
        let len = u32::try_from(body.len()).expect("a short body");
        [&[kind][..], &len.to_be_bytes(), &body].concat()
    }

    /// Returns the frame of this kind with this body.
    ///
    /// # Errors
    /// When there is no such kind, or the body does not suit it.
    pub fn parse(kind: u8, body: &[u8]) -> Result<Self, Malformed> {
        let empty = |frame: Self| if body.is_empty() { Ok(frame) } else { Err(Malformed) };
        match kind {
            1 => serde_json::from_slice(body).map(Self::Hello).map_err(|_| Malformed),
            2 => serde_json::from_slice(body).map(Self::Welcome).map_err(|_| Malformed),
            3 => {
                let report: Report = serde_json::from_slice(body).map_err(|_| Malformed)?;
                if report.is_bounded() { Ok(Self::Report(Box::new(report))) } else { Err(Malformed) }
            }
            4 => empty(Self::Turn),
            5 => empty(Self::Ping),
            6 => body.try_into().map(|bytes| Self::Pong(i64::from_be_bytes(bytes))).map_err(|_| Malformed),
            7 => empty(Self::Ask),
            8 => empty(Self::Go),
            9 => empty(Self::Busy),
            10 => Ok(Self::Fill(body.len())),
            11 => empty(Self::End),
            12 => serde_json::from_slice(body).map(Self::Got).map_err(|_| Malformed),
            _ => Err(Malformed),
        }
    }
}

/// It is not what a doctor says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// Returns the kind and the length of the body that follows.
///
/// # Errors
/// When no frame of this kind is that long. Nothing was allocated then.
pub fn head(head: [u8; HEAD_LEN]) -> Result<(u8, usize), Malformed> {
    let [kind, len @ ..] = head;
    let len = usize::try_from(u32::from_be_bytes(len)).map_err(|_| Malformed)?;
    let most = if matches!(kind, 3 | 10) { MOST_BODY } else { MOST_SMALL };
    if len <= most { Ok((kind, len)) } else { Err(Malformed) }
}

/// What a caller finds at an address that does not greet as a doctor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    /// A doctor, as far as it has spoken.
    Doctor {
        /// Whether the greeting is complete.
        complete: bool,
    },
    /// A peer of the course's protocol that speaks first.
    Peer,
    /// Something else.
    Other,
}

/// Returns who begins with these bytes.
pub fn opening(bytes: &[u8]) -> Opening {
    const PEER: &[u8] = b"P2PFILESHARINGPROJ";
    let common = bytes.len().min(GREETING.len());
    if bytes[..common] == GREETING[..common] {
        Opening::Doctor { complete: common == GREETING.len() }
    } else if bytes.starts_with(PEER) || PEER.starts_with(bytes) {
        Opening::Peer
    } else {
        Opening::Other
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sample;
    use super::*;

    fn read(bytes: &[u8]) -> Result<Frame, Malformed> {
        let (kind, len) = head(bytes[..HEAD_LEN].try_into().expect("a head"))?;
        assert_eq!(len, bytes.len() - HEAD_LEN);
        Frame::parse(kind, &bytes[HEAD_LEN..])
    }

    #[test]
    fn every_frame_is_read_as_it_was_written() {
        let ip = "10.0.0.1".parse().expect("an address");
        for frame in [
            Frame::Hello(Hello { machine: u64::MAX }),
            Frame::Welcome(Welcome { machine: 1, seen: ip }),
            Frame::Report(Box::new(sample::report(7, &[1001]))),
            Frame::Turn,
            Frame::Ping,
            Frame::Pong(-5),
            Frame::Ask,
            Frame::Go,
            Frame::Busy,
            Frame::Fill(MOST_BODY),
            Frame::End,
            Frame::Got(Got { bytes: 5, micros: 6 }),
        ] {
            assert_eq!(read(&frame.bytes()), Ok(frame));
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_by_its_head() {
        for (kind, most) in [(1, MOST_SMALL), (3, MOST_BODY), (10, MOST_BODY), (99, MOST_SMALL)] {
            let with = |len: usize| {
                let [a, b, c, d] = u32::try_from(len).expect("a number").to_be_bytes();
                head([kind, a, b, c, d])
            };
            assert_eq!((with(most), with(most + 1)), (Ok((kind, most)), Err(Malformed)), "{kind}");
        }
        assert_eq!(head([3, 255, 255, 255, 255]), Err(Malformed));
    }

    #[test]
    fn the_greeting_is_no_handshake_and_needs_all_its_bytes() {
        assert!(GREETING.len() > 32 && !GREETING.starts_with(b"P2P"));
        assert_eq!(opening(GREETING), Opening::Doctor { complete: true });
        assert_eq!(opening(&GREETING[..20]), Opening::Doctor { complete: false });
        assert_eq!(opening(b"P2PFILESHARINGPROJ\0\0\0\0\0\0\0\0\0\0\0\0\x03\xe9"), Opening::Peer);
        assert_eq!(opening(b"P2P"), Opening::Peer);
        assert_eq!(opening(b"HTTP/1.1 400"), Opening::Other);
        assert_eq!(opening(b"swarm doctor meets, not a peer 2\n"), Opening::Other);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_refused(kind: u8, body in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(frame) = Frame::parse(kind, &body) {
                prop_assert!(Frame::parse(kind, &frame.bytes()[HEAD_LEN..]).is_ok());
            }
        }

        #[test]
        fn a_report_that_was_damaged_is_bounded_or_refused(place in 0_usize..400, byte: u8) {
            let mut bytes = Frame::Report(Box::new(sample::report(7, &[1001, 1002]))).bytes();
            let place = HEAD_LEN + place % (bytes.len() - HEAD_LEN);
            bytes[place] = byte;
            if let Ok(Frame::Report(report)) = Frame::parse(3, &bytes[HEAD_LEN..]) {
                prop_assert!(report.is_bounded());
            }
        }
    }
}
