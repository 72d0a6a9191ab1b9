//! `swarm`: runs a whole swarm of the course's peers, here and over ssh.
//!
//! Modules in reading order: `cli` is what it is told, `swarm_dir` the directory that all is about; each subcommand has a module
//! of its own.

mod fault;

mod cli;
mod swarm_dir;

mod presets;
mod sizes;

mod places;
mod plan;

mod new_file;

mod made;

mod generate;
mod init;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Error, Result};
use clap::Parser;

use crate::cli::{Cli, Command};
use crate::fault::Usage;

/// Something failed, or a copy differs.
const FAILED: u8 = 1;
/// Wrong usage or configuration.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match run(cli.command) {
        Ok(status) => status,
        Err(error) => tell(&error),
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Init(args) => init::run(&args),
        Command::Generate(args) => generate::run(&args.what),
        _ => anyhow::bail!("not yet"),
    }
}

/// Help and version go to stdout, as everywhere; a wrong usage is told on stderr.
fn usage(error: &clap::Error) -> ExitCode {
    // If nobody reads it, nobody wants it.
    _ = error.print();
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}

fn tell(error: &Error) -> ExitCode {
    // If stderr is closed, nobody can be told; the status still says it.
    _ = writeln!(io::stderr(), "swarm: {error:#}");
    ExitCode::from(if error.is::<Usage>() { USAGE } else { FAILED })
}
