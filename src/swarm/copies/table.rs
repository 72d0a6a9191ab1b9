//! `Report::table`: a report as text for people, a line for each peer.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width};
use peer_process::output::console::counted;

use crate::copies::compare::Copy;
use crate::copies::report::{ELSEWHERE, Exit, Kind, Report, Row};

/// Maximum number of neighbors that are named if there are more.
const NAMED: usize = 5;

/// Minimum number of columns of a cell that is broken into lines, even on a narrower terminal.
const LEAST_ROOM: u16 = 24;

/// Maximum number of characters of a note that stands again beside each peer that has it.
const SHORT_NOTE: usize = 16;

/// Maximum number of characters of a note. The whole sentence is printed before the table, and in the JSON.
const LONGEST_NOTE: usize = 100;

/// Number of blanks between two columns.
const GAP: u16 = 2;

/// A column: its heading, its shape, and its text for a peer.
type Column = (&'static str, Shape, fn(&Row) -> String);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Words,
    /// Aligned on the right.
    Number,
    /// Broken into several lines on a narrow terminal. Only the last columns are.
    Long,
}
use Shape::{Long, Number, Words};

const PEER: Column = ("peer", Number, |row| row.id.to_string());
const HOST: Column = ("host", Words, |row| row.host.clone());
const TIME: Column = ("time", Number, |row| or_dash(row.seconds.map(|seconds| format!("{seconds:.1} s"))));
const SECONDS: Column = ("time", Number, |row| or_dash(row.seconds.map(|seconds| format!("{seconds:.0} s"))));
const EXIT: Column = ("exit", Words, |row| exit(row.exit));
const FROM: Column = ("pieces from", Long, |row| pieces_from(&row.from));
const FILE: Column = ("file", Words, |row| match &row.copy {
    _ if row.is_elsewhere() => ELSEWHERE.into(),
    copy => or_dash(copy.as_ref().map(|copy| file(copy).to_owned())),
});
/// Only if a peer is elsewhere: its owner compares them.
const IN_WORDS: Column = ("in words", Words, |row| or_dash(row.digest.map(|digest| digest.phrase())));
const STATE: Column = ("state", Words, |row| row.state.clone());
const PIECES: Column = ("pieces", Number, |row| or_dash(row.pieces.map(|pieces| share(pieces, row.piece_count))));
const UNCHOKED_BY: Column = ("unchoked by", Long, |row| neighbors(&row.unchoked_by));
/// Only if a peer has a note.
const NOTE: Column = ("note", Long, |row| or_dash(row.note.clone()));
const SHA_256: Column = ("SHA-256", Words, |row| or_dash(row.digest.map(|digest| format!("{digest:.16}"))));

impl Report {
    /// Returns a heading, a line for each peer, and the reasons for unknown copies; without a line feed at the end.
    ///
    /// With the `width` of a terminal, long cells are broken into lines. Without it, for files and pipes, they are not.
    pub fn table(&self, width: Option<u16>) -> String {
        let is_shared = self.rows.iter().any(Row::is_elsewhere);
        let columns: &[Column] = match self.kind {
            Kind::Start if is_shared => &[PEER, HOST, TIME, EXIT, FILE, IN_WORDS, FROM],
            Kind::Start => &[PEER, HOST, TIME, EXIT, FILE, FROM],
            Kind::Status => &[PEER, HOST, STATE, SECONDS, PIECES, UNCHOKED_BY],
            Kind::Verify if is_shared => &[PEER, HOST, FILE, IN_WORDS, SHA_256],
            Kind::Verify => &[PEER, HOST, FILE, SHA_256],
        };
        let note = Some(NOTE).filter(|_| self.rows.iter().any(|row| row.note.is_some()));
        let columns: Vec<_> = columns.iter().copied().chain(note).collect();
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(columns.iter().map(|(heading, ..)| Cell::new(heading)));
        for (row, note) in self.rows.iter().zip(notes(&self.rows)) {
            let row = &Row { note, ..row.clone() };
            table.add_row(columns.iter().map(|(_, _, show)| Cell::new(show(row))));
        }
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        let widths = table.column_max_content_widths();
        for ((column, (_, shape, _)), width) in table.column_iter_mut().zip(&columns).zip(widths) {
            column.set_padding((0, GAP));
            if *shape == Number {
                column.set_cell_alignment(CellAlignment::Right);
            }
            column.set_constraint(match shape {
                Long => ColumnConstraint::LowerBoundary(Width::Fixed(LEAST_ROOM.min(width + GAP))),
                Words | Number => ColumnConstraint::ContentWidth,
            });
        }
        let mut lines = vec![table.trim_fmt()];
        if self.kind != Kind::Status {
            lines.extend(self.rows.iter().filter_map(why_unknown));
        }
        lines.join("\n")
    }
}

