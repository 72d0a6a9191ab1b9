//! How peers of an open swarm find each other: they dial the addresses that they are told, and learn there whose they are.
//!
//! The side that has dialed dials again when the link is lost; the other side waits, or is told the address later. A member
//! that was not connected for long has left, unless it is listed.

use std::collections::{BTreeMap, BTreeSet};

use peer_process::peer::Event;
use rand::RngExt;

use crate::link::EndId;
use crate::network::{FIRST_PAUSE, LAST_PAUSE};
use crate::scenario::{Micros, SECS};
use crate::tracker::Address;
use crate::world::{Happening, World};

/// A member that was not connected for this long has left.
const GONE_AFTER: Micros = 30 * SECS;
/// An address where nobody answered for this long is not dialed any more.
const GIVES_UP_AFTER: Micros = 30 * SECS;

/// What a runner of an open swarm knows.
#[derive(Default)]
pub struct Seeking {
    /// The addresses that are being dialed, or whose connection is used.
    sought: BTreeMap<Address, Attempts>,
    /// The addresses at which a handshake has told whose they are.
    known: BTreeSet<Address>,
    /// The addresses of members that are connected already; they are dialed again when that connection is lost.
    idle: BTreeSet<Address>,
    /// The members that are not connected, by place, and since when.
    absent: BTreeMap<usize, Micros>,
    /// The members that have left.
    departed: BTreeSet<usize>,
    pub unheld_since: Option<Micros>,
}

struct Attempts {
    pause: Micros,
    failing_since: Option<Micros>,
}

impl Attempts {
    const NEW: Self = Self { pause: FIRST_PAUSE, failing_since: None };
}

impl World {
    /// Dials an address, unless that is being done.
    pub fn begin_seeking(&mut self, node: usize, address: Address) {
        let state = &mut self.nodes[node];
        let life = state.life;
        if let std::collections::btree_map::Entry::Vacant(vacant) = state.runner.seeking.sought.entry(address) {
            vacant.insert(Attempts::NEW);
            self.plan(0, Happening::Seeks { node, life, address });
        }
    }

    /// Notes that an address is being dialed, by a test and not because the tracker has told it.
    pub fn now_sought(&mut self, node: usize, address: Address) {
        self.nodes[node].runner.seeking.sought.insert(address, Attempts::NEW);
    }

    pub fn seeks(&mut self, node: usize, life: u32, address: Address) {
        if !self.lives(node, life) {
            return;
        }
        let (state, neighbor) = (&self.nodes[node], self.id(address.node));
        let is_wanted = if state.runner.seeking.known.contains(&address) {
            let is_told = state.peer.is_finished() && !state.peer.leaves_untold(neighbor);
            let is_connected = state.runner.current.contains_key(&address.node);
            if is_connected {
                self.nodes[node].runner.seeking.idle.insert(address);
            }
            let (state, neighbor) = (&self.nodes[node], self.id(address.node));
            !is_told && !is_connected && !state.peer.is_settled_with(neighbor)
        } else {
            !state.peer.is_finished()
        };
        if !is_wanted {
            self.nodes[node].runner.seeking.sought.remove(&address);
        } else if let Some(pause) = self.kept_out_for(node, address.node, address.origin()) {
            self.plan(pause, Happening::Seeks { node, life, address });
        } else {
            let delay = self.rng.random_range(0..=self.scenario.max_latency);
            self.plan(delay, Happening::SeekArrives { node, life, address });
        }
    }

    pub fn seek_arrives(&mut self, node: usize, life: u32, address: Address) {
        if !self.lives(node, life) {
            return;
        }
        let now = self.now;
        let answers = self.answers_calls(address.node) && self.nodes[address.node].moves == address.moves;
        let Some(attempts) = self.nodes[node].runner.seeking.sought.get_mut(&address) else { return };
        if answers {
            attempts.failing_since = None;
            return self.connect(node, address.node, false, Some(address));
        }
        let since = *attempts.failing_since.get_or_insert(now);
        if now - since < GIVES_UP_AFTER {
            return self.seek_again(node, address);
        }
        self.coverage.saw("addresses at which nobody is any more");
        self.nodes[node].runner.seeking.sought.remove(&address);
    }

    fn seek_again(&mut self, node: usize, address: Address) {
        let life = self.nodes[node].life;
        let Some(attempts) = self.nodes[node].runner.seeking.sought.get_mut(&address) else { return };
        let delay = attempts.pause;
        attempts.pause = (delay * 2).min(LAST_PAUSE);
        self.plan(delay, Happening::Seeks { node, life, address });
    }

    /// A connection with an address that this side has dialed is gone.
    pub fn lost_what_was_found(&mut self, node: usize, address: Address, has_lasted: bool) {
        if has_lasted && let Some(attempts) = self.nodes[node].runner.seeking.sought.get_mut(&address) {
            attempts.pause = FIRST_PAUSE;
        }
        self.seek_again(node, address);
    }

    /// A handshake has told who is at the other end.
    pub fn learns_who_it_is(&mut self, id: EndId) -> Result<(), String> {
        if self.scenario.open.is_none() {
            return Ok(());
        }
        let (node, other) = self.nodes_of(id);
        let (neighbor, now, found) = (self.id(other), self.now, self.end(id).found);
        let state = &mut self.nodes[node];
        state.runner.seeking.known.extend(found);
        if state.peer.is_member(neighbor) {
            return Ok(());
        }
        state.runner.seeking.absent.insert(other, now);
        if state.runner.seeking.departed.remove(&other) {
            self.coverage.saw("members that come back after they have left");
        }
        self.apply(node, Event::Joined { neighbor })
    }

    pub fn is_present(&mut self, node: usize, other: usize) {
        self.nodes[node].runner.seeking.absent.remove(&other);
    }

    pub fn is_absent(&mut self, node: usize, other: usize) {
        let now = self.now;
        let seeking = &mut self.nodes[node].runner.seeking;
        seeking.absent.insert(other, now);
        let (wanted, idle) = seeking.idle.iter().partition(|address| address.node == other);
        seeking.idle = idle;
        let wanted: BTreeSet<_> = wanted;
        for address in wanted {
            self.begin_seeking(node, address);
        }
    }

    /// Members that were not connected for long have left.
    pub fn the_absent_leave(&mut self, node: usize) -> Result<(), String> {
        let now = self.now;
        let absent = &self.nodes[node].runner.seeking.absent;
        let gone = absent.iter().filter(|(_, since)| now - **since >= GONE_AFTER).map(|(&place, _)| place);
        let gone: Vec<_> =
            gone.filter(|&place| self.scenario.open.is_some() && !self.scenario.is_listed(place)).collect();
        for place in gone {
            let seeking = &mut self.nodes[node].runner.seeking;
            seeking.absent.remove(&place);
            seeking.departed.insert(place);
            let neighbor = self.id(place);
            self.apply(node, Event::Left { neighbor })?;
        }
        Ok(())
    }
}
