//! Fills in a sheet: everything that the record of a directory says, with the text of the lines.

use std::collections::BTreeMap;

use super::clocks::Offsets;
use super::copies;
use super::evidence::{Files, Place};
use super::invariants::{self, Group};
use super::load::Loaded;
use super::rubric::{self, Judged};
use super::sheet::{Breach, ClockRow, ItemRow, Line, LogRow, RuleRow, RunRow, Sheet};
use super::story::Story;
use crate::history::{Entry, Event, Lines, Record, Source};
use crate::rubric::Item;
use crate::words::first_of;

/// The texts of lines.
type Texts = BTreeMap<(u32, bool, u32), String>;

/// Judges what was loaded.
pub fn sheet(loaded: Loaded) -> Sheet {
    let Loaded { dir, record, files, mut notes } = loaded;
    let story = Story::of(&record);
    let offsets = Offsets::of(&story);
    let findings = invariants::check(&record, &story, &offsets);
    let (copies, copy_rows) = copies::compare(&dir, |place| says_complete(&story, place));
    let mut items = rubric::judge(&record, &story, &findings, copies);
    let different: Vec<_> = copy_rows.iter().filter(|row| row.state == "different").collect();
    if let Some(item) = items.iter_mut().find(|item| item.item == Item::I4).filter(|_| !different.is_empty()) {
        let ids = different.iter().map(|row| row.peer.to_string()).collect::<Vec<_>>().join(", ");
        item.note = format!("not the file: the copy of {ids}; {}", item.note);
    }
    let pairs = offsets.contradictions.iter().map(|(a, b)| [a, b].map(|place| record.peers[*place].id));
    let pairs: Vec<_> = pairs.map(|[a, b]| format!("{a} and {b}")).collect();
    if !pairs.is_empty() {
        let pairs = first_of(&pairs);
        notes.push(format!("a clock was set or drifts, or logs contradict each other: of {pairs}"));
    }
    let clocks = clocks(&story, &offsets);
    let shown = findings.violated.iter().chain(&findings.unclear).flat_map(|group| &group.first);
    let shown = shown.flat_map(|violation| violation.entries.iter().copied());
    let texts = files.texts(shown.chain(items.iter().flat_map(|item| item.evidence.iter().copied())));
    let row = |lines: &[Place]| lines.iter().map(|place| line(&record, &files, &texts, *place)).collect::<Vec<_>>();
    // The sum of what is printed, so that it adds up.
    let points: f64 = items.iter().map(|item| tenths(item.points())).sum();
    let visible = items.iter().filter(|item| item.status != rubric::Status::NotVisible);
    Sheet {
        dir: dir.path.display().to_string(),
        fault: None,
        points: Some(tenths(points)),
        visible_points: Some(tenths(visible.map(|item| tenths(rubric::weight(item.item))).sum())),
        rubric: items.iter().map(|item| item_row(item, &row)).collect(),
        violated: findings.violated.iter().map(|group| rule_row(group, &row)).collect(),
        unclear: findings.unclear.iter().map(|group| rule_row(group, &row)).collect(),
        logs: record
            .peers
            .iter()
            .flat_map(|peer| {
                let has_log = peer.readable_log(record.peers.len() == 1).is_some();
                [&peer.log, &peer.events].into_iter().flatten().map(move |lines| log_row(peer.id, lines, has_log))
            })
            .collect(),
        missing_logs: record
            .peers
            .iter()
            .filter(|peer| peer.readable_log(record.peers.len() == 1).is_none())
            .map(|peer| peer.id)
            .collect(),
        clocks,
        notes,
        copies: copy_rows,
    }
}

fn line(record: &Record, files: &Files, texts: &Texts, (peer, source, line): Place) -> Line {
    let own = record.peers.iter().find(|other| other.id == peer);
    let lines = own.and_then(|own| if source == Source::Log { own.log.as_ref() } else { own.events.as_ref() });
    let path = || files.path((peer, source)).map(|path| path.display().to_string());
    let file = lines.map(|lines| lines.name.clone()).or_else(path).unwrap_or_default();
    let text = texts.get(&(peer, source != Source::Log, line)).cloned().unwrap_or_default();
    Line { peer, file, number: line, text }
}

