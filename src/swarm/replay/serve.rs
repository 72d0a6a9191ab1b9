//! The live page: a thread that answers browsers, and the loop that reads the logs for it.
//!
//! On loopback any program may ask, but no page of another site: its requests name another host. Elsewhere only those who
//! know the path may ask: it has 128 random bits.

use std::cell::RefCell;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use hyper::{Request, StatusCode};
use peer_process::config::plain_host;
use rand::rngs::{StdRng, SysRng};
use rand::{RngExt, SeedableRng};

use super::follow::Follower;
use super::growing::{Growing, News};
use super::judged::Judged;
use super::page;
use super::shown::Shown;
use crate::cli::ReplayArgs;
use crate::files::new_file;
use crate::grade::load::{open, read};
use crate::http::callers::Callers;
use crate::http::listening::{Listening, Reach};
use crate::http::server::{self, Answer, Site, text, whole};
use crate::http::signals;
use crate::logs::LogPattern;
use crate::out::{print, say};

/// The file that `swarm start --web` leaves.
pub const LEFT: &str = "replay.html";

/// Maximum number of connections. A browser opens a few for each page.
const MOST_CONNECTIONS: usize = 32;
/// Time between two looks at the logs. Pages ask as often (`page/live.js`).
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// A page that has not asked for so long has been closed.
const OPEN: Duration = Duration::from_secs(2);
/// Time for each open page to ask once more, and for them to read the answer.
const LAST_ASK: Duration = Duration::from_millis(600);
const LAST_READ: Duration = Duration::from_secs(2);
/// A response header that hyper has no constant for: no page of another site may embed this.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What pages get, and when one has asked the last time.
#[derive(Debug)]
struct Shared {
    shown: Mutex<(Shown, Option<Instant>)>,
    asked: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, (Shown, Option<Instant>)> {
        // What another thread left half done here is replaced as a whole.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the pages that are open have read the last run; at once if no page is open.
    fn wait_for_readers(&self) {
        let shown = self.lock();
        if shown.1.is_none_or(|asked| asked.elapsed() > OPEN) {
            return;
        }
        let waited = self.asked.wait_timeout_while(shown, LAST_ASK, |_| true);
        let shown = waited.unwrap_or_else(PoisonError::into_inner).0;
        _ = self.asked.wait_timeout_while(shown, LAST_READ, |(shown, _)| !shown.is_read());
    }
}

/// How the end of a run is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Until {
    /// By an order.
    Told,
    /// When nobody writes any more.
    Quiet,
}

/// The page and its data.
struct Live {
    shared: Arc<Shared>,
    page: Bytes,
    policy: HeaderValue,
    /// What stands before all paths: nothing, or the secret.
    secret: Option<String>,
    /// The host at which it listens.
    host: String,
}

impl Site for Live {
    const ONLY_GET: &'static str = "this server answers only GET\n";

    fn respond(&self, request: &Request<Incoming>, _: IpAddr) -> Answer {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        if self.secret.is_none() && !host.is_some_and(|host| is_own(host, &self.host)) {
            return text(StatusCode::MISDIRECTED_REQUEST, "this host is not the one of this server\n");
        }
        let path = request.uri().path();
        let path = self.secret.as_ref().map_or(Some(path), |secret| path.strip_prefix(&**secret));
        let mut answer = match path {
            Some("/") => whole("text/html; charset=utf-8", self.page.clone()),
            Some("/data") => whole("application/octet-stream", self.data(request.uri().query().unwrap_or_default())),
            // Browsers ask for it.
            _ if request.uri().path() == "/favicon.ico" => text(StatusCode::NO_CONTENT, ""),
            _ => text(
                StatusCode::NOT_FOUND,
                "there is nothing here; the page has exactly the address that was printed\n",
            ),
        };
        let headers = answer.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
        answer
    }
}

