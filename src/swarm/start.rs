//! `swarm start`: supplies the hosts, starts the peers in the order of `PeerInfo.cfg`, watches over them until all have ended, and
//! compares the copies.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::process::{self, ExitCode};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use peer_process::peer_id::PeerId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::StartArgs;
use crate::fault::Usage;
use crate::hosts::{Host, Hosts, Program};
use crate::live::Live;
use crate::made::shell_word;
use crate::new_file::Stopped;
use crate::out::{FAILED, named, print, say, show};
use crate::report::{Kind, Report};
use crate::seeds;
use crate::settings::Settings;
use crate::stop::{running, who_runs};
use crate::swarm_dir::{SwarmDir, brought_names, err_name, log_name};
use crate::verify::{Copies, bar, digest_all};
use crate::watch::{Cause, News, Rules, watch};
use crate::watched::Watched;

/// What our own program is called.
const OWN_PROGRAM: &str = "peer_process";

/// Carries out `swarm start`.
///
/// # Errors
/// When something is wrong before the first peer is started, or a peer cannot be started; those that were are stopped then.
pub fn start(args: &StartArgs) -> Result<ExitCode> {
    let stagger = seconds("--stagger", args.stagger)?;
    let timeout = args.timeout.map(|secs| seconds("--timeout", secs)).transpose()?;
    let swarm = SwarmDir::open(&args.dir.dir)?;
    let program = find_program(args)?;
    let settings = Settings::of(&swarm, &args.remote)?;
    let hosts = Hosts::of(&swarm, &settings.reach(&swarm))?;
    if args.make_file {
        seeds::make(&swarm)?;
    }
    seeds::check(&swarm, &hosts)?;
    let (sender, news) = channel();
    watch_signals(&sender)?;
    // First of all: what runs there would go on with another configuration, or another file.
    refuse_if_running(&swarm, &hosts)?;
    supply(&swarm, &hosts, &program, &news)?;
    if !hosts.all.iter().all(Host::is_here) {
        settings.save(&swarm)?;
    }
    forget_logs(&swarm, &hosts, args)?;

    let layout = swarm.common.layout;
    let mut peers: BTreeMap<_, _> = swarm.peers.iter().map(|peer| (peer.id, Watched::new(peer, layout))).collect();
    let mut live = Live::new(layout, swarm.peers.iter().map(|peer| peer.id));
    let launched = launch(&hosts, &swarm, &program, args, stagger, &news, &mut peers);
    if !matches!(launched, Ok(None)) {
        // Whoever was started does not outlive this.
        stop_started(&hosts, &peers);
    }
    if let Some(signal) = launched? {
        say("the peers that were started are stopped");
        return Ok(signal_status(signal));
    }
    if args.detach {
        let shown = shell_word(&swarm.path);
        print(&format!("started {}", named(&peers.keys().copied().collect::<Vec<_>>())))?;
        print(&format!("`swarm status {shown}` shows them, `swarm stop {shown}` stops them"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let rules = Rules { timeout, keep_going: args.keep_going };
    let cause = watch(&hosts, &mut peers, rules, (&sender, news), &mut live);
    live.finish();
    // What is left to do may take long, and need not be done: nobody listens to a signal, so it ends this process.
    finish(&swarm, &hosts, &peers, cause, args.json)
}

/// Brings the logs home, compares the copies, and shows the table.
fn finish(
    swarm: &SwarmDir,
    hosts: &Hosts,
    peers: &BTreeMap<PeerId, Watched>,
    cause: Option<Cause>,
    json: bool,
) -> Result<ExitCode> {
    let mut well = cause.is_none();
    for host in hosts.all.iter().filter(|host| !host.is_here()) {
        if let Err(error) = fetch_logs(swarm, host) {
            well = false;
            say(&format!("{error:#}"));
        }
    }
    tell_failures(swarm, peers);
    // Who has stopped it does not wait for that.
    let stopped = matches!(cause, Some(Cause::Signal(_)));
    let copies = if stopped { Copies::default() } else { digest_all(swarm, hosts) };
    let rows = swarm.peers.iter().map(|peer| {
        let watched = &peers[&peer.id];
        // Of who was stopped it may be an earlier run's.
        if cause.is_none() || watched.status() == Some(0) { copies.with(peer.id, watched.row()) } else { watched.row() }
    });
    let report = Report { kind: Kind::Start, rows: rows.collect() };
    show(&report, json)?;
    say(&format!(
        "the logs are {}/log_peer_<ID>.log; what each peer said is in peer_<ID>.err beside them",
        swarm.path.display()
    ));
    well &= report.all_well();
    Ok(match cause {
        Some(Cause::Signal(signal)) => signal_status(signal),
        _ if well => ExitCode::SUCCESS,
        _ => ExitCode::from(FAILED),
    })
}

/// As a shell reports it: 130 for SIGINT, 143 for SIGTERM.
fn signal_status(signal: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(FAILED))
}

/// The last words of each peer that has failed by itself, the same of several only once.
fn tell_failures(swarm: &SwarmDir, peers: &BTreeMap<PeerId, Watched>) {
    let mut told = Vec::new();
    for (id, peer) in peers.iter().filter(|(_, peer)| peer.status().is_some_and(|status| (1..128).contains(&status))) {
        let text = fs::read(swarm.path_of(&err_name(*id))).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it has said nothing");
        if !told.contains(&last.to_owned()) {
            say(&format!("peer {id} ended with status {}: {last}", peer.status().unwrap_or_default()));
            told.push(last.to_owned());
        }
    }
}

// ---- Before the start ----

fn seconds(option: &str, secs: f64) -> Result<Duration> {
    // A moment so far away can still be reckoned with.
    let in_range = secs <= f64::from(u32::MAX);
    let duration = Duration::try_from_secs_f64(secs).ok().filter(|_| in_range);
    duration.ok_or_else(|| Usage::error(format!("{option} {secs} is not a number of seconds")))
}

/// Our own program lies beside this one, as cargo leaves and installs them, or is in the PATH.
fn find_program(args: &StartArgs) -> Result<Program> {
    if let Some(command) = &args.peer_command {
        if !command.contains("{id}") {
            return Err(Usage::error(format!(
                "--peer-command '{command}' has no {{id}} where the peer's ID is to stand"
            )));
        }
        return Ok(Program::Command(command.clone()));
    }
    let beside = env::current_exe().ok().map(|own| own.with_file_name(OWN_PROGRAM));
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).map(|folder| folder.join(OWN_PROGRAM));
    let found = beside.into_iter().chain(in_path).find(|path| path.is_file());
    let found = found.and_then(|path| path.canonicalize().ok());
    found.map(Program::Ours).ok_or_else(|| {
        Usage::error(format!(
            "there is no {OWN_PROGRAM} beside this program or in the PATH; --peer-command names another"
        ))
    })
}

/// From here on Ctrl-C is heard, and nothing is left behind. When nobody listens any more, it ends this process.
fn watch_signals(news: &Sender<News>) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot watch for signals")?;
    let news = news.clone();
    let watching = move || {
        for signal in signals.forever() {
            if news.send(News::Signal(signal)).is_err() {
                process::exit(128 + signal);
            }
        }
    };
    thread::Builder::new().name("signals".into()).spawn(watching).context("cannot start a thread")?;
    Ok(())
}

