//! The tracker of a swarm that `swarm start` runs or uses: where it is, whether it runs, and the options that tell the peers.

use std::path::Path;

use anyhow::{Result, anyhow};

use crate::fault::Usage;
use crate::hosts::Program;
use crate::hosts::settings::{Settings, tracker_url};
use crate::out::say;
use crate::run::peer_options::swarm_name;
use crate::track::{self, probe, probe::Found};
use crate::words::shell_word;

/// Where the tracker listens if `swarm init --tracker` has not said it.
const USUAL_PLACE: &str = "127.0.0.1:6969";

/// Starts the tracker if the user wants it, and returns the options by which our own peers use it.
///
/// # Errors
/// When the tracker cannot listen, or `swarm.json` has something else in its place.
pub fn options(
    runs: bool,
    settings: &Settings,
    dir: &Path,
    program: &Program,
    given: &[String],
) -> Result<Vec<String>> {
    let name = swarm_name(given);
    let url = match settings.tracker() {
        place if runs => Some(run_beside(place, dir, name.as_deref())?),
        Some(place) => {
            let url = tracker_url(place).map_err(|wrong| {
                Usage::error(format!("swarm.json: the tracker {wrong}; delete it, or run `swarm init` again"))
            })?;
            if matches!(program, Program::Ours(_)) {
                tell_whether_it_runs(place, dir, name.as_deref())?;
            }
            Some(url)
        }
        None => None,
    };
    Ok(match (url, program) {
        (Some(url), Program::Ours(_)) => {
            say(&format!("the peers use the tracker {url}"));
            vec!["--tracker".to_owned(), url]
        }
        (Some(url), Program::Command(_)) => {
            say(&format!("the command of --peer-command is not told of the tracker {url}"));
            Vec::new()
        }
        (None, _) => Vec::new(),
    })
}

/// Runs the tracker at its place, or at the usual one, and returns its URL.
fn run_beside(configured: Option<&str>, dir: &Path, name: Option<&str>) -> Result<String> {
    let place = configured.unwrap_or(USUAL_PLACE);
    track::beside(place, dir, name).map_err(|error| {
        // A tracker on another host says nothing about an address that this machine lacks.
        if !probe::is_here(place) {
            return error;
        }
        let remedy = match track::at(place, dir, name) {
            Err(_) | Ok(Found::Nothing) => return error,
            Ok(Found::Other) => "it does not answer as a tracker".to_owned(),
            Ok(Found::Refuses) => "it is a tracker that does not serve this swarm".to_owned(),
            Ok(Found::Serves) => {
                let shown = shell_word(dir);
                let without = match configured {
                    Some(_) => format!("`swarm start {shown}` without --track"),
                    None => format!("`swarm start {shown} -- --tracker http://{place}/announce`"),
                };
                format!("it is a tracker that serves this swarm, and {without} uses it")
            }
        };
        let sentence = format!("{error:#}; {remedy}");
        if error.is::<Usage>() { Usage::error(sentence) } else { anyhow!(sentence) }
    })
}

/// Says it if the swarm's tracker should be on this machine, and cannot be used now. The peers go on with those that
/// `PeerInfo.cfg` lists.
///
/// # Errors
/// If the directory has no swarm.
fn tell_whether_it_runs(place: &str, dir: &Path, name: Option<&str>) -> Result<()> {
    if !probe::is_here(place) {
        return Ok(());
    }
    let trouble = match track::at(place, dir, name)? {
        Found::Serves => return Ok(()),
        Found::Nothing => format!(
            "no tracker runs at {place}, so the peers know only those in PeerInfo.cfg; `swarm start --track {}` runs it",
            shell_word(dir)
        ),
        Found::Refuses => {
            format!("the tracker at {place} does not serve this swarm, so the peers know only those in PeerInfo.cfg")
        }
        Found::Other => format!(
            "the program at {place} does not answer as a tracker, so the peers may know only those in PeerInfo.cfg"
        ),
    };
    say(&trouble);
    Ok(())
}
