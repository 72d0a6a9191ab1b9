//! What follows a run: the logs of other hosts, and the sentences after the table. Those are the last words of failed peers, where
//! the logs are, and a note on a run that was too short to show choking.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use peer_process::protocol::peer_id::PeerId;

use crate::hosts::{Host, Hosts};
use crate::out::say;
use crate::run::watched::Watched;
use crate::swarm_dir::{SwarmDir, err_name, log_name, tap_dir};

/// Copies the logs of another machine here, under the course's name, whatever their names there.
///
/// # Errors
/// When the host cannot be reached, or a file was not copied.
pub fn fetch_logs(swarm: &SwarmDir, host: &Host) -> Result<()> {
    if host.is_here() {
        return Ok(());
    }
    let mut logs = host.logs()?;
    for id in &host.peers {
        let log = logs.remove(id).map(|log| (log.name, log_name(*id)));
        for (there, here) in log.into_iter().chain([(err_name(*id), err_name(*id))]) {
            host.fetch(&there, &swarm.path_of(&here)).with_context(|| format!("{there} was not copied here"))?;
        }
    }
    Ok(())
}

/// Prints the last words of each peer that has failed by itself. The same words of several peers appear once.
pub fn tell_failures(swarm: &SwarmDir, peers: &BTreeMap<PeerId, Watched>) {
    let mut told = Vec::new();
    for (id, peer) in peers.iter().filter(|(_, peer)| peer.status().is_some_and(|status| (1..128).contains(&status))) {
        let text = fs::read(swarm.path_of(&err_name(*id))).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it printed nothing");
        if !told.contains(&last.to_owned()) {
            say(&format!("peer {id} exited with status {}: {last}", peer.status().unwrap_or_default()));
            told.push(last.to_owned());
        }
    }
}

/// Returns a sentence about where the logs and the output of the peers are. With a tap, they are in its directories.
pub fn logs_sentence(swarm: &SwarmDir, hosts: &Hosts, peers: &BTreeMap<PeerId, Watched>, tap: bool) -> String {
    let usual = |id: PeerId| if tap { format!("{}/{}", tap_dir(id), log_name(id)) } else { log_name(id) };
    let odd = peers.iter().filter(|(id, _)| hosts.of_peer(**id).is_here()).filter_map(|(id, peer)| {
        peer.log_name.as_ref().filter(|name| **name != usual(*id)).map(|name| format!(", that of {id} is {name}"))
    });
    let (dir, odd) = (swarm.path.display(), odd.collect::<String>());
    if tap {
        let logs = format!("{}/log_peer_<ID>.log", tap_dir("<ID>"));
        return format!(
            "the logs are {dir}/{logs}{odd}; events_<ID>.jsonl has the messages, and peer_<ID>.err the output of each peer"
        );
    }
    format!("the logs are {dir}/log_peer_<ID>.log{odd}; the output of each peer is in peer_<ID>.err beside them")
}

/// Returns a sentence about the commands that read the logs.
pub fn readers_sentence(swarm: &SwarmDir) -> String {
    let dir = swarm.path.display();
    format!("'swarm grade {dir}' checks the logs, and 'swarm replay {dir}' shows them")
}

/// Returns a note on a run that was over before the first interval. `is_slowed` tells that it was slowed down already.
///
/// It is only for a run in which all peers succeeded and a peer has downloaded something.
pub fn too_short(interval_secs: u32, peers: &BTreeMap<PeerId, Watched>, is_slowed: bool) -> Option<String> {
    let has_ended_well = peers.values().all(|peer| peer.status() == Some(0));
    let was_at_work = peers.values().any(|peer| !peer.progress.from().is_empty());
    if !has_ended_well || !was_at_work {
        return None;
    }
    let from = peers.values().filter_map(Watched::ran_from).min()?;
    let until = peers.values().filter_map(Watched::ran_until).max()?;
    sentence(until.saturating_duration_since(from), interval_secs, is_slowed)
}

fn sentence(took: Duration, interval_secs: u32, is_slowed: bool) -> Option<String> {
    let tip = if is_slowed { "" } else { "; --demo-rate slows the peers down" };
    // Cut and not rounded: 4.96 s is less than 5 s.
    let tenths = took.as_millis() / 100;
    (took < Duration::from_secs(interval_secs.into())).then(|| {
        format!(
            "the run took {}.{} s, less than one unchoking interval ({interval_secs} s): no peer changed its preferred neighbors{tip}",
            tenths / 10,
            tenths % 10
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_shorter_than_an_interval_is_told_and_the_tip_only_where_it_helps() {
        let check = |millis, interval_secs, is_slowed, expected: Option<&str>| {
            assert_eq!(sentence(Duration::from_millis(millis), interval_secs, is_slowed).as_deref(), expected);
        };
        let told =
            "the run took 0.4 s, less than one unchoking interval (5 s): no peer changed its preferred neighbors";
        check(400, 5, true, Some(told));
        check(400, 5, false, Some(&format!("{told}; --demo-rate slows the peers down")));
        check(4999, 5, false, Some(&format!("{told}; --demo-rate slows the peers down").replace("0.4", "4.9")));
        check(5000, 5, false, None);
        check(60_000, 5, false, None);
    }
}
