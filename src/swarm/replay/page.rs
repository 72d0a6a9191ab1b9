//! `page`: one file of HTML that needs nothing else. Its style and its scripts stand in `page/`.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::data::{Chunk, Cursor, encode};
use super::marks::{Mark, Marks};
use super::times::{COARSE_STEP_MICROS, FILES, Times};
use crate::history::{Lines, Record};

/// A run that goes on was not judged yet.
const NO_MARKS: &Marks = &Marks { violated_count: 0, unclear_count: 0, kept: Vec::new() };
const TEMPLATE: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/style.css");
/// The scripts in the order in which each needs only those before it.
const SCRIPTS: [&str; 15] = [
    include_str!("page/decode.js"),
    include_str!("page/store.js"),
    include_str!("page/links.js"),
    include_str!("page/words.js"),
    include_str!("page/colors.js"),
    include_str!("page/canvas.js"),
    include_str!("page/clock.js"),
    include_str!("page/graph.js"),
    include_str!("page/pieces.js"),
    include_str!("page/rates.js"),
    include_str!("page/timeline.js"),
    include_str!("page/events.js"),
    include_str!("page/keys.js"),
    include_str!("page/live.js"),
    include_str!("page/main.js"),
];

/// The answer to a page that may run only its own scripts, and ask only where it comes from.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; script-src ";

/// What the page must know before it sees an entry.
#[derive(Serialize)]
struct Head<'a> {
    /// The version of this and of the chunks.
    version: u32,
    /// What the page is named after.
    title: &'a str,
    /// Whether more comes. Then nothing was judged yet.
    is_live: bool,
    /// Zero of all times on the page, in microseconds since 1970.
    origin: i64,
    piece_count: u32,
    piece_size: u32,
    file_size: u64,
    preferred_count: u32,
    unchoking_interval_secs: u32,
    optimistic_interval_secs: u32,
    peers: Vec<HeadPeer<'a>>,
    /// Number of violations, and of what is unclear: more than there are marks if one rule has many.
    violated_count: u64,
    unclear_count: u64,
    marks: Vec<HeadMark<'a>>,
}

#[derive(Serialize)]
struct HeadPeer<'a> {
    id: u32,
    has_file: bool,
    /// Its log and its event file.
    files: [Option<HeadFile<'a>>; FILES],
    /// Microseconds that were taken from its times.
    offset: i64,
}

#[derive(Serialize)]
struct HeadFile<'a> {
    name: &'a str,
    look: &'a [String],
    /// The step of its clock in microseconds, if its entries were spread over it.
    coarse: Option<u32>,
    has_times: bool,
    lines: u64,
    unread: u64,
    of_others: u64,
    is_cut: bool,
}

#[derive(Serialize)]
struct HeadMark<'a> {
    /// Microseconds since the origin.
    at: i64,
    peer: Option<usize>,
    name: &'a str,
    text: &'a str,
    place: String,
    is_unclear: bool,
}

/// Writes the page.
///
/// # Errors
/// When `out` takes no more.
pub fn write(out: &mut dyn Write, title: &str, Parts { head, chunks }: &Parts) -> io::Result<()> {
    // In a script, only `<` could end it or begin a comment.
    fill(out, title, &head.replace('<', "\\u003c"), chunks)
}

/// Returns the page that asks a server for everything, and the policy that it needs.
pub fn shell(title: &str) -> (String, String) {
    let mut page = Vec::new();
    fill(&mut page, title, "null", &[]).expect("memory takes it");
    let page = String::from_utf8(page).expect("the template and the title are text");
    let script = page.rsplit_once("<script>").and_then(|(_, rest)| rest.split_once("</script>"));
    let hash = Sha256::digest(script.expect("the template has a script").0);
    (page, format!("{POLICY}'sha256-{}'", STANDARD.encode(hash)))
}

/// What a page shows: its head as JSON, and the entries.
#[derive(Clone, Debug)]
pub struct Parts {
    pub head: String,
    pub chunks: Vec<Chunk>,
}

/// Returns what the page of a whole run shows.
pub fn parts(title: &str, record: &Record, times: &Times, offsets: &[i64], marks: &Marks) -> Parts {
    let origin = times.origin();
    let head = json(&head(title, record, times, origin, offsets, marks));
    Parts { head, chunks: encode(record, times, origin, &mut Cursor::default()) }
}

/// Returns the head of a run that goes on, as JSON.
pub fn live_head(title: &str, record: &Record, times: &Times, origin: i64) -> String {
    let head = head(title, record, times, origin, &[], NO_MARKS);
    json(&Head { is_live: true, ..head })
}

fn json(head: &Head) -> String {
    serde_json::to_string(head).expect("numbers and texts")
}

