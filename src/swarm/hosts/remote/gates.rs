//! `Gates`: the number of logins at one place at a time, and the retries of refused logins.
//!
//! From ten logins under way on, sshd refuses some connections (`MaxStartups 10:30:100`). A jump host sees the logins of all
//! hosts behind it. So this counts by the place that a connection goes to first.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::logins::Logins;

/// Maximum number of logins under way at one place.
const MOST_AT_ONCE: usize = 8;
/// Maximum number of tries of a login, and the maximum when the user wants to stop.
const MOST_TRIES: (u32, u32) = (10, 4);
/// The first pause and the longest. Each pause is twice as long as the one before.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

/// Words of ssh when sshd accepts no more connections at the moment.
const REFUSALS: [&str; 3] = ["Connection reset", "onnection closed by", "closed by remote host"];

/// Words of ssh when no answer came in time.
const SILENCE: &str = "timed out";

/// The gates of all places; all hosts of a swarm share them.
#[derive(Debug, Default)]
pub struct Gates {
    /// The logins that were let through and are under way.
    pub logins: Logins,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The places that were used so far.
    places: BTreeMap<String, Place>,
    /// Whether the user wants to stop.
    hurried: bool,
}

#[derive(Debug)]
struct Place {
    /// Whether its first refusal was reported.
    was_told: bool,
    /// Number of logins under way.
    busy: usize,
    /// Maximum number of logins under way: it is halved after each refusal, and grows by one after each other login.
    most: usize,
}

impl Default for Place {
    fn default() -> Self {
        Self { was_told: false, busy: 0, most: MOST_AT_ONCE }
    }
}

impl Gates {
    /// Logs in at a place by `try_once`, which returns the words of ssh if it fails. A refused login is retried after a pause.
    /// If other hosts are behind the place, a login without an answer in time is retried once.
    ///
    /// `refused` is called at the first refusal of a place.
    ///
    /// # Errors
    /// The last words of ssh.
    pub fn pass(
        &self,
        place: &str,
        leads_on: bool,
        mut try_once: impl FnMut() -> Result<(), String>,
        refused: impl Fn(),
    ) -> Result<(), String> {
        let mut tried = 0;
        loop {
            tried += 1;
            let inside = self.enter(place);
            let done = try_once();
            let is_refused = done.as_ref().is_err_and(|said| REFUSALS.iter().any(|words| said.contains(words)));
            let is_silent = leads_on && tried == 1 && done.as_ref().is_err_and(|said| said.contains(SILENCE));
            let mut is_first = false;
            if let Some(place) = self.lock().places.get_mut(place) {
                // Other users may log in there, too, and it may accept fewer logins than most places.
                place.most = if is_refused { (place.most / 2).max(1) } else { (place.most + 1).min(MOST_AT_ONCE) };
                is_first = is_refused && !place.was_told;
                place.was_told |= is_refused;
            }
            drop(inside);
            if is_first {
                refused();
            }
            if !(is_refused || is_silent) || !self.pause(tried) {
                return done;
            }
        }
    }

    /// Wakes all threads that pause: from now on there are fewer tries.
    pub fn hurry(&self) {
        self.lock().hurried = true;
        self.changed.notify_all();
    }

    /// Waits until fewer logins are under way than the maximum.
    fn enter<'a>(&'a self, place: &'a str) -> Inside<'a> {
        let is_full = |state: &mut State| state.places.get(place).is_some_and(|place| place.busy >= place.most);
        let state = self.changed.wait_while(self.lock(), is_full);
        state.unwrap_or_else(PoisonError::into_inner).places.entry(place.to_owned()).or_default().busy += 1;
        Inside { gates: self, place }
    }

