//! `Finding`: one thing that was looked at, how it is, and what to do about it. Pure.

use peer_process::output::console::counted;
use serde::Serialize;

use crate::words::wrapped;

/// How a thing is. A later one is worse.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing is to be done.
    Ok,
    /// The run may go wrong, or look wrong.
    Warning,
    /// The run will fail.
    Fault,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What it is: a file, the ID of a peer, `disk`.
    pub about: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was seen.
    pub says: String,
    /// What to do, each a sentence or a command with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<String>,
}

impl Finding {
    /// One about which nothing is to be done.
    pub fn ok(about: impl Into<String>, says: impl Into<String>) -> Self {
        Self { about: about.into(), verdict: Verdict::Ok, says: says.into(), advice: Vec::new() }
    }

    /// One that may matter.
    pub fn warning(about: impl Into<String>, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, ..Self::ok(about, says) }
    }

    /// One that keeps the swarm from working.
    pub fn fault(about: impl Into<String>, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fault, ..Self::ok(about, says) }
    }

    /// Adds what to do.
    pub fn with(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// Adds everything there is to do.
    pub fn with_all(mut self, advice: impl IntoIterator<Item = String>) -> Self {
        self.advice.extend(advice);
        self
    }
}

/// Returns the findings in lines: what it is about, the verdict, what was seen, and below it what to do.
///
/// With the `width` of a terminal, long lines are broken.
pub fn lines(findings: &[Finding], width: Option<usize>) -> Vec<String> {
    const VERDICTS: usize = 9;
    let about = findings.iter().map(|finding| finding.about.chars().count()).max().unwrap_or_default() + 2;
    let indent = about + VERDICTS;
    let room = width.map(|width| width.saturating_sub(indent));
    let mut lines = Vec::new();
    for finding in findings {
        let verdict = match finding.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Fault => "FAULT",
        };
        let mut start = format!("{:about$}{verdict:VERDICTS$}", finding.about);
        for part in wrapped(&finding.says, room) {
            lines.push(start + &part);
            start = " ".repeat(indent);
        }
        for advice in &finding.advice {
            for (number, part) in wrapped(advice, room.map(|room| room.saturating_sub(2))).into_iter().enumerate() {
                lines.push(format!("{start}{}{part}", if number == 0 { "> " } else { "  " }));
            }
        }
    }
    lines
}

/// Returns the last sentence of a report: `2 faults, 1 warning`.
pub fn summary(findings: &[Finding]) -> String {
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    match (count(Verdict::Fault), count(Verdict::Warning)) {
        (0, 0) => "all is well".to_owned(),
        (0, warnings) => format!("no fault, {}", counted(warnings, "warning")),
        (faults, 0) => counted(faults, "fault"),
        (faults, warnings) => format!("{}, {}", counted(faults, "fault"), counted(warnings, "warning")),
    }
}

/// Reports whether one of them is a fault.
pub fn has_fault(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.verdict == Verdict::Fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_stand_in_columns_with_the_advice_below() {
        let findings = [
            Finding::ok("1001", "the port is free"),
            Finding::fault("Common.cfg", "key PieceSize is missing in the file that was read")
                .with("add it to the file"),
            Finding::warning("disk", "little"),
        ];
        assert_eq!(
            lines(&findings, Some(50)),
            [
                "1001        ok       the port is free",
                "Common.cfg  FAULT    key PieceSize is missing in",
                "                     the file that was read",
                "                     > add it to the file",
                "disk        warning  little",
            ]
        );
        assert_eq!(lines(&findings, None).len(), 4);
        assert_eq!(summary(&findings), "1 fault, 1 warning");
        assert!(has_fault(&findings) && !has_fault(&findings[2..]));
        assert_eq!(
            (summary(&findings[..1]), summary(&findings[2..]), summary(&findings[1..2])),
            ("all is well".to_owned(), "no fault, 1 warning".to_owned(), "1 fault".to_owned())
        );
    }
}
