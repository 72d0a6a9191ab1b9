//! How long the pauses between requests to a tracker are, whatever the tracker says. Pure.

use std::time::Duration;

use rand::{Rng, RngExt};

/// The interval if the tracker gives none.
const USUAL_INTERVAL: Duration = Duration::from_secs(30 * 60);
/// A tracker's interval counts as at least this; some give 0.
const SHORTEST: Duration = Duration::from_secs(5);
/// A tracker's interval counts as at most this. Trackers usually forget a peer after one or two hours.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// While nobody is known, the first pause, unless the tracker's `min interval` is longer; each is twice as long as the last.
const FIRST_ALONE: Duration = Duration::from_secs(5);
/// The longest of these pauses.
const LONGEST_ALONE: Duration = Duration::from_secs(60);
/// While the end waits for the counts, the first pause; each is twice as long as the last.
const FIRST_COUNT: Duration = Duration::from_secs(1);
/// The longest of these pauses.
pub const LONGEST_COUNT: Duration = Duration::from_secs(15);
/// The first pause after a failure: the tracker may be starting up. Each is twice as long as the last.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest of these pauses.
const LONGEST_RETRY: Duration = Duration::from_secs(5 * 60);
/// The first pause after a refusal, which seldom ends soon; each is twice as long as the last, up to [`LONGEST`].
const FIRST_AFTER_REFUSAL: Duration = Duration::from_secs(30);
/// A pause after a failure differs by up to this part in both directions, so that not all peers come back at once.
const JITTER: f64 = 0.25;

/// What an answer says about the next one.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Intervals {
    /// `interval`.
    pub usual: Option<Duration>,
    /// `min interval`.
    pub min: Option<Duration>,
}

/// How an announce failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// No answer, or none that could be read.
    NoAnswer,
    /// The tracker refused. The time is that of `retry in` (BEP 31).
    Refused(Option<Duration>),
    /// It refused, and does not want to be asked again.
    RefusedForGood,
}

impl Intervals {
    /// Returns the pause until the next announce, within bounds.
    pub fn usual(self) -> Duration {
        self.usual.unwrap_or(USUAL_INTERVAL).clamp(self.min(), LONGEST)
    }

    /// Returns the shortest pause until the next announce without an event, within bounds.
    pub fn min(self) -> Duration {
        self.min.unwrap_or_default().clamp(SHORTEST, LONGEST)
    }
}

impl Failure {
    /// Returns the pause after it, if it comes after `before` others in a row; `None` means for good.
    pub fn pause(self, before: u32, rng: &mut impl Rng) -> Option<Duration> {
        let (first, longest) = match self {
            Self::NoAnswer => (FIRST_RETRY, LONGEST_RETRY),
            Self::Refused(None) => (FIRST_AFTER_REFUSAL, LONGEST),
            Self::Refused(Some(pause)) => (pause.clamp(SHORTEST, LONGEST), LONGEST),
            Self::RefusedForGood => return None,
        };
        Some(doubled(first, before, longest).mul_f64(rng.random_range(1.0 - JITTER..=1.0 + JITTER)))
    }
}

/// Returns the pause after an announce while nobody is known, if `before` others came before it.
pub fn while_alone(before: u32) -> Duration {
    doubled(FIRST_ALONE, before, LONGEST_ALONE)
}

/// Returns the pause before a scrape while the end waits for the counts, if `before` others came before it.
pub fn for_counts(before: u32) -> Duration {
    doubled(FIRST_COUNT, before, LONGEST_COUNT)
}

/// Returns the pause after `before` others, each twice as long as the last, up to the longest.
fn doubled(first: Duration, before: u32, longest: Duration) -> Duration {
    first.saturating_mul(1_u32.checked_shl(before).unwrap_or(u32::MAX)).min(longest)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn pauses_double_up_to_their_longest() {
        let secs = |pauses: [Duration; 6]| pauses.map(|pause| pause.as_secs());
        assert_eq!(secs([0, 1, 3, 4, 31, u32::MAX].map(while_alone)), [5, 10, 40, 60, 60, 60]);
        assert_eq!(secs([0, 1, 3, 4, 32, u32::MAX].map(for_counts)), [1, 2, 8, 15, 15, 15]);
    }

    /// The pauses are spread over the whole range, and not around one of its ends.
    #[test]
    fn jitter_goes_both_ways() {
        let mut rng = StdRng::seed_from_u64(1);
        let pauses = (0..1000).map(|_| Failure::NoAnswer.pause(0, &mut rng).expect("a pause").as_secs_f64());
        let mut pauses: Vec<_> = pauses.collect();
        pauses.sort_by(f64::total_cmp);
        let near = |index: usize, expected: f64| (pauses[index] - expected).abs() < 0.03;
        assert!(
            near(0, 0.75) && near(250, 0.875) && near(500, 1.0) && near(750, 1.125) && near(999, 1.25),
            "{pauses:?}"
        );
    }
}
