//! `Link`: one connection with a neighbor.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::addresses::place_of;
use super::figures::Tally;
use super::sending::outbox::Outbox;
use super::stream::Stream;
use crate::peer::{Opener, Origin};
use crate::protocol::peer_id::PeerId;

/// A neighbor's connection, shared by all threads.
#[derive(Clone, Debug)]
pub struct Link {
    /// Distinguishes this connection from earlier ones with the same neighbor.
    pub number: u64,
    /// The peer at the other end.
    pub neighbor: PeerId,
    /// How it was made.
    pub made: Made,
    /// The address at the other end; `None` if the connection was gone before its address could be read.
    pub from: Option<IpAddr>,
    /// The socket; reading and writing need only a shared reference.
    pub stream: Arc<Stream>,
    /// The messages that wait to be sent.
    pub outbox: Arc<Outbox>,
    /// The counters of the neighbor, over all its connections.
    pub tally: Arc<Tally>,
    /// The time of its handshake.
    pub since: Instant,
    /// Whether a byte has come since its handshake, so that the other side has let it in, too.
    pub has_heard: Arc<AtomicBool>,
}

/// How a connection was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Made {
    /// This peer dialed the address in `PeerInfo.cfg`.
    Dialed,
    /// This peer dialed an address that somebody has named.
    Found,
    /// The neighbor called.
    Called,
}

impl Made {
    /// Returns the side that dialed.
    pub fn opened_by(self) -> Opener {
        match self {
            Self::Dialed | Self::Found => Opener::Us,
            Self::Called => Opener::Them,
        }
    }
}

impl Link {
    /// Returns the connection's origin, as `peer` counts places.
    pub fn origin(&self) -> Origin {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        };
        match self.made {
            Made::Dialed => Origin::LISTED,
            Made::Found | Made::Called => Origin(self.from.map(place_of).map_or(u128::MAX, bits)),
        }
    }

    /// Notes that bytes have come.
    pub fn note_heard(&self) {
        self.has_heard.store(true, Ordering::Relaxed);
    }

    /// Reports whether this may be one half of a crossing: it was made less than `time` ago, and nothing has come yet. Then the
    /// other side may know nothing of it.
    pub fn is_young(&self, time: Duration) -> bool {
        !self.has_heard.load(Ordering::Relaxed) && self.since.elapsed() < time
    }

    /// Ends reading and writing at once.
    pub fn give_up(&self) {
        self.outbox.abort();
        self.stream.shut();
    }
}
