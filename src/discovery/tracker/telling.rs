//! `Telling`: which of a tracker's troubles people are told, and when. Pure.
//!
//! A tracker is asked over two families of addresses. It works if one of them does; a family that this machine or the tracker
//! lacks is no trouble. Each kind of trouble is told once, and again after the tracker has worked.

use std::collections::BTreeSet;

use super::families::Family;

/// A kind of trouble, each told once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Its name has no address.
    NoName,
    /// It takes no connection.
    NoConnection,
    /// It is too slow.
    Slow,
    /// It does not speak HTTP, or not to its end.
    NotHttp,
    /// It has another status than 200.
    Status,
    /// It leads elsewhere, and that cannot be followed.
    Redirect,
    /// It sends something else than an answer to an announce.
    NoAnswer,
    /// It refuses with a reason.
    Refused,
    /// This machine cannot ask.
    Own,
}

/// A trouble, with the words for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// What people are told once.
    pub kind: Kind,
    /// The end of the sentence after the tracker's address, such as `cannot be reached: connection refused`.
    pub words: String,
}

/// How asking over a family has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// With an answer.
    Works,
    /// With this trouble.
    Fails(Trouble),
}

/// What is told of one tracker.
#[derive(Debug)]
pub struct Telling {
    /// The last outcome of each family that is used; `None` before the first.
    last: Vec<(Family, Option<Outcome>)>,
    told: BTreeSet<Kind>,
    last_warning: String,
}

impl Telling {
    /// Returns a telling about a tracker that is asked over these families.
    pub fn new(families: &[Family]) -> Self {
        let last = families.iter().map(|family| (*family, None)).collect();
        Self { last, told: BTreeSet::new(), last_warning: String::new() }
    }

    /// Takes an outcome, and returns the end of a sentence after the tracker's address, if it is worth one.
    pub fn note(&mut self, family: Family, outcome: &Outcome) -> Option<String> {
        self.last.iter_mut().filter(|(known, _)| *known == family).for_each(|(_, last)| *last = Some(outcome.clone()));
        if self.works() {
            let was_told = !self.told.is_empty();
            self.told.clear();
            return was_told.then(|| "works again".to_owned());
        }
        let trouble = self.worst()?;
        self.told.insert(trouble.kind).then_some(trouble.words)
    }

    /// Takes a warning, and returns whether it is a new one.
    pub fn note_warning(&mut self, warning: &str) -> bool {
        let is_new = self.last_warning != warning;
        if is_new {
            warning.clone_into(&mut self.last_warning);
        }
        is_new
    }

    /// Returns whether one of the families works, or all have failed: then nothing is left to wait for.
    pub fn is_settled(&self) -> bool {
        self.works() || self.fails()
    }

    /// Returns whether an answer came over one of the families last time.
    pub fn works(&self) -> bool {
        self.last.iter().any(|(_, last)| *last == Some(Outcome::Works))
    }

    /// Returns whether it has failed over all families.
    pub fn fails(&self) -> bool {
        self.last.iter().all(|(_, last)| matches!(last, Some(Outcome::Fails(_))))
    }

    /// The trouble that stands for all: a refusal at once, others when each family has one. The tracker's own words count for
    /// more than a family that it may not have. That counts for more than a name without an address.
    fn worst(&self) -> Option<Trouble> {
        let troubles = self.last.iter().filter_map(|(_, last)| match last {
            Some(Outcome::Fails(trouble)) => Some(trouble),
            _ => None,
        });
        let worst = troubles.max_by_key(|trouble| match trouble.kind {
            Kind::NoName => 0,
            Kind::Own => 1,
            Kind::NoConnection => 2,
            Kind::Slow => 3,
            Kind::NotHttp | Kind::Status | Kind::Redirect | Kind::NoAnswer => 4,
            Kind::Refused => 5,
        })?;
        (self.fails() || worst.kind == Kind::Refused).then(|| worst.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(kind: Kind) -> Outcome {
        Outcome::Fails(Trouble { kind, words: format!("{kind:?}") })
    }

    #[track_caller]
    fn check(families: &[Family], notes: &[(Family, Outcome, Option<&str>)]) {
        let mut telling = Telling::new(families);
        for (index, (family, outcome, told)) in notes.iter().enumerate() {
            assert_eq!(telling.note(*family, outcome).as_deref(), *told, "note {index}");
        }
    }

    #[test]
    fn each_kind_is_told_once_and_again_after_it_has_worked() {
        let (slow, refused) = (fails(Kind::Slow), fails(Kind::Refused));
        check(
            &[Family::V4],
            &[
                (Family::V4, slow.clone(), Some("Slow")),
                (Family::V4, slow.clone(), None),
                (Family::V4, refused.clone(), Some("Refused")),
                (Family::V4, slow.clone(), None),
                (Family::V4, Outcome::Works, Some("works again")),
                (Family::V4, Outcome::Works, None),
                (Family::V4, slow, Some("Slow")),
            ],
        );
    }

    #[test]
    fn a_family_that_does_not_work_is_no_trouble_if_the_other_does() {
        let both = [Family::V4, Family::V6];
        let none = fails(Kind::NoConnection);
        check(
            &both,
            &[
                (Family::V6, none.clone(), None),
                (Family::V4, Outcome::Works, None),
                (Family::V6, none.clone(), None),
                (Family::V4, none.clone(), Some("NoConnection")),
                (Family::V6, Outcome::Works, Some("works again")),
            ],
        );
        // The words of one of them count for more than a name without an address.
        check(&both, &[(Family::V4, none, None), (Family::V6, fails(Kind::NoName), Some("NoConnection"))]);
    }

    #[test]
    fn a_refusal_is_told_without_waiting_for_the_other_family() {
        let both = [Family::V4, Family::V6];
        let refused = fails(Kind::Refused);
        check(
            &both,
            &[
                (Family::V4, refused.clone(), Some("Refused")),
                (Family::V6, fails(Kind::NoConnection), None),
                (Family::V6, refused, None),
            ],
        );
    }

    #[test]
    fn a_warning_is_told_when_it_is_new() {
        let mut telling = Telling::new(&[Family::V4]);
        assert!(telling.note_warning("slow down"));
        assert!(!telling.note_warning("slow down"));
        assert!(telling.note_warning("closing soon"));
        assert!(!telling.works() && !telling.fails());
    }
}
