//! What the neighbors do: they speak, hold back, close, listen, and join as strangers.

use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::message::Message;
use peer_process::protocol::piece_set::PieceSet;
use peer_process::protocol::wire::Handshake;

use super::env::Stop;
use super::places::Port;
use super::scene::World;
use crate::check::habits::Habits;
use crate::check::history::{End, Said, What};
use crate::check::plan::Nb;

impl World<'_> {
    /// Sends a message.
    pub fn say(&mut self, nb: Nb, message: Message) {
        let bytes = self.bytes_of(&message);
        self.links.send(nb, &bytes);
        self.emit(What::Said(nb, Said::Message(message)));
    }

    /// Sends the handshake of this neighbor.
    pub fn greet(&mut self, nb: Nb) {
        let id = self.id(nb);
        self.links.send(nb, &Handshake::of(id).to_bytes());
        self.emit(What::Said(nb, Said::Handshake));
    }

    /// Sends bytes that are no message, or parts of one; `what` says what they are.
    pub fn say_raw(&mut self, nb: Nb, bytes: &[u8], what: &'static str) {
        self.links.send(nb, bytes);
        self.emit(What::Said(nb, Said::Raw(what, bytes.len())));
    }

    /// Records that what was sent as raw bytes means this.
    pub fn meant(&mut self, nb: Nb, said: Said) {
        self.emit(What::Said(nb, said));
    }

    /// Announces a piece that the neighbor has from now on.
    pub fn announce(&mut self, nb: Nb, piece: PieceIndex) {
        self.has[nb.0].insert(piece);
        self.say(nb, Message::Have(piece));
    }

    /// Keeps what is sent to a neighbor until [`release`](Self::release), so that it leaves in one write.
    pub fn hold(&mut self, nb: Nb) {
        self.links.hold(nb, true);
    }

    /// Sends what was kept.
    pub fn release(&mut self, nb: Nb) {
        self.links.hold(nb, false);
    }

    /// Stops or starts reading what the peer sends to a neighbor.
    pub fn read_from(&mut self, nb: Nb, reads: bool) -> Result<(), Stop> {
        for (nb, happened) in self.links.read_from(nb, reads, &self.file) {
            self.take(nb, happened);
        }
        self.check_signal()
    }

    /// Closes a neighbor's connection in order.
    pub fn close(&mut self, nb: Nb) {
        if self.links.close(nb, false) {
            self.emit(What::Ended(nb, End::ByUs));
        }
    }

    /// Resets a neighbor's connection.
    pub fn reset(&mut self, nb: Nb) {
        if self.links.close(nb, true) {
            self.emit(What::Ended(nb, End::ByUs));
        }
    }

    /// Lets a neighbor listen that was not up.
    ///
    /// # Errors
    /// When its port was taken meanwhile.
    pub fn listen(&mut self, nb: Nb) -> Result<(), Stop> {
        Ok(self.links.listen(nb, &self.env.addresses)?)
    }

    /// Adds a stranger, who has no line, with these habits.
    pub fn stranger(&mut self) -> Nb {
        let nb = self.facts.add();
        self.links.add_neighbor(Port::given(0));
        let empty = PieceSet::empty(self.layout);
        self.habits.push(Habits::none(empty.clone()));
        self.has.push(empty);
        nb
    }

    /// Asks the peer to end. How it does is not judged.
    pub fn ask_to_end(&mut self) {
        self.is_told_to_end = true;
        if let Some(process) = &self.process {
            process.ask_peer_to_end();
        }
    }
}
