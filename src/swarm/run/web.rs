//! `swarm start --web`: the page that shows the run live, and the replay that it leaves.

use anyhow::Result;

use crate::cli::StartArgs;
use crate::hosts::{Host, Hosts};
use crate::logs::LogPattern;
use crate::out::say;
use crate::replay::serve::Web;
use crate::swarm_dir::SwarmDir;

/// Serves the page if the user wants it, and says where.
///
/// # Errors
/// When it cannot listen.
pub fn begin(swarm: &SwarmDir, hosts: &Hosts, args: &StartArgs, pattern: Option<LogPattern>) -> Result<Option<Web>> {
    let Some(place) = &args.web else { return Ok(None) };
    let web = Web::begin(&swarm.path, place, pattern)?;
    if swarm.elsewhere().next().is_some() {
        say("the page shows only the peers here, because the logs of the others stay on their machines");
    } else if !hosts.all.iter().all(Host::is_here) {
        say("the page shows the peers on other hosts when the run is over, because their logs come here then");
    }
    Ok(Some(web))
}

/// Writes the replay, and ends the page. A run without a replay is no failure.
pub fn finish(web: Option<Web>) {
    match web.map(Web::finish) {
        None => {}
        Some(Ok(path)) => say(&format!("the replay of the run is {}", path.display())),
        Some(Err(error)) => say(&format!("there is no replay of the run: {error:#}")),
    }
}
