//! What the page makes of the record: links, pieces, playing, and chunks that come later.

use serde_json::json;

use crate::browser::Browser;
use crate::{Logs, PIECE_COUNT};

/// Splits the record into the entries of one peer and all others, and appends both to a new store. Returns whether that has the
/// same entries as the page, whether they are sorted, and whether the peers have the same pieces.
const APPENDED_APART: &str = "(() => {
  const old = app.store, c = old.columns;
  const rows = (s) => Array.from({ length: s.length }, (_, i) => [s.columns.times[i], s.line(i), wordsOf(s, i)].join());
  const part = (isIn) => {
    const own = Array.from({ length: old.length }, (_, i) => i).filter((i) => isIn(c.peers[i]));
    const chunk = { length: own.length, lists: new Map() };
    for (const name of Object.keys(c)) chunk[name] = own.map((i) => c[name][i]);
    own.forEach((i, at) => old.lists.has(i) && chunk.lists.set(at, old.lists.get(i)));
    return chunk;
  };
  const fresh = new Store(old.head);
  fresh.append(part((peer) => peer !== 1));
  fresh.append(part((peer) => peer === 1));
  const times = fresh.columns.times.slice(0, fresh.length);
  const pieces = (s) => s.head.peers.map((_, peer) => s.pieces(peer, s.length)).join();
  const isSame = rows(old).sort().join() === rows(fresh).sort().join();
  return [fresh.length, isSame, times.every((time, i) => !i || times[i - 1] <= time), pieces(old) === pieces(fresh)];
})()";

/// Compares the links at each entry, reached step by step, with the same reached by a jump back from the end.
const LINKS_BY_JUMPS: &str = "(() => {
  const steps = new Links(app.store), jumps = new Links(app.store);
  // Few entries would need no snapshot.
  steps.every = jumps.every = 4;
  const all = Array.from({ length: app.store.length + 1 }, (_, i) => (steps.seek(i), steps.flags.join()));
  return all.every((flags, i) => (jumps.seek(app.store.length), jumps.seek(i), jumps.flags.join() === flags));
})()";

pub fn the_links_are_those_of_the_logs(browser: &mut Browser) {
    browser.open(&Logs::new(false).page());
    browser.press("End");
    browser.drawn();
    // 1001 and 1002 are connected, and 1002 was unchoked; 1001 and 1003 never met.
    let flags = browser.get("[app.links.of(0, 1), app.links.of(1, 0), app.links.of(0, 2)]");
    assert_eq!(flags, json!([1 | 4, 1, 0]));
    assert_eq!(browser.get(LINKS_BY_JUMPS), json!(true));
}

/// A running swarm sends such chunks: each log is read at another moment.
pub fn chunks_that_come_later_are_sorted_in(browser: &mut Browser) {
    browser.open(&Logs::new(false).page());
    let count = 1 + 2 * (PIECE_COUNT + 3);
    assert_eq!(browser.get(APPENDED_APART), json!([count, true, true, true]));
}

pub fn playing_ends_at_the_end(browser: &mut Browser) {
    browser.open(&Logs::new(false).page());
    browser.get("app.clock.seek(app.store.end - 200000); document.getElementById('play').click()");
    let ended = "new Promise((done) => { const look = () => app.clock.isPlaying ? requestAnimationFrame(look) : \
                 done(app.clock.time === app.store.end); look(); })";
    assert_eq!(browser.get(ended), json!(true));
}
