//! `Played`: a peer as `discovery` knows it. It keeps what it is told, so that a test can wait for it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use peer_process::discovery::identity::{InfoHash, Me};
use peer_process::discovery::{Bell, Found, Host, Standing};
use peer_process::protocol::peer_id::PeerId;
use rand::rngs::{StdRng, SysRng};
use rand::{RngExt, SeedableRng};

/// Far longer than anything here takes, for a machine under load.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the peer was told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    Found(String, Vec<Found>),
    Counted(String, Option<u32>, Option<u32>),
    Said(String),
    Warned(String),
}

/// A peer that is played.
pub struct Played {
    standing: Mutex<Standing>,
    told: Mutex<Vec<Told>>,
    changed: Condvar,
}

impl Played {
    /// One that listens there.
    pub fn new(listening: &[&str]) -> Arc<Self> {
        let listening = listening.iter().map(|text| text.parse().expect("an address")).collect();
        let standing = Mutex::new(Standing { left: 1000, listening, ..Standing::default() });
        Arc::new(Self { standing, told: Mutex::default(), changed: Condvar::new() })
    }

    /// Changes the facts about it.
    pub fn set(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut lock(&self.standing));
    }

    /// All that it was told so far.
    pub fn told(&self) -> Vec<Told> {
        lock(&self.told).clone()
    }

    /// All sentences so far.
    pub fn said(&self) -> Vec<String> {
        let said = |told| if let Told::Said(text) | Told::Warned(text) = told { Some(text) } else { None };
        self.told().into_iter().filter_map(said).collect()
    }

    /// The addresses that were found so far.
    pub fn found(&self) -> Vec<SocketAddr> {
        let found = |told| if let Told::Found(_, found) = told { found } else { Vec::new() };
        self.told().into_iter().flat_map(found).map(|found| found.address).collect()
    }

    /// Waits until what it was told fits, and returns it.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, mut fits: impl FnMut(&[Told]) -> Option<T>) -> T {
        let mut found = None;
        let sleeps = |told: &mut Vec<Told>| {
            found = fits(told);
            found.is_none()
        };
        let waited = self.changed.wait_timeout_while(lock(&self.told), PATIENCE, sleeps);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        found.unwrap_or_else(|| panic!("{what} did not come: {:#?}", self.told()))
    }

    /// Waits for a sentence with this in it, and returns it.
    #[track_caller]
    pub fn wait_for_words(&self, words: &str) -> String {
        let said = |told: &Told| match told {
            Told::Said(text) | Told::Warned(text) if text.contains(words) => Some(text.clone()),
            _ => None,
        };
        self.wait_for(words, |told| told.iter().find_map(said))
    }

    /// Waits until this address was found.
    #[track_caller]
    pub fn wait_for_peer(&self, address: SocketAddr) {
        let has =
            |told: &Told| matches!(told, Told::Found(_, found) if found.iter().any(|found| found.address == address));
        self.wait_for(&address.to_string(), |told| told.iter().any(has).then_some(()));
    }

    fn tell(&self, told: Told) {
        lock(&self.told).push(told);
        self.changed.notify_all();
    }
}

impl Host for Played {
    fn standing(&self) -> Standing {
        lock(&self.standing).clone()
    }

    fn found(&self, by: &str, peers: &[Found]) {
        self.tell(Told::Found(by.to_owned(), peers.to_vec()));
    }

    fn counted(&self, by: &str, seeders: Option<u32>, leechers: Option<u32>) {
        self.tell(Told::Counted(by.to_owned(), seeders, leechers));
    }

    fn say(&self, sentence: &str) {
        self.tell(Told::Said(sentence.to_owned()));
    }

    fn warn(&self, sentence: &str) {
        self.tell(Told::Warned(sentence.to_owned()));
    }

    fn spawn(&self, name: &str, body: Box<dyn FnOnce() + Send>) -> io::Result<()> {
        // As little stack as the peer's threads have.
        thread::Builder::new().name(name.to_owned()).stack_size(256 * 1024).spawn(body).map(drop)
    }
}

/// A thread of `discovery` that is stopped and joined.
pub struct Running {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts it.
    pub fn start(body: impl FnOnce(&Arc<Bell>) + Send + 'static) -> Self {
        let bell = Arc::new(Bell::default());
        let own = Arc::clone(&bell);
        Self { bell, thread: Some(thread::spawn(move || body(&own))) }
    }

    /// Tells it that the standing has changed.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// Tells it to end, and waits until it has.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.bell.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the test itself must not become one in a destructor.
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the thread panicked");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// A hash that no other test has.
pub fn own_swarm() -> InfoHash {
    let mut bytes = [0; InfoHash::LEN];
    StdRng::try_from_rng(&mut SysRng).expect("the system has random numbers").fill(&mut bytes);
    InfoHash::new(bytes)
}

/// A run of a peer in a swarm.
pub fn me(swarm: InfoHash, id: u32) -> Me {
    let id = PeerId::new(id).expect("positive");
    Me::new(swarm, id, &mut StdRng::try_from_rng(&mut SysRng).expect("the system has random numbers"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
