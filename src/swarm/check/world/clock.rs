//! How time passes in a world: step by step, until something happens, something is due, or the process is looked at.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use peer_process::protocol::message::Message;

use super::env::Stop;
use super::link::Happened;
use super::names::secs;
use super::process::Process;
use super::scene::World;
use crate::check::history::What;
use crate::check::mistakes;
use crate::check::plan::Nb;
use crate::check::verdict::{Finding, Level};

/// The process is looked at this often.
pub const LOOK: Duration = Duration::from_millis(10);
/// Maximum number of events of a world: many times what any case needs.
const MOST_EVENTS: usize = 100_000;

impl World<'_> {
    pub(super) fn check_signal(&self) -> Result<(), Stop> {
        if self.env.signal.load(Ordering::Relaxed) == 0 { Ok(()) } else { Err(Stop::Interrupted) }
    }

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
        if self.history.mark() > MOST_EVENTS {
            return Err(Stop::Failed(Box::new(self.flooded())));
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

    fn flooded(&self) -> Finding {
        let came = format!("{} messages within {}", self.history.mark(), secs(self.now()));
        let mut finding = self.finding(Level::Must, "messages that each have a reason", came);
        finding.mistake = Some(&mistakes::FLOODS);
        finding
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
        self.process.iter().for_each(Process::hear_out);
        let printed = self.printed().last_lines(3).join(" | ");
        let is_allowed = self.are_all_complete();
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
}
