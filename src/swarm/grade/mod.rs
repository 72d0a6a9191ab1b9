//! `grade`: judges a run by the logs of its peers: the rubric with the lines that show it, and the invariants.
//!
//! `story` prepares a record, `clocks` compares the peers' clocks, `invariants` and `rubric` judge; all four are pure. `load`,
//! `copies` and `evidence` read files. `sheet` is what the reports say, `judging` fills it in.

mod clocks;
mod downloads;
mod story;

pub mod invariants;

mod rubric;

mod evidence;

mod sheet;

mod copies;
pub mod load;

mod judging;

mod report;

#[cfg(test)]
mod dialects;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::Result;

use self::clocks::Offsets;
use self::invariants::Findings;
use self::story::Story;
use crate::cli::GradeArgs;
use crate::fault::Usage;
use crate::history::Record;
use crate::out::{FAILED, print, terminal_width};

/// The exit status if one of several directories could not be graded: that of wrong usage.
const NOT_GRADED: u8 = 2;

/// Examines a record without its files. Returns the findings of all invariants, and how far each peer's clock is ahead of the
/// first one's, in microseconds. A clock that may be right counts as right.
pub fn examined(record: &Record) -> (Findings, Vec<i64>) {
    let story = Story::of(record);
    let offsets = Offsets::of(&story);
    let first = story.known().next().map_or(0, |(place, _)| place);
    let ahead = |place| offsets.between(first, place).map_or(0, |(least, most)| 0.clamp(least, most));
    let clocks = (0..record.peers.len()).map(ahead).collect();
    (invariants::check(record, &story, &offsets), clocks)
}

/// Grades all directories. Of several, one that cannot be graded has a line with its fault, and the exit status is 2. So it is
/// where nothing was understood.
///
/// # Errors
/// When the only one has no configuration, or stdout takes no report.
pub fn run(args: &GradeArgs) -> Result<ExitCode> {
    if args.dirs.len() > 1 && !(args.logs.is_empty() && args.events.is_empty()) {
        return Err(Usage::error("--log and --events are for a single DIR"));
    }
    for (option, files) in [("--log", &args.logs), ("--events", &args.events)] {
        let mut seen = BTreeSet::new();
        if let Some((id, _)) = files.iter().find(|(id, _)| !seen.insert(*id)) {
            return Err(Usage::error(format!("{option} names two files for {id}")));
        }
    }
    let mut sheets = Vec::new();
    for dir in &args.dirs {
        sheets.push(match load::load(dir, &args.logs, &args.events) {
            Ok(loaded) => judging::sheet(loaded),
            Err(fault) if args.dirs.len() > 1 => sheet::Sheet::faulty(dir.display().to_string(), format!("{fault:#}")),
            Err(fault) => return Err(fault),
        });
    }
    let is_terminal = io::stdout().is_terminal();
    let width = is_terminal.then(terminal_width).map(usize::from);
    let look = report::Look { width, is_colored: is_terminal && console::colors_enabled() };
    print(report::report(&sheets, args.format, look).trim_end())?;
    Ok(match () {
        () if sheets.iter().any(sheet::Sheet::is_unread) => ExitCode::from(NOT_GRADED),
        () if sheets.iter().any(sheet::Sheet::is_violated) => ExitCode::from(FAILED),
        () => ExitCode::SUCCESS,
    })
}
