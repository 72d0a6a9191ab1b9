//! `Finders`: the threads that find members of an open swarm, by trackers and on the local network (`discovery`).
//!
//! `discovery` knows the peer only as a [`Host`], which is here.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use super::shared::Shared;
use super::threads::Threads;
use crate::config::{Common, Config};
use crate::discovery::identity::{Me, Swarm};
use crate::discovery::tracker::TrackerUrl;
use crate::discovery::{Bell, Found, Host, Standing, lan, tracker};
use crate::disk::manifest::Manifest;
use crate::output::console::Console;

/// Interval between two looks for changes that trackers are to hear of at once.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// Maximum time before a new address is dialed.
const LONGEST_DELAY: Duration = Duration::from_millis(250);

/// How members are found.
#[derive(Clone, Default, Debug)]
pub struct Finders {
    /// `--tracker`: the trackers to announce to.
    pub trackers: Vec<TrackerUrl>,
    /// `--lan`: whether to look on the local network.
    pub lan: bool,
    /// `--swarm`: a name that sets the swarm apart.
    pub swarm: Option<String>,
    /// `--announce-host`: the host that trackers hand out.
    pub announce_host: Option<String>,
}

impl Finders {
    /// Returns who announces: this run of this peer.
    ///
    /// # Errors
    /// When a name has a control character.
    pub fn identity(&self, config: &Config, manifest: Option<&Manifest>, rng: &mut impl Rng) -> Result<Me> {
        let Common { file_name, layout, .. } = &config.common;
        let swarm = Swarm::new(file_name, *layout, manifest, self.swarm.as_deref());
        Ok(Me::new(swarm.info_hash()?, config.own().id, rng))
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// When a thread cannot be started, or the local network cannot be used at all.
    pub fn start(
        &self,
        me: Me,
        shared: &Arc<Shared>,
        threads: &Threads,
        console: &Console,
        listening: &[SocketAddr],
    ) -> Result<()> {
        if !self.trackers.is_empty() {
            // Some trackers serve only the swarms that their list has.
            console.say(&format!("for trackers, this swarm is {}", me.info_hash));
        }
        // Without the query, which may have a key that nobody else should know.
        shared.await_trackers(self.trackers.iter().map(ToString::to_string));
        let finder = |tracker| Finder {
            tracker,
            shared: Arc::clone(shared),
            console: console.clone(),
            listening: listening.to_vec(),
            announce_host: self.announce_host.clone(),
            rng: Mutex::new(StdRng::seed_from_u64(me.key.into())),
        };
        let (host, bell): (Arc<dyn Host>, _) = (Arc::new(finder(None)), Arc::new(Bell::default()));
        // It stops all others at the end, so it comes first.
        let (ringing, ringer, news) = (Arc::clone(shared), Arc::clone(&bell), Arc::clone(&host));
        threads.need("finders", move || ring_on_changes(&ringing, &*news, &ringer))?;
        for (place, url) in self.trackers.clone().into_iter().enumerate() {
            let host: Arc<dyn Host> = Arc::new(finder(Some(place)));
            let (bell, seed) = (Arc::clone(&bell), u64::from(me.key) + place as u64);
            threads.need("tracker", move || tracker::run(&url, me, &host, &bell, seed))?;
        }
        if self.lan {
            let (host, shared, has_trackers) = (Arc::clone(&host), Arc::clone(shared), !self.trackers.is_empty());
            threads.need("lan", move || {
                let Err(error) = lan::run(me, &host, &bell, me.key.into()) else { return };
                if has_trackers || shared.look(|peer| peer.member_count() > 0) {
                    host.warn(&format!("cannot use the local network any more: {error}"));
                } else {
                    shared.fail(anyhow::Error::new(error).context("cannot use the local network"));
                }
            })?;
        }
        Ok(())
    }
}

/// Wakes the other threads when something has changed that they are to tell at once, and stops them at the end.
fn ring_on_changes(shared: &Shared, host: &dyn Host, bell: &Bell) {
    let news = |standing: Standing| (standing.is_complete(), standing.is_alone, standing.awaits_counts);
    let mut last = news(host.standing());
    while shared.wait_until(Instant::now() + LOOK_INTERVAL) {
        let now = news(host.standing());
        if now != last {
            bell.ring();
            last = now;
        }
    }
    bell.stop();
}

/// This peer, as `discovery` knows it.
struct Finder {
    /// The place of the tracker on the command line; `None` for the local network.
    tracker: Option<usize>,
    shared: Arc<Shared>,
    console: Console,
    listening: Vec<SocketAddr>,
    announce_host: Option<String>,
    rng: Mutex<StdRng>,
}

impl Host for Finder {
    fn standing(&self) -> Standing {
        let (sent, received) = self.shared.traffic().totals();
        let (left, is_alone) = self.shared.look(|peer| {
            let (have, layout) = (peer.pieces(), peer.pieces().layout());
            // All pieces have one length, but the last may be shorter.
            let last = layout.pieces().next_back().filter(|last| have.contains(*last));
            let excess = last.map_or(0, |last| u64::from(layout.piece_size() - layout.piece_len(last)));
            let kept = u64::from(have.count()) * u64::from(layout.piece_size()) - excess;
            (layout.file_size() - kept, peer.member_count() == 0)
        });
        Standing {
            uploaded: sent,
            downloaded: received,
            left,
            listening: self.listening.clone(),
            announce_host: self.announce_host.clone(),
            is_alone,
            awaits_counts: self.shared.awaits_counts(),
        }
    }

    fn found(&self, by: &str, peers: &[Found]) {
        log::debug!("number of addresses that {by} has named: {}", peers.len());
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let delays: Vec<_> = peers.iter().map(|_| rng.random_range(Duration::ZERO..LONGEST_DELAY)).collect();
        drop(rng);
        self.shared.note_found(peers.iter().map(|found| found.address).zip(delays));
    }

    fn counted(&self, _: &str, _: Option<u32>, leechers: Option<u32>) {
        if let Some(tracker) = self.tracker {
            self.shared.note_counted(tracker, leechers);
        }
    }

    fn say(&self, sentence: &str) {
        self.console.say(sentence);
    }

    fn warn(&self, sentence: &str) {
        log::warn!("{sentence}");
    }

    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) -> io::Result<()> {
        thread::Builder::new().name(name.into()).spawn(body).map(drop)
    }
}
