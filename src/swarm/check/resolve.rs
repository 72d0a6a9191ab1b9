//! From what the cases left to outcomes: which finding belongs to which case, and what explains what. Pure.

use std::collections::BTreeSet;

use super::judge::Violation;
use super::notes::note;
use super::raw::Raw;
use super::verdict::{Finding, Level, Outcome, Verdict, sentence};

/// The case in which nothing is a reason to end.
const STAYS: &str = "start/stays";
/// If this many cases lack something alone, too, the others are believed that lacked something beside them.
const CONFIRMED: usize = 3;

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
    let (mut certain, mut elsewhere) = (BTreeSet::new(), BTreeSet::new());
    let mut outcomes: Vec<Outcome> = raws
        .iter()
        .map(|raw| {
            let address = raw.case.clause.address;
            let mut findings: Vec<Finding> = Vec::new();
            if raw.findings.iter().any(|finding| !finding.is_absence) || raw.own_findings().any(|own| own.is_contrast) {
                certain.insert(address);
            }
            // The case's own evidence comes first, and each mistake once.
            let others = raws.iter().filter(|other| !std::ptr::eq(*other, raw));
            for seen in std::iter::once(raw).chain(others) {
                // What is wrong at any time is the better evidence.
                let mut violations: Vec<_> = seen.violations.iter().filter(|seen| !is_no_reason(seen)).collect();
                violations.sort_by_key(|violation| violation.is_timed);
                for violation in violations.into_iter().filter(|violation| owner_of(seen, violation) == address) {
                    if !violation.is_absence {
                        certain.insert(address);
                    }
                    if findings.iter().all(|finding| finding.mistake != violation.mistake) {
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
            // Who ends by itself cannot be seen to survive what this case does.
            let is_unasked = raw.violations.iter().any(|seen| is_no_reason(seen) && seen.owner == address);
            let hindrance = raw.hindered_by.filter(|_| !own.is_empty());
            let hindrance = hindrance.or(other.filter(|_| !own.is_empty()).map(|other| owner_of(raw, other)));
            let hindrance = hindrance.or((is_unasked && findings.is_empty()).then_some(STAYS));
            if hindrance.is_some() {
                because_of = hindrance;
                if findings.is_empty() {
                    findings = own;
                }
            } else {
                let shows = |violation: &Violation| owner_of(raw, violation) == address;
                if own.is_empty() && !findings.is_empty() && !raw.violations.iter().any(shows) {
                    elsewhere.insert(address);
                }
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
    // What only did not come in the worlds of other cases came in its own.
    elsewhere.retain(|address| !certain.contains(address));
    blame_needs(raws, &certain, &elsewhere, &mut outcomes);
    outcomes
}

/// Returns the place of a case that must run alone. All that it has against the peer is something that did not come while other
/// cases ran.
pub fn doubtful(raws: &[Raw]) -> Option<usize> {
    let outcomes = resolve(raws);
    let lacks = |(raw, outcome): (&Raw, &Outcome)| match outcome.verdict {
        Verdict::Pass => false,
        Verdict::Unclear => outcome.because_of.is_some() && outcome.because_of == raw.hindered_by,
        Verdict::Warn | Verdict::Fail => {
            raw.own_findings().next().is_some() && outcome.findings.iter().all(|finding| finding.is_absence)
        }
    };
    let lacking: Vec<usize> = (0..raws.len()).filter(|&place| lacks((&raws[place], &outcomes[place]))).collect();
    let confirmed = lacking.iter().filter(|&&place| raws[place].run > 1).count();
    lacking.into_iter().find(|&place| raws[place].runs == 1 && confirmed < CONFIRMED)
}

fn crashes_by_itself(raw: &Raw) -> bool {
    raw.case.clause.address == STAYS && raw.violations.iter().any(|seen| seen.is_crash && seen.owner == STAYS)
}

fn finding_of(violation: &Violation, seen: &Raw, of: &Raw) -> Finding {
    let place = if std::ptr::eq(seen, of) { String::new() } else { format!(" (seen in {})", seen.case.clause.address) };
    // Our reading asks for more than the text: what breaks only such a clause is no failure.
    let is_own = violation.owner == of.case.clause.address;
    let owner = if is_own { String::new() } else { format!(" This belongs to {}.", violation.owner) };
    let level = if is_own { violation.level.min(of.case.clause.level) } else { violation.level };
    let done = format!("The tester watched all that the peer did{place}.{owner}");
    Finding {
        bytes: violation.bytes.clone(),
        mistake: violation.mistake,
        is_absence: violation.is_absence,
        events: violation.events.clone(),
        ..Finding::new(level, done, sentence(&violation.expected), sentence(&violation.came))
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
const ROOTS: [&str; 27] = [
    "handshake/bytes",
    "handshake/dialer-speaks",
    "handshake/answers-caller",
    "handshake/with-more",
    "handshake/byte-by-byte",
    "start/hears-at-once",
    "start/one-connection-is-enough",
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
    "bitfield/partial-ours",
    "pieces/have-to-all",
    "requests/after-have",
    "frames/after-ignored",
    "pieces/last-sent",
];

/// Makes cases unclear whose needs failed. What is named is the failure at the root.
///
/// What did not come `elsewhere`, though it came where it was asked for, is no root: another failure explains it, if there is one.
fn blame_needs(
    raws: &[Raw],
    certain: &BTreeSet<&'static str>,
    elsewhere: &BTreeSet<&'static str>,
    outcomes: &mut [Outcome],
) {
    let root_of = |place: usize| root(place, raws, certain, elsewhere, outcomes, raws.len());
    let roots: Vec<_> = (0..raws.len()).map(root_of).collect();
    let is_own_root = |address: &str| {
        raws.iter()
            .zip(&roots)
            .any(|(raw, root)| raw.case.clause.address == address && *root == Some(raw.case.clause.address))
    };
    let any_root = roots.iter().copied().flatten().next();
    let first = ROOTS.iter().position(|address| is_own_root(address));
    let is_first = |outcome: &&Outcome| first.is_some_and(|first| ROOTS[first] == outcome.clause.address);
    let told_first: Vec<_> = outcomes.iter().filter(is_first).flat_map(names).collect();
    for (outcome, root) in outcomes.iter_mut().zip(roots) {
        let address = outcome.clause.address;
        let place = ROOTS.iter().position(|root| *root == address);
        // Of two roots, the earlier one may explain the later one, if that only lacks something.
        let earlier = first.filter(|first| place.is_none_or(|place| *first < place)).map(|first| ROOTS[first]);
        let is_told = matches!(outcome.verdict, Verdict::Fail | Verdict::Warn);
        let is_unexplained = is_told && root.is_none_or(|root| root == address) && !certain.contains(address);
        // The name of what did not come is a guess. It is a good one if the earlier root has no other name for it.
        let stands_beside = place.is_some() && names(outcome).any(|name| told_first.contains(&name));
        let earlier = earlier.filter(|_| is_unexplained && !stands_beside);
        let root =
            if elsewhere.contains(address) { first.map(|first| ROOTS[first]).or(any_root) } else { earlier.or(root) };
        if let Some(root) = root.filter(|root| *root != address) {
            outcome.verdict = Verdict::Unclear;
            outcome.because_of = Some(root);
        }
    }
    // What is in the way of the case that is in the way is the reason.
    for place in 0..outcomes.len() {
        let of = |address| outcomes.iter().find(|outcome| outcome.clause.address == address)?.because_of;
        if let Some(deeper) = outcomes[place].because_of.and_then(of) {
            outcomes[place].because_of = Some(deeper);
        }
    }
}

/// Returns the names of the mistakes that an outcome tells.
fn names(outcome: &Outcome) -> impl Iterator<Item = &'static str> {
    outcome.findings.iter().filter_map(|finding| finding.mistake).map(|mistake| mistake.name)
}

/// Returns the failure that keeps this case from its question, which may be its own. `depth` ends circles.
fn root(
    place: usize,
    raws: &[Raw],
    certain: &BTreeSet<&'static str>,
    elsewhere: &BTreeSet<&'static str>,
    outcomes: &[Outcome],
    depth: usize,
) -> Option<&'static str> {
    let (raw, outcome) = (&raws[place], &outcomes[place]);
    if elsewhere.contains(outcome.clause.address) {
        return None;
    }
    match outcome.verdict {
        Verdict::Pass => return None,
        Verdict::Unclear => return outcome.because_of,
        Verdict::Warn | Verdict::Fail => {}
    }
    // A warning keeps no other case from its question.
    let own = (outcome.verdict == Verdict::Fail).then_some(outcome.clause.address);
    // What was seen with certainty stays a failure; only what did not come may have another cause.
    let may_be_explained = depth > 0 && !certain.contains(outcome.clause.address);
    // What it lacked comes before what it needs in general.
    let lacked = raw.stopped.as_deref().and_then(|stopped| stopped.asked_by);
    let lacked = lacked.filter(|case| *case != outcome.clause.address);
    let needs = lacked.iter().chain(raw.case.needs).filter(|_| may_be_explained);
    let mut places = needs.filter_map(|need| raws.iter().position(|other| other.case.clause.address == *need));
    places.find_map(|place| root(place, raws, certain, elsewhere, outcomes, depth - 1)).or(own)
}

#[cfg(test)]
mod tests;
