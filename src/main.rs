//! `peer_process <peer ID>`: turns arguments into a configuration, runs the peer, and turns its end into an exit status.

use std::error::Error as _;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Error;
use clap::error::ErrorKind;
use clap::{ArgAction, Parser, ValueEnum};
use log::LevelFilter;
use peer_process::config;
use peer_process::disk::manifest;
use peer_process::limits::{Limits, NotRate, Rate};
use peer_process::net::{self, End, Options, Pace, SignalWatch};
use peer_process::output::console::Console;
use peer_process::output::stderr;
use peer_process::peer::Select;
use peer_process::protocol::peer_id::{self, PeerId};

/// A fault while running: disk full, port taken, ...
const FAULT: u8 = 1;
/// Wrong usage or configuration; nothing was created.
const USAGE: u8 = 2;
/// Missing peers did not appear within `--peer-timeout`.
const GAVE_UP: u8 = 3;

/// Shares a file with the peers listed in PeerInfo.cfg, and ends when all of them have it.
///
/// Run it in the directory that holds Common.cfg and PeerInfo.cfg.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit status: 0 every peer has the file, 1 a fault while running, 2 wrong usage or configuration, \
    3 gave up waiting (--peer-timeout), 130 or 143 stopped by SIGINT or SIGTERM."
)]
struct Arguments {
    /// The ID of this peer's line in PeerInfo.cfg
    #[arg(value_name = "PEER_ID", allow_negative_numbers = true, value_parser = number("peer ID", 1..=u32::MAX))]
    id: u32,
    /// Work in this directory [default: the current one]
    #[arg(short = 'C', long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    dir: PathBuf,
    /// Trace every message on stderr. Given twice, trace timers and failed calls too
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
    /// Show errors only
    #[arg(short, long)]
    quiet: bool,
    /// Request a piece from another neighbor if it has not arrived after SECS seconds. A faster neighbor gets four times its
    /// usual time, at least 3 s
    #[arg(long, value_name = "SECS", default_value_t = 30, allow_negative_numbers = true,
        value_parser = number("--request-timeout", 1..=u32::MAX))]
    request_timeout: u32,
    /// Exit with status 3 if peers stay missing for SECS seconds. Connected peers that do nothing although something is due
    /// count as missing [default: wait without end]
    #[arg(long, value_name = "SECS", allow_negative_numbers = true, value_parser = number("--peer-timeout", 1..=u32::MAX))]
    peer_timeout: Option<u32>,
    /// Which piece to request from a neighbor
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Selection::Random)]
    select: Selection,
    /// When to give a free slot to an interested neighbor
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Unchoking::Spec)]
    unchoke: Unchoking,
    /// Send at most RATE bytes of pieces a second to all neighbors together: 200k, 5M, 1Gi
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = rate("--upload-limit"))]
    upload_limit: Option<Rate>,
    /// Send at most RATE bytes of pieces a second to each neighbor
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = rate("--upload-limit-per-neighbor"))]
    upload_limit_per_neighbor: Option<Rate>,
    /// Request at most RATE bytes of pieces a second from all neighbors together
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = rate("--download-limit"))]
    download_limit: Option<Rate>,
    /// Request at most RATE bytes of pieces a second from each neighbor
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = rate("--download-limit-per-neighbor"))]
    download_limit_per_neighbor: Option<Rate>,
    /// Check every piece by this manifest, which `swarm meta create` writes [default: `<FileName>.meta.json` beside
    /// Common.cfg, if it exists]
    #[arg(long, value_name = "PATH")]
    manifest: Option<PathBuf>,
    /// Seed without checking the file by the manifest first
    #[arg(long)]
    no_verify: bool,
    /// Write a line of JSON to this file each second: pieces, rates, neighbors
    #[arg(long, value_name = "PATH")]
    progress_json: Option<PathBuf>,
    /// Discard what an interrupted run left, and start over
    #[arg(long)]
    fresh: bool,
    /// Make all random choices reproducible
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number("--seed", 0..=u64::MAX))]
    seed: Option<u64>,
}

/// What `--select` takes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Selection {
    /// Any piece, all equally likely. This is the course's way
    Random,
    /// A piece that the fewest connected neighbors have
    Rarest,
    /// The first piece, so that the file grows from its front
    Sequential,
}

/// What `--unchoke` takes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Unchoking {
    /// At the next tick. This is the course's way
    Spec,
    /// As soon as a neighbor is interested
    Eager,
}

/// Takes a number of this range; anything else is told in a sentence of our own.
fn number<T>(what: &'static str, range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + Display + Clone,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("{what} '{text}' is not a number in {}..={}", range.start(), range.end()))
    }
}

