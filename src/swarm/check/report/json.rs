//! The report for programs. `docs/check.md` describes it.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::ending::Ending;
use super::score::{Sum, items};
use super::shared::{explained, repeat};
use crate::check::verdict::{Bytes, Finding, Outcome, Summary, Verdict};

/// The version of the format. It rises when a field goes or changes its meaning; fields may be added without that.
const VERSION: u32 = 1;

/// Returns the report as JSON, with a line feed at the end.
pub fn json(summary: &Summary, ending: Ending) -> String {
    let sum = Sum::of(summary);
    let count = |verdict| summary.count(verdict);
    let report = Report {
        version: VERSION,
        command: &summary.command,
        options: &summary.options,
        seconds: rounded(summary.took),
        start_seconds: summary.start_time.map(rounded),
        cut_short: summary.is_cut_short,
        exit_status: ending.status(),
        reason: ending.reason(),
        counts: Counts {
            pass: count(Verdict::Pass),
            warn: count(Verdict::Warn),
            unclear: count(Verdict::Unclear),
            fail: count(Verdict::Fail),
        },
        rubric: rubric(summary),
        sum: SumJson { least: tenths(sum.least), most: tenths(sum.most), of: sum.of, partial: summary.is_partial() },
        mistakes: mistakes(summary),
        cases: summary.outcomes.iter().map(|outcome| case(summary, outcome)).collect(),
    };
    serde_json::to_string_pretty(&report).expect("the keys are text and the numbers are finite") + "\n"
}

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    command: &'a str,
    options: &'a str,
    seconds: f64,
    start_seconds: Option<f64>,
    cut_short: bool,
    exit_status: Option<u8>,
    reason: String,
    counts: Counts,
    rubric: Vec<ItemJson>,
    sum: SumJson,
    mistakes: Vec<MistakeJson>,
    cases: Vec<Case<'a>>,
}

#[derive(Serialize)]
struct Counts {
    pass: usize,
    warn: usize,
    unclear: usize,
    fail: usize,
}

#[derive(Serialize)]
struct ItemJson {
    item: &'static str,
    text: &'static str,
    heading: Option<u8>,
    asked: u32,
    passed: u32,
    warn: u32,
    unclear: u32,
    fail: u32,
}

#[derive(Serialize)]
struct SumJson {
    least: f64,
    most: f64,
    of: u32,
    partial: bool,
}

#[derive(Serialize)]
struct MistakeJson {
    name: &'static str,
    what: &'static str,
    cure: &'static str,
    cases: Vec<&'static str>,
    hides: usize,
}

#[derive(Serialize)]
struct Case<'a> {
    address: &'static str,
    section: &'static str,
    item: &'static str,
    level: &'static str,
    clause: &'static str,
    verdict: &'static str,
    because_of: Option<&'static str>,
    seconds: f64,
    late_seconds: f64,
    note: Option<&'a str>,
    kept: Option<&'a str>,
    repeat: String,
    findings: Vec<FindingJson<'a>>,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    level: &'static str,
    done: &'a str,
    expected: &'a str,
    came: &'a str,
    bytes: Option<BytesJson<'a>>,
    mistake: Option<&'static str>,
    events: &'a [String],
}

#[derive(Serialize)]
struct BytesJson<'a> {
    came: String,
    total: usize,
    expected: Option<String>,
    first_difference: Option<usize>,
    decoded: &'a [String],
}

fn rubric(summary: &Summary) -> Vec<ItemJson> {
    let row = |(item, tally): (crate::rubric::Item, super::score::Tally)| ItemJson {
        item: item.name(),
        text: item.text(),
        heading: item.heading().map(|(number, _)| number),
        asked: tally.asked,
        passed: tally.passed,
        warn: tally.warned,
        unclear: tally.unclear,
        fail: tally.failed,
    };
    items(summary).into_iter().map(row).collect()
}

fn mistakes(summary: &Summary) -> Vec<MistakeJson> {
    let explained = explained(summary).into_iter();
    let row = explained.map(|explained| MistakeJson {
        name: explained.mistake.name,
        what: explained.mistake.what,
        cure: explained.mistake.cure,
        cases: explained.addresses,
        hides: explained.hides,
    });
    row.collect()
}

