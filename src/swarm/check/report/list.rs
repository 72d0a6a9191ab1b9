//! The list of cases: each address with its section, its level and the clause.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Table, Width};

use crate::check::verdict::Clause;

/// Number of blanks between two columns.
const GAP: u16 = 2;
/// Minimum number of columns of a clause that is broken into lines.
const LEAST_ROOM: u16 = 24;

/// Returns a line for each case, without a line feed at the end. With the `width` of a terminal, clauses are broken into lines.
pub fn list(clauses: &[&Clause], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    for clause in clauses {
        table.add_row([clause.address, clause.section, clause.level.word(), clause.text].map(Cell::new));
    }
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    let last = table.column_count().saturating_sub(1);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if at < last { GAP } else { 0 }));
        column.set_constraint(if at < last {
            ColumnConstraint::ContentWidth
        } else {
            ColumnConstraint::LowerBoundary(Width::Fixed(LEAST_ROOM))
        });
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::report::sample::CLAUSES;

    #[test]
    fn each_case_has_a_line() {
        assert_eq!(
            list(&CLAUSES[..2], None),
            "start/forms      A1  MUST  Both files are read in every form of the course's samples.
handshake/first  A4  MUST  The handshake of 32 bytes comes before anything else, as soon as the connection stands."
        );
        assert_eq!(list(&[], None), "");
    }

    #[test]
    fn a_narrow_terminal_breaks_the_clause_only() {
        assert_eq!(
            list(&CLAUSES[4..6], Some(62)),
            "choking/optimistic  A7  MUST    Every m seconds one of the
                                choked and interested
                                neighbors is unchoked.
choking/changes     B   SHOULD  Choke and unchoke are sent
                                only on change."
        );
    }
}
