//! `Shown`: what a live page gets when it asks for what is new; pure.
//!
//! An answer is a row of parts, each with its length before it (four bytes, little-endian). The first is the [`State`] as JSON. If
//! anything is new, the page's head as JSON and the chunks follow. A page says which run it shows, and how many steps of it; a run
//! is what begins again with nothing. A page of another run gets all of it. Each page has a number that it made up.

use std::collections::BTreeSet;

use hyper::body::Bytes;
use serde::Serialize;

use super::data::Chunk;

/// Maximum number of steps that are kept beside the whole. A page that asks later gets the whole again.
const MOST_STEPS: usize = 240;
/// Maximum number of pages that are waited for at the end.
const MOST_PAGES: usize = 1000;

/// What a page is told first.
#[derive(Serialize)]
struct State {
    run: u64,
    /// Number of steps that the page has after this answer.
    at: u64,
    /// Whether the chunks are all from the first on.
    is_whole: bool,
    /// Whether nothing will follow.
    is_last: bool,
}

/// What pages get, and how far they are with the end.
#[derive(Debug)]
pub struct Shown {
    run: u64,
    /// The answer to a page that has nothing: all of the first `first` steps.
    whole: Bytes,
    first: u64,
    /// The chunks of each step behind them, with their lengths.
    later: Vec<Vec<u8>>,
    head: String,
    is_last: bool,
    /// The pages that were handed the last run, and have not asked again since.
    handed: BTreeSet<u64>,
}

impl Shown {
    /// Shows a run of which there is nothing yet. `run` must be another one for each process, because pages stay open.
    pub fn new(run: u64, head: String) -> Self {
        let mut shown = Self {
            run,
            whole: Bytes::new(),
            first: 0,
            later: Vec::new(),
            head: String::new(),
            is_last: false,
            handed: BTreeSet::new(),
        };
        shown.begin(head, &[]);
        shown
    }

    /// Shows these chunks instead of all before.
    pub fn begin(&mut self, head: String, chunks: &[Chunk]) {
        self.run += 1;
        (self.first, self.later) = (0, Vec::new());
        self.compact(head, chunks);
    }

    /// The same, and nothing will follow.
    pub fn end(&mut self, head: String, chunks: &[Chunk]) {
        self.is_last = true;
        self.begin(head, chunks);
    }

    /// Shows these chunks, too. Returns whether there are many steps, so that [`Shown::compact`] is due.
    pub fn add(&mut self, head: String, chunks: &[Chunk]) -> bool {
        let mut step = Vec::new();
        put_all(&mut step, chunks);
        self.later.push(step);
        self.head = head;
        self.later.len() >= MOST_STEPS
    }

    /// Replaces all chunks by these, which say the same.
    pub fn compact(&mut self, head: String, chunks: &[Chunk]) {
        self.first += self.later.len() as u64;
        self.later = Vec::new();
        let mut whole = self.state(self.first, true);
        put(&mut whole, head.as_bytes());
        put_all(&mut whole, chunks);
        (self.whole, self.head) = (whole.into(), head);
    }

    /// Answers the page of this number, which has this many steps of this run.
    pub fn answer(&mut self, run: u64, at: u64, page: u64) -> Bytes {
        let end = self.first + self.later.len() as u64;
        let new = at.checked_sub(self.first).and_then(|known| self.later.get(usize::try_from(known).ok()?..));
        let Some(new) = new.filter(|_| run == self.run) else {
            if self.is_last && self.handed.len() < MOST_PAGES {
                self.handed.insert(page);
            }
            return self.whole.clone();
        };
        self.handed.remove(&page);
        let mut answer = self.state(end, false);
        if !new.is_empty() {
            put(&mut answer, self.head.as_bytes());
            answer.extend(new.concat());
        }
        answer.into()
    }

    /// Reports whether each page that has asked for the last run has read all of it.
    pub fn is_read(&self) -> bool {
        self.is_last && self.handed.is_empty()
    }

    fn state(&self, at: u64, is_whole: bool) -> Vec<u8> {
        let state = State { run: self.run, at, is_whole, is_last: self.is_last };
        let mut answer = Vec::new();
        put(&mut answer, &serde_json::to_vec(&state).expect("numbers only"));
        answer
    }
}

