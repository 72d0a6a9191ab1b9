//! `Mark`: a moment that the page points to, such as a violated invariant.

use super::times::Times;
use crate::history::{Moment, Record};

/// A moment of a peer with what is wrong there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mark {
    /// When, by the peer's own clock.
    pub at: Moment,
    /// The ID of the peer in whose file it is.
    pub peer: u32,
    /// The rule's name, such as `index-twice`.
    pub name: String,
    /// What is wrong, in a sentence.
    pub text: String,
    /// The file's name as in the record, and the line in it from 1.
    pub file: String,
    pub line: u32,
    /// Whether the logs are not exact enough to be sure.
    pub is_unclear: bool,
}

impl Mark {
    /// Returns the moment at which the page shows it: that of its line, so that the cursor stands right behind it.
    pub fn moment(&self, record: &Record, times: &Times) -> Option<i64> {
        let peer = record.peers.iter().position(|peer| peer.id == self.peer)?;
        let files = [&record.peers[peer].log, &record.peers[peer].events];
        let file = files.iter().position(|lines| lines.as_ref().is_some_and(|lines| lines.name == self.file));
        file.and_then(|file| times.at_line(record, peer, file, self.line)).or(self.at.known())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::sample::{lines, record};

    #[test]
    fn a_mark_stands_where_its_line_does() {
        let second = Some(1_000_000);
        let record = record(&[Some(lines(&[second, second], Some(1_000_000)))]);
        let times = Times::of(&record, &[]);
        let mark = |file: &str, line| Mark {
            at: Moment(7),
            peer: 1001,
            name: String::new(),
            text: String::new(),
            file: file.into(),
            line,
            is_unclear: false,
        };
        assert_eq!(mark("log_peer.log", 2).moment(&record, &times), Some(1_500_000));
        assert_eq!(mark("other.log", 2).moment(&record, &times), Some(7));
        assert_eq!(mark("log_peer.log", 3).moment(&record, &times), Some(7));
    }
}
