//! `Allowance`: how many more bytes of pieces may be requested under a limit (`--download-limit`).
//!
//! A token bucket without a clock: the code that has one reports the tokens that have arrived. The requests wait, not the
//! reading, so a neighbor's messages are handled at once. A request may be made while any tokens are left, and may cost more
//! than that. The next request then waits until the debt is paid.

/// The allowance of all neighbors, or of one; without a limit it is always open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance(Option<Tokens>);

#[derive(Clone, Copy, Debug)]
struct Tokens {
    /// Number of bytes; negative for a debt.
    left: i64,
    /// Maximum number of bytes that are kept.
    most: i64,
}

impl Allowance {
    /// Returns an allowance that keeps at most this many bytes and is empty; `None` means no limit.
    pub fn new(most: Option<u64>) -> Self {
        Self(most.map(|most| Tokens { left: 0, most: to_signed(most) }))
    }

    /// Reports whether a request may be made.
    pub fn is_open(&self) -> bool {
        self.0.is_none_or(|tokens| tokens.left > 0)
    }

    /// Adds bytes that have arrived.
    pub fn add(&mut self, bytes: u64) {
        if let Some(tokens) = &mut self.0 {
            let with_it = tokens.left.saturating_add(to_signed(bytes)).min(tokens.most);
            // Bytes that were given back may exceed what is kept.
            tokens.left = tokens.left.max(with_it);
        }
    }

    /// Spends the bytes of a piece that was requested, or that arrived unrequested.
    pub fn spend(&mut self, piece_len: u32) {
        if let Some(tokens) = &mut self.0 {
            tokens.left = tokens.left.saturating_sub(i64::from(piece_len));
        }
    }

    /// Gives back the bytes of a piece that will not arrive; if it does, it is spent again.
    pub fn give_back(&mut self, piece_len: u32) {
        if let Some(tokens) = &mut self.0 {
            tokens.left = tokens.left.saturating_add(i64::from(piece_len));
        }
    }
}

fn to_signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
