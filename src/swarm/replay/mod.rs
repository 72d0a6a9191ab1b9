//! `swarm replay`: a run as a page on which one can move through it, and as Chrome trace events.
//!
//! `grade` reads the directory and finds the violations. Modules in reading order: [`times`] places their entries on one time line, and
//! [`data`] encodes them for the page. [`marks`] has what the page points to. [`page`] writes the page from the files in
//! `page/`, [`trace`] the trace.
//!
//! While the run lasts, `follow` reads the logs as they grow, `growing` and `shown` make of them what pages ask for, and [`serve`]
//! answers.

#[cfg(test)]
mod sample;

mod times;

mod data;

mod marks;

mod page;

mod trace;

mod growing;
mod shown;

mod follow;

pub mod serve;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use self::marks::{Marks, marks_of};
use self::page::Parts;
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
    if let Some(place) = &args.serve {
        return serve::run(args, place);
    }
    let (judged, notes) = Judged::read(&args.dir.dir, &args.logs, &args.events)?;
    for note in notes {
        say(&note);
    }
    let Judged { record, clocks, .. } = &judged;
    for peer in record.peers.iter().filter(|peer| peer.log.is_none() && peer.events.is_none()) {
        say(&format!("no log of peer {} was found; name it with --log {}=PATH", peer.id, peer.id));
    }
    made(&args.output, |out| judged.write(out))?;
    if let Some(path) = &args.trace {
        made(path, |out| trace::write(out, record, clocks))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A run that was read to its end, and what is wrong in it.
#[derive(Debug)]
struct Judged {
    title: String,
    record: Record,
    /// How far each peer's clock is ahead.
    clocks: Vec<i64>,
    marks: Marks,
}

impl Judged {
    /// Reads a directory. `logs` and `events` are the files that are named, by their peers. Returns notes on what it has read, too.
    fn read(dir: &Path, logs: &[(u32, PathBuf)], events: &[(u32, PathBuf)]) -> Result<(Self, Vec<String>)> {
        let Loaded { dir, mut record, notes, .. } = load(dir, logs, events)?;
        let (findings, clocks) = grade::examined(&record);
        let marks = marks_of(&findings, &record);
        leave_last_runs(&mut record);
        Ok((Self { title: dir.name(), record, clocks, marks }, notes))
    }

    fn parts(&self) -> Parts {
        page::parts(&self.title, &self.record, &self.clocks, &self.marks)
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        page::write(out, &self.title, &self.parts())
    }
}

/// Removes the entries of earlier runs, which a log may hold too.
fn leave_last_runs(record: &mut Record) {
    let files = record.peers.iter_mut().flat_map(|peer| [&mut peer.log, &mut peer.events]);
    for lines in files.flatten().filter(|lines| lines.last_run > 0) {
        let Lines { entries, last_run, look, .. } = lines;
        look.differences.push(format!("{last_run} events of earlier runs are left out"));
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
