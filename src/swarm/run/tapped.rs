//! `swarm start --tap`: the peers behind the tap, from the command of each to its exit status in the event file.

use std::collections::BTreeMap;

use anyhow::Result;
use peer_process::protocol::peer_id::PeerId;

use crate::fault::Usage;
use crate::hosts::{Host, Hosts, PeerCommand, Program, locks};
use crate::run::watched::Watched;
use crate::swarm_dir::{SwarmDir, tap_dir};
use crate::tap::Tap;
use crate::words::shell_word;

/// Makes sure that all peers run on this machine.
///
/// # Errors
/// One sentence with another way to see the messages.
pub fn refuse_other_hosts(swarm: &SwarmDir, hosts: &Hosts) -> Result<()> {
    let dir = shell_word(&swarm.path);
    if let Some(peer) = swarm.elsewhere().next() {
        return Err(Usage::error(format!(
            "--tap relays only between peers on this machine, and with --here peer {} is elsewhere; our own peers write their \
             events with `swarm start --here {dir} -- --events 'events_{{id}}.jsonl'`",
            peer.id
        )));
    }
    let Some(host) = hosts.all.iter().find(|host| !host.is_here()) else { return Ok(()) };
    Err(Usage::error(format!(
        "--tap relays only between peers on this machine, and peer {} runs on host {}; our own peers write their events there \
         with `swarm start {dir} -- --events 'events_{{id}}.jsonl'`",
        host.peers[0], host.name
    )))
}

/// Returns the command that starts a peer in its directory behind the tap.
///
/// Our own program stays in the swarm's directory, so that its other options name the same files as without a tap.
///
/// # Errors
/// When the program's path is not UTF-8 text.
pub fn command(program: &Program, host: &Host, id: PeerId, options: Vec<String>) -> Result<PeerCommand> {
    let dir = tap_dir(id);
    match program {
        Program::Ours(_) => {
            let options: Vec<_> = ["-C".to_owned(), dir].into_iter().chain(options).collect();
            program.command(host, &id.to_string(), &options)
        }
        Program::Command(_) => {
            let command = program.command(host, &id.to_string(), &options)?;
            Ok(command.in_dir(dir))
        }
    }
}

/// Starts the tap. While it runs, nobody starts one of its peers by hand.
///
/// # Errors
/// When a peer is running, or the tap cannot start.
pub fn begin(swarm: &SwarmDir) -> Result<Tap> {
    let locks = locks::hold_peers(&swarm.path, swarm.peers.iter().map(|peer| peer.id))?;
    Tap::begin(swarm, locks)
}

/// Ends the tap: all peers have exited, or were given up.
pub fn finish(tap: Tap, peers: &BTreeMap<PeerId, Watched>) {
    tap.finish(|id| peers[&id].status().and_then(|status| u8::try_from(status).ok()));
}
