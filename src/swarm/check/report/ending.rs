//! `Ending`: the exit status of a run, and its reason.

use peer_process::output::console::counted;

use crate::check::verdict::{Summary, Verdict};

/// The reason for the exit status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// No case fails.
    Well,
    /// Cases fail.
    Failed(usize),
    /// Cases warn, and `--strict` was given.
    Warned(usize),
    /// Nothing fails, and cases are unclear.
    Unclear(usize),
    /// A signal came before all cases were done.
    CutShort,
    /// No peer of any case was ever seen on the network.
    NotRun,
}

impl Ending {
    /// Returns the ending of this run.
    pub fn of(summary: &Summary, is_strict: bool) -> Self {
        let [fail, warn, unclear, pass] =
            [Verdict::Fail, Verdict::Warn, Verdict::Unclear, Verdict::Pass].map(|verdict| summary.count(verdict));
        if summary.is_cut_short {
            Self::CutShort
        } else if summary.start_time.is_none() && pass + warn == 0 {
            Self::NotRun
        } else if fail > 0 {
            Self::Failed(fail)
        } else if unclear > 0 {
            Self::Unclear(unclear)
        } else if is_strict && warn > 0 {
            Self::Warned(warn)
        } else {
            Self::Well
        }
    }

    /// Returns the exit status for it.
    pub const fn status(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Failed(_) | Self::Warned(_) | Self::Unclear(_) | Self::CutShort => 1,
            Self::NotRun => 2,
        }
    }

    /// Returns the reason, as a part of a sentence.
    pub fn reason(self) -> String {
        let verb = |count, verb: &str| match count {
            1 => format!("1 case {verb}s"),
            count => format!("{} {verb}", counted(count, "case")),
        };
        match self {
            Self::Well => "no case fails".into(),
            Self::Failed(count) => verb(count, "fail"),
            Self::Warned(count) => format!("{}, and --strict counts that", verb(count, "warn")),
            Self::Unclear(1) => "1 case is unclear".into(),
            Self::Unclear(count) => format!("{count} cases are unclear"),
            Self::CutShort => "a signal ended the run before all cases were done".into(),
            Self::NotRun => "the peer neither listened nor dialed in any case".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::check::report::sample::{all, only};

    #[test]
    fn the_worst_decides() {
        let check = |summary: &Summary, lenient: (u8, &str), strict: (u8, &str)| {
            for (is_strict, (status, reason)) in [(false, lenient), (true, strict)] {
                let ending = Ending::of(summary, is_strict);
                assert_eq!((ending.status(), &*ending.reason()), (status, reason), "{is_strict}");
            }
        };
        let both = |summary: &Summary, expected| check(summary, expected, expected);
        both(&all(), (1, "3 cases fail"));
        both(&only(&[Verdict::Pass]), (0, "no case fails"));
        both(&only(&[Verdict::Pass, Verdict::Fail, Verdict::Warn]), (1, "1 case fails"));
        both(&only(&[Verdict::Pass, Verdict::Unclear]), (1, "1 case is unclear"));
        let strict = (1, "1 case warns, and --strict counts that");
        check(&only(&[Verdict::Pass, Verdict::Warn]), (0, "no case fails"), strict);
        let unseen = Summary { start_time: None, ..only(&[Verdict::Fail, Verdict::Unclear]) };
        both(&unseen, (2, "the peer neither listened nor dialed in any case"));
        let seen = Summary { start_time: Some(Duration::ZERO), ..unseen };
        both(&seen, (1, "1 case fails"));
        both(&Summary { is_cut_short: true, ..seen }, (1, "a signal ended the run before all cases were done"));
    }
}
