//! `Tracker`: a small tracker for tests, which notes what it is told, and misbehaves if it is asked to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use socket2::SockRef;

use crate::support::process::PATIENCE;

/// What a peer has told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announce {
    /// `started`, `completed`, `stopped`, or empty.
    pub event: String,
    pub port: u16,
    pub left: u64,
    /// The peer's ID, as it stands in its `peer_id`.
    pub id: u32,
}

/// How it answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Manner {
    /// With everybody's address, and this interval in seconds.
    Fair(u32),
    /// Not at all: it takes the request and keeps the connection open.
    Silent,
    /// As `Fair(1)`, but only when it is to behave in another way.
    Held,
    /// With these addresses besides.
    Lying(Vec<SocketAddrV4>),
    /// With this sentence.
    Refusing(&'static str),
    /// With a page that is no answer, and this status.
    Page(&'static str),
}

struct State {
    manner: Manner,
    announces: Vec<Announce>,
    members: BTreeMap<SocketAddrV4, u64>,
    /// Number of requests that it left unanswered.
    hanging: usize,
    /// Whether it still answers anybody.
    open: bool,
}

/// A running tracker; it stops when dropped.
pub struct Tracker {
    address: SocketAddr,
    shared: Arc<(Mutex<State>, Condvar)>,
    listener: TcpListener,
    listening: Option<JoinHandle<()>>,
}

impl Tracker {
    pub fn new(manner: Manner) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), manner)
    }

    /// Starts one at this address.
    pub fn at(address: SocketAddr, manner: Manner) -> Self {
        let listener = TcpListener::bind(address).expect("the address is free");
        let address = listener.local_addr().expect("it is bound");
        let state = State { manner, announces: Vec::new(), members: BTreeMap::new(), hanging: 0, open: true };
        let shared = Arc::new((Mutex::new(state), Condvar::new()));
        let (of_thread, own) = (Arc::clone(&shared), listener.try_clone().expect("a descriptor"));
        let listening = thread::spawn(move || {
            for caller in listener.incoming() {
                if !lock(&of_thread.0).open {
                    return;
                }
                let (shared, caller) = (Arc::clone(&of_thread), caller.expect("it listens"));
                thread::spawn(move || answer(&shared, &caller));
            }
        });
        Self { address, shared, listener: own, listening: Some(listening) }
    }

    /// Returns what `--tracker` needs.
    pub fn url(&self) -> String {
        format!("http://{}/announce", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn behave(&self, manner: Manner) {
        lock(&self.shared.0).manner = manner;
        self.shared.1.notify_all();
    }

    /// Waits until a request hangs.
    pub fn wait_until_one_hangs(&self) {
        let waiting = |state: &mut State| state.hanging == 0;
        let (state, _) = self.shared.1.wait_timeout_while(lock(&self.shared.0), PATIENCE, waiting).expect("no panic");
        assert!(state.hanging > 0, "nothing hangs, but {:#?}", state.announces);
    }

    /// Returns what this peer has told.
    pub fn announces_of(&self, id: u32) -> Vec<Announce> {
        lock(&self.shared.0).announces.iter().filter(|announce| announce.id == id).cloned().collect()
    }

    /// Waits until this peer has announced this event.
    pub fn wait_for(&self, id: u32, event: &str) -> Announce {
        let told = |state: &State| state.announces.iter().find(|one| one.id == id && one.event == event).cloned();
        let waiting = |state: &mut State| told(state).is_none();
        let (state, _) = self.shared.1.wait_timeout_while(lock(&self.shared.0), PATIENCE, waiting).expect("no panic");
        told(&state).unwrap_or_else(|| panic!("no '{event}' of {id}, but {:#?}", state.announces))
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        lock(&self.shared.0).open = false;
        self.shared.1.notify_all();
        // The listener's thread wakes. A call could not do that: the tracker may be on another host than this thread.
        SockRef::from(&self.listener).shutdown(Shutdown::Both).expect("it listens");
        _ = self.listening.take().expect("one drop").join();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers one request, and closes the connection. A caller that has gone needs no answer.
fn answer(shared: &(Mutex<State>, Condvar), mut caller: &TcpStream) {
    let mut reader = BufReader::new(caller);
    let mut request = String::new();
    if reader.read_line(&mut request).is_err() || request.is_empty() {
        return;
    }
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|len| len > 2) {
        line.clear();
    }
    let target = request.split(' ').nth(1).expect("a request line");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (status, body) = match path {
        "/announce" => announce(shared, caller, query),
        "/scrape" => ("200 OK", scrape(&lock(&shared.0), query)),
        _ => ("404 Not Found", Vec::new()),
    };
    if lock(&shared.0).manner == Manner::Silent {
        lock(&shared.0).hanging += 1;
        shared.1.notify_all();
        // Until the caller gives up.
        while reader.read_line(&mut line).is_ok_and(|len| len > 0) {}
        return;
    }
    let waiting = |state: &mut State| state.open && state.manner == Manner::Held;
    drop(shared.1.wait_while(lock(&shared.0), waiting));
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    _ = caller.write_all(&[head.as_bytes(), &body].concat());
}

fn announce(shared: &(Mutex<State>, Condvar), caller: &TcpStream, query: &str) -> (&'static str, Vec<u8>) {
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let number = |name: &str| value(name).and_then(|value| value.parse().ok()).expect("each announce has it");
    let digits = value("peer_id").and_then(|id| id.get(8..18)).and_then(|digits| digits.parse().ok());
    let announce = Announce {
        event: value("event").unwrap_or_default().to_owned(),
        port: u16::try_from(number("port")).expect("a port"),
        left: number("left"),
        id: digits.expect("the peer's ID in its peer_id"),
    };
    assert_eq!(value("compact"), Some("1"));
    let Ok(SocketAddr::V4(from)) = caller.peer_addr() else { return ("200 OK", Vec::new()) };
    let place = SocketAddrV4::new(*from.ip(), announce.port);
    let mut state = lock(&shared.0);
    if announce.event == "stopped" {
        state.members.remove(&place);
    } else {
        state.members.insert(place, announce.left);
    }
    state.announces.push(announce);
    shared.1.notify_all();
    let (interval, more) = match &state.manner {
        Manner::Refusing(why) => return ("200 OK", format!("d14:failure reason{}:{why}e", why.len()).into_bytes()),
        Manner::Page(status) => return (status, b"<html><title>Not here</title></html>".to_vec()),
        Manner::Fair(interval) => (*interval, Vec::new()),
        Manner::Lying(more) => (1, more.clone()),
        Manner::Silent | Manner::Held => (1, Vec::new()),
    };
    let all = state.members.keys().chain(&more);
    let peers: Vec<u8> = all.flat_map(|at| [&at.ip().octets()[..], &at.port().to_be_bytes()].concat()).collect();
    let [complete, incomplete] = counts(&state);
    let head =
        format!("d8:completei{complete}e10:incompletei{incomplete}e8:intervali{interval}e5:peers{}:", peers.len());
    ("200 OK", [head.as_bytes(), &peers, b"e"].concat())
}

fn counts(state: &State) -> [usize; 2] {
    let complete = state.members.values().filter(|left| **left == 0).count();
    [complete, state.members.len() - complete]
}

fn scrape(state: &State, query: &str) -> Vec<u8> {
    let hash = query.split('&').find_map(|pair| pair.strip_prefix("info_hash=")).map(decoded).unwrap_or_default();
    let [complete, incomplete] = counts(state);
    let figures = format!("d8:completei{complete}e10:downloadedi0e10:incompletei{incomplete}ee");
    [format!("d5:filesd{}:", hash.len()).as_bytes(), &hash, figures.as_bytes(), b"ee"].concat()
}

fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let hex = more.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = &more[if byte.is_some() { 2 } else { 0 }..];
    }
    bytes
}
