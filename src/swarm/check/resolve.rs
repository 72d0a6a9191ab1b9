//! From what the cases left to outcomes: which finding belongs to which case, and what explains what. Pure.

use std::collections::BTreeSet;

use super::judge::Violation;
use super::notes::note;
use super::raw::Raw;
use super::verdict::{Finding, Level, Outcome, Verdict, sentence};

/// The case in which nothing is a reason to end.
const STAYS: &str = "start/stays";

/// Resolves what the cases left into outcomes.
///
/// A violation counts for the case that it belongs to, wherever it was seen. A case that stopped because of a violation of
/// another case, or whose needs failed, is unclear.
pub fn resolve(raws: &[Raw]) -> Vec<Outcome> {
    let is_run = |address: &str| raws.iter().any(|raw| raw.case.clause.address == address);
    // A peer that ends by itself where nothing is wrong has no other reason to end elsewhere.
    let is_crashing = raws.iter().any(crashes_by_itself);
    let is_no_reason = |violation: &Violation| is_crashing && violation.is_crash && violation.owner != STAYS;
    // A violation whose owner was not run counts where it was seen.
    let owner_of = |raw: &Raw, violation: &Violation| {
        if is_no_reason(violation) {
            STAYS
        } else if is_run(violation.owner) {
            violation.owner
        } else {
            raw.case.clause.address
        }
    };
    let mut certain = BTreeSet::new();
    let mut outcomes: Vec<Outcome> = raws
        .iter()
        .map(|raw| {
            let address = raw.case.clause.address;
            let mut findings: Vec<Finding> = Vec::new();
            if raw.findings.iter().any(|finding| !finding.is_absence) {
                certain.insert(address);
            }
            // The case's own evidence comes first, and each mistake once.
            let others = raws.iter().filter(|other| !std::ptr::eq(*other, raw));
            for seen in std::iter::once(raw).chain(others) {
                for violation in seen.violations.iter().filter(|violation| !is_no_reason(violation)) {
                    let is_new = findings.iter().all(|finding| finding.mistake != violation.mistake);
                    if is_new && owner_of(seen, violation) == address {
                        if !violation.is_absence {
                            certain.insert(address);
                        }
                        findings.push(finding_of(violation, seen, raw));
                    }
                }
            }
            let disrupting =
                || raw.violations.iter().filter(|violation| violation.disrupts && owner_of(raw, violation) != address);
            let other = disrupting().find(|violation| violation.level == Level::Must || is_no_reason(violation));
            // What follows from a freedom that the peer took is no failure.
            let is_excused = other.is_none() && disrupting().next().is_some();
            // After bytes that this case is about and that cannot be understood, nothing else could come.
            let explains = |violation: &Violation| violation.disrupts && owner_of(raw, violation) == address;
            let stopped = raw.stopped.as_deref().filter(|_| !raw.violations.iter().any(explains));
            let mut own: Vec<_> = raw.findings.iter().chain(stopped).cloned().collect();
            for finding in own.iter_mut().filter(|_| is_excused) {
                finding.level = Level::Should;
            }
            let mut because_of = None;
            // What was seen wrong in the same world explains what did not come there.
            let beside = raw.violations.iter().find(|violation| {
                let is_other = owner_of(raw, violation) != address;
                is_other && !violation.is_absence && violation.level == Level::Must
            });
            let is_stop_alone = raw.findings.is_empty() && stopped.is_some() && findings.is_empty();
            let other = other.or(beside.filter(|_| is_stop_alone));
            if let Some(other) = other.filter(|_| !own.is_empty()) {
                because_of = Some(owner_of(raw, other));
                if findings.is_empty() {
                    findings = own;
                }
            } else {
                // What the case says about a mistake itself, the judge need not say again.
                findings.retain(|seen| seen.mistake.is_none() || own.iter().all(|own| own.mistake != seen.mistake));
                // What only did not come is explained by what the judge saw.
                own.retain(|own| own.mistake.is_some() || findings.is_empty());
                findings.splice(0..0, own);
                if !findings.is_empty() {
                    because_of = None;
                }
            }
            let is_unnamed = because_of.is_none() && findings.iter().any(|finding| finding.mistake.is_none());
            Outcome {
                clause: &raw.case.clause,
                verdict: verdict(&findings, because_of),
                note: note(raw, !findings.is_empty(), is_unnamed),
                findings,
                because_of,
                took: raw.took,
                late: raw.late,
                kept: None,
            }
        })
        .collect();
    blame_needs(raws, &certain, &mut outcomes);
    outcomes
}

