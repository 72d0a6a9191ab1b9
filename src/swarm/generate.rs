//! `swarm generate`: completions and man pages of both programs, made from the same words as `--help`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use peer_process::cli::{Arguments, NAMES};

use crate::cli::{Cli, Generated, Program};

/// Makes the completions or the man pages.
///
/// # Errors
/// When they cannot be written.
pub fn run(what: &Generated) -> Result<ExitCode> {
    match what {
        Generated::Completions { shell, program } => completions(*shell, *program)?,
        Generated::Man { dir } => man(dir)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the command line of a program.
fn command(program: Program) -> Command {
    match program {
        Program::Swarm => Cli::command(),
        Program::PeerProcess => Arguments::command(),
        Program::CourseName => Arguments::command().name(NAMES[1]),
    }
}

fn completions(shell: Shell, program: Program) -> Result<()> {
    let mut command = command(program);
    let name = command.get_name().to_owned();
    // Not straight to stdout: the generator panics if that is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    io::stdout().write_all(&script).context("cannot write the completions")
}

/// Writes `peer_process.1`, `swarm.1`, and a page for each subcommand.
fn man(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make the directory {}", dir.display()))?;
    for program in [Program::PeerProcess, Program::Swarm] {
        let mut command = command(program).disable_help_subcommand(true);
        command.build();
        let source = format!("{} {}", command.get_name(), env!("CARGO_PKG_VERSION"));
        pages(&command, &source, dir).with_context(|| format!("cannot write man pages in {}", dir.display()))?;
    }
    Ok(())
}

/// Writes the page of this command and those of its subcommands.
fn pages(command: &Command, source: &str, dir: &Path) -> io::Result<()> {
    for subcommand in command.get_subcommands() {
        pages(subcommand, source, dir)?;
    }
    // Without a date the generator would put the version in its place, so the date is a blank.
    Man::new(command.clone()).source(source).date(" ").generate_to(dir)?;
    Ok(())
}
