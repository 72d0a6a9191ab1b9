//! Deleting files on a host: never through a link, and nothing of a running peer.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use peer_process::disk::lock::name_of;
use peer_process::protocol::peer_id::PeerId;

use super::host::Host;
use super::scripts::Job;

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

impl Obstacle {
    /// Parses a line of a check's output; returns `None` for any other line.
    fn parse(line: &str) -> Option<Self> {
        let (kind, rest) = line.split_once(' ')?;
        match (kind, rest.split_once(' ')) {
            ("link", _) => Some(Self::Link(rest.to_owned())),
            ("held", Some((id, holder))) => Some(Self::Held(PeerId::new(id.parse().ok()?)?, holder.parse().ok())),
            ("same", Some((from, to))) => Some(Self::Same(from.to_owned(), to.to_owned())),
            _ => None,
        }
    }
}

impl Host {
    /// Returns the reasons not to delete these files. Nothing of the `seeders` may be deleted, so no seeder may share a
    /// directory.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn obstacles(&self, files: &Owned, seeders: &[PeerId]) -> Result<Vec<Obstacle>> {
        let dirs: Vec<_> = seeders.iter().map(|id| format!("peer_{id}")).collect();
        let pairs = words(files).into_iter().chain(dirs.iter().flat_map(|dir| ["=".to_owned(), dir.clone()]));
        let told = self.run_words(Job::Check, pairs)?;
        let found = String::from_utf8_lossy(&told).lines().filter_map(Obstacle::parse).collect::<Vec<_>>();
        let is_harmless = |obstacle: &Obstacle| matches!(obstacle, Obstacle::Same(_, to) if dirs.contains(to));
        Ok(found.into_iter().filter(|obstacle| !is_harmless(obstacle)).collect())
    }

    /// Returns which of these peers hold their locks, no matter who started them. Only our own program has locks.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn at_work(&self, peers: &[PeerId]) -> Result<Vec<Obstacle>> {
        self.obstacles(&peers.iter().map(|id| (name_of(*id), Some(*id))).collect(), &[])
    }

    /// Deletes files of the swarm's directory there.
    ///
    /// # Errors
    /// When one cannot be deleted. One sentence, a wrong usage, when a peer is running or the path has a link.
    pub fn remove(&self, files: &Owned) -> Result<()> {
        self.run_words(Job::Remove, words(files).into_iter()).map(drop)
    }

    fn run_words(&self, job: Job, words: impl Iterator<Item = String>) -> Result<Vec<u8>> {
        let words: Vec<_> = words.collect();
        self.run(job, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// Returns the pairs for the scripts, those of one peer in a row.
fn words(files: &Owned) -> Vec<String> {
    let mut pairs: Vec<_> = files.iter().map(|(name, owner)| (*owner, name)).collect();
    pairs.sort_unstable();
    let owner = |id: Option<PeerId>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    pairs.into_iter().flat_map(|(id, name)| [owner(id), name.clone()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_check_tells_is_read_and_what_is_damaged_is_nothing() {
        let id = PeerId::new(1002).expect("positive");
        let check = |line: &str, expected: Option<Obstacle>| assert_eq!(Obstacle::parse(line), expected, "{line:?}");
        check("held 1002 4711", Some(Obstacle::Held(id, Some(4711))));
        check("held 1002 -", Some(Obstacle::Held(id, None)));
        check("link peer_1003", Some(Obstacle::Link("peer_1003".into())));
        check("link my logs", Some(Obstacle::Link("my logs".into())));
        check("same peer_1001 peer_1003", Some(Obstacle::Same("peer_1001".into(), "peer_1003".into())));
        for damaged in ["", "held", "held 0 1", "held x 1", "same peer_1001", "link", "other 1 2"] {
            check(damaged, None);
        }
    }

    #[test]
    fn the_files_of_a_peer_stand_together() {
        let id = |number| PeerId::new(number);
        let files = [("a", id(7)), ("b", None), ("c", id(3)), ("d", id(7))];
        let files = files.into_iter().map(|(name, owner)| (name.to_owned(), owner)).collect();
        assert_eq!(words(&files), ["-", "b", "3", "c", "7", "a", "7", "d"]);
    }
}
