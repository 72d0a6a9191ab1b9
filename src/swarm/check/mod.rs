//! `swarm check`: tests anybody's peer. It plays all neighbors of the peer, and says by name what is wrong.
//!
//! Modules in reading order; each knows only those before it:
//!
//! - `rubric`, `mistakes`: the words of the course and of experience; `verdict`: what a run finds;
//! - `choice`, `report`: from the command line to cases, and from findings to text for people and programs;
//! - `plan`: the swarm of one case; `history`: what happened in it; `facts`: what is true after it;
//! - `incoming`: bytes to messages; `habits`: what neighbors do by themselves; `judge`: what no correct peer does;
//! - `chance`: how likely random choices look wrong; `sentences`: the log's words, letter by letter. All pure;
//! - `world`: the only place with sockets and processes; `stage`: what a case works with;
//! - `cases`: the cases; `hints`, `preflight`: what comes before them; `suite`: runs them.
//! - `raw`: what a case leaves; `notes`: remarks about a case; `resolve`: what explains what.

mod mistakes;
mod verdict;

mod choice;
mod report;

mod plan;

mod history;

mod facts;
mod incoming;

mod habits;
mod judge;

mod chance;
mod sentences;

mod world;

mod stage;

mod cases;

mod hints;
mod preflight;

mod raw;

mod notes;

mod resolve;

mod suite;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use peer_process::output::console::counted;
use rand::rngs::{StdRng, SysRng};
use rand::{RngExt, SeedableRng};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use self::raw::Raw;
use self::report::Live;
use self::stage::Case;
use self::suite::Suite;
use self::verdict::{Clause, Outcome, Summary};
use crate::cli::CheckArgs;
use crate::fault::Usage;
use crate::out::{print, say, signal_status};

/// Minimum of `--timeout`.
const LEAST_TIMEOUT: Duration = Duration::from_millis(200);

/// Lists the cases, or runs them against a peer and reports.
///
/// # Errors
/// When an option is wrong, the peer cannot be run, or a report cannot be written.
pub fn run(args: &CheckArgs) -> Result<ExitCode> {
    report::check_outputs(args)?;
    let all = cases::all();
    let clauses: Vec<&'static Clause> = all.iter().map(|case| &case.clause).collect();
    let chosen = choice::choose(&clauses, &args.only, &args.skip)?;
    if args.list {
        print(&report::list(&chosen))?;
        return Ok(ExitCode::SUCCESS);
    }
    let cases: Vec<&'static Case> =
        all.into_iter().filter(|case| chosen.iter().any(|clause| clause.address == case.clause.address)).collect();
    if args.timeout < LEAST_TIMEOUT {
        let least = LEAST_TIMEOUT.as_secs_f64();
        return Err(Usage::error(format!("--timeout must be at least {least} s: no peer answers in less")));
    }
    let signal = watch_signals()?;
    let begun = Instant::now();
    let place = preflight::Place::new(args)?;
    if !preflight::set_up(args, &signal)? {
        return ended(&signal).context("the setup was ended without a signal");
    }
    let mut env = preflight::env(args, Arc::clone(&signal))?;
    let seed = StdRng::try_from_rng(&mut SysRng).context("the system has no random numbers")?.random();
    match preflight::start_once(&env, place.dir(), seed)? {
        preflight::FirstStart::CannotBeRun(sentence) => {
            return ended(&signal).map_or_else(|| Err(Usage::error(sentence)), Ok);
        }
        preflight::FirstStart::Runs { settles_after } => {
            // Less than a second is what every start takes.
            env.first_patience += Duration::from_secs(settles_after.as_secs());
        }
    }
    if let Some(hint) = args.command.as_deref().and_then(hints::id) {
        say(&hint);
    }
    let live = Live::new(cases.len());
    let suite = Suite { env: &env, dir: place.dir(), keeps: args.keep.is_some(), jobs: jobs(args), seed };
    let raws = suite.run(&cases, &|address| live.begin(address), &|address| live.end(address));
    live.finish();
    let raws = raws?;
    if args.trace && !report::takes_stdout(args) {
        print_traces(&raws)?;
    }
    let summary = Summary {
        command: args.command.clone().unwrap_or_default(),
        options: choice::options(args),
        outcomes: resolve::resolve(&raws)
            .into_iter()
            .zip(&raws)
            .map(|(outcome, raw)| kept(args, outcome, raw))
            .collect(),
        took: begun.elapsed(),
        start_time: median(&raws),
        is_cut_short: signal.load(Ordering::Relaxed) != 0,
        chosen: cases.len(),
        known: clauses.len(),
    };
    let status = report::show(args, &summary)?;
    let killed = raws.iter().filter(|raw| raw.was_killed).count();
    if killed > 0 {
        say(&format!("in {} the peer did not end on SIGTERM and was killed", counted(killed as u64, "case")));
    }
    Ok(ended(&signal).unwrap_or(status))
}

/// Remembers a signal. All that runs looks at it every few milliseconds.
fn watch_signals() -> Result<Arc<AtomicUsize>> {
    let signal = Arc::new(AtomicUsize::new(0));
    for number in [SIGINT, SIGTERM, SIGHUP] {
        let value = usize::try_from(number).expect("signals have positive numbers");
        flag::register_usize(number, Arc::clone(&signal), value).context("cannot watch for signals")?;
    }
    Ok(signal)
}

/// Returns the exit status if a signal came.
fn ended(signal: &AtomicUsize) -> Option<ExitCode> {
    let number = signal.load(Ordering::Relaxed);
    (number != 0).then(|| signal_status(i32::try_from(number).expect("signals have small numbers")))
}

/// Returns the number of cases at the same time. If all peers have one port, only one fits.
fn jobs(args: &CheckArgs) -> usize {
    if args.port.is_some() {
        return 1;
    }
    args.jobs.map_or_else(suite::usual_jobs, |jobs| usize::try_from(jobs).unwrap_or(1))
}

/// Returns the median time to the first sign of a peer.
fn median(raws: &[Raw]) -> Option<Duration> {
    let mut times: Vec<_> = raws.iter().flat_map(|raw| &raw.start_times).copied().collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

fn kept(args: &CheckArgs, outcome: Outcome, raw: &Raw) -> Outcome {
    let kept = args.keep.is_some().then(|| suite::name_of(raw.case, raw.run));
    Outcome { kept, ..outcome }
}

fn print_traces(raws: &[Raw]) -> Result<()> {
    for raw in raws {
        print(&format!("== {} ==", raw.case.clause.address))?;
        for line in &raw.trace {
            print(&report::printable(line))?;
        }
        if !raw.printed.is_empty() {
            print("-- the peer printed last:")?;
        }
        for line in &raw.printed {
            print(&report::printable(line))?;
        }
        print("")?;
    }
    Ok(())
}
