//! `run`: the body of the thread that announces to one tracker.
//!
//! A tracker learns only the address that a request comes from. So it is asked over each family at which this peer listens, with a
//! schedule of its own (`Voice`). Requests run in threads that nobody waits for, so that this one is free to end.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::answer::{self, Answer, Counts, Useless};
use super::families::{Family, families};
use super::http::{self, Reply};
use super::pauses::Failure;
use super::query::{self, Event};
use super::schedule::{Ask, Facts, Schedule};
use super::telling::{Kind, Outcome, Telling, Trouble};
use super::url::TrackerUrl;
use crate::discovery::bell::Bell;
use crate::discovery::host::{Host, Standing};
use crate::discovery::identity::Me;
use crate::discovery::own;
use crate::discovery::words::{COMPARE, WHAT_DIFFERS};

/// How long each step of a request may take.
const STEP: Duration = Duration::from_secs(10);
/// How long a request may take in all. Its thread may hang for longer, as in looking up a name, but nobody waits for it.
const ANSWER: Duration = Duration::from_secs(30);
/// How long the end may take: connecting and all, over both families.
const STOPPING: Duration = Duration::from_millis(1900);
/// How much of it `stopped` waits for a `completed` before it. If the tracker needs longer, `stopped` overtakes it: the end must
/// not take more than two seconds.
const COMPLETING: Duration = Duration::from_millis(950);
const _: () = assert!(COMPLETING.as_millis() * 2 <= STOPPING.as_millis() && STOPPING.as_millis() < 2000);
/// What is sent when the file became complete.
const COMPLETED: Ask = Ask::Announce(Some(Event::Completed));
/// Maximum time that the thread waits at once; it wakes in vain then.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Announces this peer to a tracker until the bell is stopped, then sends `stopped`. It returns within two seconds of that,
/// whatever the tracker does.
///
/// `seed` decides the jitter. Requests run in threads that [`Host::spawn`] starts, so this one never hangs.
pub fn run(url: &TrackerUrl, me: Me, host: &Arc<dyn Host>, bell: &Arc<Bell>, seed: u64) {
    let mut desk = Desk::new(url, me, host, bell, seed);
    let mut heard = 0;
    while !bell.is_stopped() {
        desk.take_replies();
        desk.give_up_on_the_slow();
        let next = desk.ask();
        bell.wait(&mut heard, desk.start + next);
    }
    desk.stop(&mut heard);
}

/// An answer on its way from the thread of a request: its voice, its number, and what came.
type Arrival = (usize, u64, Result<Reply, Trouble>);

struct Desk<'a> {
    url: &'a TrackerUrl,
    me: Me,
    host: &'a Arc<dyn Host>,
    bell: &'a Arc<Bell>,
    start: Instant,
    voices: Vec<Voice>,
    telling: Telling,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    /// Number of requests so far.
    count: u64,
}

/// Announces over one family of addresses.
struct Voice {
    family: Family,
    schedule: Schedule,
    /// What is under way: its number, and when it is given up.
    pending: Option<(u64, Ask, Duration)>,
    /// The last request never came to the tracker.
    is_unreached: bool,
    tracker_id: Option<Vec<u8>>,
    counts: Option<Counts>,
}

