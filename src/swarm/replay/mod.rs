//! `swarm replay`: a run as a page on which one can move through it, and as Chrome trace events.
//!
//! `grade` reads the directory and finds the violations. Modules in reading order: [`times`] places their entries on one time line
//! with [`exact`], and [`data`] encodes them for the page. [`marks`] has what the page points to. [`page`] writes the page from the files in
//! `page/`, [`trace`] the trace.

#[cfg(test)]
mod sample;

mod exact;

mod times;

mod data;

mod marks;

mod page;

mod trace;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use self::marks::marks_of;
use crate::cli::ReplayArgs;
use crate::files::new_file;
use crate::grade;
use crate::grade::load::{Loaded, load};
use crate::history::{Lines, Record};
use crate::out::{print, say};

/// Carries out `swarm replay`.
///
/// # Errors
/// When the swarm has no configuration, or a file cannot be made.
pub fn run(args: &ReplayArgs) -> Result<ExitCode> {
    let Loaded { dir, mut record, notes, .. } = load(&args.dir.dir, &args.logs, &args.events)?;
    for note in notes {
        say(&note);
    }
    for peer in record.peers.iter().filter(|peer| peer.log.is_none() && peer.events.is_none()) {
        say(&format!("no log of peer {} was found; name it with --log {}=PATH", peer.id, peer.id));
    }
    let (findings, clocks) = grade::examined(&record);
    let marks = marks_of(&findings, &record);
    leave_last_runs(&mut record);
    made(&args.output, |out| page::write(out, &dir.name(), &record, &clocks, &marks))?;
    if let Some(path) = &args.trace {
        made(path, |out| trace::write(out, &record, &clocks))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes the entries of earlier runs, which a log may hold too.
fn leave_last_runs(record: &mut Record) {
    let files = record.peers.iter_mut().flat_map(|peer| [&mut peer.log, &mut peer.events]);
    for lines in files.flatten().filter(|lines| lines.last_run > 0) {
        let Lines { entries, last_run, run_sign, look, .. } = lines;
        look.differences.push(format!("{last_run} events of earlier runs are left out: {run_sign}"));
        entries.drain(..*last_run);
        *last_run = 0;
    }
}

/// Makes a file, and prints its name and size.
fn made(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    new_file::write_with(path, write)?;
    let metadata = fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    print(&format!("{}: {} bytes", path.display(), metadata.len()))
}
