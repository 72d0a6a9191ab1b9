//! What cases wait for, and what is said when it does not come: never just that time is up.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use peer_process::protocol::message::Message;

use super::links::Happened;
use super::{Stop, World};
use crate::check::history::{End, Event, Heard, What};
use crate::check::judge::evidence;
use crate::check::mistakes::Mistake;
use crate::check::plan::{Nb, Plan};
use crate::check::verdict::{Finding, Level, sentence};

/// The process is looked at this often.
const LOOK: Duration = Duration::from_millis(10);
/// A process whose connection has ended is watched this long before a wait for that connection fails.
const LAST_LOOK: Duration = Duration::from_millis(300);
/// Pause between two calls to a peer that does not listen yet.
const REDIAL: Duration = Duration::from_millis(20);
/// Number of events behind a finding that are shown.
const SHOWN_EVENTS: usize = 12;
/// Number of messages that are named one by one.
const NAMED: usize = 8;

/// Something that a case waits for.
#[derive(Clone)]
pub struct Wait {
    what: String,
    nb: Option<Nb>,
    time: Option<Duration>,
    mistake: Option<&'static Mistake>,
    level: Level,
    survives_end: bool,
}

impl Wait {
    /// Waits for this, such as `a handshake`.
    pub fn to_see(what: impl Into<String>) -> Self {
        let (nb, time, mistake, level) = (None, None, None, Level::Must);
        Self { what: what.into(), nb, time, mistake, level, survives_end: false }
    }

    /// It comes on this neighbor's connection: if that ends, the wait is over.
    pub const fn from(mut self, nb: Nb) -> Self {
        self.nb = Some(nb);
        self
    }

    /// It comes within this time; else within the usual patience.
    pub const fn within(mut self, time: Duration) -> Self {
        self.time = Some(time);
        self
    }

    /// If it does not come, this is the likely mistake.
    pub const fn or(mut self, mistake: &'static Mistake) -> Self {
        self.mistake = Some(mistake);
        self
    }

    /// Only our reading asks for it.
    pub const fn should(mut self) -> Self {
        self.level = Level::Should;
        self
    }

    /// It can still come after the process and the connection have ended.
    pub const fn beyond_the_end(mut self) -> Self {
        self.survives_end = true;
        self
    }
}

