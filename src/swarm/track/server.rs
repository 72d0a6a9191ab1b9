//! HTTP: connections in, requests to the registry, answers out. One thread does it all.
//!
//! hyper reads and writes HTTP. Everything that a caller can make grow or last has a bound here.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use peer_process::discovery::identity::InfoHash;
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use super::answer::{self, Intervals};
use super::callers::{Callers, Presence, hand_in, most_connections};
use super::page::{Extra, Stats};
use super::registry::{Registry, Source};
use super::request::{self, Announce};

/// Maximum number of bytes of a request. A scrape of 100 swarms has 7200.
const MOST_REQUEST_BYTES: usize = 16 * 1024;
/// Time for a request to arrive, counted from the answer before it.
const REQUEST_PATIENCE: Duration = Duration::from_secs(15);
/// Time after which a connection ends with the next answer.
const LIFETIME: Duration = Duration::from_secs(120);
/// Time for the last answer to be read.
const LAST_PATIENCE: Duration = Duration::from_secs(15);
/// Time until the system may have descriptors again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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
            callers: Rc::new(RefCell::new(Callers::new(most_connections()))),
            scrapes: Cell::new(0),
            unreadable: Cell::new(0),
        }
    }

    fn now_secs(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    fn respond<T>(&self, request: &Request<T>, caller: IpAddr) -> Response<Full<Bytes>> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "this tracker answers only GET\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
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

fn whole(kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn text(status: StatusCode, words: &'static str) -> Response<Full<Bytes>> {
    let mut response = whole("text/plain; charset=utf-8", words);
    *response.status_mut() = status;
    response
}

/// Serves what comes in by these sockets, until the process ends.
///
/// # Errors
/// If the system does not let it begin.
pub fn serve(listeners: Vec<TcpListener>, tracker: Tracker) -> Result<Infallible> {
    let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let runtime = runtime.context("cannot wait for connections")?;
    let tracker = Rc::new(tracker);
    LocalSet::new().block_on(&runtime, async {
        let accepting = |listener: TcpListener| {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            io::Result::Ok(spawn_local(accept_all(listener, Rc::clone(&tracker))))
        };
        let accepting = listeners.into_iter().map(accepting).collect::<io::Result<Vec<_>>>();
        for task in accepting.context("cannot wait for connections")? {
            // It ends only by a panic, which says what it is.
            _ = task.await;
        }
        Err(anyhow!("the tracker has failed"))
    })
}

async fn accept_all(listener: tokio::net::TcpListener, tracker: Rc<Tracker>) {
    let mut http = Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(REQUEST_PATIENCE)
        .max_buf_size(MOST_REQUEST_BYTES)
        .half_close(true)
        .auto_date_header(false);
    let http = Rc::new(http);
    loop {
        let Ok((stream, address)) = listener.accept().await else {
            // A caller that has gone again costs a moment. If there are no descriptors, the oldest connection gives one.
            tracker.callers.borrow_mut().close_one();
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let caller = address.ip().to_canonical();
        let presence = Presence::enter(&tracker.callers, Source::of(caller));
        let ticket = presence.ticket();
        let (http, of_task) = (Rc::clone(&http), Rc::clone(&tracker));
        let task = spawn_local(async move {
            converse(stream, caller, &http, &of_task).await;
            drop(presence);
        });
        hand_in(&tracker.callers, ticket, task.abort_handle());
    }
}

/// Answers the requests of a connection. Its errors are the caller's own.
async fn converse(stream: TcpStream, caller: IpAddr, http: &Builder, tracker: &Tracker) {
    let answer = |request| ready(Ok::<_, Infallible>(tracker.respond(&request, caller)));
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service_fn(answer)));
    if timeout(LIFETIME, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        _ = timeout(LAST_PATIENCE, connection).await;
    }
}
