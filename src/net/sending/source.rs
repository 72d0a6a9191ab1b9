//! `Source`: where the pieces come from that a neighbor is sent, and who counts them.

use std::sync::Arc;

use crate::disk::storage::PieceStore;
use crate::net::figures::Tally;
use crate::protocol::layout::FileLayout;

/// What a pen needs of this peer.
#[derive(Clone, Debug)]
pub struct Source {
    /// The pieces on disk.
    pub store: Arc<PieceStore>,
    /// The bytes that the neighbor was sent, over all its connections.
    pub tally: Arc<Tally>,
}

impl Source {
    /// How the file is cut.
    pub fn layout(&self) -> FileLayout {
        self.store.layout()
    }
}