fn put_all(answer: &mut Vec<u8>, chunks: &[Chunk]) {
    for chunk in chunks {
        put(answer, &chunk.0);
    }
}

/// Appends a part with its length.
fn put(answer: &mut Vec<u8>, part: &[u8]) {
    let len = u32::try_from(part.len()).expect("a chunk has a bounded number of entries");
    answer.extend(len.to_le_bytes());
    answer.extend(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the state, and the other parts as text.
    fn parts(answer: &Bytes) -> (serde_json::Value, Vec<String>) {
        let mut parts = Vec::new();
        let mut rest = &answer[..];
        while let Some((len, behind)) = rest.split_first_chunk::<4>() {
            let (part, behind) = behind.split_at(u32::from_le_bytes(*len) as usize);
            parts.push(String::from_utf8(part.to_vec()).expect("text"));
            rest = behind;
        }
        let state = serde_json::from_str(&parts.remove(0)).expect("JSON");
        (state, parts)
    }

    fn chunk(text: &str) -> Chunk {
        Chunk(text.into())
    }

    fn state(at: u64, run: u64, is_whole: bool, is_last: bool) -> serde_json::Value {
        serde_json::json!({"at": at, "run": run, "is_whole": is_whole, "is_last": is_last})
    }

    #[test]
    fn a_page_gets_what_it_lacks_and_nothing_twice() {
        let mut shown = Shown::new(6, "h0".into());
        assert_eq!(parts(&shown.answer(0, 0, 5)), (state(0, 7, true, false), vec!["h0".into()]));
        assert_eq!(parts(&shown.answer(7, 0, 5)), (state(0, 7, false, false), vec![]));
        shown.add("h1".into(), &[chunk("a"), chunk("b")]);
        shown.add("h2".into(), &[chunk("c")]);
        assert_eq!(
            parts(&shown.answer(7, 0, 5)),
            (state(2, 7, false, false), ["h2", "a", "b", "c"].map(Into::into).into())
        );
        assert_eq!(parts(&shown.answer(7, 1, 5)), (state(2, 7, false, false), ["h2", "c"].map(Into::into).into()));
        assert_eq!(parts(&shown.answer(7, 2, 5)), (state(2, 7, false, false), vec![]));
        // Another process, or a page that says nonsense.
        for (run, at) in [(5, 2), (7, 3), (7, u64::MAX), (8, 0)] {
            assert_eq!(parts(&shown.answer(run, at, 5)), (state(0, 7, true, false), vec!["h0".into()]));
        }
        shown.compact("h3".into(), &[chunk("abc")]);
        assert_eq!(parts(&shown.answer(0, 0, 5)), (state(2, 7, true, false), ["h3", "abc"].map(Into::into).into()));
        assert_eq!(parts(&shown.answer(7, 1, 5)), (state(2, 7, true, false), ["h3", "abc"].map(Into::into).into()));
        assert_eq!(parts(&shown.answer(7, 2, 5)), (state(2, 7, false, false), vec![]));
    }

    #[test]
    fn another_run_begins_with_nothing_and_the_last_one_is_read_by_all() {
        let mut shown = Shown::new(0, "h".into());
        shown.add("h".into(), &[chunk("a")]);
        shown.begin("h2".into(), &[chunk("b")]);
        assert_eq!(parts(&shown.answer(1, 1, 5)), (state(0, 2, true, false), ["h2", "b"].map(Into::into).into()));
        assert!(!shown.is_read(), "more may come");
        shown.end("h3".into(), &[]);
        assert!(shown.is_read(), "nobody asked");
        assert_eq!(parts(&shown.answer(2, 0, 5)).0, state(0, 3, true, true));
        assert!(!shown.is_read());
        // A tab that asks twice speaks for itself alone.
        shown.answer(2, 0, 6);
        for _ in 0..3 {
            assert_eq!(parts(&shown.answer(3, 0, 5)).0, state(0, 3, false, true));
            assert!(!shown.is_read());
        }
        shown.answer(0, 0, 6);
        shown.answer(3, 0, 6);
        assert!(shown.is_read());
    }

    #[test]
    fn many_steps_are_to_be_put_together() {
        let mut shown = Shown::new(0, String::new());
        let added = (0..MOST_STEPS).map(|_| shown.add(String::new(), &[])).filter(|is_due| *is_due).count();
        assert_eq!(added, 1);
    }
}
