//! Judges a world at its end: what should have been told by then (A5, A6), and how the process ended (A9).

use std::time::Duration;

use peer_process::protocol::layout::PieceIndex;

use super::violation::{Blame, CROSSING, SETTLED, Violation};
use super::watch::Judge;
use crate::check::facts::{Between, Facts};
use crate::check::history::What;
use crate::check::mistakes::{self, Mistake};
use crate::check::plan::Nb;
use crate::check::verdict::Level;

impl Judge {
    /// Looks at what was never told. Only what is older than [`SETTLED`] counts.
    pub fn finish(&mut self, at: Duration, facts: &Facts) {
        if !facts.runs {
            return;
        }
        self.look_for_haves(at, facts);
        for (nb, between) in facts.all() {
            if between.is_connected && between.we_greeted && between.they_greeted {
                self.look_at_interest(at, nb, between, facts);
            }
        }
    }

    fn look_for_haves(&mut self, at: Duration, facts: &Facts) {
        let due: Vec<(PieceIndex, Duration)> = facts
            .given
            .iter()
            .filter(|(piece, _, given)| !facts.lost.contains(*piece) && at.saturating_sub(*given) > SETTLED)
            .map(|&(piece, _, given)| (piece, given))
            .collect();
        let hearers: Vec<&Between> = facts
            .all()
            .map(|(_, between)| between)
            .filter(|between| between.is_connected && between.we_greeted && between.they_greeted)
            .collect();
        let mut missing = Vec::new();
        let mut told = 0;
        for &(piece, given) in &due {
            for between in hearers.iter().filter(|between| between.connected_at < given) {
                if between.they_announced.contains(piece) {
                    told += 1;
                } else if !between.they_have.contains(piece) {
                    missing.push(piece);
                }
            }
        }
        let Some(&piece) = missing.first() else { return };
        let is_complete = facts.can_have.is_full();
        let last = due.last().map(|(piece, _)| *piece);
        let (owner, mistake) = if told == 0 {
            ("pieces/have-to-all", &mistakes::NO_HAVE)
        } else if is_complete && missing.iter().all(|piece| Some(*piece) == last) {
            ("pieces/last-have", &mistakes::NO_LAST_HAVE)
        } else {
            ("pieces/have-to-all", &mistakes::HAVE_TO_SOME)
        };
        let came = format!(
            "{told} of {} haves came within {} ms; that for piece {piece} is the first one missing",
            told + missing.len(),
            SETTLED.as_millis()
        );
        let expected = "have to each connected neighbor after each piece";
        self.tell(Violation::new(owner, mistake, expected, came).absent());
    }

    fn look_at_interest(&mut self, at: Duration, nb: Nb, between: &Between, facts: &Facts) {
        let is_settled = facts.given.last().is_none_or(|(_, _, given)| at.saturating_sub(*given) > SETTLED)
            && at.saturating_sub(between.connected_at) > SETTLED;
        // Without a word about pieces there is nothing to be interested in.
        if !is_settled || between.we_have.is_empty() {
            return;
        }
        let wants = facts.offers(nb);
        let ms = SETTLED.as_millis();
        match (wants, between.they_are_interested) {
            (true, Some(true)) | (false, Some(false)) => {}
            (false, _) if facts.may_offer(nb) => {}
            (true, last) => {
                let came = match last {
                    Some(_) => "the peer's last word is not interested".to_owned(),
                    None => format!("interested did not come within {ms} ms"),
                };
                let expected = "interested to a neighbor that has a piece that the peer lacks";
                self.tell(Violation::new("interest/interested", &mistakes::NEVER_INTERESTED, expected, came).absent());
            }
            (false, last) => {
                let came = match last {
                    Some(_) => "the peer's last word is interested".to_owned(),
                    None => format!("not interested did not come within {ms} ms"),
                };
                let expected = "not interested to a neighbor that has nothing that the peer lacks";
                let mistake = &mistakes::NEVER_NOT_INTERESTED;
                self.tell(Violation::new("interest/not-interested", mistake, expected, came).absent());
            }
        }
    }

    /// Returns the likely reason of an early end in good order.
    fn why_early(&self, at: Duration, facts: &Facts) -> &'static Mistake {
        if self.closed_at.is_some_and(|closed| at.saturating_sub(closed) < CROSSING) {
            &mistakes::ENDS_ON_CLOSE
        } else if !facts.can_have.is_full() && facts.are_complete(self.lines) {
            &mistakes::ENDS_INCOMPLETE
        } else {
            &mistakes::ENDS_EARLY
        }
    }

    /// Judges the end of the process. `printed` is the last that it printed; `blame` says to whom an early end belongs.
    pub fn see_exit(
        &mut self,
        at: Duration,
        how: &What,
        is_allowed: bool,
        facts: &Facts,
        printed: &str,
        blame: Option<Blame>,
    ) {
        let What::Exited(how) = how else { return };
        let is_right = how == "with status 0";
        if is_allowed && is_right {
            return;
        }
        let words = if printed.is_empty() { String::new() } else { format!("; its last words: {printed}") };
        let (default_owner, mistake, expected) = match (is_allowed, is_right) {
            (true, _) => ("end/status", &mistakes::WRONG_STATUS, "exit status 0"),
            (false, true) => ("end/not-before", self.why_early(at, facts), "no end before all peers have the file"),
            (false, false) => ("start/stays", &mistakes::CRASHES, "a process that runs until all peers have the file"),
        };
        self.tell(Violation {
            owner: blame.map_or(default_owner, |blame| blame.owner),
            // The text says only that the peer ends.
            level: blame.map_or(if is_allowed { Level::Should } else { Level::Must }, |blame| blame.level),
            mistake: blame.and_then(|blame| blame.mistake).or(Some(mistake)),
            expected: expected.to_owned(),
            came: format!("the process ended {how}{words}"),
            bytes: None,
            disrupts: !is_allowed,
            is_absence: false,
            is_timed: false,
            is_crash: !is_allowed && !is_right,
            events: Vec::new(),
        });
    }
}