/// Takes bytes a second, with or without a unit.
fn rate(what: &'static str) -> impl Fn(&str) -> Result<Rate, String> + Clone {
    move |text| text.parse().map_err(|error: NotRate| format!("{what} '{text}' is {error}"))
}

fn main() -> ExitCode {
    let status = start();
    stderr::close(stderr::LAST_PATIENCE);
    status
}

/// Does everything but write the last lines, which may have to wait for their reader.
fn start() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let id = PeerId::new(arguments.id).expect("the range was checked");
    let config = match config::load(&arguments.dir, id) {
        Ok(config) => config,
        Err(error) => return tell(&error, USAGE),
    };
    let mut beside = match manifest::find(&config, arguments.manifest.as_deref()) {
        Ok(beside) => beside,
        Err(error) => return tell(&error, USAGE),
    };
    // The claim comes before anything is created, changed or read at length.
    let claim = match net::claim(&config) {
        Ok(claim) => claim,
        Err(error) => return tell(&error, USAGE),
    };
    let verbosity = match (arguments.quiet, arguments.verbose) {
        (true, _) => LevelFilter::Error,
        (false, 0) => LevelFilter::Warn,
        (false, 1) => LevelFilter::Debug,
        (false, _) => LevelFilter::Trace,
    };
    let request_timeout = Duration::from_secs(arguments.request_timeout.into());
    let peer_timeout = arguments.peer_timeout.map(|secs| Duration::from_secs(secs.into()));
    let select = match arguments.select {
        Selection::Random => Select::Random,
        Selection::Rarest => Select::Rarest,
        Selection::Sequential => Select::Sequential,
    };
    let options = Options {
        request_timeout,
        peer_timeout,
        fresh: arguments.fresh,
        select,
        eager: arguments.unchoke == Unchoking::Eager,
        limits: Limits {
            upload: arguments.upload_limit,
            upload_per_neighbor: arguments.upload_limit_per_neighbor,
            download: arguments.download_limit,
            download_per_neighbor: arguments.download_limit_per_neighbor,
        },
        pace: Pace::of(&config.common),
        seed: arguments.seed,
        verbosity,
    };
    let console = Console::new(id, config.common.layout, arguments.quiet);
    std::panic::set_hook(Box::new(|panic| {
        log::error!("{}", panic.to_string().replace('\n', " "));
        stderr::flush(stderr::LAST_PATIENCE);
    }));
    // The watch starts before any long work: checking a large file takes minutes.
    let signals = match SignalWatch::start(&console, &claim) {
        Ok(signals) => signals,
        Err(error) => return tell(&error, FAULT),
    };
    if let Some(beside) = beside.as_mut().filter(|_| config.own().has_file && !arguments.no_verify) {
        let checked = manifest::check_seed(beside, &config, &|bytes, of| console.checked(bytes, of));
        console.finish();
        if let Err(error) = checked {
            return tell(&error, USAGE);
        }
        console.say(&format!("the file matches the {} hashes in {}", beside.manifest.kind(), beside.path.display()));
    }
    match net::run(&config, &claim, options, beside, arguments.progress_json.as_deref(), &console, &signals) {
        Ok(End::Finished) => ExitCode::SUCCESS,
        // The status is that of a shell: 130 for SIGINT, 143 for SIGTERM.
        Ok(End::Signal(signal)) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(FAULT)),
        Ok(End::GaveUp(missing, why)) => {
            let secs = arguments.peer_timeout.unwrap_or_default();
            let missing = peer_id::list(&missing);
            tell(&Error::msg(format!("no message from {missing} for {secs} s: {why}")), GAVE_UP)
        }
        Ok(End::Failed(error)) | Err(error) => tell(&error, FAULT),
    }
}

/// Prints help and version to stdout, as is usual; reports a usage error in one sentence.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // If stdout is closed, nobody wants the help.
        _ = error.print();
        return ExitCode::SUCCESS;
    }
    let rendered = match error.source() {
        // It is what `number` says.
        Some(source) if error.kind() == ErrorKind::ValueValidation => source.to_string(),
        _ => error.to_string(),
    };
    let first = rendered.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let sentence = first.split_whitespace().collect::<Vec<_>>().join(" ");
    tell(&Error::msg(format!("{sentence}; see --help")), USAGE)
}

fn tell(error: &Error, status: u8) -> ExitCode {
    // If the line cannot be written, the status still reports the fault.
    stderr::say("peer_process", &format!("{error:#}"));
    ExitCode::from(status)
}
