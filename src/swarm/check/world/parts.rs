//! Messages as bytes, and messages that are sent in parts.

use std::time::Duration;

use peer_process::protocol::message::Message;
use peer_process::protocol::wire::encode;

use super::env::Stop;
use super::scene::World;
use crate::check::history::{Said, What};
use crate::check::plan::Nb;

impl World<'_> {
    /// Returns a message as it is sent; a `piece` with the file's bytes.
    pub fn bytes_of(&self, message: &Message) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(message, self.layout, &mut bytes);
        if let Message::Piece(piece) = message {
            let start = usize::try_from(self.layout.offset(*piece)).expect("cases have small files");
            let len = usize::try_from(self.layout.piece_len(*piece)).expect("cases have small files");
            bytes.extend(&self.file[start..start + len]);
        }
        bytes
    }

    /// Sends a message in parts, with a pause after each. `cuts` ascend, and those behind its end do not count. The neighbor must say nothing else by itself meanwhile.
    ///
    /// # Errors
    /// When the run ends.
    pub fn say_in_parts(
        &mut self,
        nb: Nb,
        message: Message,
        cuts: impl IntoIterator<Item = usize>,
        pause: Duration,
    ) -> Result<(), Stop> {
        let bytes = self.bytes_of(&message);
        let mut sent = 0;
        for cut in cuts.into_iter().take_while(|&cut| cut < bytes.len()).chain([bytes.len()]) {
            if cut > sent {
                self.links.send(nb, &bytes[sent..cut]);
                sent = cut;
                if sent < bytes.len() {
                    self.watch(pause)?;
                }
            }
        }
        self.emit(What::Said(nb, Said::Message(message)));
        Ok(())
    }
}
