//! Dialing, sending, receiving and losing: what runners and systems do with connections, in virtual time.
//!
//! A runner has a thread for each node that comes before its own. The thread dials until there is a connection, uses it, and
//! dials again. A new connection replaces an older one, whose loss is then not reported.

use peer_process::peer::{Admission, Ending, Event, Origin, Refusal, Stays};
use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::message::{Message, Welcome};
use rand::RngExt;

use crate::admitting::opener;
use crate::checks::{bytes_are_saved_that_were_kept, only_liars_are_refused};
use crate::link::{Connection, DIALER, End, EndId, Item};
use crate::scenario::{MILLIS, Micros, SECS};
use crate::tracker::Address;
use crate::world::{Happening, World};

pub const FIRST_PAUSE: Micros = 50 * MILLIS;
pub const LAST_PAUSE: Micros = SECS;
/// A connection that is shut is gone on both sides by then.
const LATEST_LOSS: Micros = 500 * MILLIS;

impl World {
    /// The thread that keeps a connection checks whether one is wanted, and dials.
    pub fn dial(&mut self, node: usize, life: u32, to: usize) {
        if !self.lives(node, life) {
            return;
        }
        let (peer, neighbor) = (&self.nodes[node].peer, self.id(to));
        let is_told = peer.is_finished() && !peer.leaves_untold(neighbor);
        if !is_told && peer.is_settled_with(neighbor) {
            self.coverage.saw("complete neighbors that are not dialed again");
        }
        let peer = &self.nodes[node].peer;
        if is_told || peer.is_settled_with(neighbor) || self.nodes[node].runner.current.contains_key(&to) {
            self.nodes[node].runner.idle_dialers.insert(to);
        } else if let Some(pause) = self.kept_out_for(node, to, Origin::LISTED) {
            self.plan(pause, Happening::Dial { node, life, to });
        } else {
            let delay = self.rng.random_range(0..=self.scenario.max_latency);
            self.plan(delay, Happening::DialArrives { node, life, to, keeps_dialing: true });
        }
    }

    fn dial_again(&mut self, node: usize, to: usize) {
        let life = self.nodes[node].life;
        let pause = self.nodes[node].runner.pauses.entry(to).or_insert(FIRST_PAUSE);
        let delay = *pause;
        *pause = (delay * 2).min(LAST_PAUSE);
        self.plan(delay, Happening::Dial { node, life, to });
    }

    pub fn dial_arrives(&mut self, node: usize, life: u32, to: usize, keeps_dialing: bool) {
        if !self.lives(node, life) {
            return;
        }
        let fails = !self.answers_calls(to);
        if fails {
            self.nodes[node].runner.unreachable.insert(to);
        } else {
            self.nodes[node].runner.unreachable.remove(&to);
        }
        if fails {
            if keeps_dialing {
                self.dial_again(node, to);
            }
            return;
        }
        self.connect(node, to, keeps_dialing, None);
    }

    /// Reports whether a node listens: a finished peer only does so for those that it could not tell.
    pub fn answers_calls(&self, node: usize) -> bool {
        let called = &self.nodes[node];
        let has_told_all = called.peer.is_finished() && !called.peer.leaves_somebody_untold() && called.lies.is_none();
        called.running && !has_told_all
    }

    pub fn connect(&mut self, node: usize, to: usize, keeps_dialing: bool, found: Option<Address>) {
        let connection = self.connections.len();
        let mut ends = [node, to].map(|place| {
            let mut end = End::draw(place, self.nodes[place].life, &self.scenario, &mut self.rng);
            end.lies = self.nodes[place].lies.is_some();
            end
        });
        (ends[DIALER].keeps_dialing, ends[DIALER].found) = (keeps_dialing, found);
        self.connections.push(Connection { ends, broken: false });
        for (side, place) in [node, to].into_iter().enumerate() {
            self.nodes[place].runner.ends.push(EndId { connection, side });
            self.fly(EndId { connection, side }, Item::Handshake);
        }
    }

