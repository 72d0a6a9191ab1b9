//! `peer_process <peer ID>`: turns arguments into a configuration, runs the peer, and turns its end into an exit status.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Error;
use clap::error::ErrorKind;
use log::LevelFilter;
use peer_process::cli::{self, Arguments, Selection, Unchoking};
use peer_process::config::{self, Config};
use peer_process::disk::manifest;
use peer_process::limits::Limits;
use peer_process::net::{self, End, Options, Pace, Run, SignalWatch, Stay};
use peer_process::output::console::Console;
use peer_process::output::stderr;
use peer_process::peer::Select;
use peer_process::protocol::peer_id::{self, PeerId};

const FAULT: u8 = End::FAULT;
/// Nothing was created.
const USAGE: u8 = End::USAGE;

pub(crate) fn main() -> ExitCode {
    let status = start();
    stderr::close(stderr::LAST_PATIENCE);
    status
}

/// Does everything but write the last lines, which may have to wait for their reader.
fn start() -> ExitCode {
    let arguments = match Arguments::of_process() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let id = PeerId::new(arguments.id).expect("the range was checked");
    let config = match load(&arguments, id) {
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
        open: stay(&arguments),
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
    let run = Run {
        config: &config,
        claim: &claim,
        options,
        beside,
        progress_json: arguments.progress_json.as_deref(),
        events: arguments.events.as_deref(),
        #[cfg(feature = "discovery")]
        finders: finders(&arguments),
    };
    let end = net::run(run, &console, &signals).unwrap_or_else(End::Failed);
    let status = end.status();
    match end {
        End::Finished | End::Signal(_) => ExitCode::from(status),
        End::GaveUp(missing, why) => {
            let secs = arguments.peer_timeout.unwrap_or_default();
            let missing = if missing.is_empty() { "anybody".to_owned() } else { peer_id::list(&missing) };
            tell(&Error::msg(format!("no message from {missing} for {secs} s (--peer-timeout): {why}")), status)
        }
        End::IdTaken(why) => tell(&Error::msg(why), status),
        End::Failed(error) => tell(&error, status),
    }
}

/// Reads the configuration: both files, or in an open swarm `Common.cfg` and what the options say.
fn load(arguments: &Arguments, id: PeerId) -> anyhow::Result<Config> {
    #[cfg(feature = "discovery")]
    if arguments.open.is_open() {
        let config = config::load_open(&arguments.dir, id, &arguments.open.newcomer())?;
        if arguments.open.listen.is_some() {
            net::check_listen(&config)?;
        }
        return Ok(config);
    }
    let loaded = config::load(&arguments.dir, id);
    #[cfg(feature = "discovery")]
    if let Err(error) = &loaded
        && !arguments.dir.join(config::PEER_INFO).exists()
        && arguments.dir.join(config::COMMON).exists()
    {
        anyhow::bail!("{error:#}; with --tracker or --lan, a peer needs no such file");
    }
    loaded
}

/// Returns what keeps this peer in an open swarm, and `None` in a listed one.
#[cfg(feature = "discovery")]
fn stay(arguments: &Arguments) -> Option<Stay> {
    let open = &arguments.open;
    open.is_open().then(|| Stay {
        least: open.least(),
        linger: Duration::from_secs(open.linger_secs().into()),
        forever: open.forever,
    })
}

#[cfg(not(feature = "discovery"))]
fn stay(_: &Arguments) -> Option<Stay> {
    None
}

#[cfg(feature = "discovery")]
fn finders(arguments: &Arguments) -> net::Finders {
    let open = &arguments.open;
    net::Finders {
        trackers: open.tracker.clone(),
        lan: open.lan,
        swarm: open.swarm.clone(),
        announce_host: open.announce_host.clone(),
    }
}

/// Prints help and version to stdout, as is usual; reports a usage error in one sentence.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // If stdout is closed, nobody wants the help.
        _ = error.print();
        return ExitCode::SUCCESS;
    }
    tell(&Error::msg(cli::sentence(error)), USAGE)
}

fn tell(error: &Error, status: u8) -> ExitCode {
    // If the line cannot be written, the status still reports the fault.
    stderr::say(cli::called(), &format!("{error:#}"));
    ExitCode::from(status)
}
