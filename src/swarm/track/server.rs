//! What the tracker answers: requests to the registry, by HTTP.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, TcpListener};
use std::rc::Rc;
use std::time::Instant;

use anyhow::Result;
use hyper::body::Incoming;
use hyper::header::{CONTENT_SECURITY_POLICY, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use peer_process::discovery::identity::InfoHash;

use super::answer::{self, Intervals};
use super::page::{Extra, Stats};
use super::registry::Registry;
use super::request::{self, Announce};
use crate::http::callers::{Callers, allowed};
use crate::http::server::{self, Answer, Site, text, whole};

/// Maximum number of connections.
const MOST_CONNECTIONS: usize = 1000;
/// Nothing outside is loaded, and nothing is run.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A tracker: the registry, and what answers need beside it.
#[derive(Debug)]
pub struct Tracker {
    /// The swarms.
    pub registry: RefCell<Registry>,
    /// The names of the swarms that are known by name.
    pub names: HashMap<InfoHash, String>,
    /// What every answer says.
    pub intervals: Intervals,
    /// The beginning of time.
    pub started: Instant,
    callers: Rc<RefCell<Callers>>,
    scrapes: Cell<u64>,
    unreadable: Cell<u64>,
}

impl Tracker {
    /// Returns a tracker that starts now.
    pub fn new(registry: Registry, names: HashMap<InfoHash, String>, intervals: Intervals) -> Self {
        Self {
            registry: RefCell::new(registry),
            names,
            intervals,
            started: Instant::now(),
            callers: Rc::new(RefCell::new(Callers::new(allowed(MOST_CONNECTIONS)))),
            scrapes: Cell::new(0),
            unreadable: Cell::new(0),
        }
    }

    fn now_secs(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    /// Clients show a `failure reason` only if the status is 200.
    fn announce(&self, query: &str, caller: IpAddr) -> Vec<u8> {
        let announce = match Announce::read(query, caller) {
            Ok(announce) => announce,
            Err(fault) => return self.cannot_read(&fault),
        };
        match self.registry.borrow_mut().announce(&announce, caller, self.now_secs()) {
            Ok(answer) => answer::announce(&answer, self.intervals, announce.form),
            Err(refusal) => answer::failure(&refusal.to_string()),
        }
    }

    fn scrape(&self, query: &str) -> Vec<u8> {
        match request::scraped(query) {
            Ok(hashes) => {
                self.scrapes.set(self.scrapes.get() + 1);
                let counts = self.registry.borrow_mut().scrape(&hashes, self.now_secs());
                answer::scrape(&counts, self.intervals)
            }
            Err(fault) => self.cannot_read(&fault),
        }
    }

    fn cannot_read(&self, fault: &request::Fault) -> Vec<u8> {
        self.unreadable.set(self.unreadable.get() + 1);
        answer::failure(&fault.to_string())
    }

    fn stats(&self) -> Stats {
        let mut registry = self.registry.borrow_mut();
        let uptime_secs = self.now_secs();
        registry.expire(uptime_secs);
        let (scrapes, unreadable) = (self.scrapes.get(), self.unreadable.get());
        let connections = self.callers.borrow().count();
        Stats::of(&registry, &self.names, Extra { uptime_secs, scrapes, unreadable, connections })
    }
}

impl Site for Tracker {
    const ONLY_GET: &'static str = "this tracker answers only GET\n";

    fn respond(&self, request: &Request<Incoming>, caller: IpAddr) -> Answer {
        let query = request.uri().query().unwrap_or_default();
        match request.uri().path() {
            "/announce" | "/announce/" => whole("text/plain", self.announce(query, caller)),
            "/scrape" | "/scrape/" => whole("text/plain", self.scrape(query)),
            "/" => {
                let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
                let mut response = whole("text/html; charset=utf-8", self.stats().page(host));
                response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
                response
            }
            "/stats.json" => whole("application/json", self.stats().json()),
            _ => text(StatusCode::NOT_FOUND, "there are /announce, /scrape, / and /stats.json\n"),
        }
    }
}

/// Serves what comes in by these sockets, until the process ends.
///
/// # Errors
/// If the system does not let it begin.
pub fn serve(listeners: Vec<TcpListener>, tracker: Tracker) -> Result<Infallible> {
    let callers = Rc::clone(&tracker.callers);
    server::serve(listeners, &Rc::new(tracker), &callers)
}
