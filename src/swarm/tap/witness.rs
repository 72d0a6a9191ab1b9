//! `Witness`: decodes what passes on a connection, and has it noted on its page.

use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::peer_id::PeerId;

use super::books::Page;
use super::decoding::{Decoder, Said};
use super::pair::Watch;

/// What is seen on a connection.
#[derive(Debug)]
pub struct Witness {
    page: Page,
    decoders: [Decoder; 2],
    /// What was said and is not noted yet; empty between two calls.
    said: Vec<Said>,
}

impl Witness {
    /// Begins to watch a new connection.
    pub fn new(layout: FileLayout, page: Page) -> Self {
        Self { page, decoders: [Decoder::new(layout), Decoder::new(layout)], said: Vec::new() }
    }

    /// Notes that the connection is gone.
    pub fn closed(&mut self, in_order: bool, reason: &str) {
        for side in [0, 1] {
            self.decoders[side].finish(&mut self.said);
            self.note(side);
        }
        self.page.closed(in_order, reason);
    }

    /// Returns the peer on this side.
    pub const fn peer(&self, side: usize) -> PeerId {
        self.page.peer(side)
    }

    fn note(&mut self, side: usize) {
        for said in self.said.drain(..) {
            self.page.said(side, &said);
        }
    }
}

impl Watch for Witness {
    fn unwanted(&self, side: usize) -> usize {
        self.decoders[side].unwanted()
    }

    fn see(&mut self, side: usize, bytes: &[u8]) {
        self.decoders[side].take(bytes, &mut self.said);
        self.note(side);
    }

    fn passed(&mut self, side: usize, count: usize) {
        self.decoders[side].passed(count, &mut self.said);
        self.note(side);
    }
}
