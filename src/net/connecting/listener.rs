//! The listener threads, one for each address: they accept the peers that dial us and hand each socket to a thread of its own.
//!
//! The number of callers that have not shaken hands yet is limited. If there are more, one is turned away from the address that
//! has most. So a crowd that never speaks cannot keep out a neighbor that does.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::crowd::Crowd;
use crate::config::PeerInfo;
use crate::net::addresses::{self, Places};
use crate::net::neighbor;
use crate::net::shared::Shared;
use crate::net::stream::Stream;
use crate::net::threads::Threads;
use crate::system::sockets;

/// Pause after an error of `accept`, which most often means a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Maximum time for the listener's own address to accept when the listener is woken at the end.
const WAKE_PATIENCE: Duration = Duration::from_millis(200);
/// How long a port in use is retried. An earlier run may just be ending, or the system may have given the port to an outgoing
/// connection.
const BIND_PATIENCE: Duration = Duration::from_secs(3);
const BIND_PAUSE: Duration = Duration::from_millis(100);

/// Binds this peer's listening port at all of these places. Calls `wait` once if the port is in use and is retried.
///
/// # Errors
/// When the port stays in use or may not be used.
pub fn bind(own: &PeerInfo, places: &Places, wait: impl FnOnce()) -> Result<Vec<TcpListener>> {
    let deadline = Instant::now() + BIND_PATIENCE;
    let mut wait = Some(wait);
    loop {
        match bind_all(places) {
            Ok(listeners) => return Ok(listeners),
            // Another port is free.
            Err(error) if own.port == 0 && error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {}
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

/// Waits for this time. No thread wakes it, but a signal can still end the process.
pub fn pause(time: Duration) {
    let never = (Mutex::new(()), Condvar::new());
    let guard = never.0.lock().unwrap_or_else(PoisonError::into_inner);
    drop(never.1.wait_timeout_while(guard, time, |()| true));
}

fn bind_all(places: &Places) -> io::Result<Vec<TcpListener>> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut missing = None;
    for &(mut address) in &places.addresses {
        // Any free port is the same one at all addresses.
        if let Some(first) = listeners.first().filter(|_| address.port() == 0) {
            address.set_port(first.local_addr()?.port());
        }
        // `[::]` must not take the port of 0.0.0.0, too.
        match sockets::listen(address, false) {
            Ok(listener) => listeners.push(listener),
            // A machine may have no IPv6, and another program may listen on one of the addresses of `localhost`.
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

/// Accepts connections until the process stops. An error does not end the loop.
pub fn accept(shared: &Arc<Shared>, threads: &Threads, listener: &TcpListener, crowd: &Arc<Crowd>) {
    let most_callers = shared.most_callers();
    let mut told = None;
    loop {
        let accepted = listener.accept();
        if shared.is_stopped() {
            return;
        }
        let stream = match accepted {
            Ok((socket, _)) => {
                told = None;
                Arc::new(Stream::new(socket).recorded_by(shared.recorder()))
            }
            Err(error) => {
                // The same error is reported once, not ten times a second.
                if told.replace(error.kind()) != Some(error.kind()) {
                    log::warn!("cannot accept a connection: {error}");
                }
                if !shared.wait_until(Instant::now() + ACCEPT_PAUSE) {
                    return;
                }
                continue;
            }
        };
        // A neighbor that has lost us in the meantime knows all that we could send. Another handshake would only add a
        // connection to the log.
        if shared.has_told_all() {
            continue;
        }
        // This comes before the thread starts, so that a caller whose thread cannot start leaves, too.
        let leave = crowd.admit(Arc::clone(&stream), most_callers);
        let (shared, threads_of_caller) = (Arc::clone(shared), threads.clone());
        threads.spawn("caller", move || {
            neighbor::answer(&shared, &threads_of_caller, stream, || drop(leave));
        });
    }
}

/// Wakes `accept`, so that it notices that the process stops.
pub fn wake(listener: &TcpListener) {
    if let Ok(mut address) = listener.local_addr() {
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        // If this fails, the listener's thread ends with the process.
        _ = addresses::connect(address, WAKE_PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use crate::net::addresses::place_of;

    #[test]
    fn the_addresses_of_one_network_are_one_place() {
        let place = |text: &str| place_of(text.parse().expect("an address"));
        assert_eq!(place("fd00:0:0:7::1"), place("fd00:0:0:7:ffff::2"));
        assert_ne!(place("fd00:0:0:7::1"), place("fd00:0:0:8::1"));
        assert_ne!(place("10.0.0.1"), place("10.0.0.2"));
    }
}
