//! `OwnCall`: a call of this peer to a found address, until the handshakes are over. It may have called itself.

/// What our own listener must know to recognize the call.
#[derive(Debug)]
pub struct OwnCall {
    /// What the call says after the handshakes if the other side has our ID; empty if the system has no random numbers.
    pub password: Vec<u8>,
    /// Whether our own listener has answered it.
    pub is_answered: bool,
}
