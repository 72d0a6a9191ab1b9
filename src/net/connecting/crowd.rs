//! `Crowd`: callers that have not shaken hands yet. They are few, and the threads of those that were turned away are few, too.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::net::addresses::place_of;
use crate::net::stream::Stream;

/// Maximum number of callers that were turned away and whose threads have not noticed it yet: where the machine is too busy for
/// them, nobody else is let in.
const MOST_LEAVING: usize = 32;

/// Those who are shaking hands, and those who were turned away.
#[derive(Default)]
pub struct Crowd {
    inside: Mutex<Inside>,
    left: Condvar,
}

#[derive(Default)]
struct Inside {
    /// The longest waiting first.
    waiting: VecDeque<Caller>,
    /// How many were turned away and are still here.
    leaving: usize,
}

struct Caller {
    /// The address, or the network of one machine if it is an IPv6 address; unknown if the caller has gone already.
    place: Option<IpAddr>,
    stream: Arc<Stream>,
}

impl Crowd {
    /// Lets one in. If there are more than `most` then, one is turned away, which ends its thread: the longest waiting of those
    /// from the place from which most have come.
    ///
    /// Waits while too many are leaving. Dropping the result is leaving: the caller has shaken hands, or will not.
    pub fn admit(self: &Arc<Self>, stream: Arc<Stream>, most: usize) -> Leave {
        let is_crowded = |inside: &mut Inside| inside.leaving >= MOST_LEAVING;
        let mut inside = self.left.wait_while(self.lock(), is_crowded).unwrap_or_else(PoisonError::into_inner);
        let place = stream.remote_ip().map(place_of);
        inside.waiting.push_back(Caller { place, stream: Arc::clone(&stream) });
        if inside.waiting.len() > most
            && let Some(turned_away) = one_of_the_most(inside.waiting.iter().map(|caller| caller.place))
            && let Some(caller) = inside.waiting.remove(turned_away)
        {
            inside.leaving += 1;
            log::debug!("a silent caller is turned away, {most} others are shaking hands");
            caller.stream.shut();
        }
        Leave { crowd: Arc::clone(self), stream }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The index of the first of those that are most.
fn one_of_the_most<T: Ord + Copy>(items: impl Iterator<Item = T>) -> Option<usize> {
    let mut counts: BTreeMap<T, (usize, usize)> = BTreeMap::new();
    for (index, item) in items.enumerate() {
        counts.entry(item).or_insert((0, index)).0 += 1;
    }
    let most = counts.into_values().max_by_key(|&(count, index)| (count, std::cmp::Reverse(index)));
    most.map(|(_, index)| index)
}

/// Takes a caller out of the crowd when dropped.
pub struct Leave {
    crowd: Arc<Crowd>,
    stream: Arc<Stream>,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let mut inside = self.crowd.lock();
        let here = inside.waiting.len();
        inside.waiting.retain(|waiting| !Arc::ptr_eq(&waiting.stream, &self.stream));
        if inside.waiting.len() == here {
            inside.leaving -= 1;
            self.crowd.left.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::{TryRecvError, channel};
    use std::thread;

    use super::*;

    /// Seen: at 6500 calls a second a neighbor 100 ms away never got in.
    #[test]
    fn where_there_are_too_many_callers_one_of_the_crowd_is_turned_away() {
        let turned_away = |places: &str| one_of_the_most(places.chars());
        assert_eq!(turned_away("accccc"), Some(1));
        assert_eq!(turned_away("cacccc"), Some(0));
        assert_eq!(turned_away("abcdef"), Some(0), "each has one: the longest waiting");
        assert_eq!(turned_away("abba"), Some(0));
        assert_eq!(turned_away(""), None);
    }

    fn counts(crowd: &Crowd) -> (usize, usize) {
        let inside = crowd.lock();
        (inside.waiting.len(), inside.leaving)
    }

    /// Seen: 221 threads where 54 were allowed, on a machine too busy to end them.
    #[test]
    fn nobody_is_let_in_while_too_many_are_leaving() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a socket");
        let call = || Arc::new(Stream::new(TcpStream::connect(address).expect("it listens")));
        let crowd = Arc::new(Crowd::default());
        // Their threads see nothing of it.
        let mut inside: Vec<_> = (0..=MOST_LEAVING).map(|_| crowd.admit(call(), 1)).collect();
        assert_eq!(counts(&crowd), (1, MOST_LEAVING));
        let (sender, let_in) = channel();
        let one_more = thread::spawn({
            let (crowd, stream) = (Arc::clone(&crowd), call());
            move || {
                sender.send(None).expect("somebody listens");
                sender.send(Some(crowd.admit(stream, 1))).expect("somebody listens");
            }
        });
        assert!(let_in.recv().expect("it runs").is_none());
        // It has every chance to come in.
        for _ in 0..1000 {
            thread::yield_now();
            assert!(matches!(let_in.try_recv(), Err(TryRecvError::Empty)));
        }
        // The first has left.
        drop(inside.remove(0));
        let last = let_in.recv().expect("it is let in").expect("a caller");
        one_more.join().expect("no panic");
        drop(inside);
        drop(last);
        assert_eq!(counts(&crowd), (0, 0));
    }
}