impl Live {
    /// Answers `run=7&at=3&page=5`. What is missing or wrong counts as a page that has nothing.
    fn data(&self, query: &str) -> Bytes {
        let number = |name: &str| {
            let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            value.and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        let mut shown = self.shared.lock();
        shown.1 = Some(Instant::now());
        let answer = shown.0.answer(number("run"), number("at"), number("page"));
        self.shared.asked.notify_all();
        answer
    }
}

/// Reports whether a Host header names this machine: by a loopback address, `localhost`, or the host at which we listen.
fn is_own(host: &str, own: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let is_loopback = plain_host(name).parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    is_loopback || name.eq_ignore_ascii_case("localhost") || name.eq_ignore_ascii_case(own)
}

/// Opens the server for a follower in a thread of its own. Returns the URL and who can see the page.
fn open_page(option: &str, place: &str, title: &str, shared: &Arc<Shared>) -> Result<(String, Reach)> {
    let listening = Listening::at(option, place)?;
    let reach = listening.reach();
    let secret = if reach == Reach::Machine { None } else { Some(format!("/{:032x}", rng()?.random::<u128>())) };
    let url = listening.url(&format!("{}/", secret.as_deref().unwrap_or_default()));
    let (page, policy) = page::shell(title);
    let policy = HeaderValue::from_str(&policy).context("the policy of the page is no header")?;
    let (shared, host) = (Arc::clone(shared), listening.host().to_owned());
    let serving = move || {
        let live = Rc::new(Live { shared, page: page.into(), policy, secret, host });
        let callers = Rc::new(RefCell::new(Callers::new(MOST_CONNECTIONS)));
        let Err(error) = server::serve(listening.listeners, &live, &callers);
        say(&format!("{error:#}"));
    };
    Builder::new().name("page".into()).spawn(serving).context("cannot start a thread")?;
    Ok((url, reach))
}

fn rng() -> Result<StdRng> {
    StdRng::try_from_rng(&mut SysRng).context("the system has no random numbers")
}

/// Returns a sentence about those who can see the page.
fn who_sees(reach: Reach) -> String {
    match reach {
        Reach::Machine => format!("{} can open the page", reach.who()),
        Reach::Network | Reach::Everybody => {
            format!("{} and knows this address with its random path can see the page, over plain HTTP", reach.who())
        }
    }
}

fn shared() -> Result<Arc<Shared>> {
    // A page that stays open must not take this process for the one before. JavaScript has whole numbers up to 2^53.
    let run = rng()?.random::<u32>().into();
    Ok(Arc::new(Shared { shown: Mutex::new((Shown::new(run, "null".to_owned()), None)), asked: Condvar::new() }))
}

/// Carries out `swarm replay --serve`.
///
/// # Errors
/// When the swarm has no configuration, or it cannot listen.
pub fn run(args: &ReplayArgs, place: &str) -> Result<ExitCode> {
    signals::end_by_signal("the server of the page")?;
    let follower = Follower::new(open(&args.dir.dir, &args.logs, &args.events)?);
    let shared = shared()?;
    let (url, reach) = open_page("--serve", place, &follower.dir().name(), &shared)?;
    print(&url)?;
    say(&who_sees(reach));
    // Nobody gives an order: a signal ends the process.
    let (_orders, ordered) = channel();
    follow(follower, &shared, &ordered, Until::Quiet)?;
    Ok(ExitCode::SUCCESS)
}

/// The live page of a run that this process watches.
#[derive(Debug)]
pub struct Web {
    orders: Sender<()>,
    following: JoinHandle<Result<PathBuf>>,
    shared: Arc<Shared>,
}

impl Web {
    /// Serves the page of this directory, and says where. `pattern` names its logs, beside the usual names.
    ///
    /// # Errors
    /// When the swarm has no configuration, or it cannot listen.
    pub fn begin(dir: &Path, place: &str, pattern: Option<LogPattern>) -> Result<Self> {
        let mut opened = open(dir, &[], &[])?;
        opened.named.pattern = pattern;
        let follower = Follower::new(opened);
        let shared = shared()?;
        let (url, reach) = open_page("--web", place, &follower.dir().name(), &shared)?;
        // Nothing stands behind the address, so that it can be taken as it is.
        say(&format!("the run can be watched at {url}"));
        say(&who_sees(reach));
        let (orders, ordered) = channel();
        let own = Arc::clone(&shared);
        let following =
            Builder::new().name("follow".into()).spawn(move || follow(follower, &own, &ordered, Until::Told));
        Ok(Self { orders, following: following.context("cannot start a thread")?, shared })
    }

