//! `swarm replay` and its page, in headless Chromium from `file://`.
//!
//! One browser shows all pages, because it takes seconds to start.

#[path = "../support/left_out.rs"]
#[allow(dead_code, reason = "other test crates use the rest of it")]
mod left_out;

#[path = "../support/http.rs"]
#[allow(dead_code, reason = "other test crates use the rest of it")]
mod http;

mod browser;
mod live;
mod parts;
mod store;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use browser::Browser;

const PIECE_COUNT: u64 = 20;
/// Milliseconds of the first piece, and between two pieces.
const FIRST: u64 = 1000;
const STEP: u64 = 100;

/// A directory with the logs of three peers: 1001 sends every piece to 1002, which sends it on to 1003.
struct Logs {
    dir: TempDir,
    /// For each peer that downloads: its ID, and the milliseconds of its pieces.
    downloads: Vec<(u32, Vec<u64>)>,
}

impl Logs {
    /// With `is_wrong`, 1003 says that it downloads piece 3 a second time, in its last line.
    fn new(is_wrong: bool) -> Self {
        let dir = TempDir::new().expect("a directory");
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("a file");
        write(
            "Common.cfg",
            "NumberOfPreferredNeighbors 1\nUnchokingInterval 5\nOptimisticUnchokingInterval 10\nFileName thefile\n\
             FileSize 1990\nPieceSize 100\n",
        );
        write("PeerInfo.cfg", "1001 localhost 6001 1\n1002 localhost 6002 0\n1003 localhost 6003 0\n");
        let line = |log: &mut String, at: u64, id: u32, words: &str| {
            writeln!(log, "2026-11-28 10:00:{:02}.{:03}: Peer {id} {words}.", at / 1000, at % 1000).expect("memory");
        };
        let mut log = String::new();
        line(&mut log, 20, 1001, "is connected from Peer 1002");
        write("log_peer_1001.log", &log);
        let mut downloads = Vec::new();
        for (id, from, delay) in [(1002, 1001, 0), (1003, 1002, 50)] {
            let mut log = String::new();
            let mut times = Vec::new();
            line(&mut log, delay, id, &format!("makes a connection to Peer {from}"));
            line(&mut log, 500 + delay, id, &format!("is unchoked by {from}"));
            for piece in 0..PIECE_COUNT {
                let at = FIRST + STEP * piece + delay;
                let count = piece + 1;
                let words =
                    format!("has downloaded the piece {piece} from {from}. Now the number of pieces it has is {count}");
                line(&mut log, at, id, &words);
                times.push(at);
            }
            let at = FIRST + STEP * PIECE_COUNT + delay;
            line(&mut log, at, id, "has downloaded the complete file");
            if is_wrong && id == 1003 {
                let words = "has downloaded the piece 3 from 1002. Now the number of pieces it has is 20";
                line(&mut log, at + 500, id, words);
            }
            write(&format!("log_peer_{id}.log"), &log);
            downloads.push((id, times));
        }
        Self { dir, downloads }
    }

    fn swarm(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_swarm"));
        command.arg("replay").args(arguments).current_dir(self.dir.path());
        command.output().expect("swarm runs")
    }

    fn page(&self) -> PathBuf {
        let output = self.swarm(&[]);
        assert!(output.status.success(), "{output:?}");
        self.dir.path().join("replay.html")
    }

    /// Returns how many pieces a peer has at this time of its log.
    fn count_at(&self, id: u32, millis: f64) -> usize {
        let (_, times) = self.downloads.iter().find(|(other, _)| *other == id).expect("it downloads");
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a short run")]
        times.iter().filter(|at| **at as f64 <= millis).count()
    }
}

/// Returns the count that the page shows for each peer.
fn shown_counts(browser: &mut Browser) -> Value {
    browser
        .get("Object.fromEntries([...document.querySelectorAll('.count')].map((e) => [e.dataset.peer, e.textContent]))")
}

/// Returns the line of the selected event.
fn selected_line(browser: &mut Browser) -> Value {
    browser.get("document.querySelector('.event:not([hidden])[aria-selected=true] .place').textContent")
}

#[test]
fn the_page_shows_in_a_browser_what_the_logs_say() {
    let Some(mut browser) = Browser::start() else { return };
    browser.resize(1200, 900);
    the_slider_shows_the_counts_of_that_time(&mut browser);
    a_mark_jumps_to_its_line(&mut browser);
    the_keyboard_moves_the_cursor(&mut browser);
    store::the_links_are_those_of_the_logs(&mut browser);
    store::chunks_that_come_later_are_sorted_in(&mut browser);
    store::playing_ends_at_the_end(&mut browser);
    parts::links_follow_messages_and_connections(&mut browser);
    parts::counts_are_the_last_that_are_told(&mut browser);
    parts::there_may_be_many_strangers_and_pieces(&mut browser);
    parts::every_mark_is_reached(&mut browser);
    parts::the_map_is_read_by_the_keyboard(&mut browser);
    parts::nothing_checked_is_not_nothing_wrong(&mut browser);
    parts::only_violations_are_counted_in_red(&mut browser);
    live::the_page_follows_a_run_and_becomes_its_replay(&mut browser);
    nothing_is_wider_than_a_narrow_window(&mut browser);
    browser.check_console();
}

