//! `Obstacle`: a reason not to delete a file. `Owned`: files with the peers that they belong to.

use std::collections::BTreeMap;
use std::fmt;

use peer_process::disk::lock::name_of;
use peer_process::protocol::peer_id::PeerId;

/// Files in the swarm's directory, each with the peer that owns it, or `None` if it belongs to the swarm.
pub type Owned = BTreeMap<String, Option<PeerId>>;

/// A reason not to delete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// This process holds the lock of this peer, if the process is known.
    Held(PeerId, Option<u32>),
    /// This directory is a link, and one of the files to delete is in it.
    Link(String),
    /// The first directory, a seeder's, is a link to the second one.
    Same(String, String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(id, Some(pid)) => {
                write!(f, "peer {id} is running: process {pid} holds {}; stop it first", name_of(*id))
            }
            Self::Held(id, None) => {
                write!(f, "peer {id} is running: another process holds {}; stop it first", name_of(*id))
            }
            Self::Link(link) => write!(f, "{link} is a link, so swarm deletes nothing in it"),
            Self::Same(link, to) => write!(f, "{link} is a link to {to}, so swarm deletes nothing in either"),
        }
    }
}

/// Returns the files in the order in which they are looked at and deleted: those of one peer in a row.
pub fn by_owner(files: &Owned) -> Vec<(Option<PeerId>, &str)> {
    let mut pairs: Vec<_> = files.iter().map(|(name, owner)| (*owner, name.as_str())).collect();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_peer_stand_together() {
        let id = |number| PeerId::new(number);
        let files = [("a", id(7)), ("b", None), ("c", id(3)), ("d", id(7))];
        let files = files.into_iter().map(|(name, owner)| (name.to_owned(), owner)).collect();
        assert_eq!(by_owner(&files), [(None, "b"), (id(3), "c"), (id(7), "a"), (id(7), "d")]);
    }
}
