//! `swarm track`: a `BitTorrent` tracker over HTTP (BEP 3, 7, 23 and 48), for our swarms and for everybody's clients.
//!
//! Modules in reading order; the first four are pure:
//!
//! - `request`: what a caller asks for;
//! - `registry`: who is in which swarm, and who may change that;
//! - `answer` and `page`: what callers and people get;
//! - `only`: the swarms of `--only`;
//! - `server`: what it answers by HTTP;
//! - [`probe`]: whether a tracker runs already.

mod request;

mod registry;

mod answer;
mod page;

mod only;

mod server;

pub mod probe;

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Error, Result, anyhow};
use peer_process::discovery::identity::InfoHash;
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};

use self::answer::Intervals;
use self::probe::Found;
use self::registry::{Limits, Registry};
use self::server::Tracker;
use crate::cli::TrackArgs;
use crate::fault::Usage;
use crate::http::listening::{Listening, Reach};
use crate::http::signals;
use crate::out::{print, say};

/// The option that says where it listens, and the path for announces.
const OPTION: &str = "--listen";
const ANNOUNCE: &str = "/announce";
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
    signals::end_by_signal("the tracker")?;
    let serves_all = args.only.is_empty();
    let names = only::hashes(&args.only, &args.names).map_err(|error| Usage::error(format!("{error:#}")))?;
    let served = only::told(&names);
    let some_hash = names.keys().next().copied().unwrap_or_else(|| InfoHash::new([0; InfoHash::LEN]));
    let tracker = tracker(names, serves_all, args.interval_secs)?;
    let listening =
        Listening::at(OPTION, &args.listen).map_err(|error| who_is_there(error, &args.listen, some_hash))?;
    print(&listening.url(ANNOUNCE))?;
    say(&reach(listening.reach(), listening.port(), serves_all));
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
    let listening = Listening::at(OPTION, listen)?;
    let url = listening.url(ANNOUNCE);
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

/// Returns a sentence about those who can reach the tracker.
fn reach(reach: Reach, port: u16, serves_all: bool) -> String {
    let who = reach.who();
    if reach == Reach::Machine {
        return format!("{who} can reach the tracker; {OPTION} 0.0.0.0:{port} lets others in");
    }
    let what = if serves_all { "any swarm; --only restricts that" } else { "only the swarms of --only" };
    format!("{who} can announce to the tracker and learns the addresses of the peers there; it serves {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_told_who_can_reach_it() {
        let start = "everybody who can reach this machine can announce to the tracker and learns ";
        for (serves_all, end) in
            [(true, "serves any swarm; --only restricts that"), (false, "only the swarms of --only")]
        {
            let told = reach(Reach::Everybody, 7, serves_all);
            assert!(told.starts_with(start) && told.ends_with(end), "{told}");
        }
        assert!(reach(Reach::Machine, 7, true).ends_with("; --listen 0.0.0.0:7 lets others in"));
    }
}