/// Returns the notes as the table shows them: a long one that a row above has is short, and none is longer than a line.
fn notes(rows: &[Row]) -> Vec<Option<String>> {
    let shown = rows.iter().enumerate().map(|(place, row)| {
        let note = row.note.as_deref()?;
        let len = note.chars().count();
        let above = rows[..place].iter().find(|above| len > SHORT_NOTE && above.note.as_deref() == Some(note));
        Some(match above {
            Some(above) => format!("as {}", above.id),
            None if len > LONGEST_NOTE => note.chars().take(LONGEST_NOTE - 1).chain(['…']).collect(),
            None => note.to_owned(),
        })
    });
    shown.collect()
}

/// Returns the reason for an unknown copy, in one line.
fn why_unknown(row: &Row) -> Option<String> {
    let Some(Copy::Unknown(why)) = &row.copy else { return None };
    let why = why.lines().collect::<Vec<_>>().join(" ");
    Some(format!("the copy of peer {} is unknown: {why}", row.id))
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".into())
}

/// Returns `0`, `SIGKILL (137)`, `running`.
fn exit(exit: Exit) -> String {
    match (exit, exit.signal()) {
        (Exit::Running, _) => "running".into(),
        (Exit::Status(status), Some(signal)) => format!("{signal} ({status})"),
        (Exit::Status(status), None) => status.to_string(),
        (Exit::Unknown | Exit::Elsewhere, _) => "-".into(),
    }
}

/// Returns the word for a copy. Wrong copies stand out.
fn file(copy: &Copy) -> &'static str {
    match copy {
        Copy::Original => "original",
        Copy::Reference => "compared with",
        Copy::Complete => "complete",
        Copy::Identical => "identical",
        Copy::Different => "DIFFERENT",
        Copy::Old => "OLD",
        Copy::Missing => "MISSING",
        Copy::Unknown(_) => "unknown",
    }
}

/// Returns `484/1484  33 %`. It is 100 % only if no piece is missing.
fn share(pieces: u32, piece_count: u32) -> String {
    let percent = (u64::from(pieces) * 100).checked_div(piece_count.into()).unwrap_or(100);
    format!("{pieces}/{piece_count} {percent:>3} %")
}

/// Returns `1001: 800, 1003: 684`. Of many neighbors it names those that sent the most.
fn pieces_from(from: &BTreeMap<u32, u32>) -> String {
    let mut counts: Vec<_> = from.iter().collect();
    let mut others = String::new();
    if counts.len() > NAMED + 1 {
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let rest = counts.split_off(NAMED);
        let sum: u64 = rest.iter().map(|(_, count)| u64::from(**count)).sum();
        others = format!(" and {}: {sum}", counted(rest.len(), "other"));
    }
    let named: Vec<_> = counts.iter().map(|(neighbor, count)| format!("{neighbor}: {count}")).collect();
    if named.is_empty() { "-".into() } else { named.join(", ") + &others }
}

