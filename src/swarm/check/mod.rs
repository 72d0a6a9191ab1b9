//! `swarm check`: tests anybody's peer. It plays all neighbors of the peer, and says by name what is wrong.
//!
//! Modules in reading order: [`rubric`] and [`mistakes`] are the words of the course and of experience, [`verdict`] has what a
//! run finds. [`choice`] turns the command line into cases; [`report`] turns the findings into text for people and programs.
#![allow(dead_code, reason = "the cases, which make the findings, follow")]

mod mistakes;
mod rubric;
mod verdict;

mod choice;
mod report;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use crate::check::verdict::{Clause, Summary};
use crate::cli::CheckArgs;
use crate::out::print;

/// Lists the cases, or runs them against a peer and reports.
///
/// # Errors
/// When an option is wrong, or a report cannot be written.
pub fn run(args: &CheckArgs) -> Result<ExitCode> {
    let begun = Instant::now();
    report::check_outputs(args)?;
    let all: [&'static Clause; 0] = [];
    let chosen = choice::choose(&all, &args.only, &args.skip)?;
    if args.list {
        print(&report::list(&chosen))?;
        return Ok(ExitCode::SUCCESS);
    }
    let summary = Summary {
        command: args.command.clone().unwrap_or_default(),
        options: choice::options(args),
        outcomes: Vec::new(),
        took: begun.elapsed(),
        start_time: None,
        is_cut_short: false,
    };
    report::show(args, &summary)
}
