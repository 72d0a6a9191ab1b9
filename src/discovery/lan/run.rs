//! `run`: the body of the thread that speaks and listens on the local network.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::message::{PORT, Search};
use super::places::{Place, places, told};
use super::schedule::{Act, SILENCE, Schedule};
use super::sockets::{Arrival, Key, Sockets};
use crate::discovery::bell::Bell;
use crate::discovery::host::{Found, Host};
use crate::discovery::identity::Me;
use crate::discovery::words::WHAT_DIFFERS;
use crate::system::sockets::Line;

/// What [`Host::found`] gets as the one who found.
pub const BY: &str = "the local network";
/// An own message comes back within this time, if nothing keeps it away.
const ECHO: Duration = Duration::from_secs(1);
/// Maximum time that the thread waits at once; it wakes in vain then.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Announces this peer on the local network, and tells of others there, until the bell is stopped; it returns at once then.
///
/// `seed` decides the jitter.
///
/// # Errors
/// If the system gives no socket at all for it.
pub fn run(me: Me, host: &Arc<dyn Host>, bell: &Arc<Bell>, seed: u64) -> io::Result<()> {
    let line = bell.line()?;
    let (sockets, taken) = Sockets::open()?;
    for family in taken {
        host.warn(&format!("another program keeps UDP port {PORT} of {family} to itself, so nobody is heard there"));
    }
    let mut lan = Lan {
        me,
        host,
        sockets,
        schedule: Schedule::new(seed),
        start: Instant::now(),
        used: BTreeSet::new(),
        told: None,
        spoke_at: None,
        hears_itself: false,
        others: 0,
    };
    while !bell.is_stopped() {
        lan.act();
        let patience = lan.schedule.next_at().saturating_sub(lan.start.elapsed()).min(LONGEST_WAIT);
        for arrival in lan.sockets.wait(&line, patience)? {
            lan.take(&arrival);
        }
        drain(&line);
    }
    Ok(())
}

struct Lan<'a> {
    me: Me,
    host: &'a Arc<dyn Host>,
    sockets: Sockets,
    schedule: Schedule,
    start: Instant,
    /// The places from which a message has left.
    used: BTreeSet<Place>,
    /// Those that people were told of last.
    told: Option<BTreeSet<Place>>,
    /// When the first message left, other than by loopback.
    spoke_at: Option<Duration>,
    /// Such a message has come back.
    hears_itself: bool,
    /// Number of messages about other swarms.
    others: u64,
}

impl Lan<'_> {
    /// Does all that is due.
    fn act(&mut self) {
        let now = self.start.elapsed();
        while let Some(act) = self.schedule.due(now) {
            match act {
                Act::Look => self.look(now),
                Act::Group(address, index) => self.speak(now, (address, index)),
                Act::Answer(to) => {
                    if let Some(text) = self.text(to.is_ipv6()) {
                        self.sockets.answer(to, &text);
                    }
                }
                Act::TellSilence => self.host.warn(&self.silence(now)),
            }
        }
        if self.told.as_ref() != Some(&self.used) {
            self.told = Some(self.used.clone());
            self.host.say(&announced(&self.used));
        }
    }

    /// Looks at the interfaces as they are now. If the system does not tell them, the known ones stay.
    fn look(&mut self, now: Duration) {
        let Ok(interfaces) = if_addrs::get_if_addrs() else { return };
        let places = places(&interfaces, &self.host.standing());
        let keys = self.sockets.set_places(&places);
        self.used.retain(|place| keys.contains(&(place.address, place.index)));
        self.schedule.set_places(now, &keys);
    }

    fn speak(&mut self, now: Duration, key: Key) {
        let Some(text) = self.text(key.0.is_ipv6()) else { return };
        match self.sockets.speak(key, &text) {
            Ok(place) => {
                self.used.insert(place.clone());
                if !place.address.is_loopback() {
                    self.spoke_at.get_or_insert(now);
                }
            }
            Err(error) => {
                log::debug!("cannot announce on the local network from {}: {error}", key.0);
                self.used.retain(|place| (place.address, place.index) != key);
                self.schedule.not_sent(now, key);
            }
        }
    }

    /// The message of this peer, or `None` if it listens nowhere.
    fn text(&self, to_v6: bool) -> Option<String> {
        let port = self.host.standing().port()?;
        Some(Search { port, info_hashes: vec![self.me.info_hash], cookie: Some(self.cookie()) }.text(to_v6))
    }

    fn cookie(&self) -> String {
        format!("{:08x}", self.me.key)
    }

    fn take(&mut self, arrival: &Arrival) {
        let Some(search) = Search::parse(&arrival.bytes) else { return };
        let from = arrival.from;
        if search.cookie == Some(self.cookie()) {
            self.hears_itself |= !from.ip().is_loopback();
            return;
        }
        if !search.info_hashes.contains(&self.me.info_hash) {
            self.others += 1;
            return;
        }
        if from.ip().is_unspecified() || from.ip().is_multicast() {
            return;
        }
        let mut address = from;
        address.set_port(search.port);
        let answer_to: Option<SocketAddr> = arrival.to_group.then_some(from);
        if self.schedule.heard(self.start.elapsed(), (address, search.cookie), answer_to) {
            self.host.found(BY, &[Found { address, id: None }]);
        }
    }

    /// What may be in the way.
    fn silence(&self, now: Duration) -> String {
        let should_hear_itself = self.spoke_at.is_some_and(|at| at + ECHO <= now);
        let silence = format!("nobody of this swarm was heard on the local network for {} s", SILENCE.as_secs());
        let reason = if self.others > 0 {
            format!("others were, of other swarms: their {WHAT_DIFFERS} differs")
        } else if should_hear_itself && !self.hears_itself {
            format!("this machine does not hear itself either, so its firewall may drop UDP port {PORT}")
        } else {
            format!(
                "perhaps nobody else has started, a firewall drops UDP port {PORT}, the Wi-Fi keeps its guests apart, or the \
                 others are in another network"
            )
        };
        format!("{silence}; {reason}")
    }
}

fn announced(used: &BTreeSet<Place>) -> String {
    if used.is_empty() {
        return "this peer finds no interface by which it could announce itself on the local network".to_owned();
    }
    format!("this peer announces itself on the local network by {}", told(&used.iter().cloned().collect::<Vec<_>>()))
}

/// Reads all bytes of a line, so that the next one wakes again.
fn drain(mut line: &Line) {
    let mut bytes = [0; 64];
    while line.read(&mut bytes).is_ok_and(|len| len > 0) {}
}
