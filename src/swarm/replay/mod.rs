//! `swarm replay`: a run as a page on which one can move through it, and as Chrome trace events.
//!
//! `grade` reads the directory and finds the violations. Modules in reading order: [`times`] places their entries on one time line
//! with [`exact`], and [`data`] encodes them for the page. [`marks`] has what the page points to. [`page`] writes the page from the
//! files in `page/`, [`trace`] the trace.
//!
//! `judged` reads a whole run for both. While the run lasts, `follow` reads the logs as they grow. `growing` and `shown` make of
//! them what pages ask for, and [`serve`] answers.

#[cfg(test)]
mod sample;

mod exact;

mod times;

mod data;

mod marks;

mod page;

mod judged;
mod trace;

mod growing;
mod shown;

mod follow;

pub mod serve;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use self::judged::Judged;
use crate::cli::ReplayArgs;
use crate::files::new_file;
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
    let Judged { record, times, .. } = &judged;
    for peer in record.peers.iter().filter(|peer| peer.log.is_none() && peer.events.is_none()) {
        say(&format!("no log of peer {} was found; name it with --log {}=PATH", peer.id, peer.id));
    }
    made(&args.output, |out| judged.write(out))?;
    if let Some(path) = &args.trace {
        made(path, |out| trace::write(out, record, times))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a file, and prints its name and size.
fn made(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    new_file::write_with(path, write)?;
    let metadata = fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    print(&format!("{}: {} bytes", path.display(), metadata.len()))
}
