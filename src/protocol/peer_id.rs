//! `PeerId`, the number by which `PeerInfo.cfg` and the handshake name a peer (protocol A1, A4).

use std::fmt;
use std::num::NonZeroU32;

/// The ID of a peer: positive, 4 bytes on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(NonZeroU32);

impl PeerId {
    /// Returns the ID with this number, or `None` for 0, which no peer has.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Returns the number, from 1 to 4294967295.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0.get()
    }
}

/// Returns the peers as a sentence names them: `1002, 1003`.
#[must_use]
pub fn list(peers: &[PeerId]) -> String {
    peers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
