//! What a host has that must not be deleted, and how the rest is: never through a link, and nothing of a peer at work.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use peer_process::disk::lock::name_of;
use peer_process::protocol::peer_id::PeerId;

use super::host::Host;
use super::scripts::Job;

/// Files in the swarm's directory, each with the peer whose it is, or `None` if it is the swarm's.
pub type Owned = BTreeMap<String, Option<PeerId>>;

/// What keeps from deleting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// The lock of this peer is held, by this process if that is known.
    Held(PeerId, Option<u32>),
    /// This directory is a link, and there is something in it that was to be deleted.
    Link(String),
    /// The first directory, a seeder's, is a link to the second one.
    Same(String, String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(id, Some(pid)) => {
                write!(f, "peer {id} is at work: process {pid} holds {}; end it first", name_of(*id))
            }
            Self::Held(id, None) => {
                write!(f, "peer {id} is at work: another process holds {}; end it first", name_of(*id))
            }
            Self::Link(link) => write!(f, "{link} is a link, so nothing in it is deleted"),
            Self::Same(link, to) => write!(f, "{link} is a link to {to}, so nothing in either is deleted"),
        }
    }
}

impl Obstacle {
    /// Takes a line of what a check tells; `None` if that is something else.
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
    /// What keeps from deleting these files; of the `seeders` nothing is to be deleted, so none may share a directory.
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

    /// Which of these peers hold their locks, no matter who started them: those of our own program.
    ///
    /// # Errors
    /// When the host cannot be reached.
    pub fn at_work(&self, peers: &[PeerId]) -> Result<Vec<Obstacle>> {
        self.obstacles(&peers.iter().map(|id| (name_of(*id), Some(*id))).collect(), &[])
    }

    /// Deletes files of the swarm's directory there.
    ///
    /// # Errors
    /// When one cannot be deleted. One sentence, a wrong usage, when a peer is at work or a link is on the way.
    pub fn remove(&self, files: &Owned) -> Result<()> {
        self.run_words(Job::Remove, words(files).into_iter()).map(drop)
    }

    fn run_words(&self, job: Job, words: impl Iterator<Item = String>) -> Result<Vec<u8>> {
        let words: Vec<_> = words.collect();
        self.run(job, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// The scripts' pairs, those of a peer one after the other.
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
