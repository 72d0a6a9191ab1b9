//! The watch over running peers: it reads their logs and processes, notices their exits, and stops them.
//!
//! Each host has a thread of its own. The thread looks at the host's peers again and again, and passes signals on to them. So
//! a host that does not answer delays no other host. All decisions are in the loop of [`watch`].

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, Builder, Scope};
use std::time::{Duration, Instant};

use peer_process::protocol::peer_id::PeerId;

use crate::hosts::{Host, Hosts, Reading};
use crate::out::{named, say};
use crate::run::chorus::Chorus;
use crate::run::live::Live;
use crate::run::watched::{Seen, Watched};
use crate::words;

/// Time between two looks at the peers of this machine, and at those of others.
const LOOK_INTERVALS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));
/// A peer that has not exited so long after SIGTERM gets SIGKILL, and is given up after the same time.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// An event for the watch.
#[derive(Debug)]
pub enum News {
    /// The result of a look at these peers, or the reason why their host could not be reached.
    Looked(Vec<PeerId>, Result<Vec<Seen>, String>),
    /// A host's peers received a signal.
    Told,
    /// A signal came to this process.
    Signal(i32),
}

/// Passes signals on as [`News`], as long as the receiver exists.
pub fn news_of_signals(news: &Sender<News>) -> impl Fn(i32) -> bool + Send + 'static {
    let news = news.clone();
    move |signal| news.send(News::Signal(signal)).is_ok()
}

/// An order to a host's thread: the signal for its peers.
type Order = &'static str;

/// The reason why the peers were stopped before all had exited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// This process received a signal.
    Signal(i32),
    /// `--timeout` has passed.
    Timeout,
    /// This peer failed, and the others would wait for it.
    Failed(PeerId),
}

/// The rules of the watch.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The peers are stopped after this time.
    pub timeout: Option<Duration>,
    /// Whether the other peers go on when one has failed.
    pub keep_going: bool,
}

/// Watches the peers until all have exited or were stopped. Returns the reason why they were stopped, if they were.
///
/// `peers` are those that were started. `news` also brings the signals to this process. It is dropped as soon as nothing is
/// left to decide, though a host's thread may still wait for a host that does not answer.
pub fn watch(
    hosts: &Hosts,
    peers: &mut BTreeMap<PeerId, Watched>,
    rules: Rules,
    (sender, news): (&Sender<News>, Receiver<News>),
    live: &mut Live,
) -> Option<Cause> {
    thread::scope(move |scope| {
        let mut orders = Vec::new();
        let mut unattended = Vec::new();
        for host in &hosts.all {
            let started: Vec<_> = host.peers.iter().copied().filter(|id| peers[id].was_started()).collect();
            if !started.is_empty() {
                unattended.push((host, started));
            }
        }
        let mut stopping: Option<Stopping> = None;
        let begun = Instant::now();
        let mut signals = 0;
        let mut chorus = Chorus::default();
        loop {
            // If the system has no thread now, it may have one later.
            unattended.retain(|(host, started)| match attend(scope, host, started, sender) {
                Ok(order) => {
                    if let Some(stopping) = &stopping {
                        _ = order.send(if stopping.hard { "KILL" } else { "TERM" });
                    }
                    orders.push(order);
                    false
                }
                Err(trouble) => {
                    let trouble = format!("{}: cannot start a thread: {trouble}", host.called());
                    note(peers, started, Err(trouble), &mut chorus);
                    true
                }
            });
            match news.recv_timeout(LOOK_INTERVALS.0) {
                Ok(News::Looked(ids, seen)) => note(peers, &ids, seen, &mut chorus),
                Ok(News::Signal(signal)) => {
                    signals += 1;
                    let first = stopping.get_or_insert_with(|| Stopping::begin(Cause::Signal(signal), &orders));
                    if signals > 1 {
                        first.insist(&orders);
                    }
                }
                Ok(News::Told) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => unreachable!("this function holds a sender"),
            }
            if stopping.is_some() {
                hosts.hurry();
            }
            say_all(&chorus.take_due(Instant::now()));
            live.show(peers);
            if peers.values().all(|peer| !peer.was_started() || peer.is_done()) {
                say_all(&chorus.take_all());
                return stopping.map(|stopping| stopping.cause);
            }
            let failed = || peers.values().find(|peer| peer.has_failed());
            if let Some(stopping) = &mut stopping {
                if stopping.go_on(&orders) {
                    say_all(&chorus.take_all());
                    let left = |peer: &&Watched| peer.was_started() && !peer.is_done();
                    let left: Vec<_> = peers.values().filter(left).map(|peer| peer.info.id).collect();
                    say(&format!("{} may still run; try `swarm stop`", named(&left)));
                    return Some(stopping.cause);
                }
            } else if rules.timeout.is_some_and(|timeout| begun.elapsed() >= timeout) {
                stopping = Some(Stopping::begin(Cause::Timeout, &orders));
            } else if let Some(failed) = failed().filter(|_| !rules.keep_going) {
                let (id, how) = (failed.info.id, failed.killed().unwrap_or_else(|| "has failed".to_owned()));
                say_all(&chorus.take_all());
                say(&format!(
                    "peer {id} {how}; stopping the others, which would wait for it (--keep-going leaves them running)"
                ));
                stopping = Some(Stopping::begin(Cause::Failed(id), &orders));
            }
        }
    })
}

