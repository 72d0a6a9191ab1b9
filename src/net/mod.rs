//! Threads, sockets and locks: everything here translates, nothing decides.
//!
//! Modules in reading order:
//!
//! - [`run`], at the end of this file, starts and ends a peer; `options` are its arguments.
//! - `end`, `figures` and `stream`: why the process ends, the counters, and the socket of a connection. `recording` notes its
//!   events, and `addresses` makes that socket. `choices` notes the peer's decisions.
//! - `telling`: the sentences about neighbors and callers. `sending`: the outboxes, and which thread writes them.
//! - `link`, `standing` and `patience`: one connection, its neighbor's faults, and how long it may take.
//! - `state` is behind one lock, and all threads have `shared`, which contains it. `disk` and `traffic` are in it, too.
//!   `joining`, `ending` and `silence` each cover one of its subjects.
//! - `threads` names and joins threads. `neighbor` is the thread of one connection, and `acks` says when it acknowledges at
//!   once.
//! - `connecting` dials and listens. `timers` repeat their work, `file_watch` among them. `signals` may end everything.
//! - `startup`: everything that a peer needs before its first connection.

mod end;
mod figures;
mod recording;
mod stream;

mod addresses;

mod telling;

mod options;

mod sending;

mod link;
#[cfg_attr(not(feature = "discovery"), expect(dead_code, reason = "without that feature nobody finds members"))]
mod membership;
mod patience;
mod standing;

mod choices;

mod state;

mod disk;
mod traffic;

mod shared;

mod ending;
mod joining;
mod members;
mod silence;

mod threads;

mod acks;
mod neighbor;

mod connecting;

mod file_watch;
mod timers;

#[cfg(feature = "discovery")]
mod finders;

mod startup;

mod signals;

#[cfg(test)]
mod rig;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail};

use self::connecting::{dialing, finding, listener};
use self::disk::Disk;
pub use self::end::End;
#[cfg(feature = "discovery")]
pub use self::finders::Finders;
pub use self::membership::parting::Stay;
pub use self::options::Options;
use self::shared::Shared;
pub use self::signals::SignalWatch;
use self::startup::files::Files;
pub use self::startup::{Claim, claim};
use self::startup::{descriptors, memory, words};
pub use self::telling::hints::Pace;
use self::threads::Threads;
use crate::config::Config;
use crate::disk::manifest::Beside;
use crate::output::console::{Console, ConsoleLines, Progress};
use crate::output::event_log::LogFile;
use crate::output::events::{EventFile, Recorder};
use crate::output::progress_json::ProgressFile;
use crate::peer::Event;

/// Maximum time that a finished peer still serves the others (protocol B).
const PARTING_PATIENCE: Duration = Duration::from_secs(5);
/// Number of members, besides those that are listed, for which an open swarm's peer asks for open files. Its warnings about memory
/// and limits are about this number, too.
const USUAL_MEMBERS: usize = 100;
/// Maximum time that the end waits for the last lines of `--events`: the reader of a pipe may be slow.
const EVENTS_PATIENCE: Duration = Duration::from_secs(2);
/// Maximum time that threads may take to end after they were stopped.
const JOIN_PATIENCE: Duration = Duration::from_millis(500);
/// The same in an open swarm, where trackers are told that this peer stops.
const JOIN_PATIENCE_OPEN: Duration = Duration::from_millis(2250);

/// Everything that a run is given, but for what shows it and what stops it.
#[derive(Debug)]
pub struct Run<'a> {
    /// Both files of the configuration.
    pub config: &'a Config,
    /// The claim to this peer's ID.
    pub claim: &'a Claim,
    /// The settings besides.
    pub options: Options,
    /// The manifest that pieces are checked by.
    pub beside: Option<Beside>,
    /// The file for lines of JSON.
    pub progress_json: Option<&'a Path>,
    /// The file for everything that happens.
    pub events: Option<&'a Path>,
    /// How members of an open swarm are found.
    #[cfg(feature = "discovery")]
    pub finders: Finders,
}

