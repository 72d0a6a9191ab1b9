//! `Sheet`: all that a report says about one directory. Every report is made from it, and the JSON report is the sheet itself.

use serde::Serialize;

use crate::words::first_of;

/// Maximum points of the rubric.
pub const ALL_POINTS: f64 = 100.0;

/// The judgment of one directory.
#[derive(Clone, PartialEq, Default, Serialize, Debug)]
pub struct Sheet {
    /// The directory.
    pub dir: String,
    /// Why it could not be graded. Then there is nothing else.
    pub fault: Option<String>,
    /// The points that a log can show; not a grade. `None` if it could not be graded.
    pub points: Option<f64>,
    /// The points of the items that are visible in these files. `None` if it could not be graded.
    pub visible_points: Option<f64>,
    pub rubric: Vec<ItemRow>,
    pub violated: Vec<RuleRow>,
    pub unclear: Vec<RuleRow>,
    pub logs: Vec<LogRow>,
    /// The peers without a log.
    pub missing_logs: Vec<u32>,
    pub clocks: Vec<ClockRow>,
    /// What else is to be said, a sentence each.
    pub notes: Vec<String>,
    pub copies: Vec<CopyRow>,
}

/// An item of the rubric.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub struct ItemRow {
    pub item: &'static str,
    pub text: &'static str,
    /// `shown`, `violated`, `not shown` or `not visible in a log`.
    pub status: &'static str,
    pub points: f64,
    pub of: f64,
    pub note: String,
    pub evidence: Vec<Line>,
}

/// A line of a file.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub struct Line {
    pub peer: u32,
    pub file: String,
    #[serde(rename = "line")]
    pub number: u32,
    /// The line itself, cut if it is long.
    pub text: String,
}

/// A rule that is violated, or may be.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub struct RuleRow {
    pub name: &'static str,
    pub item: &'static str,
    pub means: &'static str,
    /// Number of violations, of which only the first are listed.
    pub count: u64,
    pub first: Vec<Breach>,
}

/// A violation.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub struct Breach {
    pub peer: u32,
    pub what: String,
    pub lines: Vec<Line>,
}

/// A file that was read.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub struct LogRow {
    pub peer: u32,
    pub file: String,
    /// `log`, `events` or `tap`.
    pub kind: &'static str,
    pub lines: u64,
    /// Number of lines that were understood.
    pub understood: u64,
    /// Number of those that the rules judge: without earlier runs, and without what the log of the same peer tells too.
    pub judged: u64,
    /// Number of lines that were not understood, and the first of them.
    pub unread: u64,
    pub first_unread: Vec<(u32, String)>,
    /// Number of lines of other peers.
    pub of_others: u64,
    /// How it differs from the course's words.
    pub differences: Vec<String>,
    /// Whether the file goes on behind what was read.
    pub is_cut: bool,
    /// Where the last run begins, if earlier runs stand in it too, which are left out.
    pub last_run: Option<RunRow>,
}

/// The last run in a log of several.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub struct RunRow {
    /// Its first line.
    pub line: u32,
    /// What shows that it is a run of its own.
    pub sign: &'static str,
}

/// How far the clock of a peer is ahead of that of the first one, in seconds.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub struct ClockRow {
    pub peer: u32,
    pub than: u32,
    pub least: f64,
    pub most: f64,
}

/// The copy of a peer.
#[derive(Clone, PartialEq, Serialize, Debug)]
pub struct CopyRow {
    pub peer: u32,
    /// `original`, `equal`, `different`, `incomplete`, `missing` or `unreadable`. `incomplete` is not the file either, but no log
    /// says that its peer is complete.
    pub state: &'static str,
}

impl Sheet {
    /// Returns the sheet of a directory that could not be graded.
    pub fn faulty(dir: String, fault: String) -> Self {
        Self { dir, fault: Some(fault), ..Self::default() }
    }

    /// Returns the number of violations of all rules.
    pub fn violation_count(&self) -> u64 {
        self.violated.iter().map(|row| row.count).sum()
    }

    /// Reports whether an invariant is violated or a copy differs.
    pub fn is_violated(&self) -> bool {
        !self.violated.is_empty() || self.rubric.iter().any(|row| row.status == "violated")
    }

    /// Reports whether nothing could be judged: a directory that could not be graded, or logs of which no line was understood.
    pub fn is_unread(&self) -> bool {
        self.fault.is_some() || self.judged() == 0 && !self.missing_logs.is_empty()
    }

    /// Returns the number of lines that the rules judge.
    pub fn judged(&self) -> u64 {
        self.logs.iter().map(|row| row.judged).sum()
    }

    /// Returns the number of lines that were not understood.
    pub fn unread(&self) -> u64 {
        self.logs.iter().map(|row| row.unread).sum()
    }

    /// Returns `points: 57.5 of the 71.3 that these files can show; 28.7 of 100 are not visible in them (not a grade)`.
    pub fn points_words(&self) -> String {
        let [points, visible] = [self.points, self.visible_points].map(Option::unwrap_or_default);
        let hidden = ALL_POINTS - visible;
        let hidden = if hidden < 0.05 {
            String::new()
        } else {
            format!("; {hidden:.1} of {ALL_POINTS:.0} are not visible in them")
        };
        format!("points: {points:.1} of the {visible:.1} that these files can show{hidden} (not a grade)")
    }

    /// Says what was seen, and that nothing else was.
    pub fn conclusion(&self) -> String {
        if let Some(fault) = &self.fault {
            return format!("it was not graded: {fault}");
        }
        let unread = self.unread();
        let seen = self.judged();
        let count = self.violation_count();
        let unclear: u64 = self.unclear.iter().map(|row| row.count).sum();
        let found = match count {
            0 if seen == 0 && !self.is_unread() => "the logs have no lines, so nothing is judged".to_owned(),
            0 if seen == 0 => "nothing was understood, so nothing is judged (--log ID=PATH names a log)".to_owned(),
            0 => format!("no violation in the {} that {} judged", lines(seen), if seen == 1 { "was" } else { "were" }),
            1 => "1 violation".to_owned(),
            _ => format!("{count} violations"),
        };
        let missing = match self.missing_logs.len() {
            0 => String::new(),
            1 => ", 1 log missing".to_owned(),
            count => format!(", {count} logs missing"),
        };
        let part = |is_it: fn(&LogRow) -> bool, before: &str, after: &str| {
            let files: Vec<_> = self.logs.iter().filter(|row| is_it(row)).map(|row| row.file.clone()).collect();
            if files.is_empty() { String::new() } else { format!(", {before} of {} {after}", first_of(&files)) }
        };
        let cut = part(|row| row.is_cut, "the rest", "not read");
        let earlier = part(|row| row.last_run.is_some(), "earlier runs", "left out");
        let different: Vec<_> = self.copies.iter().filter(|row| row.state == "different").collect();
        let different: Vec<_> = different.iter().map(|row| row.peer.to_string()).collect();
        let copies = match different.len() {
            0 => String::new(),
            1 => format!(", the copy of {} differs", different[0]),
            _ => format!(", the copies of {} differ", first_of(&different)),
        };
        let unread = lines(unread);
        format!("{found}; {unclear} unclear, {unread} not understood{missing}{cut}{earlier}{copies}")
    }
}

/// Returns `1 line` or `7 lines`.
pub fn lines(count: u64) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}