impl World<'_> {
    /// Lets time pass until `until`, or until something happens.
    pub(super) fn step(&mut self, until: Instant) -> Result<(), Stop> {
        self.check_signal()?;
        let due = self.due.iter().map(|(at, ..)| *at).min();
        let next = due.map_or(until, |due| due.min(until));
        let now = Instant::now();
        let time = next.saturating_duration_since(now).min(LOOK);
        let happened = self.links.wait(time, &self.file)?;
        let woken = Instant::now();
        if happened.is_empty() {
            self.late = self.late.max(woken.saturating_duration_since(now + time));
        }
        for (nb, what) in happened {
            self.take(nb, what);
        }
        self.serve();
        if woken.saturating_duration_since(self.looked_at) >= LOOK {
            self.look();
        }
        let at = self.now();
        self.judge.tick(at, &self.facts);
        self.late = self.late.max(woken.elapsed());
        Ok(())
    }

    pub(super) fn take(&mut self, nb: Nb, happened: Happened) {
        match happened {
            Happened::Called => {
                self.life_at.get_or_insert(self.started_at.elapsed());
                self.emit(What::Connected(nb, true));
            }
            Happened::Heard(heard) => self.emit(What::Heard(nb, heard)),
            Happened::Ended(end) => {
                self.emit(What::Ended(nb, end));
                // A correct neighbor answers the end of a stream with the end of its own, so the peer need not wait.
                self.links.hang_up(nb);
            }
        }
    }

    /// Sends the pieces that are due.
    fn serve(&mut self) {
        let now = Instant::now();
        while let Some(place) = self.due.iter().position(|(at, ..)| *at <= now) {
            let (_, nb, piece) = self.due.remove(place);
            let between = self.facts.of(nb);
            // A choke has dropped the request meanwhile.
            if between.is_connected && between.asked_of_us.iter().any(|asked| asked.piece == piece) {
                self.say(nb, Message::Piece(piece));
            }
        }
    }

    /// Looks whether the process has ended.
    fn look(&mut self) {
        self.looked_at = Instant::now();
        if !self.facts.runs {
            return;
        }
        // A peer in the background has a connection, or has given no sign yet.
        let may_go_on = self.life_at.is_none() || self.facts.all().any(|(_, between)| between.is_connected);
        let Some(status) = self.process.as_mut().and_then(|process| process.status(may_go_on)) else { return };
        let how = match status.code() {
            Some(code) => format!("with status {code}"),
            None => "by a signal".to_owned(),
        };
        let what = What::Exited(how);
        self.process.iter().for_each(super::Process::hear_out);
        let printed = self.printed().last_lines(3).join(" | ");
        let is_allowed = self.may_end || self.are_all_complete();
        // How it ends when the tester tells it to is not judged.
        if !self.is_told_to_end {
            self.judge.see_exit(self.now(), &what, is_allowed, &self.facts, &printed, self.exit_blame);
        }
        self.emit(what);
    }

    /// Reports whether the peer and all neighbors with a line have told each other that they have the file.
    pub fn are_all_complete(&self) -> bool {
        self.facts.can_have.is_full() && self.facts.are_complete(self.plan.neighbors())
    }

    /// Lets this much time pass.
    ///
    /// # Errors
    /// When the run ends.
    pub fn watch(&mut self, time: Duration) -> Result<(), Stop> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.step(until)?;
        }
        Ok(())
    }

    /// Waits until `see` returns something.
    ///
    /// # Errors
    /// With a finding that says what was waited for and what came instead.
    pub fn until<T>(&mut self, wait: &Wait, mut see: impl FnMut(&mut Self) -> Option<T>) -> Result<T, Stop> {
        let time = wait.time.unwrap_or(self.env.patience);
        let (mark, began) = (self.history.mark(), Instant::now());
        let until = began + time;
        loop {
            if let Some(seen) = see(self) {
                return Ok(seen);
            }
            let is_over = Instant::now() >= until || (!wait.survives_end && self.is_hopeless(wait.nb));
            if is_over {
                // What has arrived by now counts. A process whose connections have ended may be about to end, too.
                let grace = if Instant::now() < until { LAST_LOOK } else { Duration::ZERO };
                let grace = Instant::now() + grace;
                self.step(Instant::now())?;
                while !self.has_ended() && Instant::now() < grace {
                    self.step(grace)?;
                }
                return see(self).ok_or_else(|| Stop::Failed(Box::new(self.missed(wait, mark, began.elapsed()))));
            }
            self.step(until)?;
        }
    }

    /// Lets time pass until `see` is true, but not longer than `time`. What does not come is no failure here.
    ///
    /// # Errors
    /// When the run ends.
    pub fn look_for(&mut self, time: Duration, mut see: impl FnMut(&Self) -> bool) -> Result<bool, Stop> {
        let until = Instant::now() + time;
        while !see(self) {
            if Instant::now() >= until {
                return Ok(false);
            }
            self.step(until)?;
        }
        Ok(true)
    }

    fn is_hopeless(&self, nb: Option<Nb>) -> bool {
        let has_ended = self.has_ended();
        match nb {
            Some(nb) => {
                let between = self.facts.of(nb);
                between.is_broken || ((between.connections > 0 || has_ended) && !between.is_connected)
            }
            None => has_ended && self.facts.all().all(|(_, between)| !between.is_connected),
        }
    }

    fn missed(&self, wait: &Wait, mark: usize, waited: Duration) -> Finding {
        let time = wait.time.unwrap_or(self.env.patience);
        let mut finding = self.finding(wait.level, format!("{} within {}", wait.what, secs(time)), {
            let came = self.what_came(wait.nb, mark);
            if waited + LOOK < time { format!("{came} (after {})", secs(waited)) } else { came }
        });
        // What a process that has ended did not do needs no other reason.
        finding.mistake = wait.mistake.filter(|_| !self.has_ended() || wait.survives_end);
        finding.bytes = wait.nb.and_then(|nb| {
            let rest = self.links.incoming(nb)?.rest();
            (!rest.is_empty())
                .then(|| evidence(rest, None, vec!["the start of something that is not whole".to_owned()]))
        });
        finding
    }

    /// Returns a finding about what the tester does now.
    pub fn finding(&self, level: Level, expected: impl Into<String>, came: impl Into<String>) -> Finding {
        let events = self.last_events();
        let done = format!("The tester {}.", self.doing);
        let (expected, came) = (sentence(&expected.into()), sentence(&came.into()));
        Finding { level, done, expected, came, bytes: None, mistake: None, events }
    }

    /// Returns the last events, one a line.
    pub(super) fn last_events(&self) -> Vec<String> {
        let events = self.history.since(self.history.mark().saturating_sub(SHOWN_EVENTS));
        events.iter().map(|event| line(event, &self.plan, self.env.first_id)).collect()
    }

    /// Returns in words what came after a mark, from one neighbor's connection or from all, and how things stand.
    fn what_came(&self, nb: Option<Nb>, mark: usize) -> String {
        let mut named: VecDeque<String> = VecDeque::new();
        let mut count = 0;
        for event in self.history.since(mark) {
            let (of, words) = match &event.what {
                What::Heard(of, heard) => (*of, heard.to_string()),
                What::Ended(of, end @ (End::Closed | End::Reset(_))) => (*of, end.to_string()),
                What::Connected(of, true) => (*of, "a call".to_owned()),
                _ => continue,
            };
            if nb.is_some_and(|nb| nb != of) {
                continue;
            }
            count += 1;
            let words = if nb.is_none() && self.facts.all().count() > 1 {
                format!("{words} (to {})", name(of, &self.plan, self.env.first_id))
            } else {
                words
            };
            named.push_back(words);
            if named.len() > NAMED {
                named.pop_front();
            }
        }
        let mut came = match count {
            0 => "nothing".to_owned(),
            _ if count > NAMED => format!("{count} other things, the last of them: {}", Vec::from(named).join(", ")),
            _ => Vec::from(named).join(", "),
        };
        if let Some(nb) = nb
            && self.facts.of(nb).connections == 0
        {
            "no connection".clone_into(&mut came);
        }
        if self.has_ended() {
            let exit = self.history.since(0).iter().rev().find_map(|event| match &event.what {
                What::Exited(how) => Some(how.clone()),
                _ => None,
            });
            let printed = self.printed().last_lines(3).join(" | ");
            came = format!("{came}; the process ended {}", exit.unwrap_or_default());
            if !printed.is_empty() {
                came = format!("{came}; its last words: {printed}");
            }
        }
        came
    }

    /// Waits until a neighbor and the peer are connected and have shaken hands. Later neighbors call, earlier ones are called.
    ///
    /// # Errors
    /// With a finding if that does not happen.
    pub fn meet(&mut self, nb: Nb) -> Result<(), Stop> {
        self.connect(nb)?;
        self.until(&Wait::to_see("the peer's handshake").from(nb), |world| {
            world.facts.of(nb).they_greeted.then_some(())
        })
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
            let what = format!("a call to port {} of {name}, whose line stands before the peer's", self.links.port(nb));
            return self
                .until(&Wait::to_see(what).within(patience), |world| world.facts.of(nb).is_connected.then_some(()));
        }
        let what = format!("a connection to port {} of the peer, called by {name}", self.port.number);
        let mut next = Instant::now();
        let wait = Wait::to_see(what).within(patience).or(&crate::check::mistakes::NOT_LISTENING);
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

    /// Returns how long to wait for a connection: longer as long as the peer has given no sign of life.
    fn patience_to_connect(&self) -> Duration {
        if self.life_at.is_some() { self.env.patience } else { self.env.start_patience.saturating_sub(self.now()) }
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

    /// Waits until the system has taken all that was sent to a neighbor.
    ///
    /// # Errors
    /// With a finding if the peer does not read it.
    pub fn drain(&mut self, nb: Nb) -> Result<(), Stop> {
        self.until(&Wait::to_see("that the peer reads what was sent").from(nb), |world| {
            (world.links.unsent(nb) == 0).then_some(())
        })
    }

    /// Reports whether a neighbor has heard this since the mark.
    pub fn has_heard(&self, nb: Nb, mark: usize, is_it: impl Fn(&Heard) -> bool) -> bool {
        self.history.heard(nb, mark).any(|(_, heard)| is_it(heard))
    }
}

/// Returns a neighbor in words: `peer 1003`, or `a stranger`.
pub fn name(nb: Nb, plan: &Plan, first_id: u32) -> String {
    if nb.0 < plan.neighbors() { format!("peer {}", plan.id(first_id, nb)) } else { "a stranger".to_owned() }
}

/// Returns a time in words.
pub fn secs(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Returns an event as a line of a trace.
pub fn line(event: &Event, plan: &Plan, first_id: u32) -> String {
    let time = format!("{:8.3}", event.at.as_secs_f64());
    let who = |nb: &Nb| name(*nb, plan, first_id);
    match &event.what {
        What::Started => format!("{time}           the peer is started"),
        What::Exited(how) => format!("{time}           the process ended {how}"),
        What::Connected(nb, true) => format!("{time} {} <- called by the peer", who(nb)),
        What::Connected(nb, false) => format!("{time} {} -> calls the peer", who(nb)),
        What::Said(nb, said) => format!("{time} {} -> {said}", who(nb)),
        What::Heard(nb, heard) => format!("{time} {} <- {heard}", who(nb)),
        What::Ended(nb, end) => format!("{time} {}    {end}", who(nb)),
        What::Note(note) => format!("{time} == the tester {note}"),
    }
}
