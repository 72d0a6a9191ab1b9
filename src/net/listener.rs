//! The listener thread: accepts who dials us and hands each socket to a thread of its own.
//!
//! Callers that have not shaken hands yet are few: when there are more, the one that has waited longest is turned away, so
//! that a crowd that never speaks cannot keep out a neighbor that does.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

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

/// Binds this peer's listening port.
///
/// Where its host is written as an address of this machine, just that one, so that peers on several loopback addresses may
/// have the same port, as the course's files give all of them; `localhost` is 127.0.0.1; otherwise every address, for a
/// name may mean another one here than it does elsewhere.
///
/// # Errors
/// When the port is taken or may not be used.
pub fn bind(own: &PeerInfo) -> Result<TcpListener> {
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, own.port));
    let address = if own.host.eq_ignore_ascii_case("localhost") {
        SocketAddr::from((Ipv4Addr::LOCALHOST, own.port))
    } else {
        own.host.parse().map_or(everywhere, |ip| SocketAddr::new(ip, own.port))
    };
    let bound = match TcpListener::bind(address) {
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => TcpListener::bind(everywhere),
        other => other,
    };
    bound.with_context(|| format!("cannot listen on port {} for peer {}", own.port, own.id))
}

/// Accepts until the process stops. Errors are survived.
pub fn accept(shared: &Arc<Shared>, threads: &Threads, listener: &TcpListener) {
    let callers = Arc::new(Callers::default());
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
        let leave = Leave { callers: Arc::clone(&callers), stream: Arc::clone(&stream) };
        threads.spawn("caller", move || {
            let answered = neighbor::answer(&shared, &threads_of_caller, stream, || drop(leave));
            if let Err(error) = answered {
                log::warn!("{error:#}");
            }
        });
    }
}

/// Makes `accept` look up, so that it sees that the process stops.
pub fn wake(listener: &TcpListener) {
    if let Ok(mut address) = listener.local_addr() {
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        // If it does not get through, the listener's thread ends with the process.
        _ = TcpStream::connect_timeout(&address, WAKE_PATIENCE);
    }
}

/// Those who are shaking hands, the longest waiting first.
#[derive(Default)]
struct Callers(Mutex<VecDeque<Arc<TcpStream>>>);

impl Callers {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<TcpStream>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one in; if there are too many then, the first is turned away, which ends its thread.
    fn admit(&self, stream: Arc<TcpStream>, most: usize) {
        let mut waiting = self.lock();
        waiting.push_back(stream);
        if waiting.len() > most
            && let Some(first) = waiting.pop_front()
        {
            log::debug!("a silent caller is turned away, {most} others are shaking hands");
            // If it has gone already, all the better.
            _ = first.shutdown(Shutdown::Both);
        }
    }
}

/// Takes one out of the list when dropped: it has shaken hands or will not.
struct Leave {
    callers: Arc<Callers>,
    stream: Arc<TcpStream>,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.callers.lock().retain(|waiting| !Arc::ptr_eq(waiting, &self.stream));
    }
}
