//! `Live`: the progress while the cases run. It goes to stderr.
//!
//! A terminal shows a bar with the cases under way. Elsewhere nothing is shown: the report counts the cases.

use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use peer_process::output::stderr;

use crate::out::finish_bar;

/// Number of columns that the bar and the counts take.
const BAR_COLUMNS: usize = 40;

/// The progress of a run. Several threads may tell it what they do.
#[derive(Debug)]
pub struct Live {
    bar: ProgressBar,
    running: Mutex<Vec<&'static str>>,
}

impl Live {
    /// Makes the view of a run with this number of cases.
    pub fn new(cases: usize) -> Self {
        let target = if stderr::draws() { stderr::draw_target() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(cases as u64), target);
        let style = ProgressStyle::with_template("[{bar:24}] {pos}/{len} {wide_msg}");
        bar.set_style(style.expect("the template is right").progress_chars("=> "));
        Self { bar, running: Mutex::default() }
    }

    /// Shows that a case begins.
    pub fn begin(&self, address: &'static str) {
        self.change(|running| running.push(address));
    }

    /// Shows that a case that has begun is done.
    pub fn end(&self, address: &'static str) {
        self.change(|running| {
            let place = running.iter().position(|own| *own == address);
            place.map(|place| running.remove(place));
        });
        // A case that is repeated has been counted already.
        if Some(self.bar.position()) < self.bar.length() {
            self.bar.inc(1);
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        finish_bar(&self.bar);
    }

    fn change(&self, change: impl FnOnce(&mut Vec<&'static str>)) {
        // A thread that panics while it holds the lock leaves a list that can still be shown.
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut running);
        let room = usize::from(stderr::size().0).saturating_sub(BAR_COLUMNS);
        self.bar.set_message(listed(&running, room));
    }
}

/// Lists as many cases as there is room for, and the number of the others.
fn listed(running: &[&str], room: usize) -> String {
    let list = |count: usize| match running.len() - count {
        0 => running.join(", "),
        more => format!("{} and {more} more", running[..count].join(", ")),
    };
    // The first stands there even if it is cut off.
    let fitting = (1..=running.len()).rev().map(list).find(|text| text.len() <= room);
    fitting.unwrap_or_else(|| running.first().copied().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cases_under_way_are_listed_as_far_as_there_is_room() {
        let running = ["handshake/first", "bitfield/partial", "end/last-have"];
        assert_eq!(listed(&running, 60), "handshake/first, bitfield/partial, end/last-have");
        assert_eq!(listed(&running, 47), "handshake/first, bitfield/partial and 1 more");
        assert_eq!(listed(&running, 30), "handshake/first and 2 more");
        assert_eq!(listed(&running, 3), "handshake/first");
        assert_eq!(listed(&[], 30), "");
    }

    #[test]
    fn a_case_is_under_way_from_its_beginning_to_its_end() {
        let live = Live::new(2);
        let running = || live.running.lock().expect("no thread has panicked").clone();
        live.begin("a/one");
        live.begin("a/two");
        live.end("a/one");
        assert_eq!((running(), live.bar.position()), (vec!["a/two"], 1));
    }
}