    /// Pauses after this number of tries, unless it is hurried. Returns false if there must not be another try.
    fn pause(&self, tried: u32) -> bool {
        let (first, longest) = PAUSES;
        let due = Instant::now() + first.saturating_mul(1 << (tried - 1).min(16)).min(longest);
        let mut state = self.lock();
        let was_hurried = state.hurried;
        loop {
            let most = if state.hurried { MOST_TRIES.1 } else { MOST_TRIES.0 };
            if tried >= most {
                return false;
            }
            let left = due.saturating_duration_since(Instant::now());
            // A thread that the hurry has woken tries at once.
            if left.is_zero() || state.hurried != was_hurried {
                return true;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One login under way.
struct Inside<'a> {
    gates: &'a Gates,
    place: &'a str,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.gates.lock().places.get_mut(self.place) {
            place.busy -= 1;
        }
        self.gates.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    /// Words of OpenSSH when a jump host is full.
    const REFUSED: &str = "kex_exchange_identification: Connection closed by remote host\r\n";

    fn pass(gates: &Gates, place: &str, try_once: impl FnMut() -> Result<(), String>) {
        _ = gates.pass(place, false, try_once, || {});
    }

    #[test]
    fn no_more_than_eight_are_inside_one_place_and_another_place_is_free() {
        let gates = Gates::default();
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (arrived, arrivals) = channel();
        let (open, opened) = channel::<()>();
        let opened = Mutex::new(opened);
        thread::scope(|scope| {
            for _ in 0..30 {
                scope.spawn(|| {
                    pass(&gates, "jump", || {
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        arrived.send(()).expect("somebody listens");
                        // Until the other end is dropped.
                        _ = opened.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        Ok(())
                    });
                });
            }
            for _ in 0..MOST_AT_ONCE {
                arrivals.recv().expect("they come");
            }
            pass(&gates, "elsewhere", || Ok(()));
            drop(open);
        });
        assert_eq!(most.into_inner(), MOST_AT_ONCE);
        assert_eq!(arrivals.try_iter().count(), 30 - MOST_AT_ONCE);
    }

    #[test]
    fn who_is_refused_tries_again_and_who_fails_otherwise_does_not() {
        let gates = Gates::default();
        let mut answers =
            [Ok(()), Err(REFUSED.to_owned()), Err("Connection reset by 127.0.0.2 port 22".into())].to_vec();
        let refusals = AtomicUsize::new(0);
        let refused = || _ = refusals.fetch_add(1, Ordering::SeqCst);
        gates.pass("jump", false, || answers.pop().expect("no try too many"), refused).expect("it has logged in");
        assert_eq!(refusals.into_inner(), 1, "told once");
        assert_eq!(answers, []);
        let denied = "ada@lin114-00: Permission denied (publickey).";
        let silent = "ssh: connect to host lin114-00 port 22: Connection timed out";
        // The jump host may be too busy to answer.
        for (said, leads_on, expected) in [(denied, true, 1), (silent, false, 1), (silent, true, 2)] {
            let mut tries = 0;
            let failed = gates.pass(
                "jump",
                leads_on,
                || {
                    tries += 1;
                    Err(said.into())
                },
                || panic!("no refusal"),
            );
            assert_eq!((failed, tries), (Err(said.to_owned()), expected));
        }
    }

    #[test]
    fn a_place_that_refuses_gets_fewer_at_once_and_more_again_when_it_takes_them() {
        let gates = Gates::default();
        let most = || gates.lock().places["jump"].most;
        let mut answers = vec![Ok(()), Err(REFUSED.to_owned()), Err(REFUSED.to_owned())];
        let mut seen = Vec::new();
        pass(&gates, "jump", || {
            seen.push(most());
            answers.pop().expect("no try too many")
        });
        assert_eq!((seen, most()), (vec![8, 4, 2], 3));
        (0..20).for_each(|_| pass(&gates, "jump", || Ok(())));
        assert_eq!(most(), MOST_AT_ONCE);
    }

    #[test]
    fn a_hurry_wakes_who_pauses_and_nobody_tries_without_end() {
        let gates = Gates::default();
        let mut tries = 0;
        pass(&gates, "jump", || {
            tries += 1;
            // It comes before the first pause.
            gates.hurry();
            Err(REFUSED.into())
        });
        assert_eq!(tries, MOST_TRIES.1);
        let gates = Gates::default();
        let (sender, attempts) = channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                pass(&gates, "jump", || {
                    sender.send(()).expect("somebody listens");
                    Err(REFUSED.into())
                });
                drop(sender);
            });
            for _ in 0..MOST_TRIES.1 {
                attempts.recv().expect("it tries again");
            }
            gates.hurry();
        });
        assert_eq!(attempts.try_iter().count(), 0, "it has tried often enough for who is in a hurry");
    }
}
