//! `Mark`: a moment that the page points to, such as a violated invariant.

use super::times::Times;
use crate::grade::invariants::{Findings, Group, Violation};
use crate::history::{Moment, Record, Source};
use crate::words::capitalized;

/// All marks, and how many there would be: of many violations of one rule, only the first are kept.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Marks {
    pub violated_count: u64,
    pub unclear_count: u64,
    pub kept: Vec<Mark>,
}

/// Returns the marks of all kept violations: the certain ones first, each sort in the order of the rubric.
pub fn marks_of(findings: &Findings, record: &Record) -> Marks {
    let sorts = [(&findings.violated, false), (&findings.unclear, true)];
    let groups = sorts.into_iter().flat_map(|(groups, is_unclear)| groups.iter().map(move |group| (group, is_unclear)));
    let kept = groups.flat_map(|(group, is_unclear)| group.first.iter().map(move |violation| (violation, is_unclear)));
    let kept = kept.map(|(violation, is_unclear)| mark(violation, is_unclear, record)).collect();
    let count = |groups: &[Group]| groups.iter().map(|group| group.count).sum();
    Marks { violated_count: count(&findings.violated), unclear_count: count(&findings.unclear), kept }
}

/// Makes a mark at the line with which a violation is one.
fn mark(violation: &Violation, is_unclear: bool, record: &Record) -> Mark {
    let Violation { name, peer, at, ref entries, ref what, means, .. } = *violation;
    let (owner, source, line) = entries.first().copied().unwrap_or((peer, Source::Log, 0));
    let own = record.peers.iter().find(|other| other.id == owner);
    let lines = own.and_then(|own| if source == Source::Log { own.log.as_ref() } else { own.events.as_ref() });
    let file = lines.map_or_else(String::new, |lines| lines.name.clone());
    Mark { at, peer: owner, name: name.into(), text: format!("{}. {means}", capitalized(what)), file, line, is_unclear }
}

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
    use crate::grade::invariants::violations;
    use crate::history::Event;
    use crate::replay::sample::{lines, log, record};

    #[test]
    fn a_mark_is_at_the_line_that_breaks_the_rule_and_its_text_is_a_sentence() {
        let count = |count| (Moment(1), Event::Downloaded { from: 1001, index: count, count });
        let mut seeder = log([(Moment(1), Event::ConnectedFrom(1002))]);
        seeder.name = "log_peer_1001.log".into();
        let record = record(&[Some(seeder), Some(log([(Moment(0), Event::Makes(1001)), count(1), count(3)]))]);
        let marks = marks_of(&violations(&record), &record).kept;
        let mark = marks.iter().find(|mark| mark.name == "count-jumps").expect("the count jumps");
        assert_eq!((mark.file.as_str(), mark.line), ("log_peer.log", 3), "{mark:?}");
        for mark in marks {
            let first = mark.text.chars().next().expect("a text");
            assert!(first.is_uppercase() || first.is_ascii_digit(), "{}", mark.text);
        }
    }

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