fn crashes_by_itself(raw: &Raw) -> bool {
    raw.case.clause.address == STAYS && raw.violations.iter().any(|seen| seen.is_crash && seen.owner == STAYS)
}

fn finding_of(violation: &Violation, seen: &Raw, of: &Raw) -> Finding {
    let place = if std::ptr::eq(seen, of) { String::new() } else { format!(" (seen in {})", seen.case.clause.address) };
    // Our reading asks for more than the text: what breaks only such a clause is no failure.
    let is_own = violation.owner == of.case.clause.address;
    Finding {
        level: if is_own { violation.level.min(of.case.clause.level) } else { violation.level },
        done: format!("The tester watched all that the peer did{place}."),
        expected: sentence(&violation.expected),
        came: sentence(&violation.came),
        bytes: violation.bytes.clone(),
        mistake: violation.mistake,
        is_absence: violation.is_absence,
        events: violation.events.clone(),
    }
}

fn verdict(findings: &[Finding], because_of: Option<&'static str>) -> Verdict {
    if because_of.is_some() {
        return Verdict::Unclear;
    }
    match findings.iter().map(|finding| finding.level).max() {
        None => Verdict::Pass,
        Some(Level::Should) => Verdict::Warn,
        Some(Level::Must) => Verdict::Fail,
    }
}

/// Cases whose failure explains what does not come elsewhere, first things first. Does the peer understand what it is sent? Does it
/// say what it has, want what others have, and let others have it? Does it ask right?
const ROOTS: [&str; 23] = [
    "handshake/bytes",
    "handshake/dialer-speaks",
    "handshake/answers-caller",
    "handshake/with-more",
    "handshake/byte-by-byte",
    "frames/byte-by-byte",
    "frames/together",
    "frames/have-and-request",
    "frames/split-anywhere",
    "bitfield/encoding",
    "start/has-file",
    "bitfield/sent-by-seeder",
    "bitfield/left-out",
    "interest/interested",
    "interest/by-have",
    "interest/two-flags",
    "choking/unchokes",
    "requests/unchoked-only",
    "requests/offered-only",
    "requests/next-after-piece",
    "pieces/have-to-all",
    "requests/after-have",
    "frames/after-ignored",
];

/// Makes cases unclear whose needs failed. What is named is the failure at the root.
fn blame_needs(raws: &[Raw], certain: &BTreeSet<&'static str>, outcomes: &mut [Outcome]) {
    let roots: Vec<_> = (0..raws.len()).map(|place| root(place, raws, certain, outcomes, raws.len())).collect();
    let is_own_root = |address: &str| {
        raws.iter()
            .zip(&roots)
            .any(|(raw, root)| raw.case.clause.address == address && *root == Some(raw.case.clause.address))
    };
    let first = ROOTS.iter().position(|address| is_own_root(address));
    for (outcome, root) in outcomes.iter_mut().zip(roots) {
        let address = outcome.clause.address;
        let place = ROOTS.iter().position(|root| *root == address);
        // Of two roots, the earlier one may explain the later one, if that only lacks something.
        let earlier = first.filter(|first| place.is_none_or(|place| *first < place)).map(|first| ROOTS[first]);
        let is_told = matches!(outcome.verdict, Verdict::Fail | Verdict::Warn);
        let is_unexplained = is_told && root.is_none_or(|root| root == address) && !certain.contains(address);
        let root = earlier.filter(|_| is_unexplained && !names_its_own(outcome, place)).or(root);
        if let Some(root) = root.filter(|root| *root != address) {
            outcome.verdict = Verdict::Unclear;
            outcome.because_of = Some(root);
        }
    }
}

/// Reports whether a root says by a mistake's name why it failed: it stands beside an earlier one then.
fn names_its_own(outcome: &Outcome, place: Option<usize>) -> bool {
    place.is_some() && outcome.findings.iter().any(|finding| finding.mistake.is_some())
}

