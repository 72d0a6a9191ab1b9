//! `swarm start`: supplies the hosts, starts the peers in the order of `PeerInfo.cfg`, watches them until all have exited, and
//! compares the copies.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::Result;
use indicatif::DecimalBytes;
use peer_process::config::PeerInfo;
use peer_process::limits::Rate;
use peer_process::protocol::peer_id::PeerId;

use crate::cli::StartArgs;
use crate::copies::compare::Copy;
use crate::copies::report::{Kind, Report, Row};
use crate::copies::verify::{COMPARING, Copies, digest_all, tell_words};
use crate::fault::Usage;
use crate::hosts::interrupts::Interrupts;
use crate::hosts::locks;
use crate::hosts::running::{running, who_runs};
use crate::hosts::settings::Settings;
use crate::hosts::{Host, Hosts, PeerCommand, Program};
use crate::out::{FAILED, USAGE, bar, finish_bar, named, print, say, signal_status};
use crate::run::afterword::{fetch_logs, logs_sentence, readers_sentence, tell_failures, too_short};
use crate::run::demo_rate::{self, LIMIT_OPTION};
use crate::run::earlier_logs;
use crate::run::elsewhere::{self, Elsewhere};
use crate::run::launch::{Started, launch, stop_started};
use crate::run::live::Live;
use crate::run::peer_options;
use crate::run::seeds;
use crate::run::tapped;
use crate::run::tracker;
use crate::run::watch::{Cause, News, Rules, news_of_signals, watch};
use crate::run::watched::Watched;
use crate::run::web;
use crate::swarm_dir::{SwarmDir, brought_names, log_name, pid_name, progress_name};
use crate::tap::places;
use crate::words::shell_word;

/// A peer that has exited after this time has failed at once.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Minimum number of bytes of a file whose copying is reported.
const WORTH_TELLING: u64 = 1 << 20;
/// The name of our own program.
const OWN_PROGRAM: &str = "peer_process";

