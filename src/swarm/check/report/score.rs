//! The score: the cases of each item of the rubric, and the sum of the rubric as far as a black box can see it.

use crate::check::verdict::{Outcome, Summary, Verdict};
use crate::rubric::Item;

/// The cases of an item, or of several.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// Number of all cases.
    pub asked: u32,
    /// Number of cases that pass, with or without a warning: what the text leaves open breaks nothing.
    pub passed: u32,
    /// Number of cases that warn.
    pub warned: u32,
    /// Number of cases that are unclear.
    pub unclear: u32,
    /// Number of cases that fail.
    pub failed: u32,
}

impl Tally {
    fn add(&mut self, verdict: Verdict) {
        self.asked += 1;
        match verdict {
            Verdict::Pass => self.passed += 1,
            Verdict::Warn => {
                self.passed += 1;
                self.warned += 1;
            }
            Verdict::Unclear => self.unclear += 1,
            Verdict::Fail => self.failed += 1,
        }
    }
}

/// Returns the items that cases asked about, in the order of the rubric.
pub fn items(summary: &Summary) -> Vec<(Item, Tally)> {
    let tally = |item| (item, tally(summary, |outcome| outcome.clause.item == item));
    Item::ALL.into_iter().map(tally).filter(|(_, tally)| tally.asked > 0).collect()
}

/// Returns the tally of the cases that are meant.
pub fn tally(summary: &Summary, is_meant: impl Fn(&Outcome) -> bool) -> Tally {
    let mut tally = Tally::default();
    for outcome in summary.outcomes.iter().filter(|outcome| is_meant(outcome)) {
        tally.add(outcome.verdict);
    }
    tally
}

/// The sum of the rubric, in percent of the project. It is not a grade.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sum {
    /// The sum if nothing that is unclear were right.
    pub least: f64,
    /// The sum if all that is unclear were right.
    pub most: f64,
    /// The weights of the headings that cases asked about.
    pub of: u32,
}

impl Sum {
    /// Adds the headings up: each counts with its weight times the share of its cases that pass.
    pub fn of(summary: &Summary) -> Self {
        let mut headings: Vec<_> = Item::ALL.into_iter().filter_map(Item::heading).collect();
        headings.dedup();
        let mut sum = Self { least: 0.0, most: 0.0, of: 0 };
        for (number, weight) in headings {
            let is_below = |item: Item| item.heading().is_some_and(|(own, _)| own == number);
            let tally = tally(summary, |outcome| is_below(outcome.clause.item));
            if tally.asked > 0 {
                let share = |count: u32| f64::from(weight) * f64::from(count) / f64::from(tally.asked);
                sum.least += share(tally.passed);
                sum.most += share(tally.passed + tally.unclear);
                sum.of += weight;
            }
        }
        sum
    }

    /// Returns the sum of this run as a sentence. What a part of the cases shows is not the sum of the rubric.
    pub fn sentence(summary: &Summary) -> String {
        let words = Self::of(summary).words();
        if summary.is_partial() {
            let (done, known) = (summary.outcomes.len(), summary.known);
            format!("Of what {done} of {known} cases can show of the rubric: {words}. Only all cases give its sum.")
        } else {
            format!("The rubric, as far as a black box can see it: {words}.")
        }
    }

    /// Returns the sum in words: `68.8 of 100`, `52.0 to 68.8 of 100`.
    pub fn words(self) -> String {
        let Self { least, most, of } = self;
        if format!("{least:.1}") == format!("{most:.1}") {
            format!("{least:.1} of {of}")
        } else {
            format!("{least:.1} to {most:.1} of {of}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::report::sample::{all, only};

    #[test]
    fn each_item_has_its_cases() {
        let tally = |asked, passed, warned, unclear, failed| Tally { asked, passed, warned, unclear, failed };
        assert_eq!(
            items(&all()),
            [
                (Item::I1a, tally(1, 1, 0, 0, 0)),
                (Item::I2a, tally(2, 0, 0, 0, 2)),
                (Item::I2b, tally(1, 0, 0, 1, 0)),
                (Item::I2e, tally(2, 1, 1, 0, 1)),
                (Item::I3e, tally(1, 0, 0, 1, 0)),
                (Item::Beside, tally(1, 1, 0, 0, 0)),
            ]
        );
    }

    #[test]
    fn a_heading_counts_with_the_share_of_its_cases_and_only_if_it_was_asked_about() {
        // 1: 1 of 1 is 35. 2: 1 of 5 is 6, with 1 more unclear. 3: 0 of 1, unclear. 4 was not asked about.
        let sum = Sum::of(&all());
        assert_eq!(sum.words(), "41.0 to 77.0 of 95");
        assert_eq!(Sum::of(&only(&[Verdict::Pass])).words(), "35.0 of 35");
        assert_eq!(Sum::of(&only(&[])).words(), "0.0 of 0");
    }

    #[test]
    fn a_part_of_the_cases_does_not_give_the_sum_of_the_rubric() {
        let full = only(&[Verdict::Pass]);
        assert_eq!(Sum::sentence(&full), "The rubric, as far as a black box can see it: 35.0 of 35.");
        assert_eq!(
            Sum::sentence(&Summary { known: 162, ..full }),
            "Of what 1 of 162 cases can show of the rubric: 35.0 of 35. Only all cases give its sum."
        );
    }
}
