//! `Allowance`: how many bytes of pieces may still be asked for under a limit (`--download-limit`).
//!
//! A token bucket without a clock: who knows the time reports what has come into it. It is the requests that wait, and not the
//! reading, so that what a neighbor says is heard at once. A request is made while anything is left, and may cost more than
//! that; then the next one waits until it is made up for.

/// Of all neighbors, or of one; without a limit it is always enough.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance(Option<Tokens>);

#[derive(Clone, Copy, Debug)]
struct Tokens {
    /// Bytes; less than 0 is a debt.
    left: i64,
    /// Maximum number that is kept.
    most: i64,
}

impl Allowance {
    /// Nothing yet, if there is a limit, under which at most this many bytes are kept.
    pub fn new(most: Option<u64>) -> Self {
        Self(most.map(|most| Tokens { left: 0, most: to_signed(most) }))
    }

    /// Whether something may be asked for.
    pub fn is_open(&self) -> bool {
        self.0.is_none_or(|tokens| tokens.left > 0)
    }

    /// This many bytes have come into it.
    pub fn add(&mut self, bytes: u64) {
        if let Some(tokens) = &mut self.0 {
            let with_it = tokens.left.saturating_add(to_signed(bytes)).min(tokens.most);
            // What was given back may be more than is kept.
            tokens.left = tokens.left.max(with_it);
        }
    }

    /// A piece of this length was asked for, or has come unasked.
    pub fn spend(&mut self, piece_len: u32) {
        if let Some(tokens) = &mut self.0 {
            tokens.left = tokens.left.saturating_sub(i64::from(piece_len));
        }
    }

    /// It will not come, or counts again if it does.
    pub fn give_back(&mut self, piece_len: u32) {
        if let Some(tokens) = &mut self.0 {
            tokens.left = tokens.left.saturating_add(i64::from(piece_len));
        }
    }
}

fn to_signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
