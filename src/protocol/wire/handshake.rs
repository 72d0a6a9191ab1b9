//! The 32 bytes that each side sends before anything else (protocol A4).

use std::fmt;

use crate::protocol::peer_id::PeerId;

/// Length of a handshake, in bytes.
pub const HANDSHAKE_LEN: usize = 32;

pub(super) const HEADER: &[u8; 18] = b"P2PFILESHARINGPROJ";
pub(super) const ID_START: usize = 28;
/// The start of every Java object stream: its magic number and version.
pub(super) const JAVA_OBJECT_STREAM: [u8; 4] = [0xac, 0xed, 0x00, 0x05];

/// A handshake that has the right header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handshake {
    id: [u8; 4],
}

/// Why bytes are not a handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HandshakeFault {
    /// The sender writes Java objects instead of bytes.
    JavaObjectStream,
    /// The header is a different one.
    OtherHeader,
}

impl Handshake {
    /// Returns the handshake of this peer.
    #[must_use]
    pub fn of(peer: PeerId) -> Self {
        Self { id: peer.number().to_be_bytes() }
    }

    /// Returns the bytes to send.
    #[must_use]
    pub fn to_bytes(self) -> [u8; HANDSHAKE_LEN] {
        let mut bytes = [0; HANDSHAKE_LEN];
        bytes[..HEADER.len()].copy_from_slice(HEADER);
        bytes[ID_START..].copy_from_slice(&self.id);
        bytes
    }

    /// Reads a handshake from the bytes received so far; `None` while more are needed.
    ///
    /// The ten bytes between header and ID should be zero. Some public peers put ASCII zeros there, which is harmless.
    ///
    /// # Errors
    /// As soon as the bytes can no longer become a handshake, so a caller that sends four wrong bytes and waits is answered
    /// at once. The first three bytes of a Java object stream wait for the fourth, so the verdict never changes later.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, HandshakeFault> {
        let seen = bytes.len().min(HEADER.len());
        if bytes.starts_with(&JAVA_OBJECT_STREAM) {
            return Err(HandshakeFault::JavaObjectStream);
        }
        if bytes[..seen] != HEADER[..seen] {
            return if JAVA_OBJECT_STREAM.starts_with(bytes) { Ok(None) } else { Err(HandshakeFault::OtherHeader) };
        }
        let id = bytes.get(ID_START..).and_then(<[u8]>::first_chunk);
        Ok(id.map(|&id| Self { id }))
    }

    /// Returns the first ID that this handshake can mean and for which `known` holds.
    ///
    /// The four bytes are first read as a number. If no such peer is known, they are read as ASCII digits, which some public
    /// peers send.
    #[must_use]
    pub fn peer_id(self, known: impl Fn(PeerId) -> bool) -> Option<PeerId> {
        let binary = PeerId::new(u32::from_be_bytes(self.id));
        // `parse` alone would accept a plus sign.
        let digits = std::str::from_utf8(&self.id).ok().filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
        let digits = digits.and_then(|digits| digits.parse().ok()).and_then(PeerId::new);
        [binary, digits].into_iter().flatten().find(|&id| known(id))
    }

    /// Returns the ID's bytes as a number.
    #[must_use]
    pub const fn id_number(self) -> u32 {
        u32::from_be_bytes(self.id)
    }
}

impl fmt::Display for HandshakeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JavaObjectStream => "sent a Java object stream instead of the handshake",
            Self::OtherHeader => "sent something other than the handshake header 'P2PFILESHARINGPROJ'",
        })
    }
}
