//! The mistakes of a run: which of them explain several cases, and the command that repeats one case.

use std::cmp::Reverse;

use crate::check::mistakes::Mistake;
use crate::check::verdict::{Outcome, Summary, Verdict};
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
        for mistake in outcome.findings.iter().filter_map(|finding| finding.mistake) {
            // Failures come before warnings, so that the first verdict is the worst.
            match found.iter_mut().find(|explained| explained.mistake == mistake) {
                Some(explained) if explained.addresses.contains(&address) => {}
                Some(explained) => explained.addresses.push(address),
                None => {
                    let (addresses, worst) = (vec![address], outcome.verdict);
                    found.push(Explained { mistake, addresses, worst, hides: 0 });
                }
            }
        }
    }
    for explained in &mut found {
        let is_behind = |outcome: &&Outcome| outcome.because_of.is_some_and(|root| explained.addresses.contains(&root));
        explained.hides = summary.outcomes.iter().filter(is_behind).count();
    }
    found.sort_by_key(|explained| {
        (Reverse(explained.hides), Reverse(explained.worst), Reverse(explained.addresses.len()))
    });
    found
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
    fn the_command_is_one_that_a_shell_reads_back() {
        assert_eq!(
            repeat(&all(), "handshake/first"),
            "swarm check --command 'java -cp <out> peerProcess {id}' --project 'my peer' --only handshake/first --trace"
        );
        let summary = Summary { command: "it's {id}".into(), options: String::new(), ..all() };
        assert_eq!(repeat(&summary, "a/b"), r"swarm check --command 'it'\''s {id}' --only a/b --trace");
    }
}
