//! `swarm clean`: deletes the remains of a run, here and on other hosts, and the remains of a killed `init`.
//!
//! The remains are logs, records, unfinished files and the leechers' copies. It never deletes a seeder's file, nothing through
//! a link, and nothing while a peer runs, no matter who started it.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::process::ExitCode;

use anyhow::{Context, Result};
use indicatif::DecimalBytes;
use peer_process::config::PeerInfo;
use peer_process::disk::lock;
use peer_process::output::console::counted;

use crate::cli::CleanArgs;
use crate::fault::Usage;
use crate::files::litter;
use crate::hosts::interrupts::Interrupts;
use crate::hosts::locks;
use crate::hosts::running::{running, who_runs};
use crate::hosts::settings::Settings;
use crate::hosts::{Hosts, NoDirectory, Owned};
use crate::out::print;
use crate::swarm_dir::{BEGUN, SwarmDir, TAP, brought_names, err_name, log_name, pid_name, progress_name};
use crate::tap::places;

/// Carries out `swarm clean`.
///
/// # Errors
/// When a peer runs, a host cannot be reached, or a file cannot be deleted.
pub fn clean(args: &CleanArgs) -> Result<ExitCode> {
    let (swarm, hosts) = Settings::open(&args.dir.dir, &args.remote)?;
    let _interrupts = Interrupts::watch(&hosts, "some files may be left")?;
    let _lock = if args.yes { locks::lock(&swarm)? } else { None };
    let seeders: Vec<_> = swarm.peers.iter().filter(|peer| peer.has_file).map(|peer| peer.id).collect();
    let mut found = Vec::new();
    // Nothing is deleted anywhere before all files on all hosts were found.
    for host in &hosts.all {
        let running = running(host)?;
        if !running.is_empty() {
            let (they_run, _) = who_runs(&running);
            return Err(Usage::error(format!("{they_run} on {}; use `swarm stop` first", host.called())));
        }
        let peers = swarm.peers.iter().filter(|peer| host.peers.contains(&peer.id));
        let mut owned: Owned =
            peers.flat_map(|peer| leavings(&swarm, peer)).chain([(BEGUN.to_owned(), None)]).collect();
        // Logs in any place: the ID of one of this swarm's peers is in their names.
        match host.all_logs() {
            Err(error) if error.is::<NoDirectory>() => continue,
            other => owned.append(&mut other?),
        }
        if let Some(obstacle) = host.obstacles(&owned, &seeders)?.first() {
            return Err(Usage::error(format!("{}: {obstacle}", host.called())));
        }
        let files = host.list(&owned.keys().cloned().collect::<Vec<_>>())?;
        found.push((host, owned, files));
    }
    let tap_size = places::size(&swarm)?;
    let mut brought = brought(&swarm, &hosts);
    brought.extend(places::event_files(&swarm));
    brought.extend(litter::of(&swarm.path, &swarm.common.file_name));
    let (mut count, mut bytes) = (brought.len(), brought.values().sum::<u64>());
    if let Some(size) = tap_size {
        print(&format!("{TAP}/ and all in it  {}", DecimalBytes(size)))?;
        count += 1;
        bytes += size;
    }
    for (host, _, files) in &found {
        let place = if host.is_here() { String::new() } else { format!("{}:", host.name) };
        for (name, size) in files {
            print(&format!("{place}{name}  {}", DecimalBytes(*size)))?;
        }
        count += files.len();
        bytes += files.values().sum::<u64>();
    }
    for (name, size) in &brought {
        print(&format!("{name}  {}", DecimalBytes(*size)))?;
    }
    let sum = format!("{}, {}", counted(count, "file"), DecimalBytes(bytes));
    if count == 0 {
        print("no files are left of a run")?;
    } else if args.yes {
        for (host, mut owned, files) in found {
            owned.retain(|name, _| files.contains_key(name));
            if !owned.is_empty() {
                host.remove(&owned).context("some files were not deleted")?;
            }
        }
        places::remove(&swarm).context("some files were not deleted")?;
        for name in brought.keys() {
            swarm.remove(name).context("some files were not deleted")?;
        }
        print(&format!("deleted: {sum}"))?;
    } else {
        print(&format!("{sum}; nothing was deleted: --yes deletes them"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the files that came here from other hosts, with their sizes in bytes.
fn brought(swarm: &SwarmDir, hosts: &Hosts) -> BTreeMap<String, u64> {
    let elsewhere = hosts.all.iter().filter(|host| !host.is_here()).flat_map(|host| &host.peers);
    let size = |name: String| {
        let facts = fs::symlink_metadata(swarm.path_of(&name)).ok().filter(Metadata::is_file)?;
        Some((name, facts.len()))
    };
    elsewhere.flat_map(|id| brought_names(*id)).filter_map(size).collect()
}

/// Returns the files of a peer that a run may have left.
fn leavings(swarm: &SwarmDir, peer: &PeerInfo) -> Owned {
    let mut names =
        vec![log_name(peer.id), err_name(peer.id), pid_name(peer.id), lock::name_of(peer.id), progress_name(peer.id)];
    if !peer.has_file {
        names.extend([swarm.part_name(peer.id), swarm.journal_name(peer.id), swarm.copy_name(peer.id)]);
    }
    names.into_iter().map(|name| (name, Some(peer.id))).collect()
}
