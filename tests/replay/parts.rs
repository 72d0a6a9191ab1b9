//! The page's scripts on records that the tests make in the browser, and what the page says beside the pictures.

use std::fs;

use serde_json::{Value, json};

use crate::Logs;
use crate::browser::Browser;

/// A store of peers with twenty pieces, and of rows: peer, code, neighbor, number and count. A row a microsecond.
const STORE: &str = "((peers, rows, pieces = 20) => {
  const head = { piece_count: pieces, peers: Array.from({ length: peers }, (_, i) => ({ id: 1001 + i, has_file: false })) };
  const column = (place) => rows.map((row) => row[place] ?? NONE);
  const store = new Store(head);
  store.append({
    length: rows.length, times: rows.map((_, i) => i), peers: column(0), codes: column(1), neighbors: column(2),
    numbers: column(3), counts: column(4), lines: rows.map((_, i) => i + 1), lists: new Map(),
  });
  return store;
})";

/// Returns the value of an expression about the store that these rows make.
fn of_store(browser: &mut Browser, rows: &str, expression: &str) -> Value {
    browser.get(&format!("(() => {{ const store = {STORE}({rows}); return {expression}; }})()"))
}

pub fn links_follow_messages_and_connections(browser: &mut Browser) {
    browser.open(&Logs::new(false).page());
    let links = "(() => { const links = new Links(store); \
                 return Array.from({ length: store.length }, (_, i) => (links.seek(i + 1), [links.of(0, 1), links.of(1, 0)])) })()";
    // The second connection is there before the first one is gone.
    let rows = "2, [[0, CODE.handshakeSent, 1], [0, CODE.makes, 1], [0, CODE.handshakeSent, 1], [0, CODE.closed, 1], \
                [0, CODE.closed, 1]]";
    assert_eq!(of_store(browser, rows, links), json!([[0, 0], [1, 1], [1, 1], [1, 1], [0, 0]]));
    // Sent and received: unchoke, interested, choke, not interested.
    let rows =
        "2, [[0, CODE.message + 3, 1], [0, CODE.message + 4, 1], [1, CODE.message, 0], [1, CODE.message + 7, 0]]";
    assert_eq!(of_store(browser, rows, links), json!([[4, 0], [4, 2], [0, 2], [0, 0]]));
}

pub fn counts_are_the_last_that_are_told(browser: &mut Browser) {
    let counts = "Array.from({ length: store.length }, (_, i) => store.pieces(0, i + 1))";
    // A line that is there twice tells one piece. A count has a line of its own.
    let rows = "2, [[0, CODE.downloaded, 1, 3], [0, CODE.downloaded, 1, 3], [0, CODE.downloaded, 1, 4], \
                [0, CODE.count, -1, -1, 12], [0, CODE.downloaded, 1, 5], [0, CODE.downloaded, 1, 6, 9]]";
    assert_eq!(of_store(browser, rows, counts), json!([1, 1, 2, 12, 13, 9]));
    // A log may tell more than there are.
    let logs = Logs::new(false);
    let path = logs.dir.path().join("log_peer_1003.log");
    let log = fs::read_to_string(&path).expect("a log");
    fs::write(&path, log.replace("it has is 20", "it has is 999")).expect("a file");
    browser.open(&logs.page());
    browser.press("End");
    let title = browser.get("document.querySelector('.count[data-peer=\"1003\"]').title");
    assert_eq!(title, "as its log says; the file has 20 pieces");
}

pub fn there_may_be_many_strangers_and_pieces(browser: &mut Browser) {
    let rows = "2, Array.from({ length: 40000 }, (_, i) => [0, CODE.interested, 2 + 5000 + i])";
    let last = "[store.id(store.columns.neighbors[0]), store.id(store.columns.neighbors[39999])]";
    assert_eq!(of_store(browser, rows, last), json!(["5000", "44999"]));
    let rows = "1000, [[0, CODE.downloaded, 1, 3]], 4e9";
    assert_eq!(of_store(browser, rows, "[store.isMapped, store.pieces(0, 1)]"), json!([false, 1]));
}

pub fn every_mark_is_reached(browser: &mut Browser) {
    browser.open(&Logs::new(true).page());
    browser.get(
        "app.store.head.marks = [[5e5, 'a'], [5e5, 'b'], [5e5, 'c'], [9e9, 'd']]\
         .map(([at, name]) => ({ at, name, text: '', place: 'none:1', peer: 0 })), 0",
    );
    browser.press("Home");
    let mut reached = Vec::new();
    for key in ["n", "n", "n", "n", "n", "p", "p", "p"] {
        browser.press(key);
        reached.push(browser.get("app.reached.mark.name"));
    }
    assert_eq!(reached, ["a", "b", "c", "d", "d", "c", "b", "a"]);
    // An address that is no number leaves the cursor where it is.
    let hash = "(() => { location.hash = '#t=1.2.3'; const found = app.followHash(); location.hash = ''; \
                return [found, app.clock.time]; })()";
    assert_eq!(browser.get(hash), json!([false, 500_000]));
}

pub fn the_map_is_read_by_the_keyboard(browser: &mut Browser) {
    browser.open(&Logs::new(false).page());
    browser.get("document.getElementById('pieces-canvas').focus()");
    let before = browser.get("app.clock.time");
    for key in ["ArrowDown", "ArrowRight", "ArrowRight"] {
        browser.press(key);
    }
    let told = browser.get("document.getElementById('pieces-hint').textContent");
    assert_eq!(told, "1002, piece 2: from 1001 at 1.200 s, log_peer_1002.log:5");
    assert_eq!(browser.get("app.clock.time"), before, "the arrow keys do not move the cursor too");
}

pub fn only_violations_are_counted_in_red(browser: &mut Browser) {
    browser.open(&Logs::new(false).page());
    let counted = |browser: &mut Browser, violated: u32, unclear: u32| {
        browser.get(&format!(
            "(() => {{ Object.assign(app.store.head, {{ violated_count: {violated}, unclear_count: {unclear} }}); \
             app.timeline.showMarks(); const count = document.getElementById('mark-count'); \
             return [count.textContent, [...count.children].map((e) => e.className).join()]; }})()"
        ))
    };
    assert_eq!(counted(browser, 0, 5), json!(["5 unclear", "unclear"]));
    assert_eq!(counted(browser, 1, 38), json!(["1 violation, 38 unclear", "violated,unclear"]));
    assert_eq!(counted(browser, 0, 0), json!(["0 violations", "violated"]));
}

pub fn nothing_checked_is_not_nothing_wrong(browser: &mut Browser) {
    let logs = Logs::new(false);
    let told = "(() => { const list = document.getElementById('violations'); \
                return [list.textContent, [...list.children].map((e) => e.tagName).join()]; })()";
    fs::remove_file(logs.dir.path().join("log_peer_1003.log")).expect("it is there");
    browser.open(&logs.page());
    browser.get("app.store.head.marks = [], app.timeline.showMarks()");
    let words = "No invariant is violated, as far as these logs tell; of 1 peer no line was understood.";
    assert_eq!(browser.get(told), json!([words, "LI"]));
    for id in [1001, 1002] {
        fs::remove_file(logs.dir.path().join(format!("log_peer_{id}.log"))).expect("it is there");
    }
    browser.open(&logs.page());
    assert_eq!(browser.get(told), json!(["Nothing was checked: no line of any log was understood.", "LI"]));
}
