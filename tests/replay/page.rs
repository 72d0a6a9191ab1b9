//! The page in a real browser. One browser serves all checks, because its start is slow.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::browser::{Browser, Page};
use crate::swarm::{PEERS, PIECES, SECONDS, count_at, page, swarm};

/// The line that the marked page points to: 1003 gets its fourth piece at second 5.
const MARKED: (u32, u32) = (6, 5);

#[test]
fn the_page_works_in_a_browser() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = swarm();
    let plain = page(dir.path());
    let marked = marked(&plain);
    slider_shows_the_counts_of_the_logs(&mut browser.open(&plain, ""), dir.path());
    keys_move_the_cursor(&mut browser.open(&plain, ""));
    playing_reaches_the_end(&mut browser.open(&plain, "#t=9.5"));
    a_mark_jumps_to_its_line(&mut browser.open(&marked, ""));
    links_and_pieces_are_those_of_the_logs(&mut browser.open(&plain, ""));
    chunks_that_come_later_are_sorted_in(&mut browser.open(&plain, ""));
    it_fits_all_widths(&mut browser.open(&marked, ""));
}

/// Returns a copy of the page with a mark, as a graded run has it.
fn marked(plain: &Path) -> PathBuf {
    let (line, second) = MARKED;
    let mark = json!([{
        "at": second * 1_000_000, "peer": 2, "name": "index-twice", "text": "</script> is text & stays it",
        "place": format!("log_peer_1003.log:{line}"), "is_unclear": false,
    }]);
    let text = fs::read_to_string(plain).expect("a page");
    let none = r#""is_graded":false,"marks":[]"#;
    assert_eq!(text.matches(none).count(), 1);
    let marks = mark.to_string().replace('<', r"\u003c");
    let path = plain.with_file_name("marked.html");
    fs::write(&path, text.replace(none, &format!(r#""is_graded":true,"marks":{marks}"#))).expect("a page");
    path
}

fn counts(page: &mut Page) -> Vec<String> {
    PEERS.map(|id| page.text(&format!(".count[data-peer='{id}']"))).to_vec()
}

fn expected_counts(dir: &Path, second: u32) -> Vec<String> {
    PEERS.map(|id| if id == 1001 { PIECES } else { count_at(dir, id, second) }.to_string()).to_vec()
}

fn check_faults(page: &mut Page) {
    assert_eq!(page.faults(), [""; 0]);
}

fn slider_shows_the_counts_of_the_logs(page: &mut Page, dir: &Path) {
    assert_eq!(counts(page), expected_counts(dir, 0));
    for second in [5, 2, SECONDS, 7] {
        let part = f64::from(second) / f64::from(SECONDS);
        page.value(&format!(
            "{{ const own = document.getElementById('slider'); own.value = {part} * {SECONDS}e6 / app.store.end; \
             own.dispatchEvent(new Event('input')); }}"
        ));
        // A line's second is shown from its beginning on, where the first line of each second stands.
        page.settle();
        assert_eq!(counts(page), expected_counts(dir, second), "at {second} s");
    }
    check_faults(page);
}

fn keys_move_the_cursor(page: &mut Page) {
    page.press("End");
    assert_eq!(counts(page), ["8", "8", "8"]);
    page.press("Home");
    assert_eq!(page.value("app.clock.time"), json!(0));
    page.press("ArrowRight");
    assert_eq!(page.value("app.focus"), json!(page.value("app.cursor").as_f64().expect("a number") - 1.0));
    let speed = page.value("app.clock.speed").as_f64();
    page.press("+");
    assert!(page.value("app.clock.speed").as_f64() > speed);
    page.press("?");
    assert_eq!(page.value("document.getElementById('help').open"), json!(true));
    check_faults(page);
}

fn playing_reaches_the_end(page: &mut Page) {
    assert_eq!(page.value("app.clock.time"), json!(9_500_000));
    page.click("#play");
    let ended = "new Promise((done) => { const look = () => app.clock.isPlaying ? requestAnimationFrame(look) : \
                 done(app.clock.time === app.store.end); look(); })";
    assert_eq!(page.value(ended), json!(true));
    check_faults(page);
}

fn a_mark_jumps_to_its_line(page: &mut Page) {
    let (line, second) = MARKED;
    let at_mark = |page: &mut Page| {
        assert_eq!(page.value("app.clock.time"), json!(second * 1_000_000));
        let shown = page.text(".event[aria-selected='true'] .place");
        assert_eq!(shown, format!("log_peer_1003.log:{line}"));
    };
    // It begins there.
    at_mark(page);
    assert_eq!(page.text("#violations span"), "</script> is text & stays it");
    for click in [".mark", ".violation"] {
        page.press("Home");
        page.value(&format!("document.querySelector('{click}').scrollIntoView({{block: 'center'}})"));
        page.click(click);
        at_mark(page);
    }
    page.press("End");
    page.press("p");
    at_mark(page);
    check_faults(page);
}

fn links_and_pieces_are_those_of_the_logs(page: &mut Page) {
    page.press("End");
    let flags = page.value("[app.links.of(0, 1), app.links.of(1, 0), app.links.of(0, 2)]");
    // Connected, unchoked and preferred; the interest has ended.
    assert_eq!(flags, json!([1 | 4 | 8, 1, 0]));
    assert_eq!(page.value("[...app.store.sources.slice(8, 24)]"), json!([[0; 8], [1; 8]].concat()));
    // Back to a moment that needs a snapshot or the beginning.
    page.press("Home");
    assert_eq!(page.value("app.links.cursor === app.cursor && app.links.of(1, 2)"), json!(0));
    check_faults(page);
}

/// A running swarm sends such chunks: each log is read at another moment.
fn chunks_that_come_later_are_sorted_in(page: &mut Page) {
    let again = "(() => { const s = app.store; const rows = () => Array.from({length: s.length}, (_, i) => \
        [s.columns.times[i], s.line(i), wordsOf(s, i)].join()); \
        const split = (keep) => { const own = []; for (let i = 0; i < s.length; i++) if (keep(i)) own.push(i); \
          const pick = (column) => Array.from(own, (i) => column[i]); const c = s.columns; \
          return { length: own.length, times: pick(c.times), peers: pick(c.peers), codes: pick(c.codes), \
            neighbors: pick(c.neighbors), numbers: pick(c.numbers), lines: pick(c.lines), counts: pick(c.counts), \
            lists: new Map(own.flatMap((i, at) => s.lists.has(i) ? [[at, s.lists.get(i)]] : [])) }; }; \
        const own = (i) => s.columns.peers[i] === 1; const parts = [split((i) => !own(i)), split(own)]; \
        const before = rows().sort(); const acquired = s.pieces(2, s.length); const other = new Store(s.head); \
        const froms = parts.map((part) => other.append(part)); \
        const after = Array.from({length: other.length}, (_, i) => \
          [other.columns.times[i], other.line(i), wordsOf(other, i)].join()); \
        const sorted = other.columns.times.slice(0, other.length).every((t, i, all) => i === 0 || all[i - 1] <= t); \
        return [before.join() === after.sort().join(), sorted, other.pieces(2, other.length) === acquired, froms]; })()";
    let answer = page.value(again);
    assert_eq!((&answer[0], &answer[1], &answer[2]), (&json!(true), &json!(true), &json!(true)), "{answer}");
    check_faults(page);
}

fn it_fits_all_widths(page: &mut Page) {
    for width in [400, 860, 1200, 1600] {
        page.resize(width, 900);
        let wide = page.value("document.documentElement.scrollWidth");
        assert!(wide.as_u64().is_some_and(|wide| wide <= u64::from(width)), "{wide} at {width}");
        let empty = page.value("[...document.querySelectorAll('canvas')].filter((own) => !own.width || !own.ariaHidden && !own.ariaLabel).length");
        assert_eq!(empty, json!(0));
    }
    check_faults(page);
}
