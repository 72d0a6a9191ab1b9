//! `Source`: where the pieces for a neighbor come from, and where their bytes are counted.

use std::sync::Arc;

use crate::disk::storage::PieceStore;
use crate::net::figures::Tally;
use crate::protocol::layout::FileLayout;

/// The parts of this peer that a pen needs.
#[derive(Clone, Debug)]
pub struct Source {
    /// The pieces on disk.
    pub store: Arc<PieceStore>,
    /// The counter of the bytes sent to the neighbor, over all its connections.
    pub tally: Arc<Tally>,
}

impl Source {
    /// Returns how the file is cut into pieces.
    pub fn layout(&self) -> FileLayout {
        self.store.layout()
    }
}
