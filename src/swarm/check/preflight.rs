//! What comes before the cases: the directory, `--setup`, and whether the peer can be run at all.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::hints::{Seen, hints};
use super::plan::{Nb, Plan};
use super::report::printable;
use super::stage::Stage;
use super::world::{Env, Process, Stop, addresses, secs};
use crate::cli::CheckArgs;
use crate::fault::Usage;
use crate::logs::LogPattern;
use crate::out::say;

/// The directory of a run: one that goes away, or the one of `--keep`.
pub enum Place {
    /// It goes away with this.
    Passing(TempDir),
    /// It stays.
    Kept(PathBuf),
}

impl Place {
    /// Makes the directory.
    ///
    /// # Errors
    /// When it cannot be made, or when that of `--keep` is not empty.
    pub fn new(args: &CheckArgs) -> Result<Self> {
        let Some(dir) = &args.keep else {
            let dir = tempfile::Builder::new().prefix("swarm-check.").tempdir();
            return Ok(Self::Passing(dir.context("cannot make a temporary directory")?));
        };
        let shown = dir.display();
        fs::create_dir_all(dir).with_context(|| format!("cannot make {shown}"))?;
        let mut entries = fs::read_dir(dir).with_context(|| format!("cannot read {shown}"))?;
        if entries.next().is_some() {
            return Err(Usage::error(format!("--keep {shown} is not empty")));
        }
        Ok(Self::Kept(dir.canonicalize().with_context(|| format!("cannot read {shown}"))?))
    }

    /// Returns its path.
    pub fn dir(&self) -> &Path {
        match self {
            Self::Passing(dir) => dir.path(),
            Self::Kept(dir) => dir,
        }
    }
}

/// Runs the command of `--setup` in the project's directory. Returns whether it ran to its end; a signal ends it.
///
/// # Errors
/// When it fails; with what it printed last.
pub fn set_up(args: &CheckArgs, signal: &AtomicUsize) -> Result<bool> {
    let Some(command) = &args.setup else { return Ok(true) };
    let mark = format!("{}.setup", std::process::id());
    let mut process = Process::start(command, &args.project, mark).context("cannot start the shell")?;
    let Some(status) = process.wait_unless(|| signal.load(Ordering::Relaxed) != 0) else {
        process.end();
        return Ok(false);
    };
    if status.success() {
        return Ok(true);
    }
    process.hear_out();
    for line in &process.printed().last_lines(10) {
        say(&format!("--setup printed: {}", printable(line)));
    }
    Err(Usage::error(format!("--setup '{command}' failed ({status})")))
}

/// Returns what all worlds of a run have in common.
///
/// # Errors
/// When the project or the host does not exist.
pub fn env(args: &CheckArgs, signal: Arc<AtomicUsize>) -> Result<Env> {
    let project = args.project.canonicalize();
    let project = project.map_err(|error| Usage::error(format!("--project {}: {error}", args.project.display())))?;
    if !project.is_dir() {
        return Err(Usage::error(format!("--project {} is not a directory", args.project.display())));
    }
    // What is written there must stay in the world: it may replace what stands there.
    for (option, dir) in
        [("--config-dir", args.config_dir.as_deref()), ("--file-dir", args.file_dir.as_deref().map(Path::new))]
    {
        if let Some(dir) = dir.filter(|dir| !stays_inside(dir)) {
            let shown = dir.display();
            return Err(Usage::error(format!(
                "{option} '{shown}' must be a relative path without '..', in the peer's directory"
            )));
        }
    }
    let log_pattern = args.log_pattern.as_deref().map(LogPattern::parse).transpose();
    let log_pattern = log_pattern.map_err(|wrong| Usage::error(format!("--log-pattern: {wrong}")))?;
    Ok(Env {
        command: args.command.clone().unwrap_or_default(),
        project,
        patience: args.timeout,
        start_patience: args.start_timeout,
        first_patience: args.timeout,
        first_id: args.first_id,
        addresses: addresses(&args.host).map_err(|error| Usage::error(format!("--host '{}': {error}", args.host)))?,
        host: args.host.clone(),
        port: args.port,
        config_dir: args.config_dir.clone(),
        file_dir: args.file_dir.clone(),
        log_pattern,
        signal,
    })
}

/// Reports whether a path leads nowhere but into the directory that it is relative to.
fn stays_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// How the peer behaves when it is started once.
pub enum FirstStart {
    /// It gives no sign on the network, as this sentence says.
    CannotBeRun(String),
    /// It gives a sign. The last handshake that was waited for came this long after that: zero if no handshake came.
    Runs { settles_after: Duration },
}

/// Starts the peer once.
///
/// # Errors
/// When the tester itself fails.
pub fn start_once(env: &Env, dir: &Path, seed: u64) -> Result<FirstStart> {
    let mut stage = Stage::new(env, dir.join("preflight"), seed);
    let (mut ports, mut port, mut place) = (BTreeSet::new(), None, String::new());
    let mut settles_after = Duration::ZERO;
    let outcome = stage.run(Plan::leecher(1, 1), |world| {
        world.start()?;
        world.doing("waits for the first sign of the peer");
        let outcome = world.first_sign(Nb(1));
        if outcome.is_err() {
            (ports, port, place) = (world.ports(), Some(world.port()), world.dir().display().to_string());
        }
        outcome?;
        let waits = || say("waiting for the peer's first call and its handshakes ...");
        settles_after = world.time_to_settle(Nb(0), Nb(1), waits)?;
        Ok(())
    });
    _ = fs::remove_dir_all(dir.join("preflight"));
    match outcome {
        Ok(()) | Err(Stop::Interrupted) => Ok(FirstStart::Runs { settles_after }),
        Err(Stop::Tester(error)) => Err(error),
        Err(Stop::Failed(finding)) => {
            for line in &stage.printed {
                say(&format!("the peer printed: {}", printable(line)));
            }
            let (command, printed, host) = (&env.command, &stage.printed, &env.host);
            let config_dir = env.config_dir.as_deref().and_then(Path::to_str);
            let has_port = env.port.is_some();
            let signs = Seen { command, dir: &place, printed, ports: &ports, port, host, config_dir, has_port };
            let hints = hints(&signs);
            for hint in &hints {
                say(&format!("hint: {}", printable(hint)));
            }
            let printed = if stage.printed.is_empty() { "; it printed nothing" } else { "" };
            let time = secs(env.start_patience);
            let came = printable(finding.came.trim_end_matches('.'));
            if came.contains("the process ended") {
                let check = if hints.is_empty() { "; check --command, --project and --config-dir" } else { "" };
                let came = came.strip_prefix("Nothing; ").unwrap_or(&came);
                let sentence = format!("the peer cannot be run{check}: {came}{printed}");
                return Ok(FirstStart::CannotBeRun(sentence));
            }
            let listens = if signs.listens_at_its_port() {
                format!("no call to {host} at the port of its line reaches it, and it does not call")
            } else {
                "it neither listens on the port of its line nor calls".to_owned()
            };
            Ok(FirstStart::CannotBeRun(format!(
                "the peer cannot be run: {listens} the peer of the line before it within {time} (--start-timeout); \
                what came: {came}{printed}"
            )))
        }
    }
}
