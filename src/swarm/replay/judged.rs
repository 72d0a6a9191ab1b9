//! `Judged`: a run that was read to its end, with what is wrong in it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::marks::{Marks, marks_of};
use super::page::{self, Parts};
use super::times::Times;
use crate::grade;
use crate::grade::load::{Loaded, load};
use crate::history::{Lines, Record};

/// A run that was read to its end, and what is wrong in it.
#[derive(Debug)]
pub struct Judged {
    title: String,
    pub record: Record,
    /// When its entries are shown.
    pub times: Times,
    /// How far each peer's clock is ahead.
    clocks: Vec<i64>,
    marks: Marks,
}

impl Judged {
    /// Reads a directory. `logs` and `events` are the files that are named, by their peers. Returns notes on what it has read, too.
    ///
    /// # Errors
    /// When the swarm has no configuration.
    pub fn read(dir: &Path, logs: &[(u32, PathBuf)], events: &[(u32, PathBuf)]) -> Result<(Self, Vec<String>)> {
        let Loaded { dir, record, notes, .. } = load(dir, logs, events)?;
        Ok((Self::of(dir.name(), record), notes))
    }

    /// Judges a run.
    pub fn of(title: String, mut record: Record) -> Self {
        let (findings, clocks) = grade::examined(&record);
        let marks = marks_of(&findings, &record);
        leave_last_runs(&mut record);
        let times = Times::of(&record, &clocks);
        Self { title, record, times, clocks, marks }
    }

    /// Returns what its page shows.
    pub fn parts(&self) -> Parts {
        page::parts(&self.title, &self.record, &self.times, &self.clocks, &self.marks)
    }

    /// Writes its page.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        page::write(out, &self.title, &self.parts())
    }
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