/// Carries out `swarm start`.
///
/// # Errors
/// When there is a fault before the first start, or a peer cannot be started. Then the started peers are stopped.
pub fn start(args: &StartArgs) -> Result<ExitCode> {
    let swarm = open(args)?;
    let mut settings = Settings::of(&swarm, &args.remote)?;
    let (swarm, has_here) = settings.begin_here(swarm, &args.remote)?;
    peer_options::refuse_shared_files(&args.peer_options, swarm.peers.len())?;
    let limits = demo_rate::limits(args, &swarm)?;
    let program = find_program(args)?;
    let has_pattern = settings.take_log_pattern(args.log_pattern.as_deref(), &swarm)?;
    let hosts = Hosts::of(&swarm, &settings.reach(&swarm))?;
    let options = tracker::options(args.track, &settings, &swarm.path, &program, &args.peer_options)?;
    let options =
        [options, elsewhere::options(&swarm, &program, &args.peer_options), args.peer_options.clone()].concat();
    if args.tap {
        tapped::refuse_other_hosts(&swarm, &hosts)?;
    }
    let commands = commands(&swarm, &hosts, &program, &options, &limits, args.tap)?;
    if args.make_file {
        seeds::make(&swarm)?;
    }
    seeds::check(&swarm, &hosts)?;
    let interrupts = Interrupts::watch(&hosts, "nothing was started")?;
    if !args.no_seeder_yet {
        seeds::refuse_without(&swarm, &hosts, is_fresh(args))?;
    }
    // Held until all records are written. Two starts at the same time would not recognize each other's peers.
    let lock = locks::lock(&swarm)?;
    prepare(&swarm, &hosts, &program, args)?;
    if has_pattern || has_here || !hosts.all.iter().all(Host::is_here) {
        let forgotten = settings.save(&swarm)?;
        if !forgotten.is_empty() {
            let options = forgotten.join("', '");
            say(&format!("not remembered for the other subcommands, because it may run commands: '{options}'"));
        }
    }
    places::clear(&swarm)?;
    begin(&swarm, &hosts, args)?;
    let tap = args.tap.then(|| tapped::begin(&swarm)).transpose()?;
    let web = web::begin(&swarm, &hosts, args, settings.log_pattern())?;
    warn(&swarm);
    if let Some(sentence) = elsewhere::sentence(&swarm) {
        say(&sentence);
    }
    if !limits.is_empty() {
        say(&demo_rate::sentence(&limits, &swarm));
        if let Some(warning) = demo_rate::warning(&limits, &swarm) {
            say(&warning);
        }
    }

    let layout = swarm.common.layout;
    let elsewhere = elsewhere::view(&swarm, &options);
    let watched = |peer: &PeerInfo| (peer.id, Watched::new(peer, layout, &elsewhere.ids()));
    let mut peers: BTreeMap<_, _> = swarm.peers.iter().map(watched).collect();
    let mut live = Live::new(layout, elsewhere);
    let (sender, news) = channel();
    interrupts.tell(news_of_signals(&sender));
    let mut started = Started::new();
    let launched = launch(&hosts, &commands, (args.detach, args.stagger), &news, &mut started);
    for (id, start) in &started {
        peers.get_mut(id).expect("all of them").note_start(start.at);
    }
    if !matches!(launched, Ok(None)) {
        // The started peers do not outlive this process.
        stop_started(&hosts, &started);
    }
    drop(lock);
    if let Some(signal) = launched? {
        say("stopped the peers that were started");
        return Ok(signal_status(signal));
    }
    if args.detach {
        let shown = shell_word(&swarm.path);
        // Nothing handles a signal during the wait for stdout, so it ends this process.
        drop(news);
        print(&format!("started {}", named(&swarm.peers.iter().map(|peer| peer.id).collect::<Vec<_>>())))?;
        print(&format!("`swarm status {shown}` shows them; `swarm stop {shown}` stops them"))?;
        let (sender, news) = channel();
        interrupts.tell(news_of_signals(&sender));
        return Ok(status_at_once(&swarm, &hosts, &news, &mut peers));
    }
    let rules = Rules { timeout: args.timeout, keep_going: args.keep_going };
    let cause = watch(&hosts, &mut peers, rules, (&sender, news), &mut live);
    let mut elsewhere = live.finish();
    elsewhere.update(&peers);
    if let Some(tap) = tap {
        tapped::finish(tap, &peers);
    }
    // The rest may take long and is not essential, so nothing handles a signal: it ends this process.
    let status = finish(&swarm, &hosts, (&peers, &elsewhere), cause, args);
    web::finish(web);
    let status = status?;
    if cause.is_none()
        && let Some(note) = too_short(swarm.common.unchoking_interval_secs, &peers, !limits.is_empty())
    {
        say(&note);
    }
    Ok(status)
}