/// Runs the peer until all peers have the file, a signal arrives, or something fails. With a manifest it checks every received
/// piece. A seeder's file was checked before.
///
/// # Errors
/// When the port is in use, or files cannot be created. Then nothing was announced.
///
/// # Panics
/// When called a second time in a process: it has one logger.
pub fn run(run: Run, console: &Console, signals: &SignalWatch) -> Result<End> {
    let Run { config, claim, options, beside, progress_json, events, .. } = run;
    let started = Instant::now();
    let (own, common) = (config.own(), &config.common);
    let unlisted_count = if options.open.is_some() { USUAL_MEMBERS } else { 0 };
    let few_descriptors = descriptors::provide(config.neighbors().count(), unlisted_count)?;
    let places = addresses::listening_places(&own.host, own.port);
    let listeners = listener::bind(own, &places, || {
        console.say(&format!("port {} is in use; retrying for a few seconds", own.port));
    })?;
    let manifest = beside.as_ref().map(|beside| &beside.manifest);
    let files = Files::open(config, options.fresh, manifest, &|bytes, of| console.checked(bytes, of))?;
    console.finish();
    if let Some(checked) = beside.as_ref().and_then(|beside| beside.checked.as_ref()) {
        files.store.was_checked(checked);
    }
    let progress_file = progress_json.map(ProgressFile::create).transpose()?;
    let stderr = ConsoleLines::new(console.clone());
    let log_file = LogFile::start(config.log_path(), files.resumed, options.verbosity, stderr)?;
    let elsewhere = places.elsewhere.map(|host| words::elsewhere(config, &host));
    let neighbor_count = config.neighbors().count() + unlisted_count;
    let slow_pieces = words::slow_pieces(config, options, neighbor_count);
    let hash_len = manifest.map_or(0, |manifest| manifest.kind().len());
    let much_memory = memory::warning(common.layout, neighbor_count, options.open.is_some(), options.select, hash_len);
    for warning in elsewhere
        .iter()
        .chain(&claim.warning)
        .chain(&common.warnings)
        .chain(&files.warnings)
        .chain(&slow_pieces)
        .chain(&few_descriptors)
        .chain(&much_memory)
    {
        log::warn!("{warning}");
    }
    if options.open.is_none() && !config.peers.iter().any(|peer| peer.has_file) {
        log::warn!("PeerInfo.cfg: no peer starts with the file, so none will ever have it");
    }
    let listening: Result<Vec<_>, _> = listeners.iter().map(TcpListener::local_addr).collect();
    let listening = listening.context("cannot read the address of a listening socket")?;
    let port = listening.first().map_or(own.port, SocketAddr::port);
    greet(config, &files, beside.as_ref(), port, options, console);
    let peer = startup::peer::new(config, options, files.pieces, files.completed, files.complete_neighbors);
    let manifest = beside.map(|beside| beside.manifest);
    #[cfg(feature = "discovery")]
    let me = match options.open {
        Some(_) => {
            Some(run.finders.identity(config, manifest.as_ref(), &mut startup::peer::generator(config, options))?)
        }
        None => None,
    };
    let pieces = peer.pieces().count();
    let recording =
        events.map(|path| Ok::<_, Error>((EventFile::create(path)?, recording::begin(config, pieces)))).transpose()?;
    let (event_file, recorder) = recording.unzip();
    let disk = Disk::new(files.store, files.journal, manifest, log_file);
    let shared = Shared::new(own.id, peer, disk, options);
    let seeders = config.neighbors().filter(|neighbor| neighbor.has_file).map(|neighbor| neighbor.id);
    let shared = shared
        .dialing(config.earlier().iter().map(|neighbor| neighbor.id))
        .with_seeders(seeders)
        .recorded_by(recorder.clone());
    let shared = Arc::new(shared);

    let threads = Threads::new(Arc::clone(&shared));
    // They end last: the last line is the end.
    let event_threads = Threads::new(Arc::clone(&shared));
    signals.hand_over(Arc::clone(&shared));
    // This is the first event, before any thread can report another.
    shared.apply(Event::Started);
    let begun = start_threads(config, options, &shared, &threads, console, listeners, progress_file);
    let begun = begun.and_then(|()| match event_file.zip(recorder.clone()) {
        Some((file, recorder)) => event_threads.need("events", move || recording::write_events(file, &recorder)),
        None => Ok(()),
    });
    #[cfg(feature = "discovery")]
    let begun = match me {
        Some(me) => begun.and_then(|()| run.finders.start(me, &shared, &threads, console, &listening)),
        None => begun,
    };
    if let Err(error) = begun {
        shared.fail(error);
    }
    let mut end = shared.wait_for_end(PARTING_PATIENCE);
    shared.stop();
    if !threads.join(if options.open.is_some() { JOIN_PATIENCE_OPEN } else { JOIN_PATIENCE }) {
        log::debug!("a thread is still waiting for an answer from the network; the process ends without it");
    }
    let mut last_writes = shared.disk().flush();
    if matches!(end, End::Finished) {
        last_writes = last_writes.and_then(|()| shared.disk().delete_journal());
    }
    if let Err(error) = last_writes {
        end = End::Failed(error);
    }
    console.finish();
    let free_since = shared.free_since().filter(|_| matches!(end, End::Finished));
    let elapsed = free_since.unwrap_or_else(Instant::now).saturating_duration_since(started);
    if let Some(recorder) = &recorder {
        end_events(recorder, &end, &event_threads);
    }
    sum_up(config, &shared, &end, elapsed, console);
    Ok(end)
}

/// Says what this peer is about to do.
fn greet(config: &Config, files: &Files, beside: Option<&Beside>, port: u16, options: Options, console: &Console) {
    console.say(&words::greeting(config, files, port, options.open.is_some()));
    if let Some(Beside { path, manifest, .. }) = beside.filter(|_| !config.own().has_file) {
        console.say(&format!("checking every piece against its {} in {}", manifest.kind(), path.display()));
    }
    // A seeder has nothing to resume but its log.
    if files.resumed && !config.own().has_file {
        console.say("resuming an interrupted run; --fresh starts over");
    }
}

