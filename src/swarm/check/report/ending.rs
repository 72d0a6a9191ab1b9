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

    /// Returns the exit status for it. If a signal ended the run, the status depends on the signal.
    pub const fn status(self) -> Option<u8> {
        match self {
            Self::Well => Some(0),
            Self::Failed(_) | Self::Warned(_) | Self::Unclear(_) => Some(1),
            Self::NotRun => Some(2),
            Self::CutShort => None,
        }
    }

    /// Returns the status and its reason as a sentence.
    pub fn sentence(self) -> String {
        let status = self.status().map_or_else(|| "Stopped".into(), |status| format!("Exit status {status}"));
        format!("{status}: {}.", self.reason())
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
        let check = |summary: &Summary, lenient: &str, strict: &str| {
            for (is_strict, sentence) in [(false, lenient), (true, strict)] {
                assert_eq!(Ending::of(summary, is_strict).sentence(), sentence, "{is_strict}");
            }
        };
        let both = |summary: &Summary, expected| check(summary, expected, expected);
        both(&all(), "Exit status 1: 3 cases fail.");
        both(&only(&[Verdict::Pass]), "Exit status 0: no case fails.");
        both(&only(&[Verdict::Pass, Verdict::Fail, Verdict::Warn]), "Exit status 1: 1 case fails.");
        both(&only(&[Verdict::Pass, Verdict::Unclear]), "Exit status 1: 1 case is unclear.");
        let strict = "Exit status 1: 1 case warns, and --strict counts that.";
        check(&only(&[Verdict::Pass, Verdict::Warn]), "Exit status 0: no case fails.", strict);
        let unseen = Summary { start_time: None, ..only(&[Verdict::Fail, Verdict::Unclear]) };
        both(&unseen, "Exit status 2: the peer neither listened nor dialed in any case.");
        let seen = Summary { start_time: Some(Duration::ZERO), ..unseen };
        both(&seen, "Exit status 1: 1 case fails.");
        both(&Summary { is_cut_short: true, ..seen }, "Stopped: a signal ended the run before all cases were done.");
    }
}
