//! Dialing: the thread that keeps a connection with a neighbor whose line in `PeerInfo.cfg` comes before ours (protocol A3).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::PeerInfo;
use crate::net::addresses;
use crate::net::link::Made;
use crate::net::neighbor::{self, HANDSHAKE_PATIENCE, HandshakeEnd};
use crate::net::shared::Shared;
use crate::net::stream::Stream;
use crate::net::telling::waiting::Trouble;
use crate::net::threads::Threads;
use crate::net::timers::FIRST_TELL;
use crate::peer::Origin;
use crate::protocol::wire::{Handshake, diagnosis};

/// Maximum time for one address to accept the connection. It is less than the time after which missing neighbors are reported.
const DIAL_PATIENCE: Duration = Duration::from_secs(4);
const _: () = assert!(DIAL_PATIENCE.as_millis() < FIRST_TELL.as_millis());
/// Maximum time for the handshake in a hurried round while the neighbor has further addresses: a silent program may answer at
/// this one.
const HURRIED_PATIENCE: Duration = Duration::from_secs(3);
/// The pause between two attempts to dial doubles from the first of these values to the second.
const DIAL_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Keeps a connection with a neighbor: dials until the connection is made, and again after it is lost.
pub fn keep_dialing(shared: &Arc<Shared>, threads: &Threads, to: &PeerInfo) {
    let mut backoff = Backoff::new();
    let mut told = None;
    let mut haste = Haste::new();
    while shared.wait_until_wanted(to.id) {
        match dial(shared, to, haste) {
            Ok(stream) => {
                shared.note_dialed(to.id, None);
                if let Some(address) = stream.remote() {
                    shared.note_listed_reached(address, to.id);
                }
                let begun = Instant::now();
                neighbor::converse(shared, threads, to.id, Made::Dialed, Arc::new(stream));
                backoff.connected_for(begun.elapsed());
                told = None;
            }
            Err(trouble) => {
                // The same trouble is reported once, not at every attempt. The `missing` thread reports trouble that may soon
                // be over.
                let trouble = Some(trouble);
                if told != trouble {
                    let mistake = trouble.as_ref().filter(|trouble| trouble.is_a_mistake());
                    mistake.inspect(|trouble| log::warn!("{}", trouble.sentence_for(to.id)));
                    told.clone_from(&trouble);
                }
                shared.note_dialed(to.id, trouble);
                haste.note_failure();
            }
        }
        if !shared.wait_until(Instant::now() + backoff.next()) {
            return;
        }
    }
}

/// The pauses between attempts to dial.
#[derive(Debug)]
struct Backoff {
    pause: Duration,
}

impl Backoff {
    fn new() -> Self {
        Self { pause: DIAL_PAUSES.0 }
    }

    /// Notes how long a connection has lasted. After a useful one the pauses are short again.
    ///
    /// A neighbor that accepts each connection only to drop it is not dialed twenty times a second, with a line of the log each
    /// time.
    fn connected_for(&mut self, lasted: Duration) {
        if lasted >= DIAL_PAUSES.1 {
            *self = Self::new();
        }
    }

    /// Returns the pause before the next attempt.
    fn next(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(DIAL_PAUSES.1);
        pause
    }
}

/// Whether a round over a neighbor's addresses is hurried. A round that led to a connection is repeated as it was. Otherwise
/// every other round is patient, because the right address may be slow.
#[derive(Clone, Copy, Debug)]
struct Haste {
    is_hurried: bool,
}

impl Haste {
    /// Begins with a hurried round.
    fn new() -> Self {
        Self { is_hurried: true }
    }

    /// Notes that no address of this round has led to a connection.
    fn note_failure(&mut self) {
        self.is_hurried = !self.is_hurried;
    }

    /// Returns the time for the handshake at one address, if `others_left` further addresses follow in this round.
    fn patience(self, others_left: usize) -> Duration {
        if self.is_hurried && others_left > 0 { HURRIED_PATIENCE } else { HANDSHAKE_PATIENCE }
    }
}

/// Connects and shakes hands at one of the neighbor's addresses. An address that answers wrongly, or not at all, does not hide
/// a right one.
///
/// Returns the worst trouble, and of several that are equally bad the first.
fn dial(shared: &Shared, to: &PeerInfo, haste: Haste) -> Result<Stream, Trouble> {
    let addresses = addresses::resolve(&to.host, to.port).map_err(|error| Trouble::of_lookup(&to.host, &error))?;
    let mut trouble: Option<Trouble> = None;
    for (place, address) in addresses.iter().enumerate() {
        match dial_at(shared, to, *address, haste.patience(addresses.len() - place - 1)) {
            Ok(stream) => return Ok(stream),
            Err(other) if trouble.as_ref().is_none_or(|first| first.weight() < other.weight()) => trouble = Some(other),
            Err(_) => {}
        }
    }
    let trouble = trouble.unwrap_or_else(|| Trouble::NoSuchHost(format!("the host '{}' has no address", to.host)));
    if matches!(trouble, Trouble::NoPeer(..) | Trouble::OtherId(..)) {
        shared.note_fault(to.id, Origin::LISTED, None);
    }
    Err(trouble)
}