fn fill(out: &mut dyn Write, title: &str, head: &str, chunks: &[Chunk]) -> io::Result<()> {
    let mut rest = TEMPLATE;
    while let Some((before, behind)) = rest.split_once("{{") {
        out.write_all(before.as_bytes())?;
        let (name, behind) = behind.split_once("}}").expect("the template closes each name");
        match name {
            "title" => out.write_all(escaped(title).as_bytes())?,
            "style" => out.write_all(STYLE.as_bytes())?,
            "head" => out.write_all(head.as_bytes())?,
            "chunks" => {
                for chunk in chunks {
                    let text = STANDARD.encode(&chunk.0);
                    writeln!(out, "<script class=\"chunk\" type=\"application/octet-stream\">{text}</script>")?;
                }
            }
            "scripts" => SCRIPTS.iter().try_for_each(|script| out.write_all(script.as_bytes()))?,
            _ => unreachable!("the template has five names"),
        }
        rest = behind;
    }
    out.write_all(rest.as_bytes())
}

fn head<'a>(
    title: &'a str,
    record: &'a Record,
    times: &Times,
    origin: i64,
    offsets: &[i64],
    marks: &'a Marks,
) -> Head<'a> {
    let plan = &record.plan;
    let peer = |(number, peer): (usize, &'a crate::history::PeerRecord)| HeadPeer {
        id: peer.id,
        has_file: peer.has_file,
        files: [&peer.log, &peer.events].map(|lines| lines.as_ref().map(file)),
        offset: offsets.get(number).copied().unwrap_or(0),
    };
    Head {
        version: 1,
        title,
        is_live: false,
        origin,
        piece_count: plan.piece_count,
        piece_size: plan.piece_size,
        file_size: plan.file_size,
        preferred_count: plan.preferred_count,
        unchoking_interval_secs: plan.unchoking_interval_secs,
        optimistic_interval_secs: plan.optimistic_interval_secs,
        peers: record.peers.iter().enumerate().map(peer).collect(),
        violated_count: marks.violated_count,
        unclear_count: marks.unclear_count,
        marks: marks.kept.iter().map(|mark| head_mark(mark, record, times, origin)).collect(),
    }
}

fn file(lines: &Lines) -> HeadFile<'_> {
    HeadFile {
        name: &lines.name,
        look: &lines.look.differences,
        coarse: lines.look.clock_step_micros.filter(|step| *step >= COARSE_STEP_MICROS),
        has_times: lines.entries.iter().any(|entry| entry.at.known().is_some()),
        lines: lines.line_count,
        unread: lines.unread.lines,
        of_others: lines.unread.of_others,
        is_cut: lines.unread.is_cut,
    }
}

fn head_mark<'a>(mark: &'a Mark, record: &Record, times: &Times, origin: i64) -> HeadMark<'a> {
    HeadMark {
        at: mark.moment(record, times).map_or(0, |at| at - origin),
        peer: record.peers.iter().position(|peer| peer.id == mark.peer),
        name: &mark.name,
        text: &mark.text,
        place: format!("{}:{}", mark.file, mark.line),
        is_unclear: mark.is_unclear,
    }
}

/// Escapes a text for the page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Event, Moment};
    use crate::replay::sample::{log, record};

    fn page(title: &str, kept: &[Mark]) -> String {
        let record = record(&[Some(log([(Moment(5), Event::Complete)]))]);
        let mut page = Vec::new();
        let marks = Marks { kept: kept.to_vec(), ..Marks::default() };
        write(&mut page, title, &parts(title, &record, &Times::of(&record, &[]), &[], &marks)).expect("memory");
        String::from_utf8(page).expect("text")
    }

    fn mark(text: &str) -> Mark {
        Mark {
            at: Moment(5),
            peer: 1001,
            name: "ends-early".into(),
            text: text.into(),
            file: "log_peer.log".into(),
            line: 1,
            is_unclear: false,
        }
    }

    #[test]
    fn text_from_outside_neither_ends_a_script_nor_begins_an_element() {
        let page = page("</title><b>&", &[mark("</script><img src=x>")]);
        assert!(page.contains("<title>&lt;/title&gt;&lt;b&gt;&amp;"), "{page}");
        assert!(page.contains(r"\u003c/script>\u003cimg src=x>"));
        assert!(!page.contains("<img"));
        // The head, one chunk and the scripts.
        assert_eq!(page.matches("</script>").count(), 3);
        assert!(!SCRIPTS.iter().any(|script| script.contains("</") || script.contains("<!--")));
        assert!(!STYLE.contains("</"));
    }

    #[test]
    fn it_needs_no_network() {
        let page = page("swarm", &[]);
        assert!(page.contains("default-src 'none'; script-src 'unsafe-inline'"));
        for word in ["http:", "https:", "url(", "@import", "src=", "href="] {
            assert!(!page.contains(word), "{word}");
        }
    }

    #[test]
    fn scripts_stay_readable() {
        for script in SCRIPTS {
            assert!(script.starts_with("// "), "{}", &script[..40]);
            assert!(script.lines().count() <= 400 && script.lines().all(|line| line.chars().count() <= 130));
        }
    }
}
