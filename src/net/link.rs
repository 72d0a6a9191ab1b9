//! `Link`: one connection with a neighbor, and `Failure`: what can end it.

use std::io;
use std::net::{IpAddr, Shutdown, TcpStream};
use std::sync::Arc;

use anyhow::Error;

use super::addresses::place_of;
use super::outbox::Outbox;
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
    pub stream: Arc<TcpStream>,
    /// What is to be sent.
    pub outbox: Arc<Outbox>,
}

impl Link {
    /// The address at the other end of a socket.
    pub fn address_of(stream: &TcpStream) -> Option<IpAddr> {
        stream.peer_addr().ok().map(|address| address.ip().to_canonical())
    }

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
        // A socket that is not connected any more needs no shutting.
        _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// How a connection came to its end, for the thread that reports it.
#[derive(Debug)]
pub enum Farewell {
    /// The neighbor closed it.
    Closed,
    /// It broke, or another took its place.
    Broken,
    /// The neighbor did what the protocol does not allow; the words say what.
    Fault(String),
}

/// What ends a connection, or more than that.
#[derive(Debug)]
pub enum Failure {
    /// The socket's fault: this connection is over.
    Connection(io::Error),
    /// The disk's fault: the process is over.
    Process(Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}
