//! `Schedule`: when this peer speaks on the local network. Pure: it has no clock, and gets the time since the start.
//!
//! BEP 14 wants an announce every 5 minutes on each interface, and no more than one a minute, so that no storm arises. That is
//! the rule for messages to the group. It is kept strictly for each place: one at the start, then one every 5 minutes.
//! A newcomer must hear at once of those who are there. They answer its first message with one to it alone, which no other
//! machine gets, a short random time later. In case that was lost, the next message to the group comes as soon as the minute
//! is over.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The usual pause between two messages to a group.
const USUAL: Duration = Duration::from_secs(5 * 60);
/// The shortest pause between two messages to a group, also after a newcomer.
const SHORTEST: Duration = Duration::from_secs(60);
/// Answers to a newcomer are spread over this time, so that not all come at once.
const ANSWER_SPREAD: Duration = Duration::from_millis(250);
/// Messages to the group after a newcomer are spread over this time for the same reason.
const GROUP_SPREAD: Duration = Duration::from_secs(5);
/// Somebody who was silent this long is a newcomer again. It is longer than two usual pauses, so nobody is one in vain.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(11 * 60);
/// Maximum number of peers that are remembered.
const MOST_KNOWN: usize = 256;
/// Maximum number of newcomers in [`SHORTEST`]; further ones are not heard.
const MOST_NEW: u32 = 256;
/// Messages of a peer that come sooner than this after its last one tell nothing.
const REPEATED: Duration = Duration::from_secs(1);
/// Interfaces are looked at this often.
pub const LOOK_EVERY: Duration = Duration::from_secs(10);
/// If nobody was heard for this time, people are told what may be in the way.
pub const SILENCE: Duration = Duration::from_secs(10);

/// What to do now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// Look at the interfaces again, and call [`Schedule::set_places`].
    Look,
    /// Send a message to the group at this place.
    Group(IpAddr, u32),
    /// Send a message to this address alone.
    Answer(SocketAddr),
    /// Tell people that nobody was heard.
    TellSilence,
}

/// A run of a peer: the address at which it listens, and its cookie.
pub type Peer = (SocketAddr, Option<String>);

/// When this peer speaks.
#[derive(Debug)]
pub struct Schedule {
    rng: StdRng,
    look_at: Duration,
    /// When each place is due; its address and the number of its interface name it.
    due: BTreeMap<(IpAddr, u32), Duration>,
    /// When the group was last spoken to at each place, also at places that are gone: they may come back.
    spoken: BTreeMap<(IpAddr, u32), Duration>,
    /// When each peer of the swarm was last heard.
    known: BTreeMap<Peer, Duration>,
    /// Since when newcomers are counted, and their number.
    newcomers: (Duration, u32),
    answers: Vec<(Duration, SocketAddr)>,
    heard_anybody: bool,
    told_silence: bool,
}

