//! The reports on a run: pure functions from a summary to text, the files they go to, and the progress before them.
//!
//! `lines` and `hex` lay words and bytes out. `score`, `shared` and `ending` sum up. `case` and `text` write for people, `html` too;
//! `json` and `junit` write for programs; `list` lists cases. [`live`] shows what runs.

mod ending;
mod hex;
mod lines;
mod score;
mod shared;

mod case;
mod html;
mod json;
mod junit;
mod list;
mod text;

mod live;

#[cfg(test)]
pub mod sample;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use self::ending::Ending;
use self::lines::Look;
pub use self::lines::printable;
pub use self::live::Live;
use crate::check::verdict::{Clause, Summary};
use crate::cli::CheckArgs;
use crate::fault::Usage;
use crate::files::new_file;
use crate::out::{FAILED, print, say, terminal_width};

/// Turns a run into the text of a report.
type Writer = fn(&Summary, Ending) -> String;

/// Returns the list of these cases, as wide as the terminal.
pub fn list(clauses: &[&Clause]) -> String {
    list::list(clauses, look(false))
}

/// Returns the look of what goes to stdout.
fn look(is_long: bool) -> Look {
    let width = io::stdout().is_terminal().then(terminal_width).map(usize::from);
    Look { width, is_colored: console::colors_enabled(), is_long }
}

/// Checks that the reports have places to go: at most one to stdout, and the others to directories that exist. A run takes long,
/// so that this must not turn out at its end.
///
/// # Errors
/// When one has none.
pub fn check_outputs(args: &CheckArgs) -> Result<()> {
    let named = [("--json", &args.json), ("--junit", &args.junit), ("--html", &args.html)];
    let named = named.iter().filter_map(|(option, path)| Some((*option, path.as_deref()?)));
    let (to_stdout, to_files): (Vec<_>, Vec<_>) = named.partition(|(_, path)| is_stdout(path));
    if let [(first, _), (second, _), ..] = to_stdout[..] {
        return Err(Usage::error(format!("{first} and {second} cannot both write to stdout")));
    }
    for (option, path) in to_files {
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let shown = path.display();
        if path.file_name().is_none() || path.is_dir() {
            return Err(Usage::error(format!("{option} '{shown}' is not the name of a file")));
        }
        if dir.is_some_and(|dir| !dir.is_dir()) {
            return Err(Usage::error(format!("{option} '{shown}' is in a directory that does not exist")));
        }
    }
    Ok(())
}

/// Reports whether a report for programs takes stdout, so that nothing else may go there.
pub fn takes_stdout(args: &CheckArgs) -> bool {
    [&args.json, &args.junit, &args.html].iter().any(|path| path.as_deref().is_some_and(is_stdout))
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Writes all reports that the command line asks for, and returns the exit status of the run.
///
/// If one of them takes stdout, the report for people shrinks to its last line, on stderr.
///
/// # Errors
/// When one cannot be written.
pub fn show(args: &CheckArgs, summary: &Summary) -> Result<ExitCode> {
    let ending = Ending::of(summary, args.strict);
    let reports: [(_, Writer); 3] = [(&args.json, json::json), (&args.junit, junit::junit), (&args.html, html::html)];
    let asked: Vec<_> = reports.iter().filter_map(|(path, report)| Some((path.as_deref()?, report))).collect();
    if let Some((_, report)) = asked.iter().find(|(path, _)| is_stdout(path)) {
        print(report(summary, ending).trim_end())?;
        say(&text::last_line(summary, ending));
    } else {
        print(text::text(summary, ending, look(args.trace)).trim_end())?;
    }
    // Last, so that a full disk costs nobody the report on the screen.
    for (path, report) in asked.iter().filter(|(path, _)| !is_stdout(path)) {
        new_file::write_text(path, &report(summary, ending))?;
    }
    Ok(ExitCode::from(ending.status().unwrap_or(FAILED)))
}
