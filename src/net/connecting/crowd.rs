//! `Crowd`: callers that have not shaken hands yet. Their number is limited, and so is the number of threads of callers that
//! were turned away.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::net::addresses::place_of;
use crate::net::stream::Stream;

/// Maximum number of callers that were turned away and whose threads have not noticed it yet. On a machine too busy to end
/// them, no other caller is let in.
const MOST_LEAVING: usize = 32;

/// The callers that are shaking hands, and those that were turned away.
#[derive(Default)]
pub struct Crowd {
    inside: Mutex<Inside>,
    left: Condvar,
}

#[derive(Default)]
struct Inside {
    /// The longest waiting caller is first.
    waiting: VecDeque<Caller>,
    /// Number of callers that were turned away and whose threads still run.
    leaving: usize,
}

struct Caller {
    /// The address, or for IPv6 the network of one machine; `None` if the caller has gone already.
    place: Option<IpAddr>,
    stream: Arc<Stream>,
}

impl Crowd {
    /// Lets a caller in. If there are then more than `most`, it turns one away, which ends that caller's thread. It chooses the
    /// place from which most callers have come, and there the one that has waited longest.
    ///
    /// Waits while too many are leaving. The caller leaves when the result is dropped: it has shaken hands, or will not.
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
            log::debug!("turning away a silent caller; {most} others are shaking hands");
            caller.stream.shut();
        }
        Leave { crowd: Arc::clone(self), stream }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the index of the first item of the most frequent kind.
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
    fn one_of_too_many_callers_is_turned_away_from_the_place_that_has_most() {
        let turned_away = |places: &str| one_of_the_most(places.chars());
        assert_eq!(turned_away("accccc"), Some(1));
        assert_eq!(turned_away("cacccc"), Some(0));
        assert_eq!(turned_away("abcdef"), Some(0), "each place has one: the longest waiting");
        assert_eq!(turned_away("abba"), Some(0));
        assert_eq!(turned_away(""), None);
    }

    fn counts(crowd: &Crowd) -> (usize, usize) {
        let inside = crowd.lock();
        (inside.waiting.len(), inside.leaving)
    }

    /// Seen: 221 threads where 54 were allowed, on a machine too busy to end them.
    #[test]
    fn no_caller_is_let_in_while_too_many_are_leaving() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a socket");
        let call = || Arc::new(Stream::new(TcpStream::connect(address).expect("it listens")));
        let crowd = Arc::new(Crowd::default());
        // Their threads do not notice it.
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
        // The caller has every chance to come in.
        for _ in 0..1000 {
            thread::yield_now();
            assert!(matches!(let_in.try_recv(), Err(TryRecvError::Empty)));
        }
        // The first caller has left.
        drop(inside.remove(0));
        let last = let_in.recv().expect("it is let in").expect("a caller");
        one_more.join().expect("no panic");
        drop(inside);
        drop(last);
        assert_eq!(counts(&crowd), (0, 0));
    }
}
