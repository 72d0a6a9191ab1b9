//! `swarm track`: a `BitTorrent` tracker over HTTP (BEP 3, 7, 23 and 48), for our swarms and for everybody's clients.
//!
//! Modules in reading order; the first four are pure:
//!
//! - `request`: what a caller asks for;
//! - `registry`: who is in which swarm, and who may change that;
//! - `answer` and `page`: what callers and people get;
//! - `only`: the swarms of `--only`;
//! - `callers` and `listening`: the connections and the sockets;
//! - `server`: HTTP;
//! - [`probe`]: whether a tracker runs already.

mod request;

mod registry;

mod answer;
mod page;

mod only;

mod callers;
mod listening;
mod server;

pub mod probe;

use std::collections::HashMap;
use std::path::Path;
use std::process::{self, ExitCode};
use std::thread;

use anyhow::{Context, Error, Result, anyhow};
use peer_process::discovery::identity::InfoHash;
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use self::answer::Intervals;
use self::listening::Listening;
use self::probe::Found;
use self::registry::{Limits, Registry};
use self::server::Tracker;
use crate::cli::TrackArgs;
use crate::fault::Usage;
use crate::out::{hush, print, say};
use crate::words;

/// Maximum number of members of all swarms together.
const MOST_MEMBERS: usize = 100_000;
/// Maximum number of members from one IPv4 address or IPv6 site. A swarm on one machine has at most 1000.
const MOST_OF_SOURCE: usize = 4096;
/// Number of seconds after which the peers of `swarm start --track` announce again.
const USUAL_INTERVAL_SECS: u32 = 10;
/// Maximum number of seconds that a peer with a reason is told to wait before it announces again.
const LEAST_INTERVAL_SECS: u32 = 10;
/// Number of seconds that a member may be late, after it has left out one announce.
const SPARE_SECS: u32 = 10;

/// Runs a tracker until a signal ends it.
///
/// # Errors
/// If it cannot listen, or a directory of `--only` has no swarm.
pub fn run(args: &TrackArgs) -> Result<ExitCode> {
    watch_signals()?;
    let serves_all = args.only.is_empty();
    let names = only::hashes(&args.only, &args.names).map_err(|error| Usage::error(format!("{error:#}")))?;
    let served = only::told(&names);
    let some_hash = names.keys().next().copied().unwrap_or_else(|| InfoHash::new([0; InfoHash::LEN]));
    let tracker = tracker(names, serves_all, args.interval_secs)?;
    let listening = Listening::at(&args.listen).map_err(|error| who_is_there(error, &args.listen, some_hash))?;
    print(&listening.url())?;
    say(&listening.reach(serves_all));
    for line in &served {
        say(line);
    }
    match server::serve(listening.listeners, tracker)? {}
}

/// Adds what runs at the place already, if anything does.
fn who_is_there(error: Error, place: &str, swarm: InfoHash) -> Error {
    if error.is::<Usage>() {
        return error;
    }
    let what = match probe::ask(place, swarm) {
        Found::Nothing => return error,
        Found::Serves | Found::Refuses => "it is a tracker",
        Found::Other => "it does not answer as a tracker",
    };
    anyhow!("{error:#}; {what}; --listen names another place")
}

/// Runs a tracker in a thread, until the process ends, and returns its URL. It serves the swarm in this directory, and the one of
/// this name with the same file.
///
/// # Errors
/// If it cannot listen, or the directory has no swarm.
pub fn beside(listen: &str, dir: &Path, name: Option<&str>) -> Result<String> {
    let names: Vec<_> = name.map(ToOwned::to_owned).into_iter().collect();
    let names = only::hashes(&[dir.to_owned()], &names)?;
    let listening = Listening::at(listen)?;
    let url = listening.url();
    let serving = move || {
        let tracker = tracker(names, false, USUAL_INTERVAL_SECS);
        let Err(error) = tracker.and_then(|tracker| server::serve(listening.listeners, tracker));
        say(&format!("{error:#}"));
    };
    thread::Builder::new().name("tracker".into()).spawn(serving).context("cannot start a thread")?;
    Ok(url)
}

/// Returns what is at this place, a host and a port, for the swarm in this directory.
///
/// # Errors
/// If the directory has no swarm.
pub fn at(place: &str, dir: &Path, name: Option<&str>) -> Result<Found> {
    let (hash, _) = only::hash(dir, name)?;
    Ok(probe::ask(place, hash))
}

fn tracker(names: HashMap<InfoHash, String>, serves_all: bool, usual_secs: u32) -> Result<Tracker> {
    let hashes: Vec<InfoHash> = names.keys().copied().collect();
    let intervals = Intervals { usual_secs, least_secs: usual_secs.min(LEAST_INTERVAL_SECS) };
    let patience_secs = 2 * usual_secs + SPARE_SECS;
    let limits = Limits { members: MOST_MEMBERS, of_source: MOST_OF_SOURCE, patience_secs };
    let rng = StdRng::try_from_rng(&mut SysRng).context("the system has no random numbers")?;
    let registry = Registry::new(limits, (!serves_all).then_some(&hashes), rng);
    Ok(Tracker::new(registry, names, intervals))
}

/// Lets SIGINT, SIGTERM and SIGHUP end this process at once: it keeps nothing that must be saved.
fn watch_signals() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot watch for signals")?;
    let watching = move || {
        if let Some(signal) = signals.forever().next() {
            say(&format!("{}: the tracker ends", words::signal(signal)));
            let _quiet = hush();
            process::exit(128 + signal);
        }
    };
    thread::Builder::new().name("signals".into()).spawn(watching).context("cannot start a thread")?;
    Ok(())
}
