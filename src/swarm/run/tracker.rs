//! The tracker of a swarm that `swarm start` runs: where it is, and the options that tell the peers.

use std::path::Path;

use anyhow::Result;

use crate::fault::Usage;
use crate::hosts::Program;
use crate::hosts::settings::{Settings, tracker_url};
use crate::out::say;
use crate::run::peer_options::swarm_name;
use crate::track;

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
    let url = match settings.tracker() {
        place if runs => Some(track::beside(place.unwrap_or(USUAL_PLACE), dir, swarm_name(given))?),
        Some(place) => Some(tracker_url(place).map_err(|wrong| {
            Usage::error(format!("swarm.json: the tracker {wrong}; delete it, or run `swarm init` again"))
        })?),
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
