//! `End`: why the process ends.

use anyhow::Error;

use crate::protocol::peer_id::PeerId;

/// Why the process ends.
#[derive(Debug)]
pub enum End {
    /// Every peer has the file.
    Finished,
    /// This signal arrived.
    Signal(i32),
    /// These neighbors were missing for the whole `--peer-timeout`; the text says why each was missing.
    GaveUp(Vec<PeerId>, String),
    /// Another peer has this peer's ID; the text says where.
    IdTaken(String),
    /// This fault occurred.
    Failed(Error),
}

impl End {
    /// A fault while running: disk full, port taken, ...
    pub const FAULT: u8 = 1;
    /// Wrong usage or configuration.
    pub const USAGE: u8 = 2;
    /// Missing peers did not appear within `--peer-timeout`.
    pub const GAVE_UP: u8 = 3;

    /// Returns the exit status. For a signal it is that of a shell: 130 for SIGINT, 143 for SIGTERM.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::Finished => 0,
            Self::Signal(signal) => u8::try_from(128 + signal).unwrap_or(Self::FAULT),
            Self::GaveUp(..) => Self::GAVE_UP,
            Self::IdTaken(_) => Self::USAGE,
            Self::Failed(_) => Self::FAULT,
        }
    }
}