impl<'a> Desk<'a> {
    fn new(url: &'a TrackerUrl, me: Me, host: &'a Arc<dyn Host>, bell: &'a Arc<Bell>, seed: u64) -> Self {
        let (families, words) = families(url, &host.standing());
        let telling = Telling::new(&families);
        let voices = (0..).zip(families).map(|(number, family)| Voice {
            family,
            schedule: Schedule::new(seed.wrapping_add(number), url.scrape().is_some()),
            pending: None,
            is_unreached: false,
            tracker_id: None,
            counts: None,
        });
        let voices = voices.collect();
        let start = Instant::now();
        let desk = Self { url, me, host, bell, start, voices, telling, arrivals: Arc::default(), count: 0 };
        if let Some(words) = words {
            desk.warn(&words);
        }
        desk
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Sends what is due, and returns when something is due next.
    fn ask(&mut self) -> Duration {
        let standing = self.host.standing();
        let facts = facts(&standing);
        let now = self.now();
        let mut next = now + LONGEST_WAIT;
        for index in 0..self.voices.len() {
            if standing.port().is_some()
                && let Some(ask) = self.voices[index].schedule.due(now, facts)
            {
                self.send(index, ask, &standing, STEP, now + ANSWER);
            }
            let voice = &self.voices[index];
            let due = voice.schedule.next_at(facts).filter(|_| standing.port().is_some());
            next = [due, voice.pending.map(|(_, _, until)| until)].into_iter().flatten().fold(next, Duration::min);
        }
        next
    }

    /// Starts a request in a thread of its own.
    fn send(&mut self, index: usize, ask: Ask, standing: &Standing, step: Duration, until: Duration) {
        let voice = &mut self.voices[index];
        let url = match ask {
            Ask::Scrape => self.url.scrape().map(|url| url.with_query(&query::scrape(self.me))),
            Ask::Announce(event) => query::announce(self.me, standing, event, voice.tracker_id.as_deref())
                .map(|query| self.url.with_query(&query)),
        };
        let Some(url) = url else { return };
        self.count += 1;
        let (number, family) = (self.count, voice.family);
        voice.pending = Some((number, ask, until));
        let (arrivals, bell) = (Arc::clone(&self.arrivals), Arc::clone(self.bell));
        let body = move || {
            let reply = http::get(&url, family, step);
            lock(&arrivals).push((index, number, reply));
            bell.ring();
        };
        if let Err(error) = self.host.spawn("announce", Box::new(body)) {
            let words = format!("cannot be asked: no thread can be started ({error})");
            self.fail(index, (Failure::NoAnswer, Trouble { kind: Kind::Own, words }));
        }
    }

    fn arrived(&self) -> Vec<Arrival> {
        mem::take(&mut *lock(&self.arrivals))
    }

    /// Takes the replies that have come. One to a request that was given up comes too late.
    fn take_replies(&mut self) {
        for (index, number, reply) in self.arrived() {
            let Some((_, ask, _)) = self.voices[index].pending.take_if(|pending| pending.0 == number) else { continue };
            let useless = match (reply, ask) {
                (Err(trouble), _) => Err((Failure::NoAnswer, trouble)),
                (Ok(Reply { status, body }), Ask::Announce(_)) => {
                    answer::announced(status, &body, self.me).map(|answer| self.take_answer(index, answer))
                }
                (Ok(Reply { status, body }), Ask::Scrape) => {
                    answer::scraped(status, &body, self.me.info_hash).map(|(counts, intervals)| {
                        let now = self.now();
                        self.voices[index].schedule.answered(now, intervals);
                        self.count_peers(index, Some(counts));
                    })
                }
            };
            match (useless, ask) {
                (Ok(()), _) => self.voices[index].is_unreached = false,
                (Err(useless), Ask::Announce(_)) => self.fail(index, useless),
                (Err(useless), Ask::Scrape) => self.fail_scrape(index, &useless),
            }
        }
    }

    fn take_answer(&mut self, index: usize, answer: Answer) {
        let now = self.now();
        let voice = &mut self.voices[index];
        voice.schedule.answered(now, answer.intervals);
        if answer.tracker_id.is_some() {
            voice.tracker_id = answer.tracker_id;
        }
        let family = voice.family;
        if let Some(words) = self.telling.note(family, &Outcome::Works) {
            self.say(&words);
        }
        if let Some(warning) = answer.warning.filter(|warning| self.telling.note_warning(warning)) {
            self.warn(&format!("warns: '{warning}'"));
        }
        let (standing, machine) = (self.host.standing(), own::of_machine());
        let mut peers = answer.peers;
        peers.retain(|found| !own::is_own(found.address, &standing, &machine));
        if !peers.is_empty() {
            self.host.found(&self.url.to_string(), &peers);
        }
        self.count_peers(index, Some(answer.counts));
    }

    fn fail(&mut self, index: usize, (failure, mut trouble): Useless) {
        if matches!(trouble.kind, Kind::Status | Kind::NoAnswer) && !self.url.is_usual() {
            trouble.words.push_str("; most trackers want a URL that ends in /announce");
        }
        if trouble.kind == Kind::Refused {
            // Most trackers that refuse serve only the swarms of a list.
            trouble.words = format!("{}; perhaps this peer's {WHAT_DIFFERS} differs: {COMPARE}", trouble.words);
        }
        let now = self.now();
        let voice = &mut self.voices[index];
        voice.pending = None;
        voice.schedule.failed(now, failure);
        voice.is_unreached = is_unreached(trouble.kind);
        let family = voice.family;
        if let Some(words) = self.telling.note(family, &Outcome::Fails(trouble)) {
            self.warn(&format!("{words}; the swarm goes on with the peers that it knows"));
        }
        self.count_peers(index, None);
    }

    /// A tracker need not count, so people are not told. Its earlier counts are void only if it is gone.
    fn fail_scrape(&mut self, index: usize, (failure, trouble): &Useless) {
        let now = self.now();
        self.voices[index].schedule.failed(now, *failure);
        log::debug!("the tracker {} gives no counts: it {}", self.url, trouble.words);
        if is_unreached(trouble.kind) || trouble.kind == Kind::Slow {
            self.count_peers(index, None);
        }
    }

    /// Takes what was counted over one family, and tells the larger numbers of both: trackers count them together or apart.
    fn count_peers(&mut self, index: usize, counts: Option<Counts>) {
        self.voices[index].counts = counts;
        // The other family may still be asked for the first time.
        if counts.is_none() && !self.telling.is_settled() {
            return;
        }
        let known = || self.voices.iter().filter_map(|voice| voice.counts);
        let seeders = known().filter_map(|counts| counts.seeders).max();
        let leechers = known().filter_map(|counts| counts.leechers).max();
        self.host.counted(&self.url.to_string(), seeders, leechers);
    }

    fn give_up_on_the_slow(&mut self) {
        let now = self.now();
        for index in 0..self.voices.len() {
            let Some((_, ask, _)) = self.voices[index].pending.take_if(|pending| pending.2 <= now) else { continue };
            let words = format!("does not answer within {} s", ANSWER.as_secs());
            let useless = (Failure::NoAnswer, Trouble { kind: Kind::Slow, words });
            match ask {
                Ask::Announce(_) => self.fail(index, useless),
                Ask::Scrape => self.fail_scrape(index, &useless),
            }
        }
    }

    /// Sends `stopped` to a tracker that may know this peer, and waits for the answers, but not for long. A `completed` that is
    /// under way, or still due, comes before it. Any other announce that is under way is left behind.
    fn stop(mut self, heard: &mut u64) {
        let (half, until) = (self.now() + COMPLETING, self.now() + STOPPING);
        let standing = self.host.standing();
        for index in 0..self.voices.len() {
            let voice = &mut self.voices[index];
            let pending = voice.pending.take();
            if !voice.schedule.needs_stopped() || pending.is_none() && voice.is_unreached {
                continue;
            }
            if let Some((number, COMPLETED, _)) = pending {
                voice.pending = Some((number, COMPLETED, half));
            } else if voice.schedule.owes_completed(facts(&standing)) {
                self.send(index, COMPLETED, &standing, COMPLETING, half);
            } else {
                self.send_stopped(index, &standing, until);
            }
        }
        while self.now() < until {
            let arrived = self.arrived();
            for index in 0..self.voices.len() {
                let now = self.now();
                let is_over = |pending: &mut (u64, Ask, Duration)| {
                    arrived.iter().any(|arrival| (arrival.0, arrival.1) == (index, pending.0)) || pending.2 <= now
                };
                if let Some((_, COMPLETED, _)) = self.voices[index].pending.take_if(is_over) {
                    self.send_stopped(index, &standing, until);
                }
            }
            let Some(next) = self.voices.iter().filter_map(|voice| Some(voice.pending?.2)).min() else { return };
            self.bell.wait_though_stopped(heard, self.start + next);
        }
    }

    fn send_stopped(&mut self, index: usize, standing: &Standing, until: Duration) {
        let step = until.saturating_sub(self.now());
        self.send(index, Ask::Announce(Some(Event::Stopped)), standing, step, until);
    }

    fn say(&self, words: &str) {
        self.host.say(&format!("the tracker {} {words}", self.url));
    }

    fn warn(&self, words: &str) {
        self.host.warn(&format!("the tracker {} {words}", self.url));
    }
}

/// Returns the part of a peer's standing that decides when.
fn facts(standing: &Standing) -> Facts {
    Facts { is_complete: standing.is_complete(), is_alone: standing.is_alone, awaits_counts: standing.awaits_counts }
}

/// Whether a trouble means that no request has come to the tracker.
const fn is_unreached(kind: Kind) -> bool {
    matches!(kind, Kind::NoName | Kind::NoConnection | Kind::Own)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