fn item_row(item: &Judged, row: &impl Fn(&[Place]) -> Vec<Line>) -> ItemRow {
    let Judged { item: own, status, evidence, note } = item;
    ItemRow {
        item: own.name(),
        text: own.text(),
        status: status.words(),
        points: tenths(item.points()),
        of: tenths(rubric::weight(*own)),
        note: note.clone(),
        evidence: row(evidence),
    }
}

fn rule_row(group: &Group, row: &impl Fn(&[Place]) -> Vec<Line>) -> RuleRow {
    let breach = |violation: &invariants::Violation| Breach {
        peer: violation.peer,
        what: violation.what.clone(),
        lines: row(&violation.entries),
    };
    RuleRow {
        name: group.rule.name,
        item: group.rule.item.name(),
        means: group.rule.means,
        count: group.count,
        first: group.first.iter().map(breach).collect(),
    }
}

/// Reports whether the log of a peer says that its file is complete, or is a seeder's.
fn says_complete(story: &Story, place: usize) -> bool {
    let teller = &story.tellers[place];
    teller.has_file || teller.entries.iter().any(|entry| entry.event == Event::Complete)
}

fn log_row(peer: u32, lines: &Lines, has_log: bool) -> LogRow {
    // A line may tell several things, and a blank one tells nothing.
    let understood = match lines.source {
        // The start, the end and some others are understood, and are no entries.
        Source::Events | Source::Tap if !lines.unread.is_cut => lines.line_count - lines.unread.lines,
        _ => lines.entries.chunk_by(|one, next| one.line == next.line).count() as u64,
    };
    // Beside a log, only what passed the wire is judged of an event file.
    let is_judged = |entry: &&Entry| {
        lines.source == Source::Log
            || !has_log
            || matches!(entry.event, Event::Handshake { .. } | Event::Message { .. } | Event::Closed { .. })
    };
    let own = lines.entries.get(lines.last_run..).unwrap_or_default();
    let judged: Vec<_> = own.iter().filter(is_judged).map(|entry| entry.line).collect();
    let judged = judged.chunk_by(|one, next| one == next).count() as u64;
    LogRow {
        peer,
        file: lines.name.clone(),
        kind: match lines.source {
            Source::Log => "log",
            Source::Events => "events",
            Source::Tap => "tap",
        },
        lines: lines.line_count,
        understood,
        judged,
        unread: lines.unread.lines,
        first_unread: lines.unread.first.clone(),
        of_others: lines.unread.of_others,
        differences: lines.look.differences.clone(),
        is_cut: lines.unread.is_cut,
        last_run: lines
            .entries
            .get(lines.last_run)
            .filter(|_| lines.last_run > 0)
            .map(|first| RunRow { line: first.line, sign: lines.run_sign }),
    }
}

/// Returns how far each clock is ahead of that of the first peer with a file.
fn clocks(story: &Story, offsets: &Offsets) -> Vec<ClockRow> {
    let Some((first, than)) = story.known().next() else { return Vec::new() };
    let row = |(place, teller): (usize, &super::story::Teller)| {
        let (least, most) = offsets.between(first, place)?;
        Some(ClockRow { peer: teller.id, than: than.id, least: secs(least), most: secs(most) })
    };
    story.known().skip(1).filter_map(row).collect()
}

#[expect(clippy::cast_precision_loss, reason = "it is shown in tenths of a second")]
fn secs(micros: i64) -> f64 {
    tenths(micros as f64 / 1e6)
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_weights_are_a_hundred() {
        let sum: f64 = Item::ALL.into_iter().map(rubric::weight).sum();
        assert!((sum - 100.0).abs() < 1e-9, "{sum}");
        // As they are printed, too.
        let printed: Vec<_> = Item::ALL.into_iter().map(|item| format!("{:.1}", rubric::weight(item))).collect();
        let printed: f64 = printed.iter().map(|weight| weight.parse::<f64>().expect("a number")).sum();
        assert!((printed - 100.0).abs() < 1e-9, "{printed}");
    }
}