/// Returns the failure that keeps this case from its question, which may be its own. `depth` ends circles.
fn root(
    place: usize,
    raws: &[Raw],
    certain: &BTreeSet<&'static str>,
    outcomes: &[Outcome],
    depth: usize,
) -> Option<&'static str> {
    let (raw, outcome) = (&raws[place], &outcomes[place]);
    match outcome.verdict {
        Verdict::Pass => return None,
        Verdict::Unclear => return outcome.because_of,
        Verdict::Warn | Verdict::Fail => {}
    }
    // A warning keeps no other case from its question.
    let own = (outcome.verdict == Verdict::Fail).then_some(outcome.clause.address);
    // What was seen with certainty stays a failure; only what did not come may have another cause.
    let may_be_explained = depth > 0 && !certain.contains(outcome.clause.address);
    let needs = raw.case.needs.iter().filter(|_| may_be_explained);
    let mut places = needs.filter_map(|need| raws.iter().position(|other| other.case.clause.address == *need));
    places.find_map(|place| root(place, raws, certain, outcomes, depth - 1)).or(own)
}

#[cfg(test)]
mod tests {
    use super::super::mistakes;
    use crate::rubric::Item;
    use std::time::Duration;

    use super::super::stage::{Case, Stage, case};
    use super::super::world::Stop;
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "it has the form of a case")]
    fn passes(_: &mut Stage<'_>) -> Result<(), Stop> {
        Ok(())
    }

    static LISTENS: Case = case("start/listens", ("A3", Item::I1b, Level::Must), "It listens.", &[], passes);
    static BYTES: Case =
        case("handshake/bytes", ("A4", Item::I2a, Level::Must), "It says so.", &["start/listens"], passes);
    static SERVES: Case =
        case("pieces/serves", ("A8", Item::I3e, Level::Must), "It serves.", &["handshake/bytes"], passes);

    fn raw(case: &'static Case, stopped: bool, violations: Vec<Violation>) -> Raw {
        let finding = Finding {
            level: Level::Must,
            done: "waited".to_owned(),
            expected: "something".to_owned(),
            came: "nothing".to_owned(),
            bytes: None,
            mistake: None,
            is_absence: true,
            events: Vec::new(),
        };
        Raw {
            case,
            stopped: stopped.then(|| Box::new(finding)),
            findings: Vec::new(),
            violations,
            took: Duration::ZERO,
            late: Duration::ZERO,
            start_times: Vec::new(),
            trace: Vec::new(),
            runs: 1,
            unconfirmed: Vec::new(),
            was_killed: false,
            went_to_background: false,
            printed: Vec::new(),
            traceback: Vec::new(),
        }
    }

    fn java() -> Violation {
        Violation {
            owner: "handshake/bytes",
            level: Level::Must,
            mistake: Some(&mistakes::JAVA_OBJECTS),
            expected: "a handshake".to_owned(),
            came: "objects".to_owned(),
            bytes: None,
            disrupts: true,
            is_absence: false,
            is_timed: false,
            is_crash: false,
            events: Vec::new(),
        }
    }

    fn verdicts(raws: &[Raw]) -> Vec<(Verdict, Option<&'static str>)> {
        resolve(raws).iter().map(|outcome| (outcome.verdict, outcome.because_of)).collect()
    }

    #[test]
    fn a_case_that_stopped_because_of_another_ones_violation_is_unclear_and_names_it() {
        let raws = [raw(&LISTENS, false, vec![]), raw(&BYTES, false, vec![]), raw(&SERVES, true, vec![java()])];
        let expected = [(Verdict::Pass, None), (Verdict::Fail, None), (Verdict::Unclear, Some("handshake/bytes"))];
        assert_eq!(verdicts(&raws), expected);
    }

    #[test]
    fn a_violation_counts_where_it_was_seen_if_its_own_case_was_not_run() {
        let raws = [raw(&SERVES, true, vec![java()])];
        assert_eq!(verdicts(&raws), [(Verdict::Fail, None)]);
        assert!(resolve(&raws)[0].findings.iter().any(|finding| finding.mistake == Some(&mistakes::JAVA_OBJECTS)));
    }

    #[test]
    fn a_failed_need_makes_unclear_all_that_build_on_it() {
        let raws = [raw(&LISTENS, true, vec![]), raw(&BYTES, true, vec![]), raw(&SERVES, true, vec![])];
        let because = Some("start/listens");
        assert_eq!(verdicts(&raws), [(Verdict::Fail, None), (Verdict::Unclear, because), (Verdict::Unclear, because)]);
    }

    #[test]
    fn what_the_peer_printed_is_told_where_no_mistake_is_named() {
        let printing = |violations| Raw {
            printed: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            ..raw(&BYTES, true, violations)
        };
        let note = |violations| resolve(&[printing(violations)]).remove(0).note;
        assert_eq!(note(vec![]).as_deref(), Some("the peer printed last: b | c | d"));
        assert_eq!(note(vec![java()]), None);
        // The trace of a thread that died is told beside a name, too, but not where nothing is wrong.
        let dying = |fails, violations| Raw {
            traceback: vec!["File \"peer.py\", line 3".to_owned(), "KeyError: 5".to_owned()],
            ..raw(&BYTES, fails, violations)
        };
        let expected = "the peer printed a traceback and went on; a thread of it may have died: File \"peer.py\", line 3 \
            | KeyError: 5";
        assert_eq!(resolve(&[dying(true, vec![java()])])[0].note.as_deref(), Some(expected));
        assert_eq!(resolve(&[dying(false, vec![])])[0].note, None);
    }

    #[test]
    fn a_case_passes_with_a_note_if_what_was_late_is_not_seen_again_alone() {
        let mut settled = raw(&BYTES, false, vec![]);
        (settled.runs, settled.unconfirmed) = (2, vec!["too late (choking/at-most)".to_owned()]);
        let outcome = resolve(&[settled]).remove(0);
        assert_eq!(outcome.verdict, Verdict::Pass);
        let expected = "repeated alone, where this was not seen again: too late (choking/at-most)";
        assert_eq!(outcome.note.as_deref(), Some(expected));
    }

    static STAYING: Case = case(STAYS, ("A9", Item::I1c, Level::Must), "It stays.", &[], passes);

    #[test]
    fn a_peer_that_ends_by_itself_ends_for_no_other_reason_elsewhere() {
        let crash = |owner, mistake| Violation { owner, mistake: Some(mistake), is_crash: true, ..java() };
        let provoked = || raw(&BYTES, true, vec![crash("handshake/bytes", &mistakes::DIES_ON_BAD_BYTES)]);
        let stays = raw(&STAYING, true, vec![crash(STAYS, &mistakes::CRASHES)]);
        assert_eq!(verdicts(&[stays, provoked()]), [(Verdict::Fail, None), (Verdict::Unclear, Some(STAYS))]);
        assert_eq!(
            verdicts(&[raw(&STAYING, false, vec![]), provoked()]),
            [(Verdict::Pass, None), (Verdict::Fail, None)]
        );
    }

    #[test]
    fn what_only_our_reading_asks_for_is_never_a_failure() {
        let mut violation = java();
        violation.level = Level::Should;
        assert_eq!(verdicts(&[raw(&BYTES, false, vec![violation])]), [(Verdict::Warn, None)]);
    }

    static TOGETHER: Case =
        case("handshake/with-more", ("A4", Item::I2a, Level::Must), "It reads on.", &["start/listens"], passes);

    #[test]
    fn a_peer_that_does_not_understand_what_it_is_sent_is_asked_nothing_else() {
        let mut absent = java();
        (absent.owner, absent.disrupts, absent.is_absence) = ("pieces/serves", false, true);
        let raws = [raw(&TOGETHER, true, vec![]), raw(&SERVES, false, vec![absent])];
        assert_eq!(verdicts(&raws), [(Verdict::Fail, None), (Verdict::Unclear, Some("handshake/with-more"))]);
    }

    #[test]
    fn what_only_did_not_come_is_explained_by_an_earlier_root_and_what_was_seen_is_not() {
        let case_of = |is_absence| {
            let mut seen = raw(&SERVES, false, vec![]);
            let stopped = raw(&SERVES, true, vec![]).stopped.expect("it stopped");
            seen.findings = vec![Finding { is_absence, ..*stopped }];
            seen
        };
        let verdict = |is_absence| verdicts(&[raw(&BYTES, true, vec![]), case_of(is_absence)])[1];
        assert_eq!(verdict(true), (Verdict::Unclear, Some("handshake/bytes")));
        assert_eq!(verdict(false), (Verdict::Fail, None));
    }
}
