//! The seeders' files on this machine: each must exist and have the right size before any peer starts.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use peer_process::config;
use peer_process::disk::journal::has_records;

use crate::fault::Usage;
use crate::files::new_file::{self, Signal, Source};
use crate::hosts::running::running;
use crate::hosts::{Host, Hosts, NoDirectory};
use crate::out::say;
use crate::swarm_dir::SwarmDir;

/// The fate of a swarm in which no peer has the file.
pub const NONE: &str = "PeerInfo.cfg: no peer starts with the file, so none will ever have it, and none will exit";

/// Reports whether no peer has the file.
pub fn are_lacking(swarm: &SwarmDir) -> bool {
    !swarm.listed.iter().any(|peer| peer.has_file) && swarm.common.layout.piece_count() > 0
}

/// Refuses a swarm that would never finish, unless peers resume an earlier run. With `is_fresh`, none resumes.
///
/// # Errors
/// One sentence, or when a host cannot be reached.
pub fn refuse_without(swarm: &SwarmDir, hosts: &Hosts, is_fresh: bool) -> Result<()> {
    if !are_lacking(swarm) {
        return Ok(());
    }
    let resumes = |host: &Host| {
        if !running(host)?.is_empty() {
            // Another check reports that.
            return Ok(true);
        }
        let journals: Vec<_> = host.peers.iter().map(|id| swarm.journal_name(*id)).collect();
        match host.list(&journals) {
            Err(error) if error.is::<NoDirectory>() => Ok(false),
            found => found.map(|found| found.values().any(|len| has_records(*len, swarm.common.layout))),
        }
    };
    if !is_fresh && hosts.each(resumes).into_iter().collect::<Result<Vec<_>>>()?.contains(&true) {
        return Ok(());
    }
    Err(Usage::error(format!("{NONE}; --no-seeder-yet starts it anyway")))
}

/// Checks each seeder's file that must be here, or is here.
///
/// # Errors
/// One sentence for the first file that is missing, or has another size than in `Common.cfg`.
pub fn check(swarm: &SwarmDir, hosts: &Hosts) -> Result<()> {
    for peer in swarm.peers.iter().filter(|peer| peer.has_file) {
        let path = swarm.path_of(&swarm.copy_name(peer.id));
        if path.exists() {
            config::load(&swarm.path, peer.id).map_err(|error| Usage::error(format!("{error:#}")))?;
        } else if hosts.of_peer(peer.id).is_here() {
            return Err(Usage::error(format!(
                "peer {} starts with the file, but {} is missing: put it there, or add --make-file for {} random bytes",
                peer.id,
                path.display(),
                swarm.common.layout.file_size()
            )));
        }
    }
    Ok(())
}

/// Makes a file for each seeder that has none: a copy of another seeder's file, or random bytes.
///
/// # Errors
/// When a file cannot be made, or a signal came. Then nothing was made.
pub fn make(swarm: &SwarmDir) -> Result<()> {
    let signal = Signal::watch()?;
    let size = swarm.common.layout.file_size();
    let paths = swarm.peers.iter().filter(|peer| peer.has_file).map(|peer| swarm.path_of(&swarm.copy_name(peer.id)));
    let (there, missing): (Vec<PathBuf>, Vec<_>) = paths.partition(|path| path.exists());
    let mut model = there.into_iter().next();
    for path in missing {
        let folder = path.parent().expect("it is in the peer's directory");
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let source = model.as_deref().map_or(Source::Random, Source::File);
        new_file::make(&path, source, size, &signal)?;
        say(&format!("made {}: {size} {}bytes", path.display(), if model.is_none() { "random " } else { "" }));
        model.get_or_insert(path);
    }
    Ok(())
}