fn the_slider_shows_the_counts_of_that_time(browser: &mut Browser) {
    let logs = Logs::new(false);
    browser.open(&logs.page());
    for part in ["0", "0.25", "0.5", "0.75", "1"] {
        let event = "slider.dispatchEvent(new Event('input'))";
        let time = browser.get(&format!(
            "(() => {{ const slider = document.getElementById('slider'); slider.value = {part}; {event}; \
             return app.clock.time / 1000 }})()"
        ));
        browser.drawn();
        // Zero is the first line of all, of 10:00:00.000.
        let millis = time.as_f64().expect("a number");
        let expected = [1002, 1003].map(|id| logs.count_at(id, millis).to_string());
        let expected = json!({"1001": PIECE_COUNT.to_string(), "1002": expected[0], "1003": expected[1]});
        assert_eq!(shown_counts(browser), expected, "the slider at {part}, {millis} ms");
    }
    let halfway = logs.count_at(1002, 1500.0);
    assert!((1..20).contains(&halfway), "the middle tells something");
}

fn a_mark_jumps_to_its_line(browser: &mut Browser) {
    let logs = Logs::new(true);
    browser.open(&logs.page());
    // A mark stands at the line that breaks the rule: the last one of the log, which repeats an earlier one.
    let log = fs::read_to_string(logs.dir.path().join("log_peer_1003.log")).expect("a log");
    let line = log.lines().count();
    let at = 1000 * (FIRST + STEP * PIECE_COUNT + 550);
    let first = browser.get("Math.min(...app.store.head.marks.filter((m) => !m.is_unclear).map((m) => m.at))");
    assert_eq!(browser.get("app.clock.time"), first, "the cursor begins at the first violation");
    browser.press("Home");
    let click =
        "[...document.querySelectorAll('.violation')].find((e) => e.textContent.includes('index-twice')).click()";
    browser.get(click);
    browser.drawn();
    assert_eq!(browser.get("app.clock.time"), json!(at));
    assert_eq!(selected_line(browser), json!(format!("log_peer_1003.log:{line}")));
    browser.press("Home");
    let mark =
        "[...document.querySelectorAll('#marks .mark')].find((e) => e.ariaLabel.includes('index-twice')).click()";
    browser.get(mark);
    browser.drawn();
    assert_eq!(selected_line(browser), json!(format!("log_peer_1003.log:{line}")));
}

fn the_keyboard_moves_the_cursor(browser: &mut Browser) {
    browser.press("Home");
    assert_eq!(browser.get("app.clock.time"), json!(0));
    assert_eq!(selected_line(browser), json!("log_peer_1002.log:1"));
    browser.press("ArrowRight");
    assert_eq!(selected_line(browser), json!("log_peer_1001.log:1"));
    browser.press("ArrowLeft");
    assert_eq!(selected_line(browser), json!("log_peer_1002.log:1"));
    browser.press("End");
    assert_eq!(browser.get("app.clock.time"), browser.get("app.store.end"));
    browser.press("?");
    assert_eq!(browser.get("document.getElementById('help').open"), json!(true));
    browser.get("document.getElementById('help').close()");
}

fn nothing_is_wider_than_a_narrow_window(browser: &mut Browser) {
    for width in [400, 1600] {
        browser.resize(width, 900);
        browser.drawn();
        let widest = browser.get("document.documentElement.scrollWidth").as_u64().expect("a width");
        assert!(widest <= u64::from(width), "{widest} pixels in a window of {width}");
    }
}

#[test]
fn the_trace_has_every_piece_as_an_event_that_lasts() {
    let logs = Logs::new(false);
    let output = logs.swarm(&["--trace", "trace.json", "-o", "page.html"]);
    assert!(output.status.success(), "{output:?}");
    let trace = fs::read(logs.dir.path().join("trace.json")).expect("a trace");
    let trace: Value = serde_json::from_slice(&trace).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    for id in [1002, 1003] {
        let own = events.iter().filter(|event| event["ph"] == "X" && event["pid"] == id).count();
        assert_eq!(own as u64, PIECE_COUNT);
    }
    assert!(Path::new(&logs.dir.path().join("page.html")).exists());
}

#[test]
fn what_is_missing_is_said() {
    let logs = Logs::new(false);
    fs::remove_file(logs.dir.path().join("log_peer_1003.log")).expect("it is there");
    let output = logs.swarm(&[]);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no log of peer 1003 was found; name it with --log 1003=PATH"), "{said}");
    // That a peer ends well is no news.
    let start = r#"{"version":1,"event":"start","time":1000.5,"mono":0.5,"peer":1002,"source":"peer"}"#;
    for (status, is_told) in [(0, false), (3, true)] {
        let events = format!("{start}\n{{\"event\":\"end\",\"mono\":2,\"status\":{status}}}\n");
        fs::write(logs.dir.path().join("events_1002.jsonl"), events).expect("a file");
        let said = String::from_utf8_lossy(&logs.swarm(&[]).stderr).into_owned();
        assert_eq!(said.contains("exits with status"), is_told, "{said}");
    }
    let output = logs.swarm(&["--log", "1009=x"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
