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