    /// Lets an item travel to the other end.
    pub fn fly(&mut self, from: EndId, item: Item) {
        let now = self.now;
        let end = &mut self.connections[from.connection].ends[from.side];
        end.said_count += u32::from(matches!(item, Item::Message(_)));
        if end.cut {
            return;
        }
        let arrival = end.arrival(now, &mut self.rng);
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
            if let Some(Message::Piece(piece)) = self.end(id).writing {
                self.fly(id, Item::PieceHeader(piece));
            }
        } else if end.closing && end.writing.is_none() && end.outbox.is_empty() {
            self.fly_fin(id);
        }
    }

    pub fn arrives(&mut self, id: EndId, item: Item) -> Result<(), String> {
        if self.connections[id.connection].broken || !self.end(id).open {
            return Ok(());
        }
        let now = self.now;
        (self.end(id).heard_at, self.end(id).touched_at) = (now, now);
        match item {
            Item::Handshake => self.handshake_arrives(id),
            Item::PieceHeader(piece) => self.piece_header_arrives(id, piece),
            Item::Message(message) => self.message_arrives(id, message),
            Item::OddType => Ok(()),
            Item::Fin => {
                let ending = if self.has_heard_all(id) { Ending::Closed } else { Ending::Broken };
                self.fly_fin(id);
                self.give_up(id, ending)
            }
        }
    }

    fn handshake_arrives(&mut self, id: EndId) -> Result<(), String> {
        let (node, other) = self.nodes_of(id);
        let is_impostor = self.end(id.other()).is_impostor;
        if is_impostor && !self.nodes[node].runner.current.contains_key(&other) {
            // The first one cannot be told from the neighbor.
            return self.hang_up(id);
        }
        self.learns_who_it_is(id)?;
        let admission = self.admission(id);
        if let Admission::Refuse(refusal) = admission {
            self.coverage.saw(match refusal {
                Refusal::KeptOut => "turned away: it has broken the protocol",
                Refusal::DialedByUs => "turned away: we dial it",
                Refusal::Connected => "turned away: the neighbor is alive",
                Refusal::Crossed => "turned away: we have dialed each other",
            });
            if is_impostor {
                self.coverage.saw("impostors that are not believed");
            }
            return self.hang_up(id);
        }
        if is_impostor {
            self.coverage.saw("impostors believed for a while");
        }
        let comes_back = self.may_come_back(node, other, id);
        self.is_present(node, other);
        let former = self.nodes[node].runner.current.insert(other, id);
        if let Some(former) = former {
            self.coverage.saw(match self.crossing(former, id) {
                Some(Stays::Newcomer) => "crossings after which the newcomer stays",
                _ => "two connections crossing",
            });
            let delays = [0; 2].map(|_| self.rng.random_range(0..=LATEST_LOSS));
            self.break_connection(former.connection, delays);
        }
        let now = self.now;
        let end = self.end(id);
        (end.handshaken, end.shaken_at) = (true, now);
        self.plan_look(id);
        self.greet_with_lies(id);
        let (opened_by, neighbor) = (opener(id), self.id(other));
        let origin = self.origin(id);
        self.apply(node, Event::NeighborConnected { neighbor, opened_by, origin })?;
        if let Some(former) = former.filter(|_| !comes_back) {
            let address = self.is_of_the_address(former);
            self.nodes[node].runner.contests.entry(other).and_modify(|(_, pushed_out)| *pushed_out = Some(address));
        }
        Ok(())
    }

    /// As the real runner, which asks what to do with a piece when its header has come.
    fn piece_header_arrives(&mut self, id: EndId, piece: PieceIndex) -> Result<(), String> {
        let (node, other) = self.nodes_of(id);
        if !self.is_current(id) {
            return Ok(());
        }
        let welcome = self.nodes[node].peer.welcome(self.id(other), piece);
        self.end(id).welcome = Some(welcome);
        if welcome == Welcome::Refuse {
            return self.refuse(id, "connections closed for a piece that nobody asked for");
        }
        Ok(())
    }

    /// A neighbor that breaks the protocol loses the connection, but a liar accepts everything.
    fn refuse(&mut self, id: EndId, fault: &'static str) -> Result<(), String> {
        let (node, other) = self.nodes_of(id);
        let from = self.id(other);
        if self.nodes[node].lies.is_some() {
            return Ok(());
        }
        only_liars_are_refused(from, self.end(id.other()).lies, fault)?;
        self.trace.note(self.now, self.id(node), || format!("{from} is given up: {fault}"));
        self.coverage.saw(fault);
        let now = self.instant();
        let origin = self.origin(id);
        self.nodes[node].runner.standings.entry((other, origin)).or_default().note_fault(now);
        self.hang_up(id)
    }

    fn message_arrives(&mut self, id: EndId, message: Message) -> Result<(), String> {
        let (node, other) = self.nodes_of(id);
        let from = self.id(other);
        if !self.is_current(id) || self.leaves_at_the_worst_moment(id, &message)? {
            return Ok(());
        }
        self.end(id).message_count += 1;
        let is_first = self.end(id).message_count == 1;
        match message {
            Message::Bitfield(_) if !is_first => self.coverage.saw("later bitfields"),
            // A liar has accepted it.
            Message::Piece(_) if self.end(id).welcome == Some(Welcome::Refuse) => return Ok(()),
            _ => {}
        }
        let now = self.instant();
        match message {
            Message::Piece(piece) => self.end(id).patience.came(piece, now),
            Message::Choke => self.end(id).patience.choked(),
            _ => {}
        }
        let is_answer = matches!(message, Message::Choke | Message::Piece(_)) && self.nodes[node].peer.has_asked(from);
        let went_by = matches!(message, Message::Piece(_)) && self.end(id).welcome == Some(Welcome::Skip);
        let save_count = self.nodes[node].runner.saves.len();
        self.apply(node, Event::MessageReceived { from, message })?;
        if self.nodes[node].runner.closing.remove(&other) && self.is_current(id) {
            return self.refuse(id, "connections closed because nothing new was said");
        }
        bytes_are_saved_that_were_kept(went_by, self.nodes[node].runner.saves.len() > save_count)?;
        if is_answer && self.scenario.odd_timers && self.is_current(id) && self.rng.random_bool(0.02) {
            self.coverage.saw("timeouts of what has just been answered");
            self.apply(node, Event::RequestTimedOut { neighbor: from })?;
        }
        Ok(())
    }

    /// Reports whether a peer that has closed its end received every message that matters.
    ///
    /// If it does not read any more, the system reports that by a reset when something comes too late. (A real one may first
    /// report that the connection has ended.) One case cannot be reported: a peer is killed after it has read our last `have`
    /// and before it has recorded that. ARCHITECTURE.md names both limits.
    fn has_heard_all(&mut self, id: EndId) -> bool {
        let (node, other) = self.nodes_of(id);
        let (own, neighbor) = (self.id(node), self.id(other));
        let (end, its_end) = (self.end(id).clone(), self.end(id.other()).clone());
        let is_unsaid = end.writing.is_some() || !end.outbox.is_empty();
        let has_read_all = its_end.open || (!is_unsaid && end.said_count == its_end.message_count);
        let was_killed = self.nodes[other].life != its_end.life;
        let remembers = self.nodes[other].setup.complete_neighbors.contains(&own);
        has_read_all && (!was_killed || remembers || self.nodes[node].peer.leaves_untold(neighbor))
    }

    /// Breaks a connection; its ends notice it after these delays, unless the path to them is cut.
    pub fn break_connection(&mut self, connection: usize, delays: [Micros; 2]) {
        self.connections[connection].broken = true;
        for (side, delay) in delays.into_iter().enumerate() {
            let end = EndId { connection, side };
            if !self.end(end.other()).cut {
                self.plan(delay, Happening::LossLearned(end));
            }
        }
    }

    /// A runner shuts a connection that it no longer wants, which looks to the other side like an end or a reset.
    pub fn hang_up(&mut self, id: EndId) -> Result<(), String> {
        let now = self.now;
        if self.rng.random_bool(0.5) && !self.end(id).is_stalled(now) {
            self.fly_fin(id);
        } else {
            let delay = self.rng.random_range(0..=LATEST_LOSS);
            self.break_connection(id.connection, [delay; 2]);
        }
        self.give_up(id, Ending::Broken)
    }

    /// A runner reaches the end of a connection, and tells the peer if it was the current one.
    pub fn give_up(&mut self, id: EndId, ending: Ending) -> Result<(), String> {
        if !std::mem::replace(&mut self.end(id).open, false) {
            return Ok(());
        }
        let (node, to) = self.nodes_of(id);
        let runner = &mut self.nodes[node].runner;
        runner.ends.retain(|&end| end != id);
        let was_current = runner.current.get(&to) == Some(&id);
        if was_current {
            runner.current.remove(&to);
            self.is_absent(node, to);
            let neighbor = self.id(to);
            self.apply(node, Event::NeighborLost { neighbor, ending })?;
        } else if self.end(id).handshaken {
            self.coverage.saw("losses of connections that were replaced");
        }
        let (now, end) = (self.now, self.end(id).clone());
        if end.keeps_dialing {
            if end.handshaken && now - end.shaken_at >= LAST_PAUSE {
                self.nodes[node].runner.pauses.remove(&to);
            }
            self.dial_again(node, to);
        } else if let Some(address) = end.found {
            self.lost_what_was_found(node, address, end.handshaken && now - end.shaken_at >= LAST_PAUSE);
        } else if was_current && self.nodes[node].runner.idle_dialers.remove(&to) {
            self.plan(0, Happening::Dial { node, life: end.life, to });
        }
        self.end_if_finished(node);
        Ok(())
    }

    /// Reports whether this is its node's connection with the other, and not a replaced one.
    pub fn is_current(&self, id: EndId) -> bool {
        let (node, other) = self.nodes_of(id);
        self.nodes[node].runner.current.get(&other) == Some(&id)
    }

    /// Returns the owner of an end, and the node at the other end.
    pub fn nodes_of(&self, id: EndId) -> (usize, usize) {
        let ends = &self.connections[id.connection].ends;
        (ends[id.side].node, ends[id.other().side].node)
    }

    /// The threads that keep a connection with each node that stands before this one.
    pub fn start_dialing(&mut self, node: usize) {
        let life = self.nodes[node].life;
        for to in self.scenario.dialed_by(node).collect::<Vec<_>>() {
            self.plan(0, Happening::Dial { node, life, to });
        }
    }
}
