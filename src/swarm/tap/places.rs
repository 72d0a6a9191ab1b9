//! The directories of the peers behind a tap: `swarm.tap/<id>` with the project's files, both configuration files, and links to
//! the peer's own directories.
//!
//! A peer writes its log there. `logs::finding` looks there first, because nothing of an earlier tap stays when a run begins.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use peer_process::config::{COMMON, PEER_INFO, PeerInfo};
use peer_process::protocol::peer_id::PeerId;

use crate::files::project;
use crate::swarm_dir::{SwarmDir, TAP, events_name, log_name, tap_dir};

/// The host in the lines that lead through the relay.
const RELAY_HOST: &str = "127.0.0.1";
/// The start of each event file.
const EVENTS_START: &[u8] = b"{\"version\":";

/// Deletes the event files and the directories of an earlier tap. The logs there come back to the swarm's directory, where a peer that resumes, or the
/// next tap, finds its log.
///
/// # Errors
/// When something cannot be moved or deleted, or the directory is a link.
pub fn clear(swarm: &SwarmDir) -> Result<()> {
    for name in event_files(swarm).into_keys() {
        swarm.remove(&name)?;
    }
    let dir = swarm.path_of(TAP);
    if !is_there(&dir)? {
        return Ok(());
    }
    for peer in &swarm.peers {
        let name = log_name(peer.id);
        let (from, to) = (swarm.path_of(&tap_dir(peer.id)).join(&name), swarm.path_of(&name));
        if from.symlink_metadata().is_ok_and(|facts| facts.is_file()) {
            fs::rename(&from, &to).with_context(|| format!("cannot move {} to {}", from.display(), to.display()))?;
        }
    }
    remove(swarm)
}

/// Returns the event files of the swarm's peers, with their sizes in bytes. Other files of these names are left out.
pub fn event_files(swarm: &SwarmDir) -> BTreeMap<String, u64> {
    let size = |peer: &PeerInfo| {
        let name = events_name(peer.id);
        let path = swarm.path_of(&name);
        let facts = path.symlink_metadata().ok().filter(fs::Metadata::is_file)?;
        let mut start = [0; EVENTS_START.len()];
        let is_read = File::open(&path).and_then(|mut file| file.read_exact(&mut start)).is_ok();
        (facts.len() == 0 || is_read && start == *EVENTS_START).then_some((name, facts.len()))
    };
    swarm.peers.iter().filter_map(size).collect()
}

/// Deletes the directories of a tap, with all that is in them. What links there lead to stays.
///
/// # Errors
/// When something cannot be deleted, or the directory is a link.
pub fn remove(swarm: &SwarmDir) -> Result<()> {
    let dir = swarm.path_of(TAP);
    if !is_there(&dir)? {
        return Ok(());
    }
    fs::remove_dir_all(&dir).with_context(|| format!("cannot delete {}", dir.display()))
}

/// Returns the number of bytes in the directories of a tap, or `None` if there is no such directory.
///
/// # Errors
/// When the directory is a link.
pub fn size(swarm: &SwarmDir) -> Result<Option<u64>> {
    let dir = swarm.path_of(TAP);
    Ok(is_there(&dir)?.then(|| size_below(&dir)))
}

fn size_below(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(facts) if facts.is_dir() => size_below(&entry.path()),
        Ok(facts) if facts.is_file() => facts.len(),
        _ => 0,
    };
    entries.map(size).sum()
}

/// Reports whether the directory is there.
fn is_there(dir: &Path) -> Result<bool> {
    match dir.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", dir.display())),
        Ok(facts) => {
            ensure!(facts.is_dir(), "{} is not a directory of --tap; move it away", dir.display());
            Ok(true)
        }
    }
}

/// Makes the directory of a peer. `port_to` is the relay's port that leads to an earlier peer.
///
/// # Errors
/// When something cannot be read or written.
pub fn make(swarm: &SwarmDir, peer: &PeerInfo, port_to: impl Fn(PeerId) -> Option<u16>) -> Result<()> {
    let dir = swarm.path_of(&tap_dir(peer.id));
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    project::supply(&swarm.path, &dir)?;
    let common = swarm.path_of(COMMON);
    fs::copy(&common, dir.join(COMMON)).with_context(|| format!("cannot copy {}", common.display()))?;
    let path = swarm.path_of(PEER_INFO);
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let earlier = swarm.peers.iter().take_while(|other| other.id != peer.id);
    let relayed: Vec<_> = earlier.filter_map(|other| Some((other, port_to(other.id)?))).collect();
    let led = led_through(&text, &relayed);
    let path = dir.join(PEER_INFO);
    fs::write(&path, led).with_context(|| format!("cannot write {}", path.display()))?;
    let own = format!("peer_{}", peer.id);
    let home = swarm.path_of(&own);
    fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    // Some authors name it by the ID alone.
    for name in [own, peer.id.to_string()] {
        let home = swarm.path_of(&name);
        if home.is_dir() {
            let home = home.canonicalize().with_context(|| format!("cannot read {}", home.display()))?;
            project::link(&home, &dir.join(&name)).with_context(|| format!("cannot link {}", home.display()))?;
        }
    }
    let log = swarm.path_of(&log_name(peer.id));
    match fs::rename(&log, dir.join(log_name(peer.id))) {
        // Only a peer that resumes has one.
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot move {} to {}", log.display(), dir.display()))
        }
        _ => Ok(()),
    }
}

/// Returns the text of `PeerInfo.cfg` in which these peers have the host and the port of a relay. Every other byte stays.
fn led_through(text: &[u8], relayed: &[(&PeerInfo, u16)]) -> Vec<u8> {
    let lines = text.split_inclusive(|byte| *byte == b'\n').enumerate();
    let line = |(place, line): (usize, &[u8])| {
        let Some((peer, port)) = relayed.iter().find(|(peer, _)| peer.line() == Some(place + 1)) else {
            return line.to_vec();
        };
        let end = &line[line.trim_ascii_end().len()..];
        let told = format!("{} {RELAY_HOST} {port} {}", peer.id, u8::from(peer.has_file));
        [told.as_bytes(), end].concat()
    };
    lines.flat_map(line).collect()
}

#[cfg(test)]
mod tests {
    use peer_process::config::parse_peer_info;

    use super::*;

    #[test]
    fn only_the_lines_of_earlier_peers_change() {
        let text = "1001 localhost 6001 1\r\n\n 1002\t::1 6002  0 \n1003 here 6003 0\n1004 there 6004 0";
        let peers = parse_peer_info(text).expect("four peers");
        let led = led_through(text.as_bytes(), &[(&peers[0], 7001), (&peers[1], 7002)]);
        let expected = "1001 127.0.0.1 7001 1\r\n\n1002 127.0.0.1 7002 0 \n1003 here 6003 0\n1004 there 6004 0";
        assert_eq!(String::from_utf8_lossy(&led), expected);
        assert_eq!(led_through(text.as_bytes(), &[]), text.as_bytes());
    }
}
