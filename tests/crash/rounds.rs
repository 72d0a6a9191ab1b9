//! Rounds of kill -9 in a swarm of four, at random moments: after a random number of lines of the victim's trace. The trace
//! reports every message, so any moment may be one, the start included.

use std::collections::BTreeSet;
use std::env;
use std::time::SystemTime;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::log::{self, Line};
use crate::running::{Ended, Running};
use crate::swarm::Swarm;

/// Number of kills before a swarm is left in peace.
const KILLS_PER_SWARM: usize = 5;
const PIECE_SIZE: u32 = 64 * 1024;

/// A peer of the swarm over its lives.
struct Peer {
    id: u32,
    running: Option<Running>,
    ended: Option<Ended>,
    /// The pieces that its journal claimed at its last start.
    started_with: u32,
    /// The whole lines of its log at the last kill, which must stay.
    log_kept: String,
    /// For each life, its first line in the log, and its number of pieces then.
    lives: Vec<(usize, u32)>,
}

impl Peer {
    fn start(swarm: &Swarm, id: u32) -> Self {
        let mut peer =
            Self { id, running: None, ended: None, started_with: 0, log_kept: String::new(), lives: Vec::new() };
        peer.start_again(swarm);
        peer
    }

    fn start_again(&mut self, swarm: &Swarm) {
        let has_file = swarm.peers.contains(&(self.id, true));
        let all = swarm.layout.piece_count();
        self.started_with = if has_file { all } else { swarm.journaled(self.id).len().try_into().expect("few") };
        self.lives.push((self.log_kept.lines().count(), self.started_with));
        self.running = Some(swarm.start(self.id));
    }

    /// Kills it and checks what it leaves; returns false if it had exited before.
    fn kill(&mut self, swarm: &Swarm) -> bool {
        let Some(running) = self.running.take() else { return false };
        let ended = running.kill();
        self.check_greeting(&ended);
        let text = swarm.log_text(self.id);
        // Once the journal is deleted, the swarm has ended for this peer: only its last lines and its exit status were still
        // to come. The journal exists before the log has a line.
        let over = !text.is_empty() && !swarm.journal_path(self.id).exists();
        if ended.status.is_some() || over {
            self.ended = Some(Ended { status: Some(0), ..ended });
            return false;
        }
        let kept = text.rfind('\n').map_or("", |end| &text[..=end]);
        assert!(kept.starts_with(&self.log_kept), "the log of peer {} does not go on", self.id);
        kept.clone_into(&mut self.log_kept);
        let announced: BTreeSet<_> = log::downloads(&swarm.log(self.id)).into_iter().collect();
        let journaled = swarm.journaled(self.id);
        assert!(announced.is_subset(&journaled), "peer {} has announced more than is in its journal", self.id);
        self.start_again(swarm);
        true
    }

    fn check_greeting(&self, ended: &Ended) {
        let (has, expected) = (ended.has(), self.started_with);
        assert!(has.is_none_or(|has| has == expected), "peer {} has {has:?} instead of {expected}", self.id);
        assert_eq!(ended.warnings().iter().filter(|warning| !is_of_a_kill(warning)).count(), 0, "{ended:#?}");
    }

    /// Checks after the end that no piece came twice, that counts rise by one in each life, and that the file is complete
    /// once.
    fn check_log(&self, swarm: &Swarm) {
        let id = self.id;
        assert!(swarm.log_text(id).starts_with(&self.log_kept), "the log of peer {id} does not go on");
        let lines = swarm.log(id);
        let downloads = log::downloads(&lines);
        let distinct: BTreeSet<_> = downloads.iter().collect();
        assert_eq!(distinct.len(), downloads.len(), "peer {id} has lost pieces that it had announced");
        let complete = lines.iter().filter(|line| **line == Line::Complete).count();
        assert_eq!(complete, usize::from(swarm.peers.contains(&(id, false))), "peer {id}");
        let mut ends: Vec<_> = self.lives.iter().skip(1).map(|life| life.0).collect();
        ends.push(lines.len());
        for (&(start, had), end) in self.lives.iter().zip(ends) {
            let counts = lines[start..end].iter().filter_map(|line| match line {
                Line::Downloaded { count, .. } => Some(*count),
                _ => None,
            });
            assert!(
                counts.zip(1..).all(|(count, place)| count == had + place),
                "peer {id}, its life from line {start}"
            );
        }
    }
}

/// The warnings that a peer may give when another was killed. It may handle the last call of that peer's former life after
/// the first of the next.
fn is_of_a_kill(warning: &str) -> bool {
    warning.ends_with(" was turned away: that neighbor is already connected and active")
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn another_seed() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.subsec_nanos().into())
}

#[test]
fn rounds_of_kill_9_lose_no_piece_that_was_logged() {
    let rounds = usize::try_from(number("CRASH_ROUNDS", 6)).expect("few");
    let megabytes = usize::try_from(number("CRASH_MB", 20)).expect("few");
    let seed = number("CRASH_SEED", another_seed());
    eprintln!("CRASH_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut killed, mut seeders_killed, mut swarms) = (0, 0, 0);
    while killed < rounds {
        let seeders = rng.random_range(1..=2);
        let have_file: Vec<_> = (0..4).map(|place| place < seeders).collect();
        let swarm = Swarm::new(megabytes * 1_000_000, PIECE_SIZE, &have_file);
        let mut peers: Vec<_> = swarm.peers.iter().map(|&(id, _)| Peer::start(&swarm, id)).collect();
        swarms += 1;
        let mut left = KILLS_PER_SWARM.min(rounds - killed);
        while left > 0 && peers.iter().any(|peer| peer.running.is_some()) {
            let victim = rng.random_range(0..peers.len());
            let after = if rng.random_bool(0.2) { rng.random_range(0..8) } else { rng.random_range(0..far(&swarm)) };
            if let Some(running) = &peers[victim].running {
                running.wait_for_count(after);
            }
            // Sometimes a leecher and a seeder at once.
            let second = rng.random_bool(0.2).then(|| (victim + 2) % peers.len()).filter(|_| left > 1);
            for victim in [Some(victim), second].into_iter().flatten() {
                let was_killed = peers[victim].kill(&swarm);
                left -= usize::from(was_killed);
                killed += usize::from(was_killed);
                seeders_killed += usize::from(was_killed && victim < seeders);
            }
        }
        let ended = peers.iter_mut().map(|peer| match (peer.running.take(), peer.ended.take()) {
            (Some(running), _) => running.wait(),
            (None, ended) => ended.expect("it runs or has ended"),
        });
        let ended: Vec<_> = ended.collect();
        swarm.check_end(&ended);
        for (peer, ended) in peers.iter().zip(&ended) {
            peer.check_greeting(ended);
            peer.check_log(&swarm);
        }
    }
    eprintln!("{killed} peers killed in {swarms} swarms, {seeders_killed} of them seeders");
}

/// Approximate number of lines in a leecher's trace for half of the file.
fn far(swarm: &Swarm) -> usize {
    4 * swarm.layout.piece_count() as usize
}