fn case<'a>(summary: &Summary, outcome: &'a Outcome) -> Case<'a> {
    let clause = outcome.clause;
    Case {
        address: clause.address,
        section: clause.section,
        item: clause.item.name(),
        level: clause.level.word(),
        clause: clause.text,
        verdict: outcome.verdict.word(),
        because_of: outcome.because_of,
        seconds: rounded(outcome.took),
        late_seconds: rounded(outcome.late),
        note: outcome.note.as_deref(),
        kept: outcome.kept.as_deref(),
        repeat: repeat(summary, clause.address),
        findings: outcome.findings.iter().map(finding).collect(),
    }
}

fn finding(finding: &Finding) -> FindingJson<'_> {
    FindingJson {
        level: finding.level.word(),
        done: &finding.done,
        expected: &finding.expected,
        came: &finding.came,
        bytes: finding.bytes.as_ref().map(bytes),
        mistake: finding.mistake.map(|mistake| mistake.name),
        events: &finding.events,
    }
}

fn bytes(bytes: &Bytes) -> BytesJson<'_> {
    BytesJson {
        came: digits(&bytes.data),
        total: bytes.total.max(bytes.data.len()),
        expected: bytes.expected.as_deref().map(digits),
        first_difference: bytes.first_difference(),
        decoded: &bytes.decoded,
    }
}

fn digits(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(digits, "{byte:02x}").expect("memory");
    }
    digits
}

/// Returns seconds to a thousandth.
fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use serde_json::json as value;

    use super::*;
    use crate::check::report::sample::{HOSTILE, all};

    fn report() -> Value {
        let summary = all();
        serde_json::from_str(&json(&summary, Ending::of(&summary, false))).expect("JSON")
    }

    #[test]
    fn the_run_as_a_whole() {
        let mut report = report();
        let cases = report["cases"].take();
        assert_eq!(cases.as_array().map(Vec::len), Some(8));
        assert_eq!(report["rubric"].as_array().map(Vec::len), Some(6));
        let item = &report["rubric"][3];
        let expected = value!({"item": "2e", "text": "one optimistic neighbor every m seconds", "heading": 2, "asked": 2,
            "passed": 1, "warn": 1, "unclear": 0, "fail": 1});
        assert_eq!(*item, expected);
        let mistake = &report["mistakes"][0];
        assert_eq!(mistake["name"], "java-object-stream");
        assert_eq!(mistake["cases"], value!(["handshake/first", "handshake/java"]));
        report["rubric"].take();
        report["mistakes"].take();
        let expected = value!({
            "version": 1,
            "command": "java -cp <out> peerProcess {id}",
            "options": "--project 'my peer'",
            "seconds": 41.234,
            "start_seconds": 0.215,
            "cut_short": false,
            "exit_status": 1,
            "reason": "3 cases fail",
            "counts": {"pass": 2, "warn": 1, "unclear": 2, "fail": 3},
            "rubric": null,
            "sum": {"least": 41.0, "most": 77.0, "of": 95, "partial": false},
            "mistakes": null,
            "cases": null,
        });
        assert_eq!(report, expected);
    }

    #[test]
    fn a_case_has_all_fields() {
        let report = report();
        let mut case = report["cases"][1].clone();
        let finding = case["findings"][0].take();
        let expected = value!({
            "address": "handshake/first",
            "section": "A4",
            "item": "2a",
            "level": "MUST",
            "clause": "The handshake of 32 bytes comes before anything else, as soon as the connection stands.",
            "verdict": "fail",
            "because_of": null,
            "seconds": 0.812,
            "late_seconds": 0.003,
            "note": null,
            "kept": "handshake-first",
            "repeat": "swarm check --command 'java -cp <out> peerProcess {id}' --project 'my peer' --only handshake/first --trace",
            "findings": [null],
        });
        assert_eq!(case, expected);
        assert_eq!(finding["mistake"], "java-object-stream");
        let bytes = &finding["bytes"];
        assert_eq!((&bytes["total"], &bytes["first_difference"]), (&value!(38), &value!(0)));
        let hex = bytes["came"].as_str().expect("digits");
        assert!(hex.starts_with("aced00057720503250"), "{hex}");
        assert_eq!(bytes["decoded"][1], "a block of 32 bytes");
        assert_eq!(report["cases"][3]["because_of"], "handshake/first");
        assert_eq!(report["cases"][4]["findings"][0]["events"], value!([HOSTILE]));
    }
}