fn dial_at(shared: &Shared, to: &PeerInfo, address: SocketAddr, patience: Duration) -> Result<Stream, Trouble> {
    let (stream, handshake) = reach(shared, address, patience, |_| ())?;
    if handshake.peer_id(|id| id == to.id).is_none() {
        let number = handshake.id_number();
        stream.note_end("another ID answered");
        return Err(match diagnosis::of_id(number, |id| shared.is_listed(id)) {
            Some(mistake) => Trouble::NoPeer(address, format!("answers as peer {number}; {mistake}")),
            None => Trouble::OtherId(address, number),
        });
    }
    Ok(stream)
}

/// Connects to an address and shakes hands there. `connected` sees the connection before the handshake.
pub fn reach(
    shared: &Shared,
    address: SocketAddr,
    patience: Duration,
    connected: impl FnOnce(&Stream),
) -> Result<(Stream, Handshake), Trouble> {
    let stream = addresses::connect(address, DIAL_PATIENCE).map_err(|error| {
        log::trace!("cannot connect to {address}: {error}");
        Trouble::of_dialing(address, &error)
    })?;
    let stream = stream.recorded_by(shared.recorder());
    if stream.reaches_itself() {
        return Err(Trouble::of_dialing(address, &std::io::ErrorKind::ConnectionRefused.into()));
    }
    connected(&stream);
    match neighbor::shake_hands(shared, &stream, patience) {
        Ok(handshake) => Ok((stream, handshake)),
        Err(HandshakeEnd::Gone(error, _)) => {
            stream.note_end("it sent no handshake");
            log::debug!("there was no handshake at {address}: {error}");
            Err(Trouble::Silent(address))
        }
        Err(HandshakeEnd::Fault(fault)) => {
            stream.note_end(&fault);
            Err(Trouble::NoPeer(address, fault))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;
    use crate::config;
    use crate::net::rig::{Rig, id};
    use crate::protocol::wire::HANDSHAKE_LEN;

    /// Enough attempts to reach the longest pause.
    const MANY: usize = 9;

    #[test]
    fn pauses_between_attempts_double_up_to_a_second() {
        let mut backoff = Backoff::new();
        let pauses: Vec<_> = (0..8).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1000, 1000, 1000]);
    }

    #[test]
    fn pauses_are_short_again_after_a_connection_that_lasted_and_not_after_one_that_was_dropped() {
        let mut backoff = Backoff::new();
        (0..3).for_each(|_| _ = backoff.next());
        backoff.connected_for(Duration::from_millis(999));
        assert_eq!(backoff.next(), Duration::from_millis(400));
        backoff.connected_for(Duration::from_secs(1));
        assert_eq!(backoff.next(), Duration::from_millis(50));
    }

    #[test]
    fn only_an_address_with_others_after_it_is_left_early_and_only_in_every_other_round() {
        let mut haste = Haste::new();
        for expected in [[3, 3, 10], [10, 10, 10], [3, 3, 10]] {
            assert_eq!([2, 1, 0].map(|others_left| haste.patience(others_left).as_secs()), expected);
            haste.note_failure();
        }
    }

    /// Dials the earlier peer many times, where each call is answered by these bytes and then closed. Returns until when that
    /// peer is kept out.
    fn dial_often(answer: &'static [u8]) -> Option<Instant> {
        let rig = Rig::seeder();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let answers = thread::spawn(move || {
            for caller in listener.incoming().take(MANY) {
                let mut caller = caller.expect("it listens");
                // If bytes stayed unread, the close would be a reset.
                caller.read_exact(&mut [0; HANDSHAKE_LEN]).expect("a handshake");
                caller.write_all(answer).expect("it waits for an answer");
            }
        });
        let listed = config::parse_peer_info(&format!("1000 127.0.0.1 {port} 0\n")).expect("it is right");
        for _ in 0..MANY {
            dial(&rig.shared, &listed[0], Haste::new()).expect_err("it does not shake hands");
        }
        answers.join().expect("no panic");
        rig.shared.lock().shut_until(Some(id(1000)), Origin::LISTED)
    }

    #[test]
    fn garbage_from_a_dialed_address_is_a_fault_of_the_neighbor_listed_there() {
        assert!(dial_often(b"220 hello, this is another service\r\n").is_some(), "it sends something else");
        assert!(dial_often(b"P2PFILESHARINGPROJ\0\0\0\0\0\0\0\0\0\0\0\0\x03\xef").is_some(), "it is 1007");
        assert_eq!(dial_often(b""), None, "a silent peer may be about to exit");
    }
}
