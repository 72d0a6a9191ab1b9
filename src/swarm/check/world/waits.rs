//! What cases wait for, and what is said when it does not come: never just that time is up.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::clock::LOOK;
use super::env::Stop;
use super::names::{name, secs};
use super::scene::World;
use crate::check::history::{End, What};
use crate::check::judge::evidence;
use crate::check::mistakes::Mistake;
use crate::check::plan::Nb;
use crate::check::verdict::{Finding, Level};

/// A process whose connection has ended is watched this long before a wait for that connection fails.
const LAST_LOOK: Duration = Duration::from_millis(300);
/// Number of messages that are named one by one.
const NAMED: usize = 8;

/// The case that asks whether earlier neighbors are called.
pub(super) const DIALS: &str = "start/dials-earlier";

/// Something that a case waits for.
#[derive(Clone)]
pub struct Wait {
    what: String,
    nb: Option<Nb>,
    time: Option<Duration>,
    mistake: Option<&'static Mistake>,
    level: Level,
    survives_end: bool,
    is_first: bool,
    asked_by: Option<&'static str>,
}

impl Wait {
    /// Waits for this, such as `a handshake`.
    pub fn to_see(what: impl Into<String>) -> Self {
        let (nb, time, mistake, level) = (None, None, None, Level::Must);
        Self { what: what.into(), nb, time, mistake, level, survives_end: false, is_first: false, asked_by: None }
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

    /// It is one of the first steps of a peer, before which some sleep.
    pub const fn being_a_first_step(mut self) -> Self {
        self.is_first = true;
        self
    }

    /// If it does not come, this is the likely mistake.
    pub const fn or(mut self, mistake: &'static Mistake) -> Self {
        self.mistake = Some(mistake);
        self
    }

    /// This case asks whether it comes; others take that for granted.
    pub const fn asked_by(mut self, case: &'static str) -> Self {
        self.asked_by = Some(case);
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
    /// Waits until `see` returns something.
    ///
    /// # Errors
    /// With a finding that says what was waited for and what came instead.
    pub fn until<T>(&mut self, wait: &Wait, mut see: impl FnMut(&mut Self) -> Option<T>) -> Result<T, Stop> {
        let time = self.time_of(wait);
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

    fn time_of(&self, wait: &Wait) -> Duration {
        let usual = if wait.is_first { self.env.first_patience } else { self.env.patience };
        wait.time.unwrap_or(usual)
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
        let time = self.time_of(wait);
        let mut finding = self.finding(wait.level, format!("{} within {}", wait.what, secs(time)), {
            let came = self.what_came(wait.nb, mark);
            if waited + LOOK < time { format!("{came} (after {})", secs(waited)) } else { came }
        });
        finding.is_absence = true;
        finding.asked_by = wait.asked_by.or_else(|| self.lacks_call_of(wait.nb).then_some(DIALS));
        // What a process that has ended did not do needs no other reason.
        finding.mistake = wait.mistake.filter(|_| !self.has_ended() || wait.survives_end);
        finding.bytes = wait.nb.and_then(|nb| {
            let rest = self.links.incoming(nb)?.rest();
            (!rest.is_empty())
                .then(|| evidence(rest, None, vec!["the start of something that is not whole".to_owned()]))
        });
        finding
    }

    /// Returns whether the peer never called this neighbor, or any one if no one is named, though it should have.
    fn lacks_call_of(&self, nb: Option<Nb>) -> bool {
        let mut all = self.facts.all().filter(|(of, _)| nb.is_none_or(|nb| nb == *of));
        all.any(|(of, between)| self.plan.is_earlier(of) && between.connections == 0)
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
        if count == 0
            && let Some(end) = self.history.ended_before(nb, mark)
        {
            came = format!("nothing, because the connection had ended before: {end}");
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
}
