//! One case as text: the clause, what was done, expected and came, the likely mistake, and the command that repeats it.

use super::hex;
use super::lines::Look;
use super::shared::repeat;
use crate::check::mistakes::Mistake;
use crate::check::verdict::{Bytes, Finding, Level, Outcome, Summary};

/// Maximum number of events that are shown without `--trace`: the last ones.
const LAST_EVENTS: usize = 5;
/// Number of blanks before rows of bytes: few, so that a whole row fits 60 columns.
const INDENT: &str = "    ";

/// Returns the lines of a case. A mistake in `common` has been explained before, so that only its name is written.
pub fn case(summary: &Summary, outcome: &Outcome, common: &[&Mistake], look: Look) -> String {
    let clause = outcome.clause;
    let word = outcome.verdict.word().to_uppercase();
    let title = look.of_verdict(outcome.verdict, format!("{word} {}", clause.address));
    let mut text = format!("{title} ({})\n", place(clause.section, clause.item.name(), clause.level));
    text += &look.labeled("  clause:   ", clause.text);
    for (number, finding) in (1..).zip(&outcome.findings) {
        if outcome.findings.len() > 1 {
            text += &look.labeled("  finding:  ", &format!("{number} of {}", outcome.findings.len()));
        }
        text += &self::finding(finding, common, look);
    }
    if let Some(note) = &outcome.note {
        text += &look.labeled("  note:     ", note);
    }
    if let Some(kept) = &outcome.kept {
        text += &look.labeled("  kept:     ", kept);
    }
    // It must remain one line to be copied.
    let command = repeat(summary, clause.address);
    text + &Look { width: None, ..look }.labeled("  repeat:   ", &command)
}

/// Returns where a clause stands and how much it asks: `protocol A4, item 2a, MUST`.
pub fn place(section: &str, item: &str, level: Level) -> String {
    let item = if item == "-" { "beside the rubric".into() } else { format!("item {item}") };
    format!("protocol {section}, {item}, {}", level.word())
}

fn finding(finding: &Finding, common: &[&Mistake], look: Look) -> String {
    let mut text = look.labeled("  done:     ", &finding.done);
    text += &look.labeled("  expected: ", &finding.expected);
    text += &look.labeled("  came:     ", &finding.came);
    if let Some(bytes) = &finding.bytes {
        text += &self::bytes(bytes, look);
    }
    text += &events(finding, look);
    match finding.mistake {
        Some(mistake) if common.contains(&mistake) => {
            text += &look.labeled("  mistake:  ", &format!("{}, explained at the top", mistake.name));
        }
        Some(mistake) => {
            text += &look.labeled("  mistake:  ", &format!("{}: {}", mistake.name, mistake.what));
            text += &look.labeled("  cure:     ", mistake.cure);
        }
        None => {}
    }
    text
}

fn bytes(bytes: &Bytes, look: Look) -> String {
    let room = look.width.map(|width| width.saturating_sub(INDENT.len()));
    let rows = |rows: Vec<String>| rows.iter().flat_map(|row| [INDENT, row, "\n"]).collect::<String>();
    let extent = hex::extent(bytes).map_or_else(String::new, |extent| format!("  {extent}:\n"));
    let mut text = extent + &rows(hex::came(bytes, room));
    if let Some(at) = bytes.first_difference() {
        text += &look.labeled("  ", &format!("the first difference is at byte {at}; right is:"));
        text += &rows(hex::expected(bytes, room));
    }
    if !bytes.decoded.is_empty() {
        text += &look.labeled("  decoded:  ", &bytes.decoded.join("; "));
    }
    text
}

fn events(finding: &Finding, look: Look) -> String {
    let events = &finding.events;
    if events.is_empty() {
        return String::new();
    }
    let first = if look.is_long { 0 } else { events.len().saturating_sub(LAST_EVENTS) };
    let mut text = if first > 0 {
        format!("  the last {LAST_EVENTS} of {} events (--trace shows all):\n", events.len())
    } else {
        "  events:\n".into()
    };
    for event in &events[first..] {
        // Times stand below each other, also where an event needs two lines.
        let words = event.trim_start();
        text += &look.labeled(&format!("{INDENT}{}", &event[..event.len() - words.len()]), words);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::report::sample::all;

    #[test]
    fn the_times_of_events_stand_below_each_other_if_an_event_needs_two_lines() {
        let events =
            vec!["   5.1 peer 1001 -> handshake".into(), format!("  15.2 peer 1001 <- {}", "bytes ".repeat(9))];
        let finding = Finding { events, ..all().outcomes[2].findings[0].clone() };
        assert_eq!(
            super::events(&finding, Look { width: Some(60), ..Look::PLAIN }),
            "  events:
       5.1 peer 1001 -> handshake
      15.2 peer 1001 <- bytes bytes bytes bytes bytes bytes
      bytes bytes bytes
"
        );
    }
}