    /// Ends it: writes the replay into the swarm's directory, and shows it to the pages that are open. Returns its path.
    ///
    /// # Errors
    /// When the logs cannot be read, or the file cannot be made.
    pub fn finish(self) -> Result<PathBuf> {
        // If that thread has ended, its result tells why.
        _ = self.orders.send(());
        let written = self.following.join().map_err(|_| anyhow!("the thread that follows the logs has failed"))?;
        self.shared.wait_for_readers();
        written
    }
}

/// Reads the logs as they grow, until an order comes. Then it writes the replay. With [`Until::Quiet`], a run in which nobody writes
/// any more becomes the replay too, until somebody writes again.
fn follow(mut follower: Follower, shared: &Shared, orders: &Receiver<()>, until: Until) -> Result<PathBuf> {
    let (begun, title) = (Instant::now(), follower.dir().name());
    let mut growing = Growing::default();
    let mut is_judged = false;
    let mut is_first = true;
    loop {
        let looked = follower.look();
        if is_first || !is_judged || looked.is_written {
            let begins = is_first || is_judged || looked.begins;
            let news = growing.advance(&follower.record, begun.elapsed(), begins);
            show(shared, &title, &follower, &growing, news, looked.has_more);
            (is_first, is_judged) = (false, false);
        }
        if until == Until::Quiet && !is_judged && follower.is_over() {
            let parts = judged(&follower).parts();
            shared.lock().0.begin(parts.head, &parts.chunks);
            is_judged = true;
        }
        match orders.recv_timeout(LOOK_INTERVAL) {
            Ok(()) => break,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(anyhow!("nobody watches the run any more")),
        }
    }
    let parts = judged(&follower).parts();
    let path = follower.dir().path_of(LEFT);
    // The pages get it even if the disk is full.
    shared.lock().0.end(parts.head.clone(), &parts.chunks);
    new_file::write_with(&path, |out| page::write(out, &title, &parts))?;
    Ok(path)
}

/// Shows what is new.
fn show(shared: &Shared, title: &str, follower: &Follower, growing: &Growing, news: News, has_more: bool) {
    // While the lock is held, no page gets an answer; so all is made before.
    let head = || page::live_head(title, &follower.record, growing.times(), growing.origin());
    match news {
        News::All(chunks) => {
            let head = head();
            shared.lock().0.begin(head, &chunks);
        }
        News::More(chunks) if chunks.is_empty() && !has_more => {}
        News::More(chunks) => {
            let new = head();
            let is_due = shared.lock().0.add(new, &chunks);
            if is_due {
                let (head, all) = (head(), growing.all(&follower.record));
                shared.lock().0.compact(head, &all);
            }
        }
    }
}

/// Reads the same files again, from their beginnings to their ends. The configuration counts as it was at first: it may have gone.
fn judged(follower: &Follower) -> Judged {
    let (record, ..) = read(follower.dir(), follower.record.plan.clone(), &follower.named());
    Judged::of(follower.dir().name(), record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:6001", "127.9.9.9", "[::1]:1", "[::1]", "lab-7:80"] {
            assert!(is_own(host, "lab-7"), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "10.0.0.1", "lab:7:80"]
        {
            assert!(!is_own(host, "lab-7"), "{host}");
        }
    }

    #[test]
    fn who_sees_the_page_is_said() {
        assert_eq!(who_sees(Reach::Machine), "only programs on this machine can open the page");
        assert!(who_sees(Reach::Everybody).starts_with("everybody who can reach this machine and knows this address"));
    }
}
