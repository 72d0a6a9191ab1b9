//! The mistakes of a run: which of them explain several cases, and the command that repeats one case.

use std::cmp::Reverse;

use crate::check::mistakes::Mistake;
use crate::check::verdict::{Level, Outcome, Summary, Verdict};
use crate::words::typed;

/// A mistake with the addresses of the cases that it explains.
#[derive(Debug)]
pub struct Explained {
    /// The mistake.
    pub mistake: &'static Mistake,
    /// The addresses, in the order of the list of cases.
    pub addresses: Vec<&'static str>,
    /// The worst verdict of these cases.
    pub worst: Verdict,
    /// Number of unclear cases that one of these cases keeps from their questions.
    pub hides: usize,
}

/// Returns the mistakes behind failures and warnings, in the order to fix them. First comes what keeps most cases from their
/// questions; then failures come before warnings, and what explains most. The rest is in the order of the cases.
pub fn explained(summary: &Summary) -> Vec<Explained> {
    let mut found: Vec<Explained> = Vec::new();
    for outcome in told(summary) {
        let address = outcome.clause.address;
        for (mistake, level) in outcome.findings.iter().filter_map(|finding| Some((finding.mistake?, finding.level))) {
            let verdict = if level == Level::Must { Verdict::Fail } else { Verdict::Warn };
            let place = found.iter().position(|explained| explained.mistake == mistake).unwrap_or_else(|| {
                found.push(Explained { mistake, addresses: Vec::new(), worst: verdict, hides: 0 });
                found.len() - 1
            });
            let explained = &mut found[place];
            explained.worst = explained.worst.max(verdict);
            if !explained.addresses.contains(&address) {
                explained.addresses.push(address);
            }
        }
    }
    // A case is behind one mistake only, so that the numbers add up.
    for root in summary.outcomes.iter().filter_map(|outcome| outcome.because_of) {
        let mistake = told(summary).find(|outcome| outcome.clause.address == root).and_then(main_mistake);
        if let Some(explained) = found.iter_mut().find(|explained| Some(explained.mistake) == mistake) {
            explained.hides += 1;
        }
    }
    found.sort_by_key(|explained| {
        (Reverse(explained.hides), Reverse(explained.worst), Reverse(explained.addresses.len()))
    });
    found
}

/// Returns the mistake that keeps other cases from their questions: the first one that breaks the course's text.
fn main_mistake(outcome: &Outcome) -> Option<&'static Mistake> {
    let named = |level| outcome.findings.iter().filter(move |finding| finding.level >= level);
    let first = |level| named(level).find_map(|finding| finding.mistake);
    first(Level::Must).or_else(|| first(Level::Should))
}

/// Returns those that explain more than one case, also cases that are unclear because of them.
pub fn common(summary: &Summary) -> Vec<Explained> {
    explained(summary).into_iter().filter(|explained| explained.addresses.len() + explained.hides > 1).collect()
}

/// Returns the failures, then the warnings, each in the order of the list of cases.
pub fn told(summary: &Summary) -> impl Iterator<Item = &Outcome> {
    let of = |verdict| summary.outcomes.iter().filter(move |outcome| outcome.verdict == verdict);
    of(Verdict::Fail).chain(of(Verdict::Warn))
}

/// Returns the unclear cases by what is in the way, in the order of the list of cases.
pub fn unclear(summary: &Summary) -> Vec<(Option<&'static str>, Vec<&Outcome>)> {
    let mut groups: Vec<(Option<&str>, Vec<&Outcome>)> = Vec::new();
    for outcome in summary.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Unclear) {
        match groups.iter_mut().find(|(because_of, _)| *because_of == outcome.because_of) {
            Some((_, outcomes)) => outcomes.push(outcome),
            None => groups.push((outcome.because_of, vec![outcome])),
        }
    }
    groups
}

/// Returns the command that runs only this case, with a trace.
pub fn repeat(summary: &Summary, address: &str) -> String {
    let options = if summary.options.is_empty() { String::new() } else { format!(" {}", summary.options) };
    format!("swarm check --command {}{options} --only {} --trace", typed(&summary.command), typed(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::mistakes;
    use crate::check::report::sample::all;

    #[test]
    fn a_mistake_of_several_cases_is_found_once() {
        let found: Vec<_> =
            common(&all()).iter().map(|common| (common.mistake.name, common.addresses.clone())).collect();
        assert_eq!(found, [("java-object-stream", vec!["handshake/first", "handshake/java"])]);
        let names: Vec<_> = explained(&all()).iter().map(|explained| explained.mistake.name).collect();
        assert_eq!(names, ["java-object-stream", "no-optimistic", "choke-without-change"]);
    }

    #[test]
    fn what_keeps_most_cases_from_their_questions_comes_first() {
        let mut run = all();
        // Both failures of one mistake hide nothing any more, and the one of another hides two cases.
        for outcome in run.outcomes.iter_mut().filter(|outcome| outcome.verdict == Verdict::Unclear) {
            outcome.because_of = Some("choking/optimistic");
        }
        let found: Vec<_> = common(&run).iter().map(|common| (common.mistake.name, common.hides)).collect();
        assert_eq!(found, [("no-optimistic", 2), ("java-object-stream", 0)]);
    }

    #[test]
    fn each_unclear_case_is_behind_one_mistake_and_a_warning_beside_a_failure_stays_one() {
        let mut run = all();
        let failing = |outcome: &&mut Outcome| outcome.clause.address == "handshake/first";
        let root = run.outcomes.iter_mut().find(failing).expect("it is in the sample");
        let mut beside = root.findings[0].clone();
        (beside.mistake, beside.level) = (Some(&mistakes::LOG_PREFIX), Level::Should);
        root.findings.insert(0, beside);
        let unclear = run.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Unclear).count();
        let found = explained(&run);
        assert_eq!(found.iter().map(|explained| explained.hides).sum::<usize>(), unclear);
        let beside = found.iter().find(|explained| explained.mistake == &mistakes::LOG_PREFIX).expect("it is told");
        assert_eq!((beside.hides, beside.worst), (0, Verdict::Warn));
    }

    #[test]
    fn the_command_is_one_that_a_shell_reads_back() {
        assert_eq!(
            repeat(&all(), "handshake/first"),
            "swarm check --command 'java -cp <out> peerProcess {id}' --project 'my peer' --only handshake/first --trace"
        );
        let summary = Summary { command: "it's {id}".into(), options: String::new(), ..all() };
        assert_eq!(repeat(&summary, "a/b"), r"swarm check --command 'it'\''s {id}' --only a/b --trace");
    }
}
