//! `swarm replay --serve`: by requests made by hand, and in the browser while logs grow.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::http::{Answer, Connection};
use crate::{Logs, PIECE_COUNT, shown_counts};

/// A running `swarm replay --serve`; killed when dropped.
struct Server {
    child: Child,
    /// The address that it has printed.
    url: String,
}

impl Server {
    fn start(dir: &Path, serve: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_swarm"));
        command.args(["replay", serve]).current_dir(dir).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("swarm runs");
        let mut url = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut url).expect("it is text");
        Self { child, url: url.trim_end().to_owned() }
    }

    /// Returns its host with the port, and the path of the page.
    fn place(&self) -> (&str, &str) {
        let rest = self.url.strip_prefix("http://").unwrap_or_else(|| panic!("no address: {}", self.url));
        rest.split_at(rest.find('/').expect("a path"))
    }

    fn address(&self) -> SocketAddr {
        self.place().0.to_socket_addrs().expect("an address").next().expect("an address")
    }

    fn ask(&self, method: &str, path: &str, host: &str) -> Answer {
        let mut connection = Connection::to(self.address());
        connection.send(format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
        connection.answer()
    }

    /// Asks for the data, until there is an answer that fits.
    fn data(&self, path: &str, fits: impl Fn(&Value, &[Vec<u8>]) -> bool) -> (Value, Vec<Vec<u8>>) {
        loop {
            let answer = self.ask("GET", path, self.place().0);
            assert_eq!(answer.status, 200, "{answer:?}");
            let mut parts = parts(&answer.body);
            let state = serde_json::from_slice(&parts.remove(0)).expect("the state is JSON");
            if fits(&state, &parts) {
                return (state, parts);
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn parts(mut answer: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while let Some((len, rest)) = answer.split_first_chunk::<4>() {
        let (part, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        parts.push(part.to_vec());
        answer = rest;
    }
    parts
}

#[test]
fn the_server_gives_the_page_and_its_data_and_nothing_else() {
    let logs = Logs::new(false);
    let server = Server::start(logs.dir.path(), "--serve");
    let (host, path) = server.place();
    assert!(host.starts_with("127.0.0.1:") && path == "/", "{}", server.url);
    let page = server.ask("GET", "/", host);
    let head = page.head.to_lowercase();
    assert_eq!(page.status, 200, "{head}");
    assert!(
        head.contains("content-security-policy: default-src 'none'") && head.contains("script-src 'sha256-"),
        "{head}"
    );
    assert!(page.body.starts_with(b"<!DOCTYPE html>"));
    for path in ["/Common.cfg", "/../Common.cfg", "/data/", "//", "/index.html"] {
        assert_eq!(server.ask("GET", path, host).status, 404, "{path}");
    }
    assert_eq!(server.ask("GET", "/favicon.ico", host).status, 204);
    assert_eq!(server.ask("POST", "/", host).status, 405);
    // A page of another site, whose name leads here.
    for wrong in ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""] {
        for path in ["/", "/data?run=0&at=0"] {
            assert_eq!(server.ask("GET", path, wrong).status, 421, "{wrong} {path}");
        }
    }
    for own in ["localhost", "127.0.0.1", "[::1]:7"] {
        assert_eq!(server.ask("GET", "/", own).status, 200, "{own}");
    }
    let mut long = Connection::to(server.address());
    long.send(format!("GET /{} HTTP/1.1\r\nHost: {host}\r\n\r\n", "x".repeat(20_000)).as_bytes());
    assert_eq!(long.answer().status, 431);
    let mut head = Connection::to(server.address());
    head.send(format!("HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes());
    let answer = head.rest();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn beyond_this_machine_only_those_who_know_the_path_see_anything() {
    let logs = Logs::new(false);
    let server = Server::start(logs.dir.path(), "--serve=0.0.0.0:0");
    let (host, path) = server.place();
    let secret = path.trim_matches('/');
    assert!(secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", server.url);
    assert_eq!(server.ask("GET", path, host).status, 200);
    assert_eq!(server.ask("GET", &format!("{path}data?run=0&at=0"), host).status, 200);
    for path in ["/", "/data", &format!("/{secret}"), &format!("/{}0/", &secret[..31])] {
        let is_own = path == format!("/{secret}/");
        assert!(is_own || server.ask("GET", path, host).status == 404, "{path}");
    }
}

#[test]
fn many_silent_callers_keep_nobody_out() {
    let logs = Logs::new(false);
    let server = Server::start(logs.dir.path(), "--serve");
    let mut silent: Vec<_> = (0..100).map(|_| Connection::to(server.address())).collect();
    for connection in &mut silent {
        connection.send(b"GET / HT");
    }
    assert_eq!(server.ask("GET", "/", server.place().0).status, 200);
    assert!(silent[0].is_at_end(), "the oldest gave way");
}

#[test]
fn two_pages_get_what_each_lacks_and_a_log_that_begins_again_begins_all() {
    let logs = Logs::new(false);
    let path = |id: u32| logs.dir.path().join(format!("log_peer_{id}.log"));
    let whole = fs::read(path(1003)).expect("a log");
    let (first, second) = whole.split_at(whole.len() / 2);
    fs::write(path(1003), first).expect("a file");
    let server = Server::start(logs.dir.path(), "--serve");
    let (state, parts) = server.data("/data?run=0&at=0", |_, parts| parts.len() > 1);
    let head: Value = serde_json::from_slice(&parts[0]).expect("a head");
    assert_eq!((&state["is_whole"], &head["peers"][2]["id"]), (&json!(true), &json!(1003)));
    let run = state["run"].as_u64().expect("a number");
    // Logs of an hour ago would be over; this one was written just now.
    let more = format!("/data?run={run}&at={}", state["at"]);
    OpenOptions::new().append(true).open(path(1003)).and_then(|mut file| file.write_all(second)).expect("a file");
    let (later, parts) = server.data(&more, |state, parts| state["run"] != run || parts.len() > 1);
    let head: Value = serde_json::from_slice(&parts[0]).expect("a head");
    assert_eq!(head["peers"][2]["files"][0]["lines"], json!(whole.split(|byte| *byte == b'\n').count() - 1));
    // Another page begins with all.
    let (other, _) = server.data("/data?run=0&at=0", |_, parts| parts.len() > 1);
    assert_eq!((&other["is_whole"], &other["run"]), (&json!(true), &later["run"]));
    fs::write(path(1003), first).expect("a file");
    let (again, parts) = server.data("/data?run=0&at=0", |state, _| state["run"].as_u64() > later["run"].as_u64());
    let head: Value = serde_json::from_slice(&parts[0]).expect("a head");
    let lines = first.split(|byte| *byte == b'\n').count() - 1;
    assert!(
        again["is_whole"] == true && head["peers"][2]["files"][0]["lines"].as_u64() <= Some(1 + lines as u64),
        "{head}"
    );
}

#[test]
fn a_configuration_that_has_gone_ends_no_page() {
    let logs = Logs::new(false);
    let server = Server::start(logs.dir.path(), "--serve");
    server.data("/data?run=0&at=0", |_, parts| parts.len() > 1);
    for name in ["Common.cfg", "PeerInfo.cfg"] {
        fs::remove_file(logs.dir.path().join(name)).expect("it is there");
    }
    let path = logs.dir.path().join("log_peer_1003.log");
    let line = "2026-11-28 10:00:09.000: Peer 1003 is choked by 1002.\n";
    OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(line.as_bytes())).expect("a file");
    let lines = fs::read_to_string(&path).expect("a log").lines().count();
    // When nobody writes any more, the run is judged.
    server.data("/data?run=0&at=0", |_, parts| {
        let head: Option<Value> = parts.first().and_then(|head| serde_json::from_slice(head).ok());
        head.is_some_and(|head| head["is_live"] == false && head["peers"][2]["files"][0]["lines"] == json!(lines))
    });
}

/// The logs are written in three parts; after the last one nobody writes any more.
pub fn the_page_follows_a_run_and_becomes_its_replay(browser: &mut Browser) {
    let logs = Logs::new(true);
    let path = |id: u32| logs.dir.path().join(format!("log_peer_{id}.log"));
    let texts = [1001, 1002, 1003].map(|id| (id, fs::read_to_string(path(id)).expect("a log")));
    for (id, _) in &texts {
        fs::remove_file(path(*id)).expect("it is there");
    }
    let server = Server::start(logs.dir.path(), "--serve");
    browser.open_url(&server.url);
    browser.wait_until("app && app.store.head.is_live");
    assert_eq!(browser.get("document.getElementById('files').textContent.includes('no log yet')"), json!(true));
    let write = |until: fn(&str) -> usize| {
        for (id, text) in &texts {
            fs::write(path(*id), &text[..until(text)]).expect("a file");
        }
    };
    // Up to the end of a line, and in the middle of one.
    write(|text| text.find("the piece 9 ").unwrap_or(text.len()));
    browser.wait_until("app.clock.isFollowing && app.clock.time === app.clock.end && app.store.length === 2 * 11 + 1");
    browser.drawn();
    assert_eq!(shown_counts(browser), json!({"1001": PIECE_COUNT.to_string(), "1002": "9", "1003": "9"}));
    assert_eq!(
        browser.get("document.getElementById('violations').textContent.includes('when the run is over')"),
        json!(true)
    );
    // Who moves the cursor, follows no more; the end brings back.
    browser.press("Home");
    // What a fault of the page has left out comes again, and the fault is told.
    browser.get(
        "(() => { const { error } = console; window.faults = []; \
         console.error = (fault) => { faults.push(fault.message); console.error = error }; \
         app.grow = () => { delete app.grow; throw new TypeError('on purpose') }; return null })()",
    );
    append(&texts, &path, |text| text.find("the piece 15 ").unwrap_or(text.len()));
    browser.wait_until("app.store.length === 2 * 17 + 1");
    assert_eq!(browser.get("[faults, document.getElementById('lost').hidden]"), json!([["on purpose"], true]));
    assert_eq!(browser.get("[app.clock.time, app.clock.isFollowing]"), json!([0, false]));
    browser.press("End");
    assert_eq!(browser.get("[app.clock.time === app.store.end, app.clock.isFollowing]"), json!([true, true]));
    append(&texts, &path, str::len);
    browser.wait_until("!app.store.head.is_live");
    browser.drawn();
    let all = PIECE_COUNT.to_string();
    assert_eq!(shown_counts(browser), json!({"1001": all, "1002": all, "1003": all}));
    assert_eq!(browser.get("[app.clock.time === app.store.end, app.clock.isLive]"), json!([true, false]));
    let marks = browser.get("[...document.querySelectorAll('.violation')].map((e) => e.textContent).join()");
    assert!(marks.as_str().is_some_and(|marks| marks.contains("index-twice")), "{marks}");
}

/// Makes the logs longer, as their peers do.
fn append(texts: &[(u32, String)], path: &impl Fn(u32) -> std::path::PathBuf, until: fn(&str) -> usize) {
    for (id, text) in texts {
        let mut file = OpenOptions::new().append(true).open(path(*id)).expect("a log");
        let known = usize::try_from(file.metadata().expect("a file").len()).expect("it is short");
        file.write_all(&text.as_bytes()[known..until(text)]).expect("a file");
    }
}
