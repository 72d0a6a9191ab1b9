//! The tables of a meeting: who reaches whom, and how well. Pure.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, Table};
use peer_process::output::console::shown_rate;

use super::book::Book;
use super::report::{Met, Report};
use super::words::{mark, short_name, trip};

/// Number of columns that a terminal has room for.
const MOST_COLUMNS: usize = 6;
/// Number of blanks between two columns.
const GAP: u16 = 2;

/// Returns both tables, in lines.
pub fn lines(book: &Book) -> Vec<String> {
    let mut lines = Vec::new();
    let own = ["who calls".to_owned()];
    for ids in book.ids().chunks(MOST_COLUMNS) {
        let heading = own.iter().cloned().chain(ids.iter().map(ToString::to_string));
        let rows = callers(book).into_iter().map(|report| {
            let cells = ids.iter().map(|id| match report.cells.get(id) {
                _ if report.lines.contains_key(id) => "-".to_owned(),
                Some(cell) => mark(&cell.outcome),
                None => "?".to_owned(),
            });
            [short_name(report)].into_iter().chain(cells).collect()
        });
        lines.extend(table(heading.collect(), rows.collect(), 1));
        lines.push(String::new());
    }
    let rows: Vec<_> = callers(book).into_iter().flat_map(|caller| pairs(book, caller)).collect();
    if !rows.is_empty() {
        let heading = ["from", "to", "own address", "seen as", "round trip", "clock", "rate"];
        lines.extend(table(heading.map(String::from).to_vec(), rows, 4));
        lines.push(String::new());
    }
    lines
}

/// Returns the machines in the order of their lines; those without a line come last.
fn callers(book: &Book) -> Vec<&Report> {
    let place = |report: &Report| book.ids().iter().position(|id| report.lines.contains_key(id)).unwrap_or(usize::MAX);
    let mut callers: Vec<_> = book.all().collect();
    callers.sort_by_key(|report| (place(report), report.machine));
    callers
}

/// Returns a row for each machine that a caller has reached.
fn pairs(book: &Book, caller: &Report) -> Vec<Vec<String>> {
    let mut reached: Vec<&Met> = Vec::new();
    for (_, met) in caller.met() {
        match reached.iter_mut().find(|known| known.machine == met.machine) {
            Some(known) if known.rate.is_none() => *known = met,
            Some(_) => {}
            None => reached.push(met),
        }
    }
    let row = |met: &Met| {
        vec![
            short_name(caller),
            book.of(met.machine).map_or_else(|| "?".to_owned(), short_name),
            met.local.to_string(),
            met.seen.to_string(),
            trip(met.round_trip_micros),
            clock(met.offset_micros),
            met.rate.map_or_else(|| "-".to_owned(), shown_rate),
        ]
    };
    reached.into_iter().map(row).collect()
}

/// Returns how far a clock is ahead.
fn clock(micros: i64) -> String {
    let tenths = (micros.unsigned_abs() + 50_000) / 100_000;
    let sign = if micros < 0 && tenths > 0 { '-' } else { '+' };
    format!("{sign}{}.{} s", tenths / 10, tenths % 10)
}

/// Returns a table in lines; columns from number `right` on are aligned on the right.
fn table(heading: Vec<String>, rows: Vec<Vec<String>>, right: usize) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(heading.into_iter().map(Cell::new));
    for row in rows {
        table.add_row(row.into_iter().map(Cell::new));
    }
    for (number, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, GAP));
        if number >= right {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt().lines().map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::report::Outcome;
    use super::super::sample::{fail, meet, report};
    use super::*;

    #[test]
    fn the_tables_show_each_call_and_each_pair() {
        let (mut one, mut other) = (report(1, &[1001]), report(2, &[1002]));
        meet(&mut one, 1002, 2, "10.0.0.1", "10.0.0.1");
        fail(&mut one, 1003, "10.0.0.3", Outcome::Silent);
        meet(&mut other, 1001, 1, "192.168.1.2", "10.0.0.2");
        let mut book = Book::new(one, vec![(1001, "a".into()), (1002, "b".into()), (1003, "c".into())]);
        book.take(other);
        assert_eq!(
            lines(&book),
            [
                "who calls     1001     1002      1003",
                "1001             -  0.40 ms  ! silent",
                "1002       0.40 ms        -         ?",
                "",
                "from  to    own address  seen as   round trip   clock      rate",
                "1001  1002  10.0.0.1     10.0.0.1     0.40 ms  +0.0 s  100 MB/s",
                "1002  1001  192.168.1.2  10.0.0.2     0.40 ms  +0.0 s  100 MB/s",
                "",
            ]
        );
    }

    #[test]
    fn many_lines_are_shown_in_parts() {
        let ids: Vec<_> = (1001..=1013).map(|id| (id, id.to_string())).collect();
        let book = Book::new(report(1, &[1001]), ids);
        let headings: Vec<_> = lines(&book).into_iter().filter(|line| line.starts_with("who calls")).collect();
        assert_eq!(headings.len(), 3);
        assert!(headings[2].contains("1013"), "{headings:?}");
    }

    #[test]
    fn a_clock_has_its_sign() {
        assert_eq!([0, -40_000, 90_000_000, -2_460_000].map(clock), ["+0.0 s", "+0.0 s", "+90.0 s", "-2.5 s"]);
    }
}
