//! `swarm replay`: a run as a page on which one can move through it, and as Chrome trace events.
//!
//! Modules in reading order: [`reading`] reads the logs of a directory. [`times`] places their entries on one time line, and
//! [`data`] encodes them for the page; [`marks`] has what the page points to. [`page`] writes the page from the files in
//! `page/`, [`trace`] the trace.

mod reading;

#[cfg(test)]
mod sample;

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

use crate::cli::ReplayArgs;
use crate::files::new_file;
use crate::out::{print, say};
use crate::swarm_dir::SwarmDir;

/// Carries out `swarm replay`.
///
/// # Errors
/// When the swarm or a log cannot be read, or a file cannot be made.
pub fn run(args: &ReplayArgs) -> Result<ExitCode> {
    let swarm = SwarmDir::open(&args.dir.dir)?;
    let record = reading::record_of(&swarm, &args.logs)?;
    let missing: Vec<_> = record.peers.iter().filter(|peer| peer.log.is_none() && peer.events.is_none()).collect();
    for peer in missing {
        say(&format!("no log of peer {} was found; name it with --log {}=PATH", peer.id, peer.id));
    }
    made(&args.output, |out| page::write(out, &swarm.name(), &record, &[], None))?;
    if let Some(path) = &args.trace {
        made(path, |out| trace::write(out, &record, &[]))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a file, and prints its name and size.
fn made(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    new_file::write_with(path, write)?;
    let metadata = fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    print(&format!("{}: {} bytes", path.display(), metadata.len()))
}
