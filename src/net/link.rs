//! `Link`: one connection with a neighbor.

use std::net::IpAddr;
use std::sync::Arc;

use super::addresses::place_of;
use super::sending::outbox::Outbox;
use super::stream::Stream;
use crate::peer::{Opener, Origin};
use crate::protocol::peer_id::PeerId;

/// A neighbor's connection, as all threads see it.
#[derive(Clone, Debug)]
pub struct Link {
    /// Tells this connection from an earlier one with the same neighbor.
    pub number: u64,
    /// Who is at the other end.
    pub neighbor: PeerId,
    /// Which side dialed.
    pub opened_by: Opener,
    /// The address at the other end; unknown if the connection was gone before it could be asked.
    pub from: Option<IpAddr>,
    /// The socket; reading and writing need no more than a shared reference.
    pub stream: Arc<Stream>,
    /// What is to be sent.
    pub outbox: Arc<Outbox>,
}

impl Link {
    /// Where the connection comes from, as the peer counts places.
    pub fn origin(&self) -> Origin {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        };
        match self.opened_by {
            Opener::Us => Origin::LISTED,
            Opener::Them => Origin(self.from.map(place_of).map_or(u128::MAX, bits)),
        }
    }

    /// Ends reading and writing at once.
    pub fn give_up(&self) {
        self.outbox.abort();
        self.stream.shut();
    }
}
