//! `swarm`: runs a whole swarm of the course's peers, here and over ssh.
//!
//! Modules in reading order: `cli` is what it is told, `swarm_dir` the directory that all is about; `plan` decides what `init`
//! makes, `capacity` whether this machine can hold it, `new_file` makes it, and `litter` is what it has left if it was killed; `logs`, `copies` and `report` are what is found
//! out and shown, and pure; `hosts` does everything on this machine and on others; `watch` looks after running peers; `locks`
//! keeps two of us apart; then each subcommand has a module of its own.

mod fault;
mod words;

mod cli;
mod swarm_dir;

mod sizes;

mod places;
mod presets;

mod capacity;
mod plan;

mod made;

mod logs;

mod out;

mod hosts;

mod generate;
mod meta;

mod init;

mod files;

mod copies;

mod run;

use std::env;
use std::panic;
use std::process::ExitCode;

use anyhow::{Error, Result};
use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use peer_process::output::stderr;

use crate::cli::{Cli, Command};
use crate::copies::verify;
use crate::fault::Usage;
use crate::files::new_file::Stopped;
use crate::out::{FAILED, say, signal_status};
use crate::run::clean;
use crate::run::demo_rate;
use crate::run::start;
use crate::run::status;
use crate::run::stop;

/// Wrong usage or configuration.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    panic::set_hook(Box::new(|panic| say(&panic.to_string().replace('\n', " "))));
    let status = start();
    stderr::close(stderr::LAST_PATIENCE);
    status
}

/// All but the last words, which may have to wait for who reads them.
fn start() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(mut error) => {
            let words: Vec<_> = env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
            if error.kind() == ErrorKind::UnknownArgument
                && let Some(tip) = demo_rate::tip(&words)
            {
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
            }
            // If nobody reads it, nobody wants it.
            _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    run(&cli.command).unwrap_or_else(|error| {
        say(&format!("{error:#}"));
        status_of(&error)
    })
}

fn status_of(error: &Error) -> ExitCode {
    match error.downcast_ref() {
        Some(Stopped(signal)) => signal_status(*signal),
        None if error.is::<Usage>() => ExitCode::from(USAGE),
        None => ExitCode::from(FAILED),
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Init(args) => init::run(args),
        Command::Start(args) => start::start(args),
        Command::Status(args) => status::status(args),
        Command::Stop(args) => stop::stop(args),
        Command::Clean(args) => clean::clean(args),
        Command::Verify(args) => verify::verify(args),
        Command::Meta(args) => meta::run(&args.what),
        Command::Generate(args) => generate::run(&args.what),
    }
}
