//! What the tester says about a peer: verdicts, findings and their evidence.

use std::time::Duration;

use super::mistakes::Mistake;
use crate::rubric::Item;

/// What came out of a case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verdict {
    /// The peer did what the clause asks.
    Pass,
    /// The peer differs from our reading, which the course's text leaves open.
    Warn,
    /// An earlier failure, which is named, kept the case from its question.
    Unclear,
    /// The peer broke the course's text.
    Fail,
}

impl Verdict {
    /// Returns the word for it in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Unclear => "unclear",
            Self::Fail => "fail",
        }
    }
}

/// How much the course's text asks of what a finding is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Our reading asks for it. Two correct peers may differ.
    Should,
    /// The course's text asks for it.
    Must,
}

impl Level {
    /// Returns the word for it in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Should => "SHOULD",
            Self::Must => "MUST",
        }
    }
}

/// A clause of the protocol, as a case of the tester asks for it.
#[derive(Debug)]
pub struct Clause {
    /// `group/name`, such as `handshake/first`.
    pub address: &'static str,
    /// The section of the protocol, such as `A4` or `B`.
    pub section: &'static str,
    /// The item of the course's rubric.
    pub item: Item,
    /// Whether the text asks for it, or our reading.
    pub level: Level,
    /// The clause in our words: a sentence or two.
    pub text: &'static str,
}

impl Clause {
    /// Returns the part of the address before the slash.
    pub fn group(&self) -> &'static str {
        self.address.split('/').next().unwrap_or(self.address)
    }

    /// Returns the part of the address behind the slash.
    pub fn name(&self) -> &'static str {
        self.address.split_once('/').map_or(self.address, |(_, name)| name)
    }
}

/// Bytes that came from the peer, as evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bytes {
    /// The bytes, from the start of what is wrong. At most [`Bytes::SHOWN`].
    pub data: Vec<u8>,
    /// Number of all bytes that came there, if more than `data` holds.
    pub total: usize,
    /// What a correct peer would have sent, where only one answer is right.
    pub expected: Option<Vec<u8>>,
    /// What can be understood of them, in order, such as `have 3`.
    pub decoded: Vec<String>,
}

impl Bytes {
    /// Maximum number of bytes that are shown.
    pub const SHOWN: usize = 64;

    /// Returns the place of the first byte that differs from what was expected.
    pub fn first_difference(&self) -> Option<usize> {
        let expected = self.expected.as_ref()?;
        (0..self.data.len().max(expected.len())).find(|&at| self.data.get(at) != expected.get(at))
    }
}

/// One thing that is wrong, with its evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Whether the text asks for it, or our reading.
    pub level: Level,
    /// What the tester did, in one sentence.
    pub done: String,
    /// What should have come, and how long it was waited for, in one sentence.
    pub expected: String,
    /// What came instead, in one sentence.
    pub came: String,
    /// The bytes behind that, where bytes show it.
    pub bytes: Option<Bytes>,
    /// The likely mistake of the peer's author.
    pub mistake: Option<&'static Mistake>,
    /// Whether it only says that something did not come, for which there may be another reason.
    pub is_absence: bool,
    /// Whether it came later all the same, when one thing had changed. So no other case explains that it did not come at first.
    pub is_contrast: bool,
    /// The case that asks whether this comes, if other cases take it for granted.
    pub asked_by: Option<&'static str>,
    /// The last events before it, one a line, oldest first.
    pub events: Vec<String>,
}

impl Finding {
    /// Returns one with these sentences, and nothing else known.
    pub fn new(level: Level, done: impl Into<String>, expected: impl Into<String>, came: impl Into<String>) -> Self {
        Self {
            level,
            done: done.into(),
            expected: expected.into(),
            came: came.into(),
            bytes: None,
            mistake: None,
            is_absence: false,
            is_contrast: false,
            asked_by: None,
            events: Vec::new(),
        }
    }
}

/// Returns a part of a sentence as a sentence: with a capital and a period.
pub fn sentence(part: &str) -> String {
    let mut chars = part.trim_end_matches('.').chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}

/// The outcome of a case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The clause that was asked about.
    pub clause: &'static Clause,
    /// What came out.
    pub verdict: Verdict,
    /// What was found. Empty for `pass`; for `unclear` what kept the case from its question.
    pub findings: Vec<Finding>,
    /// For `unclear`: the address of the failure that is in the way.
    pub because_of: Option<&'static str>,
    /// How long the case took.
    pub took: Duration,
    /// How late the tester itself was at worst.
    pub late: Duration,
    /// A remark that is no judgement, such as that the case was repeated alone.
    pub note: Option<String>,
    /// The directory that was kept, relative to `--keep`.
    pub kept: Option<String>,
}

/// Everything about one run of the tester.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The peer's command, as given.
    pub command: String,
    /// The options to repeat this run with, besides `--command` and `--only`, quoted for a shell.
    pub options: String,
    /// The outcomes, in the order of the list of cases.
    pub outcomes: Vec<Outcome>,
    /// How long the run took.
    pub took: Duration,
    /// Median time from the start of a peer to its first sign on the network.
    pub start_time: Option<Duration>,
    /// Whether a signal ended the run before all cases were done.
    pub is_cut_short: bool,
    /// Number of cases that the command line chose. A signal may have kept some of them from being done.
    pub chosen: usize,
    /// Number of cases that the tester has.
    pub known: usize,
}

impl Summary {
    /// Reports whether cases are missing: the command line left them out, or a signal ended the run before them.
    pub const fn is_partial(&self) -> bool {
        self.outcomes.len() < self.known
    }

    /// Returns the number of outcomes with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.verdict == verdict).count()
    }
}
