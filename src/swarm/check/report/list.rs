//! The list of cases: each address with its section, its level and the clause.
//!
//! A terminal shows it by groups, in lines of its width. Elsewhere a case is one line that begins with its address, for `grep`.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, Table};
use peer_process::output::console::counted;

use super::lines::Look;
use crate::check::verdict::Clause;

/// Number of blanks between two columns.
const GAP: u16 = 2;
/// Minimum number of columns of a clause beside its address. With less room it stands below the address.
const LEAST_ROOM: usize = 50;

/// Returns the list, without a line feed at the end.
pub fn list(clauses: &[&Clause], look: Look) -> String {
    match look.width {
        Some(width) => by_groups(clauses, width, look),
        None => by_lines(clauses),
    }
}

/// Returns a line for each case.
fn by_lines(clauses: &[&Clause]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    for clause in clauses {
        table.add_row([clause.address, clause.section, clause.level.word(), clause.text].map(Cell::new));
    }
    let last = table.column_count().saturating_sub(1);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if at < last { GAP } else { 0 }));
    }
    table.trim_fmt()
}

/// Returns the cases below the names of their groups.
fn by_groups(clauses: &[&Clause], width: usize, look: Look) -> String {
    let longest = |of: fn(&Clause) -> usize| clauses.iter().map(|clause| of(clause)).max().unwrap_or_default();
    let addresses = longest(|clause| clause.address.len());
    let sections = longest(|clause| clause.section.len());
    let levels = longest(|clause| clause.level.word().len());
    let groups = clauses.chunk_by(|one, next| one.group() == next.group()).map(|group| {
        let cases = group.iter().map(|clause| {
            let (section, level) = (clause.section, clause.level.word());
            let label = format!("  {:addresses$}  {section:sections$}  {level:levels$}  ", clause.address);
            if label.len() + LEAST_ROOM <= width {
                look.labeled(&label, clause.text)
            } else {
                format!("{}\n{}", label.trim_end(), look.labeled("    ", clause.text))
            }
        });
        let heading = look.heading(format!("{} ({})", group[0].group(), counted(group.len(), "case")));
        format!("{heading}\n{}", cases.collect::<String>())
    });
    groups.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::report::sample::CLAUSES;

    fn as_wide_as(width: usize) -> Look {
        Look { width: Some(width), ..Look::PLAIN }
    }

    #[test]
    fn each_case_has_a_line() {
        assert_eq!(
            list(&CLAUSES[..2], Look::PLAIN),
            "start/forms      A1  MUST  Both files are read in every form of the course's samples.
handshake/first  A4  MUST  The handshake of 32 bytes comes before anything else, as soon as the connection stands."
        );
        assert_eq!(list(&[], Look::PLAIN), "");
        assert_eq!(list(&[], as_wide_as(80)), "");
    }

    #[test]
    fn a_narrow_terminal_shows_each_clause_below_its_address() {
        assert_eq!(
            list(&CLAUSES[3..6], as_wide_as(62)),
            "bitfield (1 case)
  bitfield/partial    A5  MUST
    Piece 0 is the high bit of the first byte.

choking (2 cases)
  choking/optimistic  A7  MUST
    Every m seconds one of the choked and interested neighbors
    is unchoked.
  choking/changes     B   SHOULD
    Choke and unchoke are sent only on change."
        );
    }

    #[test]
    fn a_wide_terminal_shows_each_clause_beside_its_address() {
        assert_eq!(
            list(&CLAUSES[4..6], as_wide_as(90)),
            "choking (2 cases)
  choking/optimistic  A7  MUST    Every m seconds one of the choked and interested
                                  neighbors is unchoked.
  choking/changes     B   SHOULD  Choke and unchoke are sent only on change."
        );
    }
}
