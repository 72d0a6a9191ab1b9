//! Ending peers on this machine.

use std::time::{Duration, Instant};

use anyhow::Result;
use peer_process::protocol::peer_id::PeerId;

use super::machine::Local;
use super::note::Note;
use super::small::pause;
use super::system;

/// A tenth of a second.
const TENTH: Duration = Duration::from_millis(100);
/// How long the keepers may take to note the exits of killed peers, before what these have started is killed too.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

impl Local {
    /// Sends a signal, `TERM` or `KILL`, to the running peers among these and to the processes that they have started. Waits up
    /// to `tenths` tenths of a second until the peers have exited. Returns the peers that are left.
    ///
    /// # Errors
    /// When there is no directory.
    pub fn signal(&self, signal: &str, peers: &[PeerId], tenths: u32) -> Result<Vec<PeerId>> {
        self.enter()?;
        let kill = signal == "KILL";
        let mut killed = Vec::new();
        for id in peers {
            if let Some(note) = self.alive(*id).filter(|note| system::end(&self.dir, *id, note, kill)) {
                killed.push((*id, note));
            }
        }
        let until = Instant::now() + TENTH * tenths;
        let left = loop {
            let left: Vec<_> = peers.iter().copied().filter(|id| self.alive(*id).is_some()).collect();
            if left.is_empty() || Instant::now() >= until {
                break left;
            }
            pause();
        };
        let until = Instant::now() + LAST_PATIENCE;
        for (id, note) in killed {
            while system::is_kept(&self.dir, id, &note) && Instant::now() < until {
                pause();
            }
            system::kill_rest(&note);
        }
        Ok(left)
    }

    /// Returns the note of a peer that runs.
    fn alive(&self, id: PeerId) -> Option<Note> {
        Note::read(&self.dir, id).filter(|note| note.is_whole && system::runs(&self.dir, id, note))
    }
}
