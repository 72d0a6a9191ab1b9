//! What one machine can see for itself: its files, its lines, its ports, its room and its clock. It calls nobody.
//!
//! - [`files`], [`lines`], `room` and `clock` judge; [`names`] and [`ports`] ask the system.

mod clock;
pub mod files;
pub mod names;
mod room;

pub mod ports;

pub mod lines;

use std::path::Path;

use peer_process::config::{self, COMMON, Common, PEER_INFO};
use peer_process::protocol::peer_id::PeerId;

use self::files::Digests;
use self::lines::Line;
use self::names::Own;
use super::finding::Finding;
use crate::fault::Usage;

/// What was found on this machine.
#[derive(Debug, Default)]
pub struct Examined {
    /// The content of `Common.cfg`, if it is valid.
    pub common: Option<Common>,
    /// The lines of `PeerInfo.cfg`; none if it is not valid.
    pub lines: Vec<Line>,
    /// The addresses of this machine.
    pub own: Vec<Own>,
    /// The digests of the files.
    pub digests: Digests,
    /// All that is to be said.
    pub findings: Vec<Finding>,
}

/// Looks at everything. Peers that `said` names are this machine's.
///
/// # Errors
/// When the directory does not exist, or `said` names a peer that no line lists.
pub fn examine(dir: &Path, said: &[u32]) -> anyhow::Result<Examined> {
    if !dir.is_dir() {
        return Err(Usage::error(format!("there is no directory '{}'", dir.display())));
    }
    let files = files::examine(dir);
    let mut found = Examined { digests: files.digests, findings: files.findings, ..Examined::default() };
    found.own = names::own_addresses();
    if let Some(peers) = &files.peers {
        if let Some(id) = lines::unlisted(peers, said).first() {
            return Err(Usage::error(format!("--here: {PEER_INFO} does not list peer '{id}'")));
        }
        let hosts = names::look_up(peers.iter().map(|peer| peer.host.as_str()));
        found.lines = lines::lines(peers, &hosts, said, names::is_here);
    }
    found.common = files.common;
    let judged: Vec<_> = found.lines.iter().map(|line| with_port(line, &found)).collect();
    found.findings.extend(judged);
    if !found.lines.is_empty() {
        found.findings.extend(lines::nobody_here(&found.lines, &found.own));
    }
    for id in seeders(&found.lines) {
        if let Some(common) = &found.common {
            found.findings.push(seed(dir, id, common));
        }
    }
    let own = lines::own_ids(&found.lines).len();
    if own > 0 {
        let downloads = (own - seeders(&found.lines).count()) as u64;
        let size = found.common.as_ref().map_or(0, |common| common.layout.file_size());
        found.findings.push(room::disk(dir, downloads.saturating_mul(size)));
        found.findings.push(room::open_files(found.lines.len() as u64 - 1));
        found.findings.push(room::threads(own, found.lines.len()));
    }
    found.findings.push(clock::examine(&[&dir.join(COMMON), &dir.join(PEER_INFO)]));
    Ok(found)
}

/// Judges a line, and whether its peer can listen if it is one of this machine's.
fn with_port(line: &Line, found: &Examined) -> Finding {
    let finding = lines::judge(line, &found.lines, &found.own);
    if !line.is_own {
        return finding;
    }
    let port = line.peer.port;
    match ports::listen_at(&ports::places(&line.here, line.is_literal(), port)) {
        Err(trouble) => trouble.finding(finding.about.clone(), &finding.says, port).with_all(finding.advice),
        Ok(_) => Finding { says: format!("{}; the port is free", finding.says), ..finding },
    }
}

/// Returns the peers of this machine that start with the file.
fn seeders(lines: &[Line]) -> impl Iterator<Item = PeerId> {
    lines.iter().filter(|line| line.is_own && line.peer.has_file).map(|line| line.peer.id)
}

/// Checks the file of a peer that starts with it.
fn seed(dir: &Path, id: PeerId, common: &Common) -> Finding {
    match config::load(dir, id) {
        Ok(_) => Finding::ok(id.to_string(), format!("has {}, with the right size", common.file_name)),
        Err(error) => {
            let fault = Finding::fault(id.to_string(), format!("{error:#}"));
            fault.with(format!("put the file there as peer_{id}/{}, or correct the configuration", common.file_name))
        }
    }
}
