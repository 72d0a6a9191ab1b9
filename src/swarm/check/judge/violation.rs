//! `Violation`: something that no correct peer does; `Blame`: to whom an early end belongs; and the times that judgement needs.

use std::time::Duration;

use crate::check::mistakes::Mistake;
use crate::check::verdict::{Bytes, Level};

/// Until then a message may have crossed another one on the way, or one thread of the peer another thread.
pub const CROSSING: Duration = Duration::from_millis(700);
/// A request that old without an answer may have been given up. B asks for 3 s at the least. The text names no time, so before
/// that it is no failure once a message could no longer have crossed another one.
pub const GIVEN_UP: Duration = Duration::from_millis(2500);
/// Within this time a correct peer has told everybody what follows from a message.
pub const SETTLED: Duration = Duration::from_millis(1500);

/// Something that no correct peer does.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The address of the case that asks about it.
    pub owner: &'static str,
    /// Whether the text forbids it, or our reading.
    pub level: Level,
    /// The likely mistake.
    pub mistake: Option<&'static Mistake>,
    /// What a correct peer does.
    pub expected: String,
    /// What came instead.
    pub came: String,
    /// The bytes, where they show it.
    pub bytes: Option<Bytes>,
    /// Whether other questions can no longer be answered after it.
    pub disrupts: bool,
    /// Whether something only did not come, which may have another cause.
    pub is_absence: bool,
    /// Whether only its time makes it wrong: it came late, or not in time. A machine that others load may be the reason.
    pub is_timed: bool,
    /// Whether it is an end of the process that no peer makes by itself.
    pub is_crash: bool,
    /// The last events before it, one a line; the world fills them in.
    pub events: Vec<String>,
}

impl Violation {
    pub(super) fn new(owner: &'static str, mistake: &'static Mistake, expected: &str, came: String) -> Self {
        let (level, mistake, expected) = (Level::Must, Some(mistake), expected.to_owned());
        Self {
            owner,
            level,
            mistake,
            expected,
            came,
            bytes: None,
            disrupts: false,
            is_absence: false,
            is_timed: false,
            is_crash: false,
            events: Vec::new(),
        }
    }

    /// It only did not come in time.
    pub(super) const fn absent(mut self) -> Self {
        (self.is_absence, self.is_timed) = (true, true);
        self
    }

    /// It would be right at another time.
    pub(super) const fn timed_if(mut self, is_timed: bool) -> Self {
        self.is_timed = is_timed;
        self
    }

    pub(super) const fn should(self) -> Self {
        self.should_if(true)
    }

    /// Only our reading forbids it then.
    pub(super) const fn should_if(mut self, is_ours: bool) -> Self {
        if is_ours {
            self.level = Level::Should;
        }
        self
    }
}

/// To which case an early end of the process belongs, and what it means there.
#[derive(Clone, Copy, Debug)]
pub struct Blame {
    /// The address of the case.
    pub owner: &'static str,
    /// Whether the text forbids it there.
    pub level: Level,
    /// The likely mistake, if it is not the usual one.
    pub mistake: Option<&'static Mistake>,
}
