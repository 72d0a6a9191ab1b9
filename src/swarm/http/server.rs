//! HTTP: connections in, requests to a [`Site`], answers out. One thread does it all.
//!
//! hyper reads and writes HTTP. Everything that a caller can make grow or last has a bound here.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use super::callers::{Callers, Presence, hand_in};
use super::source::Source;

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

/// An answer.
pub type Answer = Response<Full<Bytes>>;

/// What is served.
pub trait Site: 'static {
    /// Says that it answers only GET.
    const ONLY_GET: &'static str;

    /// Answers a GET or HEAD. hyper leaves the body out for HEAD.
    fn respond(&self, request: &Request<Incoming>, caller: IpAddr) -> Answer;
}

/// Returns an answer of this type.
pub fn whole(kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Returns an answer of plain text with this status.
pub fn text(status: StatusCode, words: &'static str) -> Answer {
    let mut response = whole("text/plain; charset=utf-8", words);
    *response.status_mut() = status;
    response
}

/// Serves what comes in by these sockets, until the process ends.
///
/// # Errors
/// If the system does not let it begin.
pub fn serve<S: Site>(listeners: Vec<TcpListener>, site: &Rc<S>, callers: &Rc<RefCell<Callers>>) -> Result<Infallible> {
    let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let runtime = runtime.context("cannot wait for connections")?;
    LocalSet::new().block_on(&runtime, async {
        let accepting = |listener: TcpListener| {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            io::Result::Ok(spawn_local(accept_all(listener, Rc::clone(site), Rc::clone(callers))))
        };
        let accepting = listeners.into_iter().map(accepting).collect::<io::Result<Vec<_>>>();
        for task in accepting.context("cannot wait for connections")? {
            // It ends only by a panic, which says what it is.
            _ = task.await;
        }
        Err(anyhow!("the server has failed"))
    })
}

async fn accept_all<S: Site>(listener: tokio::net::TcpListener, site: Rc<S>, callers: Rc<RefCell<Callers>>) {
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
            callers.borrow_mut().close_one();
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let caller = address.ip().to_canonical();
        let presence = Presence::enter(&callers, Source::of(caller));
        let ticket = presence.ticket();
        let (http, of_task) = (Rc::clone(&http), Rc::clone(&site));
        let task = spawn_local(async move {
            converse(stream, caller, &http, &*of_task).await;
            drop(presence);
        });
        hand_in(&callers, ticket, task.abort_handle());
    }
}

/// Answers the requests of a connection. Its errors are the caller's own.
async fn converse<S: Site>(stream: TcpStream, caller: IpAddr, http: &Builder, site: &S) {
    let answer = |request| ready(Ok::<_, Infallible>(respond(site, &request, caller)));
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service_fn(answer)));
    if timeout(LIFETIME, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        _ = timeout(LAST_PATIENCE, connection).await;
    }
}

fn respond<S: Site>(site: &S, request: &Request<Incoming>, caller: IpAddr) -> Answer {
    if request.method() == Method::GET || request.method() == Method::HEAD {
        return site.respond(request, caller);
    }
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, S::ONLY_GET);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}
