//! The report for people.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use console::truncate_str;
use peer_process::output::console::counted;

use super::case::case;
use super::ending::Ending;
use super::lines::{Look, printable};
use super::score::{self, Sum};
use super::shared::{Explained, common, told, unclear};
use crate::check::verdict::{Outcome, Summary, Verdict};

/// Number of blanks between two columns.
const GAP: u16 = 2;

/// Returns the report: common mistakes, failures, warnings, unclear cases, the rubric, and one last line.
pub fn text(summary: &Summary, ending: Ending, look: Look) -> String {
    let common = common(summary);
    let mut parts = Vec::new();
    if !common.is_empty() {
        parts.push(mistakes(&common, look));
    }
    let explained: Vec<_> = common.iter().map(|common| common.mistake).collect();
    parts.extend(told(summary).map(|outcome| case(summary, outcome, &explained, look)));
    parts.extend(unclear(summary).into_iter().map(|(because_of, cases)| group(because_of, &cases, look)));
    if look.is_long {
        parts.extend(passes(summary, look));
    }
    if !summary.outcomes.is_empty() {
        parts.push(rubric(summary, look));
    }
    parts.push(look.labeled("", &last_line(summary, ending)));
    parts.join("\n")
}

fn mistakes(common: &[Explained], look: Look) -> String {
    let mut text = format!("{}\n", look.heading("Fix these first"));
    for Explained { mistake, addresses, worst, hides } in common {
        let mut count = counted(addresses.len(), "case");
        if *hides > 0 {
            write!(count, "; {hides} unclear because of that").expect("memory");
        }
        writeln!(text, "{} ({count})", look.of_verdict(*worst, mistake.name)).expect("memory");
        text += &look.labeled("  mistake:  ", mistake.what);
        text += &look.labeled("  cure:     ", mistake.cure);
        text += &look.labeled("  explains: ", &addresses.join(", "));
    }
    text
}

/// Maximum number of unclear cases behind one failure of which it is told what came: of many, it is mostly the same.
const MOST_TOLD: usize = 6;

/// Maximum number of unclear cases behind one failure that are named. Of more, each group is counted.
const MOST_NAMED: usize = 24;

fn addresses(cases: &[&Outcome]) -> String {
    let addresses: Vec<_> = cases.iter().map(|outcome| outcome.clause.address).collect();
    addresses.join(", ")
}

/// Returns how many cases of each group there are, such as `start 2, bitfield 7`.
fn by_group(cases: &[&Outcome]) -> String {
    let group = |outcome: &&Outcome| outcome.clause.address.split('/').next().unwrap_or_default();
    let groups = cases.chunk_by(|one, other| group(one) == group(other));
    let counts: Vec<_> = groups.map(|cases| format!("{} {}", group(&cases[0]), cases.len())).collect();
    counts.join(", ")
}

/// Returns the unclear cases behind one failure, a line each; only their names if they are many.
fn group(because_of: Option<&str>, cases: &[&Outcome], look: Look) -> String {
    let count = counted(cases.len(), "case");
    let why = because_of.map_or_else(String::new, |address| format!(" because of {address}"));
    let mut text = look.of_verdict(Verdict::Unclear, format!("UNCLEAR{why}")) + &format!(" ({count})\n");
    if cases.len() > MOST_TOLD && !look.is_long {
        return text + &look.labeled("  ", &if cases.len() > MOST_NAMED { by_group(cases) } else { addresses(cases) });
    }
    let width = cases.iter().map(|outcome| outcome.clause.address.len()).max().unwrap_or_default();
    for outcome in cases {
        let came = outcome.findings.first().map_or(outcome.clause.text, |finding| &finding.came);
        let line = format!("  {:width$}  {}", outcome.clause.address, printable(came));
        text += &look.width.map_or_else(|| line.clone(), |columns| truncate_str(&line, columns, "...").into_owned());
        text.push('\n');
    }
    text
}

fn passes(summary: &Summary, look: Look) -> Option<String> {
    let passes: Vec<_> = summary.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Pass).collect();
    let width = passes.iter().map(|outcome| outcome.clause.address.len()).max()?;
    let line = |outcome: &&Outcome| {
        let label = format!("{} {:width$}  ", look.of_verdict(Verdict::Pass, "PASS"), outcome.clause.address);
        let note = outcome.note.as_ref().map_or_else(String::new, |note| format!("; {note}"));
        look.labeled(&label, &format!("{}{note}", secs(outcome.took)))
    };
    Some(passes.iter().map(line).collect())
}

/// Returns the table by items of the rubric, and its sum.
fn rubric(summary: &Summary, look: Look) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["item", "what", "passed", "warn", "unclear"]);
    for (item, tally) in score::items(summary) {
        let number = |count: u32| if count == 0 { "-".into() } else { count.to_string() };
        let passed = format!("{} of {}", tally.passed, tally.asked);
        table.add_row(
            [item.name().to_owned(), item.text().into(), passed, number(tally.warned), number(tally.unclear)]
                .map(Cell::new),
        );
    }
    if let Some(width) = look.width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, GAP));
        if at >= 2 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{}\n{}", table.trim_fmt(), look.labeled("", &Sum::sentence(summary)))
}

