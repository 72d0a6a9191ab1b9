//! `Line`: a line of `PeerInfo.cfg` during an invitation, and its holder. Pure.

use std::net::IpAddr;

use peer_process::config::{PeerInfo, is_localhost, plain_host};

/// The number of a member: of a `swarm join` that has come.
pub type Number = u64;

/// The addresses at the two ends of a member's connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ends {
    /// The member's address, as the inviter sees it.
    pub member: IpAddr,
    /// The inviter's address that the member has dialed.
    pub inviter: IpAddr,
}

/// Whose a line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
    /// Nobody has taken it so far.
    Nobody,
    /// The inviter.
    Inviter,
    /// This member.
    Member(Number),
}

/// A line of `PeerInfo.cfg`.
#[derive(Clone, Debug)]
pub struct Line {
    /// What the file says before the invitation.
    pub peer: PeerInfo,
    /// Whose it is.
    pub holder: Holder,
    /// The address of the member that had it last.
    pub last: Option<IpAddr>,
}

/// Reports whether a host means each machine itself, so that another machine must put its address there.
pub fn is_placeholder(host: &str) -> bool {
    let address = plain_host(host).parse::<IpAddr>().map(|ip| ip.to_canonical());
    is_localhost(host) || address.is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}
