//! `swarm status`: the peers as they stand, by their processes and logs; works whoever started them, and after a connection broke.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Result;
use peer_process::peer_id::PeerId;

use crate::cli::StatusArgs;
use crate::hosts::{Host, Hosts, NoDirectory};
use crate::out::{FAILED, say, show};
use crate::report::{Kind, Report, Row};
use crate::settings::Settings;
use crate::signals::Interrupts;
use crate::swarm_dir::SwarmDir;
use crate::watched::{Seen, Watched};

/// Carries out `swarm status`.
///
/// # Errors
/// When the swarm cannot be read; a host that cannot be reached is told in the table.
pub fn status(args: &StatusArgs) -> Result<ExitCode> {
    let swarm = SwarmDir::open(&args.dir.dir)?;
    let layout = swarm.common.layout;
    let hosts = Hosts::of(&swarm, &Settings::of(&swarm, &args.remote)?.reach(&swarm))?;
    let mut peers: BTreeMap<_, _> = swarm.peers.iter().map(|peer| (peer.id, Watched::new(peer, layout))).collect();
    let _interrupts = Interrupts::watch(&hosts, "nothing was shown")?;
    let looks = hosts.each(look_at_all);
    let mut status = ExitCode::SUCCESS;
    for (host, look) in hosts.all.iter().zip(looks) {
        let trouble =
            look.map(|seen| seen.iter().for_each(|seen| peers.get_mut(&seen.id()).expect("a peer of it").see(seen)));
        let Err(error) = trouble else { continue };
        status = ExitCode::from(FAILED);
        for id in &host.peers {
            peers.get_mut(id).expect("its peers are all").unreachable = Some(format!("{error:#}"));
        }
    }
    let rows = swarm.peers.iter().map(|peer| Row { rate: None, ..peers[&peer.id].row() }).collect();
    show(&Report { kind: Kind::Status, rows }, args.json)?;
    let troubles: Vec<_> = hosts.all.iter().filter_map(|host| peers[&host.peers[0]].unreachable.as_deref()).collect();
    for trouble in troubles {
        say(trouble);
    }
    Ok(status)
}

/// Looks at all peers of a host until the whole of their logs is known.
fn look_at_all(host: &Host) -> Result<Vec<Seen>> {
    let mut known: BTreeMap<PeerId, u64> = host.peers.iter().map(|id| (*id, 0)).collect();
    let mut all = Vec::new();
    loop {
        let asked: Vec<_> = known.iter().map(|(id, len)| (*id, Some(*len))).collect();
        let sights = match host.look(&asked) {
            Err(error) if error.is::<NoDirectory>() => return Ok(all),
            other => other?,
        };
        let mut more = false;
        for sight in sights {
            let seen = Seen::of(sight, &mut known);
            more |= seen.has_more(&known);
            all.push(seen);
        }
        if !more {
            return Ok(all);
        }
    }
}