impl Schedule {
    /// Returns a schedule that starts with a look at the interfaces. The jitter comes from the seed.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            look_at: Duration::ZERO,
            due: BTreeMap::new(),
            spoken: BTreeMap::new(),
            known: BTreeMap::new(),
            newcomers: (Duration::ZERO, 0),
            answers: Vec::new(),
            heard_anybody: false,
            told_silence: false,
        }
    }

    /// Takes the places as they are now. One that is new is due at once, unless it was there within the last minute.
    pub fn set_places(&mut self, now: Duration, places: &[(IpAddr, u32)]) {
        self.spoken.retain(|place, at| places.contains(place) || *at + SHORTEST > now);
        let old = std::mem::take(&mut self.due);
        for &place in places {
            let new = self.spoken.get(&place).map_or(now, |at| *at + SHORTEST);
            self.due.insert(place, old.get(&place).copied().unwrap_or(new));
        }
    }

    /// Takes note that a message to the group could not be sent. It is tried again after the next look.
    pub fn not_sent(&mut self, now: Duration, place: (IpAddr, u32)) {
        self.spoken.remove(&place);
        self.due.entry(place).and_modify(|due| *due = now + LOOK_EVERY);
    }

    /// Takes a message of a peer of the swarm. `answer_to` is where an answer reaches it, if it spoke to the group. Returns
    /// whether the message tells anything: a flood does not.
    pub fn heard(&mut self, now: Duration, peer: Peer, answer_to: Option<SocketAddr>) -> bool {
        self.heard_anybody = true;
        self.known.retain(|_, at| *at + FORGOTTEN_AFTER > now);
        if let Some(at) = self.known.get_mut(&peer) {
            let tells = *at + REPEATED <= now;
            *at = if tells { now } else { *at };
            return tells;
        }
        if self.newcomers.0 + SHORTEST <= now {
            self.newcomers = (now, 0);
        }
        if self.newcomers.1 >= MOST_NEW {
            return false;
        }
        self.newcomers.1 += 1;
        if self.known.len() >= MOST_KNOWN
            && let Some(oldest) = self.known.iter().min_by_key(|(_, at)| **at).map(|(peer, _)| peer.clone())
        {
            self.known.remove(&oldest);
        }
        self.known.insert(peer, now);
        if let Some(to) = answer_to {
            self.answer(now, to);
        }
        true
    }

    /// Answers a newcomer alone, and the group when the minute is over.
    fn answer(&mut self, now: Duration, to: SocketAddr) {
        let answer_at = now + self.spread(ANSWER_SPREAD);
        self.answers.push((answer_at, to));
        let spread = self.spread(GROUP_SPREAD);
        for (place, due) in &mut self.due {
            let earliest = self.spoken.get(place).map_or(now, |at| *at + SHORTEST);
            *due = (*due).min(earliest.max(now) + spread);
        }
    }

    /// Returns what is due; it counts as done.
    pub fn due(&mut self, now: Duration) -> Option<Act> {
        if self.look_at <= now {
            self.look_at = now + LOOK_EVERY;
            return Some(Act::Look);
        }
        if let Some((&place, due)) = self.due.iter_mut().find(|(_, due)| **due <= now) {
            *due = now + USUAL;
            self.spoken.insert(place, now);
            return Some(Act::Group(place.0, place.1));
        }
        if let Some(index) = self.answers.iter().position(|(at, _)| *at <= now) {
            return Some(Act::Answer(self.answers.swap_remove(index).1));
        }
        if !self.heard_anybody && !self.told_silence && now >= SILENCE {
            self.told_silence = true;
            return Some(Act::TellSilence);
        }
        None
    }

    /// Returns when something is due.
    pub fn next_at(&self) -> Duration {
        let silence = (!self.heard_anybody && !self.told_silence).then_some(SILENCE);
        let answers = self.answers.iter().map(|(at, _)| *at);
        self.due.values().copied().chain(answers).chain(silence).fold(self.look_at, Duration::min)
    }

    fn spread(&mut self, over: Duration) -> Duration {
        over.mul_f64(self.rng.random())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn place(index: u8) -> (IpAddr, u32) {
        (IpAddr::from([10, 0, index, 1]), index.into())
    }

    fn peer(number: u16) -> Peer {
        (at(number), Some("its cookie".to_owned()))
    }

    fn at(number: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 9], number))
    }

    /// Everything that happens until then, with the times; the places stay as they are.
    fn run(schedule: &mut Schedule, places: &[(IpAddr, u32)], until: Duration) -> Vec<(Duration, Act)> {
        let mut acts = Vec::new();
        loop {
            let now = schedule.next_at();
            if now > until {
                return acts;
            }
            while let Some(act) = schedule.due(now) {
                match act {
                    Act::Look => schedule.set_places(now, places),
                    act => acts.push((now, act)),
                }
            }
        }
    }

    fn group(index: u8) -> Act {
        Act::Group(place(index).0, place(index).1)
    }

    #[test]
    fn each_place_speaks_at_the_start_and_every_five_minutes() {
        let mut schedule = Schedule::new(1);
        let places = [place(1), place(2)];
        let acts = run(&mut schedule, &places, secs(700));
        let expected = [
            (0, group(1)),
            (0, group(2)),
            (10, Act::TellSilence),
            (300, group(1)),
            (300, group(2)),
            (600, group(1)),
            (600, group(2)),
        ];
        assert_eq!(acts, expected.map(|(at, act)| (secs(at), act)));
    }

    #[test]
    fn a_newcomer_is_answered_at_once_and_the_group_after_a_minute() {
        let mut schedule = Schedule::new(1);
        let places = [place(1)];
        assert_eq!(run(&mut schedule, &places, secs(3)), [(secs(0), group(1))]);
        assert!(schedule.heard(secs(4), peer(1), Some(at(1001))));
        // Once heard it is no newcomer, and an answer is never answered.
        assert!(!schedule.heard(secs(4), peer(1), Some(at(1001))));
        assert!(schedule.heard(secs(5), peer(1), Some(at(1001))));
        assert!(schedule.heard(secs(5), peer(2), None));
        let acts = run(&mut schedule, &places, secs(120));
        let [(answered, Act::Answer(to)), (spoken, Act::Group(..))] = &acts[..] else { panic!("{acts:?}") };
        assert!(*to == at(1001) && (secs(4)..=secs(4) + ANSWER_SPREAD).contains(answered), "{answered:?}");
        assert!((SHORTEST..=SHORTEST + GROUP_SPREAD).contains(spoken), "{spoken:?}");
    }

    /// Whatever others send and whichever places come and go, the group is spoken to once a minute at most.
    #[test]
    fn no_place_speaks_to_the_group_twice_in_a_minute() {
        for seed in 0..4 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut schedule = Schedule::new(seed);
            let mut last = BTreeMap::new();
            let mut answers = 0_u32;
            for step in 0..20_000 {
                let now = Duration::from_millis(50 * step);
                while let Some(act) = schedule.due(now) {
                    match act {
                        Act::Look => {
                            let places: Vec<_> = (1..5).map(place).filter(|_| rng.random_bool(0.7)).collect();
                            schedule.set_places(now, &places);
                        }
                        Act::Group(address, index) => {
                            let before = last.insert((address, index), now);
                            assert!(before.is_none_or(|before| now >= before + SHORTEST), "seed {seed} at {now:?}");
                        }
                        Act::Answer(_) => answers += 1,
                        Act::TellSilence => {}
                    }
                }
                if rng.random_bool(0.2) {
                    schedule.heard(now, peer(rng.random_range(1..2000)), Some(at(1)));
                }
            }
            // 1000 s, and at most 256 newcomers in each minute.
            assert!(answers < 17 * 256 && answers > 100, "{answers}");
        }
    }

    /// Peers that hear each other, but nobody new, keep to five minutes.
    #[test]
    fn known_peers_do_not_make_each_other_speak() {
        let mut schedules = [1, 2, 3].map(Schedule::new);
        let mut spoken = [0; 3];
        for second in 0..3600 {
            for index in 0..3 {
                // The second and the third come later.
                while let Some(act) = schedules[index].due(secs(second)).filter(|_| second >= 20 * index as u64) {
                    match act {
                        Act::Look => schedules[index].set_places(secs(second), &[place(1)]),
                        Act::Group(..) => {
                            spoken[index] += 1;
                            let from = u16::try_from(index).expect("three") + 1;
                            for other in (0..3).filter(|other| *other != index) {
                                schedules[other].heard(secs(second), peer(from), Some(at(from)));
                            }
                        }
                        Act::Answer(_) | Act::TellSilence => {}
                    }
                }
            }
        }
        // One each five minutes, and one for each newcomer.
        assert!(spoken.iter().all(|count| (12..=15).contains(count)), "{spoken:?}");
    }

    #[test]
    fn a_run_with_another_cookie_is_a_newcomer_and_a_flood_is_not_heard() {
        let mut schedule = Schedule::new(1);
        schedule.heard(secs(0), peer(1), Some(at(1)));
        schedule.heard(secs(0), (at(1), Some("another".to_owned())), Some(at(1)));
        assert_eq!(schedule.answers.len(), 2);
        let heard = (2..10_000).filter(|number| schedule.heard(secs(1), peer(*number), Some(at(1)))).count();
        assert_eq!((heard, schedule.known.len()), (254, 256));
        assert!(schedule.heard(secs(60), peer(10_000), None));
        assert_eq!(schedule.known.len(), 256);
    }

    #[test]
    fn a_place_that_comes_back_waits_for_its_minute() {
        let mut schedule = Schedule::new(1);
        let both = [place(1), place(2)];
        assert_eq!(run(&mut schedule, &both, secs(5)).len(), 2);
        schedule.heard(secs(5), peer(1), None);
        assert_eq!(run(&mut schedule, &both[..1], secs(15)), []);
        assert_eq!(run(&mut schedule, &both, secs(100)), [(secs(60), group(2))]);
        let third = [place(1), place(2), place(3)];
        assert_eq!(run(&mut schedule, &third, secs(120)), [(secs(110), group(3))]);
    }

    #[test]
    fn a_message_that_could_not_be_sent_is_tried_again() {
        let mut schedule = Schedule::new(1);
        assert_eq!(run(&mut schedule, &[place(1)], secs(3)), [(secs(0), group(1))]);
        schedule.not_sent(secs(3), place(1));
        schedule.heard(secs(3), peer(1), None);
        assert_eq!(run(&mut schedule, &[place(1)], secs(100)), [(secs(13), group(1))]);
    }

    #[test]
    fn silence_is_told_once_and_only_if_nobody_was_heard() {
        let mut schedule = Schedule::new(1);
        let told = |acts: Vec<(Duration, Act)>| acts.into_iter().filter(|(_, act)| *act == Act::TellSilence).count();
        assert_eq!(told(run(&mut schedule, &[], secs(1000))), 1);
        let mut schedule = Schedule::new(1);
        schedule.heard(secs(1), peer(1), None);
        assert_eq!(told(run(&mut schedule, &[], secs(1000))), 0);
    }
}
