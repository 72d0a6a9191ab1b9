//! The contract with the peer: [`Host`], what this room asks of the peer and tells it.

use std::io;
use std::net::SocketAddr;

use crate::protocol::peer_id::PeerId;

/// The facts about this peer that others are told, or that decide when.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Number of bytes of pieces that it has sent in this run.
    pub uploaded: u64,
    /// Number of bytes of pieces that it has received in this run.
    pub downloaded: u64,
    /// Number of bytes of the file that it lacks.
    pub left: u64,
    /// The addresses at which it listens, as the system gives them: `0.0.0.0` or `[::]` where it is all of a family. The port
    /// of the first is announced.
    pub listening: Vec<SocketAddr>,
    /// `--announce-host`: a name or an address for trackers to hand out.
    pub announce_host: Option<String>,
    /// Nobody is known to this peer, so trackers are asked sooner.
    pub is_alone: bool,
    /// Only the trackers' counts keep this peer from ending, so they are asked for those (`scrape`, or sooner).
    pub awaits_counts: bool,
}

impl Standing {
    /// Returns the port that others dial, or `None` if it does not listen.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.listening.first().map(SocketAddr::port)
    }

    /// Returns whether the file is complete.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.left == 0
    }
}

/// Where somebody may listen that belongs to the swarm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Found {
    /// The address; an IPv6 address of a link has its scope.
    pub address: SocketAddr,
    /// The ID that a tracker's dictionary gave. It is a hint: only the handshake tells the ID.
    pub id: Option<PeerId>,
}

/// The peer, as this room knows it. No method is called while this room holds a lock.
pub trait Host: Send + Sync {
    /// Returns the facts as they are now.
    fn standing(&self) -> Standing;

    /// Takes addresses that were found, this peer's own left out as far as they are known. `by` is the tracker's address, or
    /// `the local network`. The same ones come again and again.
    fn found(&self, by: &str, peers: &[Found]);

    /// Takes a tracker's counts of peers with and without the complete file, this one included. `None` means that they are
    /// unknown, perhaps because the tracker cannot be reached any longer.
    fn counted(&self, by: &str, seeders: Option<u32>, leechers: Option<u32>);

    /// Tells people a sentence, without a full stop at its end. It is never one that others wrote, but may quote them.
    fn say(&self, sentence: &str);

    /// Tells people of a trouble, as [`say`](Self::say) does.
    fn warn(&self, sentence: &str);

    /// Starts a short-lived thread that nobody waits for: one that may hang in a request.
    ///
    /// # Errors
    /// If the system starts none.
    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) -> io::Result<()>;
}