/// The signal that has come, if one has.
fn signaled(news: &Receiver<News>) -> Option<i32> {
    news.try_iter().find_map(|news| if let News::Signal(signal) = news { Some(signal) } else { None })
}

fn refuse_if_signaled(news: &Receiver<News>) -> Result<()> {
    signaled(news).map_or(Ok(()), |signal| Err(Stopped(signal)).context("nothing was started"))
}

/// Gives the other hosts what they lack.
fn supply(swarm: &SwarmDir, hosts: &Hosts, program: &Program, news: &Receiver<News>) -> Result<()> {
    for host in hosts.all.iter().filter(|host| !host.is_here()) {
        let bar = bar(0);
        let mut sending = String::new();
        let mut told = |name: &str, bytes: u64| -> Result<()> {
            if sending != name {
                name.clone_into(&mut sending);
                bar.set_length(bar.position() + fs::metadata(swarm.path_of(name)).map_or(bytes, |facts| facts.len()));
                bar.set_message(format!("copying {name} to {}", host.name));
            }
            bar.inc(bytes);
            refuse_if_signaled(news)
        };
        let supplied = host.supply(swarm, program, &mut told);
        bar.finish_and_clear();
        supplied?;
    }
    refuse_if_signaled(news)
}

fn refuse_if_running(swarm: &SwarmDir, hosts: &Hosts) -> Result<()> {
    for host in &hosts.all {
        let running = running(host)?;
        if !running.is_empty() {
            let ((they_run, them), shown) = (who_runs(&running), shell_word(&swarm.path));
            let called = host.called();
            return Err(Usage::error(format!("{they_run} already on {called}; `swarm stop {shown}` stops {them}")));
        }
    }
    Ok(())
}

