//! `swarm doctor --meet`: the machines call each other on the ports of their lines, before any peer does.
//!
//! Each machine listens on the ports of its own lines and calls those of all others. Over each connection both tell all reports that
//! they have, so every machine learns of calls between two others, too.
//!
//! Modules in reading order:
//!
//! - `report`, `book`: what machines know of themselves and of each other; `format`: how they say it;
//! - `offset`: clocks; `judge`: why a call failed; `words`, `table`, `findings`: what the user sees;
//! - `world`: sockets and threads. Everything else is pure.

mod book;
mod format;
mod report;
#[cfg(test)]
mod sample;

mod judge;
mod offset;

mod words;

mod findings;
mod table;

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::RngExt;
use serde::Serialize;

use self::book::Book;
use self::findings::Places;
use self::report::{MOST_ADDRESSES, MOST_LINES, Outcome, Report, cut};
use self::world::answering::{self, STACK_BYTES};
use self::world::calling::{self, Target};
use self::world::state::State;
use self::world::{now, rng};
use super::finding::Finding;
use super::here::lines::Line;
use super::here::{Examined, ports};
use super::remedies::System;
use crate::fault::Usage;
use crate::files::new_file::{Signal, Stopped};
use crate::out::say;

/// Time between two looks for a signal.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// How long the last words of talks are waited for.
const LAST_PATIENCE: Duration = Duration::from_secs(2);
/// How long they are waited for if the user waits for the end.
const SHORT_PATIENCE: Duration = Duration::from_millis(600);

/// What a meeting has found.
#[derive(Debug, Serialize)]
pub struct Met {
    /// What is to be said.
    pub findings: Vec<Finding>,
    /// The reports of all machines.
    pub machines: Vec<Report>,
    /// The tables, in lines.
    #[serde(skip)]
    pub table: Vec<String>,
    /// Whether a signal ended it.
    #[serde(skip)]
    pub stopped: Option<Stopped>,
}

/// Meets the other machines, for this time at most.
///
/// # Errors
/// When there are too many lines, or the system gives no thread.
pub fn meet(examined: &Examined, patience: Duration) -> Result<Met> {
    let lines = &examined.lines;
    if lines.len() > MOST_LINES {
        return Err(Usage::error(format!(
            "--meet is for at most {MOST_LINES} peers, and PeerInfo.cfg lists {}",
            lines.len()
        )));
    }
    let signal = Signal::watch()?;
    let deadline = Instant::now() + patience;
    let (own, listeners) = begin(examined);
    let ids = lines.iter().map(|line| (line.peer.id.number(), line.peer.host.to_lowercase())).collect();
    let others: BTreeSet<_> = lines.iter().filter(|line| !line.is_own).map(|line| line.peer.id.number()).collect();
    let state = Arc::new(State::new(Book::new(own, ids), others));
    for (listener, port) in listeners {
        let state = Arc::clone(&state);
        spawn("listener", move || answering::accept(&state, &listener, port))?;
    }
    for line in lines.iter().filter(|line| !line.is_own) {
        let (state, target) = (Arc::clone(&state), target(line));
        spawn("call", move || calling::keep_calling(&state, &target))?;
    }
    say(&greeting(lines, patience));
    let stopped = wait(&state, &signal, deadline);
    let complete = state.look(Book::all_are_ready);
    state.leave(if complete { LAST_PATIENCE } else { SHORT_PATIENCE });
    let places: Places =
        lines.iter().map(|line| (line.peer.id.number(), (line.peer.host.clone(), line.peer.port))).collect();
    Ok(state.look(|book| Met {
        findings: findings::findings(book, &places),
        machines: book.all().cloned().collect(),
        table: table::lines(book),
        stopped,
    }))
}

/// Waits until all is known, the time is over or a signal comes. Says who comes.
fn wait(state: &State, signal: &Signal, deadline: Instant) -> Option<Stopped> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let all = state.wait_for_all(left.min(LOOK_INTERVAL));
        for sentence in state.take_news() {
            say(&sentence);
        }
        match signal.check() {
            Err(stopped) => return Some(stopped),
            Ok(()) if all || left.is_zero() => return None,
            Ok(()) => {}
        }
    }
}

/// Returns what the user reads at the beginning.
fn greeting(lines: &[Line], patience: Duration) -> String {
    let ids = |own: bool| -> Vec<_> {
        lines.iter().filter(|line| line.is_own == own).map(|line| line.peer.id.to_string()).collect()
    };
    let others = crate::words::first_of(&ids(false));
    let secs = patience.as_secs();
    match ids(true).as_slice() {
        [] => format!("calling {others} for up to {secs} s; run `swarm doctor --meet` on the other machines now"),
        own => format!(
            "listening for {}, and calling {others} for up to {secs} s; run `swarm doctor --meet` on the other machines now",
            crate::words::first_of(own)
        ),
    }
}

/// Listens on the ports of this machine's lines. Returns its report as it begins, and the listeners with their ports.
fn begin(examined: &Examined) -> (Report, Vec<(TcpListener, u16)>) {
    let mut listeners = Vec::new();
    let mut lines = BTreeMap::new();
    for line in examined.lines.iter().filter(|line| line.is_own) {
        let port = line.peer.port;
        let trouble = match ports::listen_at(&ports::places(&line.here, line.is_literal(), port)) {
            Ok(found) => {
                listeners.extend(found.into_iter().map(|listener| (listener, port)));
                None
            }
            Err(trouble) => Some(cut(&trouble.words())),
        };
        lines.insert(line.peer.id.number(), trouble);
    }
    let not_tried = report::Cell { called: None, outcome: Outcome::NotTried };
    let others = examined.lines.iter().filter(|line| !line.is_own);
    let report = Report {
        machine: rng().random(),
        started: now(),
        version: 1,
        system: System::here(),
        own: examined.own.iter().copied().take(MOST_ADDRESSES).collect(),
        digests: examined.digests,
        lines,
        cells: others.map(|line| (line.peer.id.number(), not_tried.clone())).collect(),
        settled: false,
        ready: false,
    };
    (report, listeners)
}

fn target(line: &Line) -> Target {
    let with_port = |address: &SocketAddr| {
        let mut address = *address;
        address.set_port(line.peer.port);
        address
    };
    let addresses = line.addresses.as_ref().map(|all| all.iter().map(with_port).collect()).map_err(Clone::clone);
    Target { id: line.peer.id.number(), addresses }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
    let builder = thread::Builder::new().name(name.into()).stack_size(STACK_BYTES);
    builder.spawn(body).map(drop).context("cannot start a thread")
}