/// Reports the peers that have failed at once. The others go on.
fn status_at_once(
    swarm: &SwarmDir,
    hosts: &Hosts,
    news: &Receiver<News>,
    peers: &mut BTreeMap<PeerId, Watched>,
) -> ExitCode {
    // A signal that comes now concerns only this process.
    _ = news.recv_timeout(AT_ONCE);
    for host in &hosts.all {
        let asked: Vec<_> = host.peers.iter().map(|id| (*id, None)).collect();
        // A host that does not answer just now may do so later.
        for sight in host.look(&asked).unwrap_or_default() {
            peers.get_mut(&sight.id).expect("a peer of it").record = sight.record;
        }
    }
    let has_failed = |peer: &Watched| peer.has_ended() && peer.status() != Some(0);
    for host in hosts.all.iter().filter(|host| host.peers.iter().any(|id| has_failed(&peers[id]))) {
        // For their last words. A failure to copy them is not reported.
        _ = fetch_logs(swarm, host);
    }
    tell_failures(swarm, peers);
    if peers.values().any(has_failed) { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
}

/// Copies the logs from the other hosts, compares the copies, and shows the table.
fn finish(
    swarm: &SwarmDir,
    hosts: &Hosts,
    (peers, elsewhere): (&BTreeMap<PeerId, Watched>, &Elsewhere),
    cause: Option<Cause>,
    args: &StartArgs,
) -> Result<ExitCode> {
    let mut well = cause.is_none();
    for error in hosts.each(|host| fetch_logs(swarm, host)).into_iter().filter_map(Result::err) {
        well = false;
        say(&format!("{error:#}"));
    }
    tell_failures(swarm, peers);
    // A user who has stopped the run does not want to wait for that.
    let stopped = matches!(cause, Some(Cause::Signal(_)));
    // Those that were stopped before they had read their options would have refused them, too.
    let refused = peers.values().any(Watched::has_refused)
        && peers.values().all(|peer| peer.lacks_log() && (peer.has_refused() || peer.was_stopped()));
    let stopped = stopped || refused;
    let mut copies = if stopped { Copies::default() } else { digest_all(swarm, hosts) };
    if !stopped {
        note_old(swarm, hosts, peers, &mut copies);
    }
    let rows = swarm.peers.iter().map(|peer| {
        let watched = &peers[&peer.id];
        // A stopped peer has no copy yet.
        let has_one = cause.is_none() || watched.status() == Some(0) || watched.progress.is_complete();
        let row = if has_one { copies.with(peer.id, watched.row()) } else { watched.row() };
        // One that was stopped in between has no log either, and that tells nothing.
        if refused && watched.was_stopped() { Row { note: None, ..row } } else { row }
    });
    let report = Report::of(Kind::Start, swarm, rows.chain(elsewhere.rows(Kind::Start)));
    report.show(args.json)?;
    tell_words(swarm, &copies);
    if cause.is_some() && !elsewhere.is_empty() {
        say("only the peers here were stopped; those elsewhere go on, and wait for them");
    }
    say(&logs_sentence(swarm, hosts, peers, args.tap));
    say(&readers_sentence(swarm));
    well &= report.all_well();
    Ok(match cause {
        Some(Cause::Signal(signal)) => signal_status(signal),
        _ if well => ExitCode::SUCCESS,
        _ if refused => ExitCode::from(USAGE),
        _ => ExitCode::from(FAILED),
    })
}

/// Marks the copies of earlier runs. A peer that has downloaded nothing may still have one, and that is not a success.
fn note_old(swarm: &SwarmDir, hosts: &Hosts, peers: &BTreeMap<PeerId, Watched>, copies: &mut Copies) {
    let doubtful = |id: &&PeerId| !peers[id].progress.is_complete() && !peers[id].info.has_file;
    let old = hosts.each(|host| {
        let names: Vec<_> = host.peers.iter().filter(doubtful).map(|id| swarm.copy_name(*id)).collect();
        // A host that cannot be reached now has not reported its copies either.
        if names.is_empty() { BTreeSet::new() } else { host.old(&names).unwrap_or_default() }
    });
    for id in peers.keys().filter(|id| old.iter().any(|names| names.contains(&swarm.copy_name(**id)))) {
        copies.are.insert(*id, Copy::Old);
    }
}

// ---- Before the start ----

/// Prints the warnings that each peer would print itself, where nobody sees them.
fn warn(swarm: &SwarmDir) {
    swarm.common.warnings.iter().for_each(|warning| say(warning));
    if seeds::are_lacking(swarm) {
        say(seeds::NONE);
    }
}

/// Reports whether no peer resumes an earlier run.
fn is_fresh(args: &StartArgs) -> bool {
    args.peer_options.iter().any(|option| option == "--fresh")
}

/// Opens the directory, unless it is a rate that was meant for `--demo-rate`.
fn open(args: &StartArgs) -> Result<SwarmDir> {
    let dir = &args.dir.dir;
    match demo_rate::tip_for(&dir.to_string_lossy()) {
        Some(tip) if args.demo_rate == Some(None) && !dir.is_dir() => {
            Err(Usage::error(format!("there is no directory '{}'; {tip}", dir.display())))
        }
        _ => SwarmDir::open(dir),
    }
}

/// Finds the program that runs as a peer. Our own is beside this one, where cargo puts and installs it, or in the PATH.
fn find_program(args: &StartArgs) -> Result<Program> {
    if let Some(command) = &args.peer_command {
        if !command.contains("{id}") {
            return Err(Usage::error(format!("--peer-command '{command}' has no {{id}} for the peer's ID")));
        }
        return Ok(Program::Command(command.clone()));
    }
    let beside = env::current_exe().ok().map(|own| own.with_file_name(OWN_PROGRAM));
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).map(|folder| folder.join(OWN_PROGRAM));
    let found = beside.into_iter().chain(in_path).find(|path| path.is_file());
    let found = found.and_then(|path| path.canonicalize().ok());
    found.map(Program::Ours).ok_or_else(|| {
        Usage::error(format!("found no {OWN_PROGRAM} beside this program or in the PATH; --peer-command names another"))
    })
}

