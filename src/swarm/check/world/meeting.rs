//! How neighbors and the peer meet, and the wait for a first message.

use std::time::{Duration, Instant};

use peer_process::protocol::message::Message;

use super::env::Stop;
use super::names::name;
use super::scene::World;
use super::waits::{DIALS, Wait};
use crate::check::history::What;
use crate::check::mistakes;
use crate::check::plan::Nb;

/// Pause between two calls to a peer that does not listen yet.
const REDIAL: Duration = Duration::from_millis(20);
/// Pause between two looks whether a peer listens that nobody calls.
const NEXT_LOOK: Duration = Duration::from_millis(100);
/// A peer that sleeps between its first steps, as some public ones do for 5 s, has done them all after this time.
const LONGEST_TO_SETTLE: Duration = Duration::from_secs(8);

/// The case that asks whether callers are let in.
const ACCEPTS: &str = "start/accepts-later";

impl World<'_> {
    /// Waits until a neighbor and the peer are connected and have shaken hands. Later neighbors call, earlier ones are called.
    ///
    /// # Errors
    /// With a finding if that does not happen.
    pub fn meet(&mut self, nb: Nb) -> Result<(), Stop> {
        self.connect(nb)?;
        let what = format!("the peer's handshake to {}", name(nb, &self.plan, self.env.first_id));
        let wait = Wait::to_see(what).from(nb).being_a_first_step();
        let wait = if self.plan.is_earlier(nb) { wait } else { wait.asked_by(ACCEPTS) };
        self.until(&wait, |world| world.facts.of(nb).they_greeted.then_some(()))
    }

    /// Waits until a neighbor and the peer are connected.
    ///
    /// # Errors
    /// With a finding if that does not happen.
    pub fn connect(&mut self, nb: Nb) -> Result<(), Stop> {
        if self.facts.of(nb).is_connected {
            return Ok(());
        }
        let patience = self.patience_to_connect();
        let name = name(nb, &self.plan, self.env.first_id);
        if nb.0 < self.plan.neighbors() && self.plan.is_earlier(nb) {
            let what =
                format!("a call to port {} of {name}, whose line stands before the peer's,", self.links.port(nb));
            let wait = Wait::to_see(what).within(patience.max(self.env.first_patience));
            let wait = wait.or(&mistakes::DIALS_NOBODY).asked_by(DIALS);
            if self.life_at.is_none() {
                // A peer that listens has started. From then on its first call has the time that all first steps have.
                let mut next = Instant::now();
                self.until(&wait, |world| {
                    let looks = Instant::now() >= next;
                    if looks {
                        next = Instant::now() + NEXT_LOOK;
                    }
                    (world.facts.of(nb).is_connected || (looks && world.is_listening())).then_some(())
                })?;
            }
            let wait = wait.within(self.env.first_patience);
            return self.until(&wait, |world| world.facts.of(nb).is_connected.then_some(()));
        }
        let what = format!("a connection to port {} of the peer, called by {name}", self.port.number);
        let mut next = Instant::now();
        let wait = Wait::to_see(what).within(patience).or(&mistakes::NOT_LISTENING);
        let outcome = self.until(&wait, |world| {
            if Instant::now() < next {
                return None;
            }
            next = Instant::now() + REDIAL;
            match world.links.dial(nb, &world.env.addresses, world.port.number) {
                Ok(true) => {
                    world.life_at.get_or_insert(world.started_at.elapsed());
                    world.emit(What::Connected(nb, false));
                    Some(Ok(()))
                }
                Ok(false) => None,
                Err(error) => Some(Err(error)),
            }
        });
        outcome?.map_err(Stop::Tester)
    }

    /// Waits until the peer calls somebody, or accepts a call of this neighbor.
    ///
    /// # Errors
    /// With a finding if it does neither.
    pub fn first_sign(&mut self, nb: Nb) -> Result<(), Stop> {
        self.first_sign_within(nb, self.env.start_patience)
    }

    /// Waits like [`first_sign`](Self::first_sign), for this time.
    ///
    /// # Errors
    /// With a finding if the peer does neither.
    pub fn first_sign_within(&mut self, nb: Nb, time: Duration) -> Result<(), Stop> {
        let mut next = Instant::now();
        let wait = Wait::to_see("a first sign on the network").within(time);
        self.until(&wait, |world| {
            if world.life_at.is_none() && Instant::now() >= next {
                next = Instant::now() + REDIAL;
                if let Ok(true) = world.links.dial(nb, &world.env.addresses, world.port.number) {
                    world.life_at.get_or_insert(world.started_at.elapsed());
                    world.emit(What::Connected(nb, false));
                }
            }
            world.life_at.map(drop)
        })
    }

    /// Returns how long after its first sign the peer has dialed the earlier neighbor, has accepted the later one, and has shaken
    /// hands with both. It may never do so: others judge that. `waits` is called once if that takes longer than usual.
    ///
    /// # Errors
    /// If the tester fails or is interrupted.
    pub fn time_to_settle(&mut self, earlier: Nb, later: Nb, waits: impl FnOnce()) -> Result<Duration, Stop> {
        let both = [earlier, later];
        let (mut waits, tell_at) = (Some(waits), Instant::now() + self.env.patience.min(LONGEST_TO_SETTLE / 2));
        let (mut next, mut last) = (Instant::now(), Duration::ZERO);
        let mut greeted = [false; 2];
        let wait = Wait::to_see("all first steps").within(LONGEST_TO_SETTLE);
        let outcome = self.until(&wait, |world| {
            if !world.facts.of(later).is_connected && Instant::now() >= next {
                next = Instant::now() + REDIAL;
                if let Ok(true) = world.links.dial(later, &world.env.addresses, world.port.number) {
                    world.emit(What::Connected(later, false));
                }
            }
            for (greeted, nb) in greeted.iter_mut().zip(both) {
                if !*greeted && world.facts.of(nb).they_greeted {
                    (*greeted, last) = (true, world.started_at.elapsed());
                }
            }
            if greeted == [true; 2] {
                return Some(());
            }
            if Instant::now() >= tell_at
                && let Some(waits) = waits.take()
            {
                waits();
            }
            None
        });
        match outcome {
            Ok(()) | Err(Stop::Failed(_)) => Ok(last.saturating_sub(self.life_at.unwrap_or_default())),
            Err(stop) => Err(stop),
        }
    }

    /// Returns how long to wait for a connection: longer as long as the peer has given no sign of life.
    fn patience_to_connect(&self) -> Duration {
        if self.life_at.is_some() {
            self.env.first_patience
        } else {
            self.env.start_patience.saturating_sub(self.now())
        }
    }

    /// Waits for a message from a neighbor's connection after `mark`, and returns when it came.
    ///
    /// # Errors
    /// With a finding if it does not come.
    pub fn hear(
        &mut self,
        nb: Nb,
        mark: usize,
        wait: Wait,
        is_it: impl Fn(&Message) -> bool,
    ) -> Result<(Duration, Message), Stop> {
        self.until(&wait.from(nb), |world| {
            let found = world.history.messages(nb, mark).find(|(_, message)| is_it(message));
            found.map(|(at, message)| (at, message.clone()))
        })
    }
}
