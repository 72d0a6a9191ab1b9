//! `swarm status`: the present state of the peers, from their processes and logs. It works no matter who started them, and
//! after a broken connection.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::Result;
use peer_process::protocol::peer_id::PeerId;

use crate::cli::ReportArgs;
use crate::copies::report::{Kind, Report};
use crate::hosts::interrupts::Interrupts;
use crate::hosts::settings::Settings;
use crate::hosts::{Host, NoDirectory, Reading, with_tip};
use crate::out::{FAILED, say};
use crate::run::elsewhere::Elsewhere;
use crate::run::watched::{Seen, Watched};
use crate::swarm_dir::SwarmDir;

/// Carries out `swarm status`.
///
/// # Errors
/// When the swarm cannot be read. The table reports a host that cannot be reached.
pub fn status(args: &ReportArgs) -> Result<ExitCode> {
    let (swarm, hosts) = Settings::open(&args.dir.dir, &args.remote)?;
    let _interrupts = Interrupts::watch(&hosts, "nothing was shown")?;
    let mut elsewhere = Elsewhere::of(&swarm, |_| None);
    let looks = hosts.each(|host| look_at_all(&swarm, host, &elsewhere.ids()));
    let peers: BTreeMap<_, _> = looks.into_iter().flatten().collect();
    let is_reached = peers.values().all(|peer| peer.unreachable.is_none());
    elsewhere.update(&peers);
    let rows = peers.values().map(Watched::row).chain(elsewhere.rows(Kind::Status));
    Report::of(Kind::Status, &swarm, rows).show(args.json)?;
    let troubles: Vec<_> = hosts.all.iter().filter_map(|host| peers[&host.peers[0]].unreachable.as_deref()).collect();
    for trouble in troubles {
        say(trouble);
    }
    Ok(if is_reached { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Returns the peers of a host, as the host reports them.
fn look_at_all(swarm: &SwarmDir, host: &Host, elsewhere: &BTreeSet<PeerId>) -> BTreeMap<PeerId, Watched> {
    let own = swarm.peers.iter().filter(|peer| host.peers.contains(&peer.id));
    let mut peers = own.map(|peer| (peer.id, Watched::new(peer, swarm.common.layout, elsewhere))).collect();
    if let Err(error) = read_all(host, &mut peers) {
        for peer in peers.values_mut() {
            peer.unreachable = Some(with_tip(&error));
        }
    }
    peers
}

/// Looks at all peers of a host until their logs are read completely.
fn read_all(host: &Host, peers: &mut BTreeMap<PeerId, Watched>) -> Result<()> {
    let mut known: BTreeMap<PeerId, Reading> = peers.keys().map(|id| (*id, Reading::begin(None, Some(0)))).collect();
    loop {
        let asked: Vec<_> = known.iter().map(|(id, reading)| (*id, Some(reading.clone()))).collect();
        let sights = match host.look(&asked) {
            Err(error) if error.is::<NoDirectory>() => return Ok(()),
            other => other?,
        };
        let mut more = false;
        for sight in sights {
            // The bytes of a log are not kept, because it may be long.
            let seen = Seen::of(sight, &mut known);
            more |= seen.has_more(&known);
            peers.get_mut(&seen.id()).expect("only these were asked for").see(&seen);
        }
        if !more {
            return Ok(());
        }
    }
}
