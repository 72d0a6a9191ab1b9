//! `FileIdentity`: recognises a file that other programs may replace or overwrite.

use crate::system::facts::FileFacts;

/// A file at some moment: which one, its length, and when it was last written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileIdentity {
    /// The device, and the number of the file on it.
    place: (u64, u64),
    len: u64,
    /// `None` if we write to it ourselves: a network file system may change the time later.
    written: Option<(i64, i64)>,
}

impl FileIdentity {
    /// Returns the identity of a file that only other programs write to.
    #[must_use]
    pub fn of_others(facts: &FileFacts) -> Self {
        Self { written: Some(facts.written), ..Self::of_ours(facts) }
    }

    /// Returns the identity of a file that we write to.
    #[must_use]
    pub fn of_ours(facts: &FileFacts) -> Self {
        Self { place: facts.place, len: facts.len, written: None }
    }

    /// Reports whether we write to it ourselves.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.written.is_none()
    }

    /// Returns how the file has changed, given the file that is there now.
    #[must_use]
    pub fn change(&self, now: &FileFacts) -> Option<Change> {
        let now = Self::of_others(now);
        if now.place != self.place {
            Some(Change::Replaced)
        } else if now.len != self.len {
            Some(Change::Resized { from: self.len, to: now.len })
        } else {
            self.written.is_some_and(|written| Some(written) != now.written).then_some(Change::Written)
        }
    }
}

/// A change of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// No file has its name any more.
    Gone,
    /// Another file has its name.
    Replaced,
    /// It has a different length, in bytes.
    Resized {
        /// Its length before.
        from: u64,
        /// Its length now.
        to: u64,
    },
    /// It was written to; its bytes may be the same.
    Written,
}
