//! `scripts/run.sh`: a few lines around `swarm start`, whose own tests are in `swarm_cli`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

#[path = "support/left_out.rs"]
#[allow(dead_code, reason = "other test crates use the rest of it")]
mod left_out;
#[path = "support/signal.rs"]
mod signal;

use left_out::find;
use signal::signal;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/run.sh");
/// A safety net, far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn script(dir: &Path, words: &str) -> Command {
    let mut command = Command::new(SCRIPT);
    command.args(words.split_whitespace()).current_dir(dir).env("SWARM", env!("CARGO_BIN_EXE_swarm"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Exit status, stdout, stderr.
fn run(dir: &Path, words: &str) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = script(dir, words).output().expect("a shell");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

/// A directory to run the script in; `None` if this machine lacks bash, which is told.
fn place() -> Option<TempDir> {
    find("bash")?;
    Some(TempDir::new().expect("a temporary directory"))
}

#[test]
fn the_demo_makes_a_swarm_runs_it_and_compares_the_copies() {
    let Some(place) = place() else { return };
    let (status, stdout, stderr) = run(place.path(), "--demo demo -- -q");
    assert_eq!(status, Some(0), "{stderr}");
    assert_eq!(stdout.lines().count(), 7, "a heading and six peers: {stdout}");
    assert_eq!(stdout.matches("identical").count(), 5, "{stdout}");
    assert!(stderr.contains("rm -r demo"), "{stderr}");
    let original = fs::read(place.path().join("demo/peer_1001/tree.jpg")).expect("the seeder's file");
    assert_eq!(original.len(), 24_301_474);
    for id in 1002..=1006 {
        let copy = fs::read(place.path().join(format!("demo/peer_{id}/tree.jpg"))).expect("a copy");
        assert!(copy == original, "peer {id}");
    }
    // It does not write over what is there.
    let (status, stdout, stderr) = run(place.path(), "--demo demo");
    assert_eq!((status, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("--force"), "{stderr}");
}

#[test]
fn what_it_is_given_goes_to_swarm_start_and_its_status_comes_back() {
    let Some(place) = place() else { return };
    let check = |words: &str, expected_status, said: &str| {
        let (status, stdout, stderr) = run(place.path(), words);
        assert_eq!((status, stdout.as_str()), (Some(expected_status), ""), "{words}: {stderr}");
        assert!(stderr.contains(said), "{words}: {stderr}");
    };
    check("nowhere", 2, "there is no directory 'nowhere'");
    check("--bogus", 2, "--bogus");
    check("", 2, "Common.cfg");
    let (status, stdout, _) = run(place.path(), "--help");
    assert_eq!(status, Some(0));
    assert!(stdout.starts_with("Usage: scripts/run.sh"), "{stdout}");
    assert!(stdout.lines().all(|line| line.chars().count() <= 80), "{stdout}");
}

#[test]
fn a_signal_to_it_reaches_the_swarm() {
    let Some(place) = place() else { return };
    let init = ["init", "slow", "--peers", "2", "--size", "1000"];
    let made =
        Command::new(env!("CARGO_BIN_EXE_swarm")).args(init).current_dir(place.path()).output().expect("it runs");
    assert!(made.status.success(), "{made:?}");
    let mut command = script(place.path(), "slow --peer-command");
    let launcher = command.arg("sleep 600 # {id}").spawn().expect("a shell");
    let begun = Instant::now();
    let pids = [1001, 1002].map(|id| {
        let path = place.path().join(format!("slow/peer_{id}.pid"));
        loop {
            let record = fs::read_to_string(&path).unwrap_or_default();
            if let Some(pid) = record.split_whitespace().next() {
                return pid.to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "peer {id} was not started");
            thread::sleep(Duration::from_millis(10));
        }
    });
    assert!(signal(launcher.id(), "TERM"), "it runs");
    let ended = launcher.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(143), "{ended:?}");
    for pid in pids {
        assert!(!Path::new("/proc").join(&pid).exists(), "{pid} is left");
    }
}
