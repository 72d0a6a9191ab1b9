//! `swarm verify`: compares the SHA-256 of all copies, here and on other hosts, with the seeder's file or with a manifest.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Result;
use indicatif::ProgressBar;
use peer_process::disk::manifest::{ENDING, Manifest};
use peer_process::protocol::peer_id::PeerId;

use crate::cli::ReportArgs;
use crate::copies::compare::{Copy, Found, compare, with_seeders_elsewhere};
use crate::copies::report::{Kind, Report, Row};
use crate::hosts::digest::Digest;
use crate::hosts::interrupts::Interrupts;
use crate::hosts::settings::Settings;
use crate::hosts::{Host, Hosts, NoDirectory, with_tip};
use crate::out::{bar, finish_bar, say};
use crate::swarm_dir::SwarmDir;

/// The text of the progress bar while copies are compared.
pub const COMPARING: &str = "comparing the copies";

/// The findings on all copies.
#[derive(Debug, Default)]
pub struct Copies {
    /// The result for each.
    pub are: BTreeMap<PeerId, Copy>,
    /// The digests of the existing copies.
    pub digests: BTreeMap<PeerId, Digest>,
}

impl Copies {
    /// Adds the findings on its copy to a peer's row.
    pub fn with(&self, id: PeerId, row: Row) -> Row {
        Row { copy: self.are.get(&id).cloned(), digest: self.digests.get(&id).copied(), ..row }
    }
}

/// Carries out `swarm verify`.
///
/// # Errors
/// When the swarm cannot be read. The table reports an unreadable copy.
pub fn verify(args: &ReportArgs) -> Result<ExitCode> {
    let (swarm, hosts) = Settings::open(&args.dir.dir, &args.remote)?;
    let _interrupts = Interrupts::watch(&hosts, "the copies were not compared")?;
    let copies = digest_all(&swarm, &hosts);
    let own = swarm.peers.iter().map(|peer| copies.with(peer.id, Row::not_started(peer, swarm.common.layout)));
    let elsewhere = swarm.elsewhere().map(|peer| Row::elsewhere(peer, swarm.common.layout));
    let status = Report::of(Kind::Verify, &swarm, own.chain(elsewhere)).show(args.json);
    tell_words(&swarm, &copies);
    status
}

/// Says which words people compare with those on other machines, if there are any.
pub fn tell_words(swarm: &SwarmDir, copies: &Copies) {
    if swarm.elsewhere().next().is_some() && !copies.digests.is_empty() {
        say("compare the words in the table with those on the other machines: equal words mean equal files");
    }
}

/// Computes the digests of all copies, on all hosts at the same time, with a progress bar on a terminal.
pub fn digest_all(swarm: &SwarmDir, hosts: &Hosts) -> Copies {
    let bytes = swarm.common.layout.file_size().saturating_mul(swarm.peers.len() as u64);
    let bar = bar(bytes, COMPARING);
    let on_host = |host: &Host| {
        let digest = |&id: &PeerId| (id, digest_of(host, &swarm.copy_name(id), &bar));
        host.peers.iter().map(digest).collect::<Vec<_>>()
    };
    let found: BTreeMap<PeerId, Result<Option<Digest>, String>> = hosts.each(on_host).into_iter().flatten().collect();
    finish_bar(&bar);
    let digests = found.iter().filter_map(|(id, found)| Some((*id, found.clone().ok()??))).collect();
    let list: Vec<_> =
        swarm.peers.iter().map(|peer| Found { has_file: peer.has_file, digest: found[&peer.id].clone() }).collect();
    // The peers report a manifest that is wrong or belongs to another file.
    let manifest = Manifest::read(&swarm.path_of(&format!("{}{ENDING}", swarm.common.file_name))).ok();
    let manifest = manifest.filter(|manifest| manifest.layout() == swarm.common.layout);
    let told = manifest.as_ref().and_then(Digest::of_manifest);
    let mut copies = compare(&list, told);
    if swarm.elsewhere().any(|peer| peer.has_file) {
        with_seeders_elsewhere(&mut copies);
    }
    Copies { are: swarm.peers.iter().map(|peer| peer.id).zip(copies).collect(), digests }
}

fn digest_of(host: &Host, name: &str, bar: &ProgressBar) -> Result<Option<Digest>, String> {
    match host.digest(name, &mut |bytes| bar.inc(bytes)) {
        // A host without the directory has no copy.
        Err(error) if error.is::<NoDirectory>() => Ok(None),
        other => other.map_err(|error| with_tip(&error)),
    }
}
