//! `swarm replay`: a run as a page that one can move through, and as Chrome trace events.
//!
//! Modules in reading order: [`times`] places the entries of all logs on one time line, [`data`] encodes them for the page,
//! [`marks`] has what the page points to. [`page`] writes the page from the files in `page/`, [`trace`] the trace.

#[cfg(test)]
mod sample;

mod times;

mod data;

mod marks;

mod page;

mod trace;

mod reading;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::ReplayArgs;
use crate::files::new_file;
use crate::out::print;
use crate::swarm_dir::SwarmDir;

/// Carries out `swarm replay`.
///
/// # Errors
/// When the swarm cannot be read, or a file cannot be made.
pub fn run(args: &ReplayArgs) -> Result<ExitCode> {
    let swarm = SwarmDir::open(&args.dir.dir)?;
    let record = reading::record_of(&args.dir.dir)?;
    made(&args.output, |out| page::write(out, &swarm.name(), &record, &[], None))?;
    if let Some(path) = &args.trace {
        made(path, |out| trace::write(out, &record, &[]))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a file and says where it is and how long.
fn made(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    new_file::write_with(path, write)?;
    let len = std::fs::metadata(path)?.len();
    print(&format!("{}: {len} bytes", path.display()))
}