/// Checks that this peer's host is an address of this machine, for a host that the user has just named.
///
/// # Errors
/// If it is not.
pub fn check_listen(config: &Config) -> Result<()> {
    match addresses::listening_places(&config.own().host, config.own().port).elsewhere {
        Some(host) => bail!("--listen names {host}; without a host, the peer listens on all addresses"),
        None => Ok(()),
    }
}

/// Minimum time that this peer was choked by every neighbor to report it.
const WORTH_TELLING: Duration = Duration::from_millis(50);

fn start_threads(
    config: &Config,
    options: Options,
    shared: &Arc<Shared>,
    threads: &Threads,
    console: &Console,
    listeners: Vec<TcpListener>,
    progress_file: Option<ProgressFile>,
) -> Result<()> {
    let common = &config.common;
    for (name, secs, event) in [
        ("preferred", common.unchoking_interval_secs, Event::PreferredTick),
        ("optimistic", common.optimistic_interval_secs, Event::OptimisticTick),
    ] {
        let shared = Arc::clone(shared);
        threads.need(name, move || timers::tick(&shared, Duration::from_secs(secs.into()), &event))?;
    }
    for (name, body) in [("haves", timers::flush_outboxes as fn(&Shared)), ("log", timers::flush_log)] {
        let shared = Arc::clone(shared);
        threads.need(name, move || body(&shared))?;
    }
    {
        let (shared, threads_, console) = (Arc::clone(shared), threads.clone(), console.clone());
        threads.need("missing", move || timers::watch(&shared, &threads_, &console, options.peer_timeout))?;
    }
    let limits = options.limits;
    if limits.download.or(limits.download_per_neighbor).is_some() {
        let shared = Arc::clone(shared);
        threads.need("allowance", move || timers::bring_allowance(&shared))?;
    }
    {
        let (shared, console) = (Arc::clone(shared), console.clone());
        threads.spawn("console", move || show_progress(&shared, &console));
    }
    let (mut wakes, crowd) = (Vec::new(), Arc::default());
    for listener in listeners {
        wakes.push(listener.try_clone().context("cannot share the listening socket")?);
        let (shared_, threads_, crowd) = (Arc::clone(shared), threads.clone(), Arc::clone(&crowd));
        threads.need("listener", move || listener::accept(&shared_, &threads_, &listener, &crowd))?;
    }
    {
        let shared = Arc::clone(shared);
        // Without this thread the end only takes a little longer.
        threads.spawn("listener-wake", move || {
            shared.wait_until_stopped();
            wakes.iter().for_each(listener::wake);
        });
    }
    if options.open.is_some() {
        let (shared, threads_) = (Arc::clone(shared), threads.clone());
        threads.need("finding", move || finding::keep_finding(&shared, &threads_))?;
    }
    for neighbor in config.earlier() {
        let (shared, threads_, to) = (Arc::clone(shared), threads.clone(), neighbor.clone());
        threads.need(&format!("from-{}", to.id), move || dialing::keep_dialing(&shared, &threads_, &to))?;
    }
    if let Some(file) = progress_file {
        let shared = Arc::clone(shared);
        threads.need("progress", move || timers::write_progress(&shared, file))?;
    }
    Ok(())
}

fn show_progress(shared: &Shared, console: &Console) {
    let mut last = None;
    while shared.wait_until(Instant::now() + console.interval()) {
        console.show(shared.look(Progress::of), &mut last);
    }
}

/// Records the end, and waits for the last events to be written.
fn end_events(recorder: &Recorder, end: &End, threads: &Threads) {
    recorder.end(Some(end.status()));
    if !threads.join(EVENTS_PATIENCE) {
        log::warn!("the last events were not written within {} s", EVENTS_PATIENCE.as_secs());
    }
}

fn sum_up(config: &Config, shared: &Shared, end: &End, elapsed: Duration, console: &Console) {
    let secs = |duration: Duration| format!("{:.1} s", duration.as_secs_f64());
    let peer_count = config.peers.len();
    let (has, of) = shared.look(|peer| (peer.pieces().count(), peer.pieces().layout().piece_count()));
    let elapsed = secs(elapsed);
    console.say(&match end {
        End::Finished if peer_count == 1 && !shared.is_open() => format!("the only peer has the file after {elapsed}"),
        End::Finished if shared.is_open() => format!("all members have the file after {elapsed}"),
        End::Finished => format!("all {peer_count} peers have the file after {elapsed}"),
        End::GaveUp(..) => format!("gave up after {elapsed}, with {has} of {of} pieces"),
        End::Signal(_) => format!("stopped by a signal after {elapsed}, with {has} of {of} pieces"),
        // The one sentence of the fault is enough.
        End::Failed(_) | End::IdTaken(_) => return,
    });
    for (neighbor, tally) in shared.traffic().tallies() {
        console.say(&format!("{neighbor}: received {} bytes, sent {} bytes", tally.received(), tally.sent()));
    }
    if shared.traffic().neighbor_count() == 0 {
        console.say("it had no neighbors");
    } else if !config.own().has_file && shared.starved() >= WORTH_TELLING {
        console.say(&format!("choked by every neighbor for {}", secs(shared.starved())));
    }
}
