//! Finding members: the thread that dials the addresses that others have named, in an open swarm.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::TryRng;
use rand::rngs::SysRng;

use super::dialing::reach;
use crate::net::link::Made;
use crate::net::neighbor;
use crate::net::shared::Shared;
use crate::net::stream::Stream;
use crate::net::telling::callers::Who;
use crate::net::telling::waiting::Trouble;
use crate::net::threads::Threads;
use crate::protocol::peer_id::PeerId;

/// Maximum time for the handshake at a found address. Most wrong addresses are silent.
const PATIENCE: Duration = Duration::from_secs(4);

/// Maximum time before an address that answers with our own ID may be dialed again.
const LONGEST_TWIN_DELAY: Duration = Duration::from_secs(1);

/// Dials each address that is due in a thread of its own, until the process stops.
pub fn keep_finding(shared: &Arc<Shared>, threads: &Threads) {
    while let Some(address) = shared.next_found() {
        let (shared_, threads_) = (Arc::clone(shared), threads.clone());
        if !threads.spawn("found", move || call(&shared_, &threads_, address)) {
            shared.note_found_dialed(address, None);
            shared.note_found_ended(address, Duration::ZERO);
        }
    }
}

/// Dials an address, and converses with the member there.
fn call(shared: &Arc<Shared>, threads: &Threads, address: SocketAddr) {
    let begun = match dial(shared, address) {
        Ok((stream, member)) => {
            shared.note_no_twin(address);
            if let Some(other) = shared.note_found_dialed(address, Some(member)) {
                let sentence = format!("and {address} both answer as peer {member}; each peer needs an ID of its own");
                tell(shared, other, &sentence);
            }
            let begun = Instant::now();
            neighbor::converse(shared, threads, member, Made::Found, Arc::new(stream));
            begun
        }
        Err(why) => {
            shared.note_found_dialed(address, None);
            match why {
                Unfit::Ourselves => shared.note_own_address(address),
                Unfit::OurId => {
                    let (first, sentence) = shared.note_twin(address, Instant::now());
                    tell_once(shared, first, &sentence);
                    // Otherwise two peers with one ID could go on dialing each other at the same time.
                    shared.wait_until(Instant::now() + by_chance(LONGEST_TWIN_DELAY));
                }
                Unfit::NoRoom => {
                    shared.note_no_twin(address);
                    log::debug!("{address} answers, but there is no room for another member");
                }
                Unfit::Trouble(trouble) => {
                    shared.note_twin_missed(address);
                    if let Trouble::NoPeer(_, fault) = &trouble {
                        tell(shared, address, fault);
                    }
                    log::debug!("nobody found: {trouble}");
                }
            }
            Instant::now()
        }
    };
    shared.note_found_ended(address, begun.elapsed());
}

/// Warns of an address, once for each sentence.
fn tell(shared: &Shared, address: SocketAddr, sentence: &str) {
    tell_once(shared, address, &format!("{address} {sentence}"));
}

/// Warns of something at an address, once for each sentence.
fn tell_once(shared: &Shared, address: SocketAddr, sentence: &str) {
    if shared.is_new_sentence(Who::Caller(Some(address.ip())), sentence) {
        log::warn!("{sentence}");
    }
}

/// Returns a random time up to this one; the whole time if the system has no random numbers.
fn by_chance(longest: Duration) -> Duration {
    let fraction = SysRng.try_next_u32().unwrap_or(u32::MAX);
    longest.mul_f64(f64::from(fraction) / f64::from(u32::MAX))
}

/// Why an address leads to no member.
enum Unfit {
    /// It is this peer's own.
    Ourselves,
    /// Another program there uses this peer's ID.
    OurId,
    /// There are enough members.
    NoRoom,
    /// It does not answer, or not as a peer.
    Trouble(Trouble),
}

/// Connects and shakes hands at an address, where any member may answer.
fn dial(shared: &Shared, address: SocketAddr) -> Result<(Stream, PeerId), Unfit> {
    let mut local = None;
    let reached = reach(shared, address, PATIENCE, |stream| {
        local = stream.local();
        if let Some(local) = local {
            shared.begin_own_call(local);
        }
    });
    let own_number = shared.own().number();
    let our_id = reached.as_ref().ok().filter(|(_, handshake)| handshake.id_number() == own_number);
    let our_id = our_id.map(|(stream, _)| stream);
    let (is_ours, our_id) = (local.is_some_and(|local| shared.end_own_call(local, our_id)), our_id.is_some());
    match reached {
        _ if is_ours => Err(Unfit::Ourselves),
        Err(trouble) => Err(Unfit::Trouble(trouble)),
        Ok(_) if our_id => Err(Unfit::OurId),
        Ok((stream, handshake)) => match handshake.peer_id(|id| shared.knows(id)) {
            Some(member) => Ok((stream, member)),
            None => Err(Unfit::NoRoom),
        },
    }
}
