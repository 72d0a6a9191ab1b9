//! `swarm generate`: a shell's completions and the man pages, made from the same words as `--help`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::{Cli, Generated};

/// Makes what is asked for.
///
/// # Errors
/// When it cannot be written.
pub fn run(what: &Generated) -> Result<ExitCode> {
    match what {
        Generated::Completions { shell } => completions(*shell)?,
        Generated::Man { dir } => man(dir)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn completions(shell: Shell) -> Result<()> {
    // Not straight to stdout: the generator panics if that is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut visible(), "swarm", &mut script);
    io::stdout().write_all(&script).context("cannot write the completions")
}

/// `swarm.1`, and a page for each visible subcommand.
fn man(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make the directory {}", dir.display()))?;
    clap_mangen::generate_to(visible(), dir).with_context(|| format!("cannot write man pages in {}", dir.display()))
}

/// The command line without its hidden subcommands, which the completions would show otherwise.
fn visible() -> clap::Command {
    let full = Cli::command();
    let shown: Vec<_> = full.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let mut command = clap::Command::new("swarm").subcommand_required(true).subcommands(shown);
    // What the builder takes only if it is there.
    if let Some(about) = full.get_about() {
        command = command.about(about.clone());
    }
    if let Some(about) = full.get_long_about() {
        command = command.long_about(about.clone());
    }
    if let Some(after) = full.get_after_help() {
        command = command.after_help(after.clone());
    }
    command.version(env!("CARGO_PKG_VERSION"))
}