/// Returns the counts, the time taken, and the reason for the exit status.
pub fn last_line(summary: &Summary, ending: Ending) -> String {
    let counts = [Verdict::Fail, Verdict::Warn, Verdict::Unclear, Verdict::Pass];
    let counts = counts.map(|verdict| format!("{} {}", summary.count(verdict), verdict.word())).join(", ");
    let start = summary.start_time.map_or_else(String::new, |time| format!(" (a start takes {})", secs(time)));
    let cases = match (summary.outcomes.len(), summary.chosen) {
        (done, chosen) if done < chosen => format!("{done} of {}", counted(chosen, "case")),
        (done, _) => counted(done, "case"),
    };
    format!("{cases} in {}{start}: {counts}. {}", secs(summary.took), ending.sentence())
}

/// Returns a time as `41.2 s`.
pub fn secs(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::report::sample::{all, only};

    const EXPECTED: &str = include_str!("sample.txt");

    fn shown(look: Look) -> String {
        let summary = all();
        text(&summary, Ending::of(&summary, false), look)
    }

    #[test]
    fn the_report_of_a_run_with_every_kind_of_outcome() {
        let shown = shown(Look { width: Some(80), ..Look::PLAIN });
        assert_eq!(shown, EXPECTED, "\n{shown}");
    }

    #[test]
    fn it_fits_every_terminal_but_for_the_commands_to_copy() {
        for width in 60..=200 {
            let shown = shown(Look { width: Some(width), is_long: true, ..Look::PLAIN });
            for line in shown.lines().filter(|line| !line.starts_with("  repeat:")) {
                assert!(console::measure_text_width(line) <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn colors_change_nothing_but_the_color() {
        let look = Look { width: Some(80), is_colored: true, is_long: true };
        let colored = shown(look);
        assert!(colored.contains("\x1b[31m\x1b[1mFAIL handshake/first\x1b[0m"), "{colored}");
        let plain = colored.replace("\x1b[0m", "").split('\x1b').map(after_code).collect::<String>();
        assert_eq!(plain, shown(Look { is_colored: false, ..look }));
    }

    /// Returns the part of a text behind the rest of an escape sequence such as `[31m`.
    fn after_code(part: &str) -> &str {
        part.strip_prefix('[').and_then(|rest| rest.split_once('m')).map_or(part, |(_, rest)| rest)
    }

    #[test]
    fn a_trace_shows_all_events_and_lists_what_passes() {
        let long = shown(Look { is_long: true, ..Look::PLAIN });
        assert!(long.contains("\n  events:\n    1.000 s  event 1\n"), "{long}");
        assert!(long.contains("\nPASS start/forms      0.8 s\nPASS robustness/dead  0.8 s\n"), "{long}");
        let short = shown(Look::PLAIN);
        assert!(short.contains("the last 5 of 7 events") && !short.contains("event 2"), "{short}");
        assert!(!short.contains("PASS "), "{short}");
    }

    #[test]
    fn when_all_is_well_there_are_the_rubric_and_the_last_line() {
        let summary = only(&[Verdict::Pass]);
        assert_eq!(
            text(&summary, Ending::of(&summary, true), Look::PLAIN),
            "item  what              passed  warn  unclear
1a    reads both files  1 of 1     -        -
The rubric, as far as a black box can see it: 35.0 of 35.

1 case in 41.2 s (a start takes 0.2 s): 0 fail, 0 warn, 0 unclear, 1 pass. Exit status 0: no case fails.
"
        );
    }

    #[test]
    fn a_run_that_a_signal_ended_says_how_many_of_its_cases_were_done() {
        let summary = Summary { is_cut_short: true, chosen: 22, known: 162, ..only(&[Verdict::Pass]) };
        let last = last_line(&summary, Ending::of(&summary, false));
        assert_eq!(
            last,
            "1 of 22 cases in 41.2 s (a start takes 0.2 s): 0 fail, 0 warn, 0 unclear, 1 pass. Stopped: a signal ended \
             the run before all cases were done."
        );
    }

    #[test]
    fn many_unclear_cases_are_only_named() {
        let summary = all();
        let unclear: Vec<_> = summary.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Unclear).collect();
        let many: Vec<_> = unclear.iter().copied().cycle().take(MOST_TOLD + 1).collect();
        let text = group(Some("handshake/first"), &many, Look::PLAIN);
        assert!(
            text.starts_with("UNCLEAR because of handshake/first (7 cases)\n  bitfield/partial, pieces/last, "),
            "{text}"
        );
        assert_eq!(text.lines().count(), 2);
        let most: Vec<_> = unclear.iter().copied().cycle().take(MOST_NAMED + 1).collect();
        let text = group(Some("handshake/first"), &most, Look::PLAIN);
        assert!(
            text.lines().nth(1).is_some_and(|line| line.starts_with("  bitfield ") && !line.contains('/')),
            "{text}"
        );
    }
}
