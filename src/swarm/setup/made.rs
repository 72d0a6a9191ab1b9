//! The output of `swarm init`: what it made, and what to type next.

use std::env;
use std::path::Path;

use peer_process::output::console::counted;
use peer_process::protocol::peer_id::{self, PeerId};

use crate::files::new_file::Made;
use crate::swarm_dir::SwarmDir;
use crate::words::{MOST_LISTED, first_of, shell_word};

/// Returns the lines for a swarm whose first seeder's file was made in this way, or whose seeders are all on other machines. `file`
/// is the value of `--file`.
pub fn describe(swarm: &SwarmDir, way: Option<Made>, file: Option<&Path>) -> String {
    let seeders: Vec<_> = swarm.peers.iter().filter(|peer| peer.has_file).map(|peer| peer.id).collect();
    let copy = seeders.first().map_or_else(String::new, |seeder| swarm.copy_name(*seeder));
    let width = copy.chars().count().max("PeerInfo.cfg".len());
    let mut lines = vec![
        format!("'{}' is now a swarm of {}:", swarm.path.display(), counted(swarm.listed.len(), "peer")),
        format!("  {:width$}  {}", "Common.cfg", settings(swarm)),
        format!("  {:width$}  {}", "PeerInfo.cfg", places(swarm)),
    ];
    if let Some(way) = way {
        lines.push(format!("  {copy:width$}  {}", content(swarm, &seeders, way, file)));
    }
    if swarm.only_here {
        let own = swarm.peers.iter().map(|peer| format!("peer_{}/", peer.id)).collect::<Vec<_>>();
        lines.push(format!("Of the peers' directories, only {} here", is_or_are(&own)));
    }
    let manifest = swarm.manifest_name();
    if swarm.path_of(&manifest).exists() {
        lines.push(format!("  {manifest:width$}  the SHA-256 of each piece, for the peers to check"));
    }
    let left = left_behind(swarm);
    if !left.is_empty() {
        lines.push(format!("An earlier run has left {}. To delete it:", first_of(&left)));
        lines.push(format!("  {} --yes", command("clean", &swarm.path)));
    }
    if swarm.only_here {
        lines.push("To run it, on each machine with the same two configuration files:".to_owned());
        lines.push(format!("  {} --here", command("start", &swarm.path)));
    } else {
        lines.push("To run it:".to_owned());
        lines.push(format!("  {}", command("start", &swarm.path)));
    }
    lines.join("\n")
}

/// Returns `a is`, or `a, b are`.
fn is_or_are(names: &[String]) -> String {
    format!("{} {}", first_of(names), if names.len() == 1 { "is" } else { "are" })
}

fn settings(swarm: &SwarmDir) -> String {
    let common = &swarm.common;
    format!(
        "{} of {}, k {}, p {} s, m {} s",
        counted(common.layout.piece_count(), "piece"),
        counted(common.layout.piece_size(), "byte"),
        common.preferred_count,
        common.unchoking_interval_secs,
        common.optimistic_interval_secs
    )
}

fn places(swarm: &SwarmDir) -> String {
    let peers = &swarm.listed;
    let (first, last) = (peers[0].id, peers[peers.len() - 1].id);
    let ids = if first == last { format!("peer {first}") } else { format!("peers {first} to {last}") };
    let mut hosts: Vec<String> = Vec::new();
    for peer in peers {
        if !hosts.contains(&peer.host) {
            hosts.push(peer.host.clone());
        }
    }
    let ports = peers.iter().map(|peer| peer.port);
    let (low, high) = (ports.clone().min().unwrap_or_default(), ports.max().unwrap_or_default());
    let ports = if low == high { format!("port {low}") } else { format!("ports {low} to {high}") };
    format!("{ids} on {}, {ports}", first_of(&hosts))
}

fn content(swarm: &SwarmDir, seeders: &[PeerId], way: Made, file: Option<&Path>) -> String {
    let size = swarm.common.layout.file_size();
    let file = file.unwrap_or(Path::new("")).display();
    let what = match way {
        Made::Random => counted(size, "random byte"),
        Made::Linked => format!("a hard link to {file}, {}", counted(size, "byte")),
        Made::Copied => format!("a copy of {file}, {}", counted(size, "byte")),
    };
    match seeders {
        [_] => what,
        [_, other] => format!("{what}; {other} has the same"),
        [_, others @ ..] if others.len() <= MOST_LISTED => format!("{what}; {} have the same", peer_id::list(others)),
        [_, others @ ..] => format!("{what}; {} more peers have the same", others.len()),
        [] => unreachable!("a plan has a seeder"),
    }
}

/// Returns the files that leechers would take for a part of the file, or for all of it.
fn left_behind(swarm: &SwarmDir) -> Vec<String> {
    let leechers = swarm.peers.iter().filter(|peer| !peer.has_file).map(|peer| peer.id);
    let names = leechers.flat_map(|id| [swarm.part_name(id), swarm.journal_name(id), swarm.copy_name(id)]);
    names.filter(|name| swarm.path_of(name).symlink_metadata().is_ok()).collect()
}

/// Returns a command to type in the same place. The program keeps the name of this call, and `.` is left out.
fn command(subcommand: &str, dir: &Path) -> String {
    let program = env::args_os().next().map_or_else(|| "swarm".to_owned(), |name| shell_word(Path::new(&name)));
    if dir == Path::new(".") {
        format!("{program} {subcommand}")
    } else {
        format!("{program} {subcommand} {}", shell_word(dir))
    }
}
