//! The watch over running peers: what their logs and processes tell, who has ended and how, and stopping them.
//!
//! Each host has a thread of its own that looks at its peers again and again and passes signals on to them, so that one host that
//! does not answer holds up nobody else. All that is decided is decided by [`watch`], in one loop.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, Builder, Scope};
use std::time::{Duration, Instant};

use peer_process::protocol::peer_id::PeerId;

use crate::hosts::{Host, Hosts, Reading};
use crate::out::{named, say};
use crate::run::live::Live;
use crate::run::watched::{Seen, Watched};
use crate::words;

/// How often the peers of this machine are looked at, and those of others.
const LOOK_INTERVALS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));
/// A peer that has not ended so long after it was told to is told harder, and after as long again given up.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// What the watch hears.
#[derive(Debug)]
pub enum News {
    /// A host was looked at for these peers, or why it could not be.
    Looked(Vec<PeerId>, Result<Vec<Seen>, String>),
    /// These peers were given a signal.
    Told,
    /// A signal came to this process.
    Signal(i32),
}

/// Passes signals on as [`News`], for as long as somebody listens.
pub fn news_of_signals(news: &Sender<News>) -> impl Fn(i32) -> bool + Send + 'static {
    let news = news.clone();
    move |signal| news.send(News::Signal(signal)).is_ok()
}

/// What a host's thread is told: the signal that its peers are to be given.
type Order = &'static str;

/// Why the peers were stopped before they had all ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// This process was given a signal.
    Signal(i32),
    /// It took longer than was allowed.
    Timeout,
    /// This peer had failed, and the others would have waited for it.
    Failed(PeerId),
}

/// What the watch is told beside the peers.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// After how long the peers are stopped.
    pub timeout: Option<Duration>,
    /// Whether the others go on when one has failed.
    pub keep_going: bool,
}

/// Watches over the peers until all have ended, or were stopped; tells why they were stopped, if so.
///
/// `peers` are those that were started; `news` also brings the signals that come to this process. Nobody listens to it any more as soon
/// as nothing is left to decide: a host's thread may still wait for one that does not answer.
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
        loop {
            // Where the system gives no thread now, it may do so later.
            unattended.retain(|(host, started)| match attend(scope, host, started, sender) {
                Ok(order) => {
                    if let Some(stopping) = &stopping {
                        _ = order.send(if stopping.hard { "KILL" } else { "TERM" });
                    }
                    orders.push(order);
                    false
                }
                Err(trouble) => {
                    note(peers, started, Err(format!("{}: cannot start a thread: {trouble}", host.called())));
                    true
                }
            });
            match news.recv_timeout(LOOK_INTERVALS.0) {
                Ok(News::Looked(ids, seen)) => note(peers, &ids, seen),
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
            live.show(peers);
            if peers.values().all(|peer| !peer.was_started() || peer.is_done()) {
                return stopping.map(|stopping| stopping.cause);
            }
            let failed = || peers.values().find(|peer| peer.has_failed());
            if let Some(stopping) = &mut stopping {
                if stopping.go_on(&orders) {
                    let left = |peer: &&Watched| peer.was_started() && !peer.is_done();
                    let left: Vec<_> = peers.values().filter(left).map(|peer| peer.info.id).collect();
                    say(&format!("{} may still run, `swarm stop` tries it again", named(&left)));
                    return Some(stopping.cause);
                }
            } else if rules.timeout.is_some_and(|timeout| begun.elapsed() >= timeout) {
                stopping = Some(Stopping::begin(Cause::Timeout, &orders));
            } else if let Some(failed) = failed().filter(|_| !rules.keep_going) {
                stopping = Some(Stopping::begin(Cause::Failed(failed.info.id), &orders));
            }
        }
    })
}

fn note(peers: &mut BTreeMap<PeerId, Watched>, ids: &[PeerId], seen: Result<Vec<Seen>, String>) {
    match seen {
        Ok(seen) => {
            for seen in &seen {
                let peer = peers.get_mut(&seen.id()).expect("only these were asked for");
                let had_more = peer.warnings.has_more();
                peer.see(seen);
                for warning in peer.warnings.take_new() {
                    say(&format!("{}: {warning}", seen.id()));
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

/// How far stopping the peers has come.
struct Stopping {
    cause: Cause,
    /// Whether they were told harder.
    hard: bool,
    due: Instant,
}

impl Stopping {
    fn begin(cause: Cause, orders: &[Sender<Order>]) -> Self {
        say(&match cause {
            Cause::Signal(signal) => format!("{}: the peers are stopped", words::signal(signal)),
            Cause::Timeout => "the time is over, the peers are stopped".into(),
            Cause::Failed(id) => {
                format!(
                    "peer {id} has failed; the others would wait for it, so they are stopped (--keep-going leaves them)"
                )
            }
        });
        give(orders, "TERM");
        Self { cause, hard: false, due: Instant::now() + STOP_PATIENCE }
    }

    /// Says it again, harder.
    fn insist(&mut self, orders: &[Sender<Order>]) {
        if !self.hard {
            say("some peers have not ended yet, they are killed");
            give(orders, "KILL");
            (self.hard, self.due) = (true, Instant::now() + STOP_PATIENCE);
        }
    }

    /// True if there is nothing left to try.
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

/// A thread that has ended has no peers left.
fn give(orders: &[Sender<Order>], signal: Order) {
    for order in orders {
        _ = order.send(signal);
    }
}

/// Starts the thread of one host; tells how it is given orders.
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

/// The thread of one host: looks at its peers until all have ended, or nobody listens any more.
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
                // Who cannot be reached now is told harder later, and seen not to have ended.
                _ = host.signal(signal, &left, 0);
                _ = news.send(News::Told);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