/// Returns the command that starts each peer on its host, in the order of `PeerInfo.cfg`.
fn commands(
    swarm: &SwarmDir,
    hosts: &Hosts,
    program: &Program,
    options: &[String],
    limits: &BTreeMap<PeerId, Rate>,
    tap: bool,
) -> Result<Vec<(PeerId, PeerCommand)>> {
    let command = |id: PeerId| {
        let limit = limits.get(&id).map(|limit| format!("{LIMIT_OPTION}={}", limit.bytes_per_second()));
        let options: Vec<_> = peer_options::of_peer(options, id).chain(limit).collect();
        let host = hosts.of_peer(id);
        let command = if tap {
            tapped::command(program, host, id, options)
        } else {
            program.command(host, &id.to_string(), &options)
        };
        Ok((id, command?))
    };
    swarm.peers.iter().map(|peer| command(peer.id)).collect()
}

/// Makes sure that no peer runs on any host and that no log of others is lost. Then sends the other hosts the files that they lack.
fn prepare(swarm: &SwarmDir, hosts: &Hosts, program: &Program, args: &StartArgs) -> Result<()> {
    let bar = bar(0, COMPARING);
    let fresh = is_fresh(args);
    let prepare = |host: &Host| {
        // This comes first: a running peer would go on with another configuration, or another file.
        refuse_if_running(swarm, host)?;
        earlier_logs::refuse_others(swarm, host, fresh)?;
        if !host.is_here() {
            let mut sending = String::new();
            let mut told = |name: &str, bytes: u64| -> Result<()> {
                if sending != name {
                    name.clone_into(&mut sending);
                    let all = fs::metadata(swarm.path_of(name)).map_or(bytes, |facts| facts.len());
                    bar.inc_length(all);
                    bar.set_message("copying to the hosts");
                    if all >= WORTH_TELLING {
                        say(&format!("copying {name} to {}, {}", host.name, DecimalBytes(all)));
                    }
                }
                bar.inc(bytes);
                Ok(())
            };
            host.supply(swarm, program, &mut told)?;
        }
        Ok(())
    };
    let prepared = hosts.each(prepare);
    finish_bar(&bar);
    all_well(prepared)
}

/// Prints every fault but the last one, and returns that.
fn all_well(results: Vec<Result<()>>) -> Result<()> {
    let mut faults: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    let last = faults.pop();
    for fault in faults {
        say(&format!("{fault:#}"));
    }
    last.map_or(Ok(()), Err)
}

fn refuse_if_running(swarm: &SwarmDir, host: &Host) -> Result<()> {
    let running = running(host)?;
    if running.is_empty() {
        return locks::refuse_at_work(host);
    }
    let ((they_run, them), shown) = (who_runs(&running), shell_word(&swarm.path));
    let called = host.called();
    Err(Usage::error(format!("{they_run} already on {called}; `swarm stop {shown}` stops {them}")))
}

/// Records that a run begins, and deletes the records and logs of earlier runs, which could be mistaken for new ones. A peer
/// that resumes keeps its log.
fn begin(swarm: &SwarmDir, hosts: &Hosts, args: &StartArgs) -> Result<()> {
    let fresh = is_fresh(args);
    let begin = |host: &Host| {
        let journals: Vec<_> = host.peers.iter().map(|id| swarm.journal_name(*id)).collect();
        let resumed = if fresh { BTreeMap::new() } else { host.list(&journals)? };
        let unresumed = host.peers.iter().filter(|id| !resumed.contains_key(&swarm.journal_name(**id)));
        host.begin()?;
        let records = host.peers.iter().map(|id| (pid_name(*id), Some(*id)));
        let progress = host.peers.iter().map(|id| (progress_name(*id), Some(*id)));
        host.remove(&unresumed.clone().map(|id| (log_name(*id), Some(*id))).chain(records).chain(progress).collect())?;
        // The files that an earlier run has copied here.
        let mut brought = unresumed.filter(|_| !host.is_here()).flat_map(|id| brought_names(*id));
        brought.try_for_each(|name| swarm.remove(&name))
    };
    all_well(hosts.each(begin))
}
