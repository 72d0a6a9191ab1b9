//! `End`: why the process ends.

use anyhow::Error;

use crate::protocol::peer_id::PeerId;

/// Why the process ends.
#[derive(Debug)]
pub enum End {
    /// Every peer has the file.
    Finished,
    /// This signal came.
    Signal(i32),
    /// Nothing was heard of these for as long as we were told to wait; with what stood in the way.
    GaveUp(Vec<PeerId>, String),
    /// This fault came.
    Failed(Error),
}
