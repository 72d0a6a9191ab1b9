//! `swarm`: runs a whole swarm of the course's peers, here and over ssh.
//!
//! Rooms in reading order; each knows only those before it:
//!
//! - `fault`, `phrase`, `words`, `out`: sentences, and how every subcommand prints them; `ports`: who listens;
//! - `meaning`: digests of what the two files mean;
//! - `cli`, `swarm_dir`: the command line, and the names of everything in a swarm's directory;
//! - `files`: files that appear whole or not at all;
//! - `rubric`: what the course's graders look at;
//! - `history`, `logs`: what happened in a swarm, and the reader of logs, of any author; pure;
//! - `grade`: the judge of a run by its logs: the rubric and the invariants;
//! - `http`: what a server needs: sockets, bounds, answers;
//! - `replay`: a run as a page that one can move through, also while it lasts;
//! - `hosts`: everything that runs on this machine and on others;
//! - `copies`: the comparison of the copies, and the reports: `verify`;
//! - `track`: the tracker; `tap`: the relay between peers; only they, `http`, `hosts` and `check` have sockets;
//! - `run`: `start`, `status`, `stop`, `clean`;
//! - `setup`: `init`, `meta`;
//! - `invite`: `invite` and `join`: one machine writes the configuration, and all have the same;
//! - `check`: the tester of any peer: it plays all its neighbors, and names what is wrong;
//! - `doctor`: what keeps a swarm from working, before anything is started, also between machines;
//! - `generate`: completions and man pages.

mod fault;
mod meaning;
mod phrase;
mod ports;
mod words;

mod out;

mod cli;
mod swarm_dir;

mod files;

mod rubric;

mod history;

mod logs;

mod grade;

mod http;

mod replay;

mod hosts;

mod copies;

mod track;

mod tap;

mod run;

mod setup;

mod invite;

mod check;

mod doctor;

mod generate;

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
use crate::out::{FAILED, USAGE, say, signal_status};
use crate::run::{clean, demo_rate, start, status, stop};
use crate::setup::{init, meta, tracker_option};

fn main() -> ExitCode {
    panic::set_hook(Box::new(|panic| say(&panic.to_string().replace('\n', " "))));
    // A keeper is no subcommand: only `swarm` itself starts one.
    let status = hosts::keeper::asked().unwrap_or_else(start);
    stderr::close(stderr::LAST_PATIENCE);
    status
}

/// Does everything but the last words, which may have to wait for their reader.
fn start() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(mut error) => {
            let words: Vec<_> = env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
            if error.kind() == ErrorKind::UnknownArgument
                && let Some(tip) = demo_rate::tip(&words).or_else(|| tracker_option::tip(&words, &unknown(&error)))
            {
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
            }
            return usage(&error);
        }
    };
    run(&cli.command).unwrap_or_else(|error| {
        say(&hosts::with_tip(&error));
        status_of(&error)
    })
}

/// Returns the argument that the command line has too many.
fn unknown(error: &clap::Error) -> String {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) => word.clone(),
        _ => String::new(),
    }
}

/// Shows the help, or says in one sentence what is wrong with the command line.
fn usage(error: &clap::Error) -> ExitCode {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    if matches!(error.kind(), DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand | DisplayVersion) {
        // If the reader has gone, nobody wants the help.
        _ = error.print();
    } else {
        say(&peer_process::cli::sentence(error));
    }
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
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
        Command::Invite(args) => invite::invite(args),
        Command::Join(args) => invite::join(args),
        Command::Start(args) => start::start(args),
        Command::Status(args) => status::status(args),
        Command::Stop(args) => stop::stop(args),
        Command::Clean(args) => clean::clean(args),
        Command::Verify(args) => verify::verify(args),
        Command::Meta(args) => meta::run(&args.what),
        Command::Track(args) => track::run(args),
        Command::Check(args) => check::run(args),
        Command::Grade(args) => grade::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Generate(args) => generate::run(&args.what),
    }
}
