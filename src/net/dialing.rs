//! Dialing: the thread that keeps a connection with a neighbor whose line stands before ours (A3).

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::addresses;
use super::neighbor::{self, HandshakeEnd};
use super::shared::Shared;
use super::threads::Threads;
use super::timers::FIRST_TELL;
use super::waiting::Trouble;
use crate::config::PeerInfo;
use crate::peer::{Opener, Origin};
use crate::wire::diagnosis;

/// How long one address may take to answer: less than the time after which it is told who is waited for, and why.
const DIAL_PATIENCE: Duration = Duration::from_secs(4);
const _: () = assert!(DIAL_PATIENCE.as_millis() < FIRST_TELL.as_millis());
/// The pauses between two attempts to dial double from the first to the second.
const DIAL_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Keeps a connection with a neighbor: dials until it stands, and again when it is lost.
pub fn keep_dialing(shared: &Arc<Shared>, threads: &Threads, to: &PeerInfo) {
    let mut pause = DIAL_PAUSES.0;
    let mut told = None;
    while shared.wait_until_wanted(to.id) {
        match dial(shared, to) {
            Ok(stream) => {
                shared.note_dialed(to.id, None);
                let begun = Instant::now();
                neighbor::converse(shared, threads, to.id, Opener::Us, Arc::new(stream));
                // Who takes each connection only to drop it is not dialed twenty times a second, with a line of the log each.
                if begun.elapsed() >= DIAL_PAUSES.1 {
                    pause = DIAL_PAUSES.0;
                }
                told = None;
            }
            Err(trouble) => {
                // The same trouble is told once, not at every attempt; what may be over soon is told by who waits.
                let trouble = Some(trouble);
                if told != trouble {
                    let mistake = trouble.as_ref().filter(|trouble| trouble.is_a_mistake());
                    mistake.inspect(|trouble| log::warn!("{}", trouble.told_of(to.id)));
                    told.clone_from(&trouble);
                }
                shared.note_dialed(to.id, trouble);
            }
        }
        if !shared.wait_until(Instant::now() + pause) {
            return;
        }
        pause = (pause * 2).min(DIAL_PAUSES.1);
    }
}

/// Connects and shakes hands at one of the neighbor's addresses: one that answers wrongly hides none that is right.
///
/// Of what stood in the way the worst is told, the first of several that are as bad.
fn dial(shared: &Shared, to: &PeerInfo) -> Result<TcpStream, Trouble> {
    let addresses = addresses::resolve(&to.host, to.port).map_err(|error| Trouble::of_lookup(&to.host, &error))?;
    let mut trouble: Option<Trouble> = None;
    for address in addresses {
        match dial_at(shared, to, address) {
            Ok(stream) => return Ok(stream),
            Err(other) if trouble.as_ref().is_none_or(|first| first.weight() < other.weight()) => trouble = Some(other),
            Err(_) => {}
        }
    }
    let trouble = trouble.unwrap_or_else(|| Trouble::NoSuchHost(format!("the host '{}' has no address", to.host)));
    if matches!(trouble, Trouble::NoPeer(..) | Trouble::OtherId(..)) {
        shared.note_fault(to.id, Origin::LISTED);
    }
    Err(trouble)
}

fn dial_at(shared: &Shared, to: &PeerInfo, address: SocketAddr) -> Result<TcpStream, Trouble> {
    let stream = addresses::connect(address, DIAL_PATIENCE).map_err(|error| Trouble::of_dialing(address, &error))?;
    // A port that nobody listens on may be given to the dialing socket itself, which then reaches itself.
    if stream.local_addr().ok() == stream.peer_addr().ok() {
        return Err(Trouble::of_dialing(address, &std::io::ErrorKind::ConnectionRefused.into()));
    }
    let handshake = neighbor::shake_hands(shared, &stream).map_err(|end| match end {
        HandshakeEnd::Gone(error, _) => {
            log::debug!("neighbor {} did not shake hands at {address}: {error}", to.id);
            Trouble::Silent(address)
        }
        HandshakeEnd::Fault(fault) => Trouble::NoPeer(address, fault),
    })?;
    if handshake.peer_id(|id| id == to.id).is_none() {
        let number = handshake.id_number();
        return Err(match diagnosis::of_id(number, |id| shared.knows(id)) {
            Some(mistake) => Trouble::NoPeer(address, format!("answers as peer {number}; {mistake}")),
            None => Trouble::OtherId(address, number),
        });
    }
    Ok(stream)
}