/// Deletes the logs of earlier runs, so that nobody takes them for this one's; but not where a peer will go on with its own.
fn forget_logs(swarm: &SwarmDir, hosts: &Hosts, args: &StartArgs) -> Result<()> {
    let fresh = args.peer_options.iter().any(|option| option == "--fresh");
    for host in &hosts.all {
        let parts: Vec<_> = host.peers.iter().map(|id| swarm.journal_name(*id)).collect();
        let resumed = if fresh { BTreeMap::new() } else { host.list(&parts)? };
        let anew = host.peers.iter().filter(|id| !resumed.contains_key(&swarm.journal_name(**id)));
        host.remove(&anew.clone().map(|id| log_name(*id)).collect::<Vec<_>>())?;
        if !host.is_here() {
            // What an earlier run has brought here.
            for name in anew.flat_map(|id| brought_names(*id)) {
                swarm.remove(&name)?;
            }
        }
    }
    Ok(())
}

// ---- The start ----

/// Starts all peers; a signal that comes meanwhile ends it.
fn launch(
    hosts: &Hosts,
    swarm: &SwarmDir,
    program: &Program,
    args: &StartArgs,
    stagger: Duration,
    news: &Receiver<News>,
    peers: &mut BTreeMap<PeerId, Watched>,
) -> Result<Option<i32>> {
    for (place, peer) in swarm.peers.iter().enumerate() {
        let due = Instant::now() + if place == 0 { Duration::ZERO } else { stagger };
        loop {
            match news.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(News::Signal(signal)) => return Ok(Some(signal)),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => bail!("nobody watches for signals"),
            }
        }
        let host = hosts.of_peer(peer.id);
        let command = program.command(host, &peer.id.to_string(), &args.peer_options)?;
        // Even if it cannot be told whether it was.
        peers.get_mut(&peer.id).expect("all of them").note_start();
        host.start(peer.id, &command).with_context(|| format!("peer {} was not started", peer.id))?;
    }
    // Whoever is to be left alone from here on would not be stopped any more.
    Ok(if args.detach { signaled(news) } else { None })
}

fn stop_started(hosts: &Hosts, peers: &BTreeMap<PeerId, Watched>) {
    for host in &hosts.all {
        if host.peers.iter().any(|id| peers[id].was_started())
            && let Err(error) = crate::stop::stop_all(host)
        {
            say(&format!("{} may still run: {error:#}", named(&host.peers)));
        }
    }
}

fn fetch_logs(swarm: &SwarmDir, host: &Host) -> Result<()> {
    for id in &host.peers {
        for name in brought_names(*id) {
            host.fetch(&name, &swarm.path_of(&name)).with_context(|| format!("{name} was not brought here"))?;
        }
    }
    Ok(())
}