/// Returns `1001 1003`. Of many neighbors it names the first ones.
fn neighbors(ids: &BTreeSet<u32>) -> String {
    let named = if ids.len() > NAMED + 1 { NAMED } else { ids.len() };
    let text = ids.iter().take(named).map(ToString::to_string).collect::<Vec<_>>().join(" ");
    match ids.len() - named {
        0 if text.is_empty() => "-".into(),
        0 => text,
        rest => format!("{text} and {}", counted(rest, "other")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copies::report::tests::row;

    fn check(kind: Kind, width: Option<u16>, rows: Vec<Row>, expected: &str) {
        let table = Report { kind, rows }.table(width);
        assert_eq!(table, expected.trim_matches('\n'), "\n{table}");
    }

    fn rows() -> Vec<Row> {
        let seeder = row(1001, Exit::Status(0), Some(Copy::Original));
        let seeder = Row { from: BTreeMap::new(), unchoked_by: BTreeSet::new(), pieces: Some(1484), ..seeder };
        let leecher = Row { seconds: Some(12.3), ..row(1002, Exit::Status(0), Some(Copy::Identical)) };
        let other = Row { host: "lin114-00.cise.ufl.edu".into(), ..row(1003, Exit::Status(137), Some(Copy::Missing)) };
        let unknown = Copy::Unknown("cannot reach\nlin114-01".into());
        let away = Row { seconds: None, pieces: None, digest: None, ..row(11004, Exit::Unknown, Some(unknown)) };
        vec![seeder, leecher, Row { digest: None, ..other }, away]
    }

    #[test]
    fn the_table_at_the_end_of_a_run() {
        let mut rows = rows();
        rows[1].from = (1001..1061).map(|id| (id, if id % 10 == 3 { id } else { 2 })).collect();
        check(Kind::Start, None, rows, "
 peer  host                      time  exit           file       pieces from
 1001  localhost                1.2 s  0              original   -
 1002  localhost               12.3 s  0              identical  1053: 1053, 1043: 1043, 1033: 1033, 1023: 1023, 1013: 1013 and 55 others: 1111
 1003  lin114-00.cise.ufl.edu   1.2 s  SIGKILL (137)  MISSING    1001: 400, 1003: 84
11004  localhost                    -  -              unknown    1001: 400, 1003: 84
the copy of peer 11004 is unknown: cannot reach lin114-01
");
    }

    #[test]
    fn a_note_of_several_peers_stands_once_and_a_long_one_is_cut() {
        let with = |note: &str| Row { note: Some(note.to_owned()), ..row(1001, Exit::Status(2), None) };
        let long = "x".repeat(LONGEST_NOTE + 1);
        let rows = [&with("no log found"), &with("a warning of all peers"), &with(&long)].map(Row::clone);
        let rows = [&rows[..], &rows[..], &[row(1002, Exit::Status(2), None)]].concat();
        let cut = format!("{}…", "x".repeat(LONGEST_NOTE - 1));
        let expected = ["no log found", "a warning of all peers", &cut, "no log found", "as 1001", "as 1001"]
            .map(ToOwned::to_owned);
        let mut shown = notes(&rows);
        assert_eq!(shown.pop(), Some(None));
        assert_eq!(shown, expected.map(Some));
    }

    #[test]
    fn the_table_of_status() {
        check(
            Kind::Status,
            None,
            rows(),
            "
 peer  host                    state    time           pieces  unchoked by
 1001  localhost               running   1 s  1484/1484 100 %  -
 1002  localhost               running  12 s   484/1484  32 %  1001
 1003  lin114-00.cise.ufl.edu  running   1 s   484/1484  32 %  1001
11004  localhost               running     -                -  1001
",
        );
    }

    #[test]
    fn the_table_of_verify() {
        check(
            Kind::Verify,
            None,
            rows(),
            "
 peer  host                    file       SHA-256
 1001  localhost               original   ba7816bf8f01cfea
 1002  localhost               identical  ba7816bf8f01cfea
 1003  lin114-00.cise.ufl.edu  MISSING    -
11004  localhost               unknown    -
the copy of peer 11004 is unknown: cannot reach lin114-01
",
        );
    }

    #[test]
    fn what_is_elsewhere_has_no_file_here_and_the_others_have_words_to_compare() {
        let mut rows = rows();
        rows.truncate(2);
        let elsewhere = Row { copy: None, digest: None, exit: Exit::Elsewhere, seconds: None, ..rows[0].clone() };
        rows[0] = Row { note: Some("connected, has the file".into()), ..elsewhere };
        rows[1].copy = Some(Copy::Complete);
        check(
            Kind::Start,
            None,
            rows.clone(),
            "
peer  host         time  exit  file       in words               pieces from          note
1001  localhost       -  -     elsewhere  -                      -                    connected, has the file
1002  localhost  12.3 s  0     complete   risk scheme quiz bulk  1001: 400, 1003: 84  -
",
        );
        rows[0].note = None;
        check(
            Kind::Verify,
            None,
            rows,
            "
peer  host       file       in words               SHA-256
1001  localhost  elsewhere  -                      -
1002  localhost  complete   risk scheme quiz bulk  ba7816bf8f01cfea
",
        );
    }

    #[test]
    fn a_terminal_that_is_too_narrow_breaks_long_cells_only() {
        let mut rows = rows();
        rows[1].from = (1001..1061).map(|id| (id, 2)).collect();
        rows.truncate(2);
        check(
            Kind::Start,
            Some(80),
            rows.clone(),
            "
peer  host         time  exit  file       pieces from
1001  localhost   1.2 s  0     original   -
1002  localhost  12.3 s  0     identical  1001: 2, 1002: 2, 1003: 2, 1004: 2,
                                          1005: 2 and 55 others: 110
",
        );
        check(
            Kind::Start,
            Some(30),
            rows,
            "
peer  host         time  exit  file       pieces from
1001  localhost   1.2 s  0     original   -
1002  localhost  12.3 s  0     identical  1001: 2, 1002: 2,
                                          1003: 2, 1004: 2,
                                          1005: 2 and 55 others:
                                          110
",
        );
    }

    #[test]
    fn what_is_noted_of_some_is_in_the_last_column_of_all() {
        let mut rows = rows();
        rows.truncate(2);
        rows[1].note =
            Some("waiting for 1003 (127.0.0.1:6003: connection refused; not started yet, or another port?)".into());
        check(
            Kind::Status,
            None,
            rows.clone(),
            "
peer  host       state    time           pieces  unchoked by  note
1001  localhost  running   1 s  1484/1484 100 %  -            -
1002  localhost  running  12 s   484/1484  32 %  1001         waiting for 1003 (127.0.0.1:6003: connection refused; not started yet, or another port?)
",
        );
    }

    #[test]
    fn how_a_process_has_ended() {
        for (status, text) in
            [(0, "0"), (1, "1"), (128, "128"), (130, "SIGINT (130)"), (143, "SIGTERM (143)"), (255, "255"), (-1, "-1")]
        {
            assert_eq!(exit(Exit::Status(status)), text);
        }
        assert_eq!([Exit::Running, Exit::Unknown].map(exit), ["running", "-"]);
    }

    #[test]
    fn shares() {
        for (pieces, of, text) in [
            (0, 0, "0/0 100 %"),
            (0, 9, "0/9   0 %"),
            (484, 1484, "484/1484  32 %"),
            (1483, 1484, "1483/1484  99 %"),
            (u32::MAX, u32::MAX, "4294967295/4294967295 100 %"),
        ] {
            assert_eq!(share(pieces, of), text);
        }
    }

    #[test]
    fn up_to_six_neighbors_are_named_and_of_more_five() {
        let check = |count: u32, from: &str, unchoked_by: &str| {
            let ids = 1..=count;
            assert_eq!(pieces_from(&ids.clone().map(|id| (id, id % 4)).collect()), from);
            assert_eq!(neighbors(&ids.collect()), unchoked_by);
        };
        check(0, "-", "-");
        check(1, "1: 1", "1");
        check(6, "1: 1, 2: 2, 3: 3, 4: 0, 5: 1, 6: 2", "1 2 3 4 5 6");
        check(7, "3: 3, 7: 3, 2: 2, 6: 2, 1: 1 and 2 others: 1", "1 2 3 4 5 and 2 others");
        check(59, "3: 3, 7: 3, 11: 3, 15: 3, 19: 3 and 54 others: 75", "1 2 3 4 5 and 54 others");
    }
}
