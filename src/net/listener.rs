//! The listener threads, one for each address: they accept who dials us and hand each socket to a thread of its own.
//!
//! Callers that have not shaken hands yet are few: when there are more, one is turned away from the address that has most, so
//! that a crowd that never speaks cannot keep out a neighbor that does.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use socket2::{Domain, Protocol, Socket, Type};

use super::addresses::{self, Places, place_of};
use super::link::Link;
use super::neighbor;
use super::shared::Shared;
use super::threads::Threads;
use crate::config::PeerInfo;

/// How many callers beyond the number of neighbors may be shaking hands at a time.
pub const SPARE_CALLERS: usize = 32;
/// Pause after an error of `accept`, which is most often a want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long the listener's own address may take to answer when it is woken for the end.
const WAKE_PATIENCE: Duration = Duration::from_millis(200);
/// A port that is taken is tried again for this long: an earlier run may just be ending, or a connection of some program may
/// have got it for its own end.
const BIND_PATIENCE: Duration = Duration::from_secs(3);
const BIND_PAUSE: Duration = Duration::from_millis(100);
/// Maximum number of connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// Binds this peer's listening port at all of these places. `wait` is told once if the port is taken and is tried again.
///
/// # Errors
/// When the port is taken or may not be used.
pub fn bind(own: &PeerInfo, places: &Places, wait: impl FnOnce()) -> Result<Vec<TcpListener>> {
    let deadline = Instant::now() + BIND_PATIENCE;
    let mut wait = Some(wait);
    loop {
        match bind_all(places) {
            Ok(listeners) => return Ok(listeners),
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {
                if let Some(wait) = wait.take() {
                    wait();
                }
                pause(BIND_PAUSE);
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot listen on port {} for peer {}", own.port, own.id));
            }
        }
    }
}

/// Nobody wakes this, but a signal ends the process meanwhile.
pub fn pause(time: Duration) {
    let never = (Mutex::new(()), Condvar::new());
    let guard = never.0.lock().unwrap_or_else(PoisonError::into_inner);
    drop(never.1.wait_timeout_while(guard, time, |()| true));
}

fn bind_all(places: &Places) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    let mut missing = None;
    for &address in &places.addresses {
        match listen(address) {
            Ok(listener) => listeners.push(listener),
            // A machine may have no IPv6, and something else may listen on one of the addresses of `localhost`.
            Err(error)
                if places.some_may_be_missing
                    && (error.kind() != ErrorKind::AddrInUse || address.ip() == Ipv6Addr::LOCALHOST) =>
            {
                missing = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    match missing {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // Or `[::]` would take the port of 0.0.0.0, too.
        socket.set_only_v6(true)?;
    }
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepts until the process stops. Errors are survived.
pub fn accept(shared: &Arc<Shared>, threads: &Threads, listener: &TcpListener, callers: &Arc<Callers>) {
    let most_callers = shared.look(|peer| peer.neighbors().count()) + SPARE_CALLERS;
    let mut told = None;
    loop {
        let accepted = listener.accept();
        if shared.is_stopped() {
            return;
        }
        let stream = match accepted {
            Ok((stream, _)) => {
                told = None;
                Arc::new(stream)
            }
            Err(error) => {
                // The same trouble is told once, not ten times a second.
                if told.replace(error.kind()) != Some(error.kind()) {
                    log::warn!("cannot accept a connection: {error}");
                }
                if !shared.wait_until(Instant::now() + ACCEPT_PAUSE) {
                    return;
                }
                continue;
            }
        };
        // Who lost us in the meantime knows all that we could say; to shake hands would be one connection a pair too many.
        if shared.has_told_all() {
            continue;
        }
        callers.admit(Arc::clone(&stream), most_callers);
        let (shared, threads_of_caller) = (Arc::clone(shared), threads.clone());
        // Made here, so that a caller for whom no thread can be started leaves the list, too.
        let leave = Leave { callers: Arc::clone(callers), stream: Arc::clone(&stream) };
        threads.spawn("caller", move || {
            neighbor::answer(&shared, &threads_of_caller, stream, || drop(leave));
        });
    }
}

/// Makes `accept` look up, so that it sees that the process stops.
pub fn wake(listener: &TcpListener) {
    if let Ok(mut address) = listener.local_addr() {
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        // If it does not get through, the listener's thread ends with the process.
        _ = addresses::connect(address, WAKE_PATIENCE);
    }
}

/// Those who are shaking hands, the longest waiting first.
#[derive(Default)]
pub struct Callers(Mutex<VecDeque<Caller>>);

struct Caller {
    /// The address, or the network of one machine if it is an IPv6 address; unknown if the caller has gone already.
    place: Option<IpAddr>,
    stream: Arc<TcpStream>,
}

impl Callers {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Caller>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one in; if there are too many then, one is turned away, which ends its thread: the longest waiting of those from
    /// the place from which most have come.
    fn admit(&self, stream: Arc<TcpStream>, most: usize) {
        let mut waiting = self.lock();
        let place = Link::address_of(&stream).map(place_of);
        waiting.push_back(Caller { place, stream });
        if waiting.len() > most
            && let Some(turned_away) = one_of_the_most(waiting.iter().map(|caller| caller.place))
            && let Some(caller) = waiting.remove(turned_away)
        {
            log::debug!("a silent caller is turned away, {most} others are shaking hands");
            // If it has gone already, all the better.
            _ = caller.stream.shutdown(Shutdown::Both);
        }
    }
}

/// The index of the first of those that are most.
fn one_of_the_most<T: Ord + Copy>(items: impl Iterator<Item = T>) -> Option<usize> {
    let mut counts: BTreeMap<T, (usize, usize)> = BTreeMap::new();
    for (index, item) in items.enumerate() {
        counts.entry(item).or_insert((0, index)).0 += 1;
    }
    let most = counts.into_values().max_by_key(|&(count, index)| (count, std::cmp::Reverse(index)));
    most.map(|(_, index)| index)
}

/// Takes one out of the list when dropped: it has shaken hands or will not.
struct Leave {
    callers: Arc<Callers>,
    stream: Arc<TcpStream>,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.callers.lock().retain(|waiting| !Arc::ptr_eq(&waiting.stream, &self.stream));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen: at 6500 calls a second a neighbor 100 ms away never got in.
    #[test]
    fn where_there_are_too_many_callers_one_of_the_crowd_is_turned_away() {
        let turned_away = |places: &str| one_of_the_most(places.chars());
        assert_eq!(turned_away("accccc"), Some(1));
        assert_eq!(turned_away("cacccc"), Some(0));
        assert_eq!(turned_away("abcdef"), Some(0), "each has one: the longest waiting");
        assert_eq!(turned_away("abba"), Some(0));
        assert_eq!(turned_away(""), None);
    }

    #[test]
    fn the_addresses_of_one_network_are_one_place() {
        let place = |text: &str| place_of(text.parse().expect("an address"));
        assert_eq!(place("fd00:0:0:7::1"), place("fd00:0:0:7:ffff::2"));
        assert_ne!(place("fd00:0:0:7::1"), place("fd00:0:0:8::1"));
        assert_ne!(place("10.0.0.1"), place("10.0.0.2"));
    }
}
