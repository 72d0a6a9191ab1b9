//! Dialing, sending, receiving and losing: what runners and systems do with connections, in virtual time.

use peer_process::peer::{Ending, Event, Opener};

use crate::link::{Connection, DIALER, End, EndId, Item};
use crate::scenario::{MILLIS, Micros, SECS};
use crate::world::{FIRST_BACK_OFF, Happening, World};

const LAST_BACK_OFF: Micros = SECS;

impl World {
    pub fn dial_arrives(&mut self, node: usize, life: u32, to: usize, back_off: Micros) {
        if !self.lives(node, life) {
            return;
        }
        if !self.nodes[to].running {
            self.plan(back_off, Happening::Dial { node, life, to, back_off: (back_off * 2).min(LAST_BACK_OFF) });
            return;
        }
        let dialer = End::draw(node, life, &self.scenario, &mut self.rng);
        let acceptor = End::draw(to, self.nodes[to].life, &self.scenario, &mut self.rng);
        let connection = self.connections.len();
        self.connections.push(Connection { ends: [dialer, acceptor], broken: false });
        for side in [0, 1] {
            self.fly(EndId { connection, side }, Item::Handshake);
        }
    }

    /// Lets an item travel to the other end.
    pub fn fly(&mut self, from: EndId, item: Item) {
        let now = self.now;
        let arrival = self.connections[from.connection].ends[from.side].arrival(now, &mut self.rng);
        self.plan(arrival - now, Happening::Arrives(from.other(), item));
    }

    pub fn fly_fin(&mut self, from: EndId) {
        if !std::mem::replace(&mut self.end(from).fin_sent, true) {
            self.fly(from, Item::Fin);
        }
    }

    pub fn write(&mut self, id: EndId) {
        let end = &mut self.connections[id.connection].ends[id.side];
        if let Some(time) = end.begin_writing(self.now, &self.scenario) {
            self.plan(time, Happening::Written(id));
        } else if end.closing && end.writing.is_none() && end.outbox.is_empty() {
            self.fly_fin(id);
        }
    }

    pub fn arrives(&mut self, id: EndId, item: Item) -> Result<(), String> {
        if self.connections[id.connection].broken || !self.end(id).open {
            return Ok(());
        }
        let (node, other) = (self.end(id).node, self.end(id.other()).node);
        self.end(id).heard_count += 1;
        match item {
            Item::Handshake => {
                if let Some(&former) = self.nodes[node].current.get(&other) {
                    self.coverage.saw("two connections crossing");
                    self.break_connection(former.connection, [MILLIS, MILLIS]);
                    self.give_up(former, Ending::Broken)?;
                }
                self.end(id).handshaken = true;
                self.nodes[node].current.insert(other, id);
                let opened_by = if id.side == DIALER { Opener::Us } else { Opener::Them };
                let neighbor = self.id(other);
                self.apply(node, Event::NeighborConnected { neighbor, opened_by })
            }
            Item::Message(message) => {
                let from = self.id(other);
                self.apply(node, Event::MessageReceived { from, message })
            }
            Item::Fin => {
                self.fly_fin(id);
                self.give_up(id, Ending::Closed)
            }
        }
    }

    /// Breaks a connection; its ends learn of it after these delays.
    pub fn break_connection(&mut self, connection: usize, delays: [Micros; 2]) {
        self.connections[connection].broken = true;
        for (side, delay) in delays.into_iter().enumerate() {
            self.plan(delay, Happening::LossLearned(EndId { connection, side }));
        }
    }

    /// A runner gives up its end: the peer is told, and the side that stands later in the order dials again.
    pub fn give_up(&mut self, id: EndId, ending: Ending) -> Result<(), String> {
        if !std::mem::replace(&mut self.end(id).open, false) {
            return Ok(());
        }
        let (node, life, to) = (self.end(id).node, self.end(id).life, self.end(id.other()).node);
        if id.side == DIALER {
            // Even who is complete and has closed may have been killed and come back.
            let peer = &self.nodes[node].peer;
            let is_over = peer.is_finished() && !peer.leaves_untold(self.id(to));
            if ending == Ending::Broken || !is_over {
                self.plan(FIRST_BACK_OFF, Happening::Dial { node, life, to, back_off: FIRST_BACK_OFF });
            }
        }
        if self.end(id).handshaken {
            self.nodes[node].current.remove(&to);
            let neighbor = self.id(to);
            self.apply(node, Event::NeighborLost { neighbor, ending })?;
        }
        self.end_if_finished(node);
        Ok(())
    }

    /// The request under way has waited too long; if nothing comes for as long again, the connection is given up.
    pub fn overdue(&mut self, id: EndId, request: u32, heard: u32) -> Result<(), String> {
        if !self.end(id).open || self.end(id).request_count != request {
            return Ok(());
        }
        let (node, other) = (self.end(id).node, self.end(id.other()).node);
        let neighbor = self.id(other);
        if !self.nodes[node].peer.neighbors().any(|view| view.id == neighbor && view.requested.is_some()) {
            return Ok(());
        }
        self.plan(self.scenario.request_timeout, Happening::StillSilent { end: id, heard });
        self.apply(node, Event::RequestTimedOut { neighbor })
    }
}