fn note(peers: &mut BTreeMap<PeerId, Watched>, ids: &[PeerId], seen: Result<Vec<Seen>, String>, chorus: &mut Chorus) {
    match seen {
        Ok(seen) => {
            for seen in &seen {
                let peer = peers.get_mut(&seen.id()).expect("only these were asked for");
                let had_more = peer.warnings.has_more();
                peer.see(seen);
                for warning in peer.warnings.take_new() {
                    chorus.hear(seen.id(), warning, Instant::now());
                }
                if peer.warnings.has_more() && !had_more {
                    say(&format!("{0}: more warnings are in peer_{0}.err", seen.id()));
                }
            }
        }
        Err(trouble) => {
            for id in ids {
                peers.get_mut(id).expect("only these were asked for").unreachable = Some(trouble.clone());
            }
        }
    }
}

fn say_all(lines: &[String]) {
    for line in lines {
        say(line);
    }
}

/// The state of stopping the peers.
struct Stopping {
    cause: Cause,
    /// Whether SIGKILL was sent.
    hard: bool,
    due: Instant,
}

impl Stopping {
    fn begin(cause: Cause, orders: &[Sender<Order>]) -> Self {
        match cause {
            Cause::Signal(signal) => say(&format!("{}: stopping the peers", words::signal(signal))),
            Cause::Timeout => say("--timeout has passed; stopping the peers"),
            // The sentence about the peer says it.
            Cause::Failed(_) => {}
        }
        give(orders, "TERM");
        Self { cause, hard: false, due: Instant::now() + STOP_PATIENCE }
    }

    /// Sends SIGKILL.
    fn insist(&mut self, orders: &[Sender<Order>]) {
        if !self.hard {
            say("some peers have not exited yet; killing them");
            give(orders, "KILL");
            (self.hard, self.due) = (true, Instant::now() + STOP_PATIENCE);
        }
    }

    /// Returns true if there is nothing left to try.
    fn go_on(&mut self, orders: &[Sender<Order>]) -> bool {
        if Instant::now() < self.due {
            return false;
        }
        if self.hard {
            return true;
        }
        self.insist(orders);
        false
    }
}

/// Gives an order to all threads. A thread that has ended has no peers left.
fn give(orders: &[Sender<Order>], signal: Order) {
    for order in orders {
        _ = order.send(signal);
    }
}

/// Starts the thread of one host; returns the sender for its orders.
fn attend<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    host: &'env Host,
    started: &[PeerId],
    news: &Sender<News>,
) -> io::Result<Sender<Order>> {
    let (order, ordered) = channel();
    let (started, news) = (started.to_vec(), news.clone());
    let name = format!("look-{}", host.peers[0]);
    Builder::new().name(name).spawn_scoped(scope, move || look_after(host, &started, &news, &ordered))?;
    Ok(order)
}

/// Runs in the thread of one host: looks at its peers until all have exited, or the watch has ended.
fn look_after(host: &Host, peers: &[PeerId], news: &Sender<News>, orders: &Receiver<Order>) {
    let interval = if host.is_here() { LOOK_INTERVALS.0 } else { LOOK_INTERVALS.1 };
    let mut known: BTreeMap<PeerId, Reading> = peers.iter().map(|id| (*id, Reading::begin(None, Some(0)))).collect();
    loop {
        let asked: Vec<_> = known.iter().map(|(id, reading)| (*id, Some(reading.clone()))).collect();
        let mut pause = interval;
        let seen = host.look(&asked).map_err(|error| format!("{error:#}"));
        let seen = seen.map(|sights| {
            let seen: Vec<_> = sights.into_iter().map(|sight| Seen::of(sight, &mut known)).collect();
            if seen.iter().any(|seen| seen.has_more(&known)) {
                pause = Duration::ZERO;
            }
            known.retain(|id, _| !seen.iter().any(|seen| seen.is_last() && seen.id() == *id));
            seen
        });
        let ids = asked.iter().map(|(id, _)| *id).collect();
        if news.send(News::Looked(ids, seen)).is_err() || known.is_empty() {
            return;
        }
        match orders.recv_timeout(pause) {
            Ok(signal) => {
                let left: Vec<_> = known.keys().copied().collect();
                // A peer that cannot be reached now gets SIGKILL later, and shows as still running.
                _ = host.signal(signal, &left, 0);
                _ = news.send(News::Told);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
