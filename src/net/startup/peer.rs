//! The `Peer` as it starts: what the configuration, the options and the disk say.

use std::collections::BTreeSet;

use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};

use crate::config::Config;
use crate::limits::{BURST, Limits, Rate};
use crate::net::options::Options;
use crate::peer::{Allowances, Membership, Peer, Setup};
use crate::protocol::peer_id::PeerId;
use crate::protocol::piece_set::PieceSet;

/// Returns the peer with these pieces. `file_completed` is whether the file has its name, and the neighbors are those that an
/// earlier run knew to be complete.
pub fn new(
    config: &Config,
    options: Options,
    pieces: PieceSet,
    file_completed: bool,
    complete_neighbors: BTreeSet<PeerId>,
) -> Peer {
    let setup = Setup {
        neighbors: config.neighbors().map(|neighbor| neighbor.id).collect(),
        membership: options.open.map_or(Membership::Listed, |stay| Membership::Open { least: stay.least }),
        pieces,
        file_completed,
        complete_neighbors,
        preferred_count: config.common.preferred_count as usize,
        select: options.select,
        eager: options.eager,
        allowances: allowances(options.limits),
    };
    Peer::new(setup, generator(config, options))
}

/// Peers of a swarm that all get the same seed should not choose alike, so the ID is mixed in.
pub fn generator(config: &Config, options: Options) -> StdRng {
    match options.seed {
        Some(seed) => {
            let mut mixed = [0; 32];
            mixed[..8].copy_from_slice(&seed.to_le_bytes());
            mixed[8..12].copy_from_slice(&config.own().id.number().to_le_bytes());
            StdRng::from_seed(mixed)
        }
        None => StdRng::try_from_rng(&mut SysRng).expect("the system has random numbers"),
    }
}

/// Returns the allowances: a burst that is not used is kept.
fn allowances(limits: Limits) -> Allowances {
    let kept = |rate: Rate| rate.bytes_in(BURST).max(1);
    Allowances { all: limits.download.map(kept), each: limits.download_per_neighbor.map(kept) }
}
