//! The report for people: the logs, the rubric with its lines as the script of a demonstration, and the invariants.

use std::fmt::Write as _;

use console::{Style, measure_text_width};

use crate::grade::sheet::{ItemRow, Line, LogRow, RuleRow, Sheet, lines};
use crate::words::{capitalized, printable, wrapped};

/// The name of this program in reports.
pub const PROGRAM: &str = "swarm grade";
/// Maximum number of violations of a rule that the text lists.
const MOST_LISTED: usize = 3;

/// The items that a tap shows.
const TAPPED: [&str; 3] = ["2a", "2b", "3a"];

/// The look of the report.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The columns of the terminal. Without it, lines are not wrapped.
    pub width: Option<usize>,
    /// Whether colors are used.
    pub is_colored: bool,
}

impl Look {
    fn styled(self, style: Style, text: &str) -> String {
        style.force_styling(self.is_colored).apply_to(text).to_string()
    }

    fn of_status(self, status: &str, text: &str) -> String {
        let style = match status {
            "shown" => Style::new().green(),
            "violated" => Style::new().red().bold(),
            "unclear" => Style::new().yellow(),
            _ => Style::new().cyan(),
        };
        self.styled(style, text)
    }

    /// Returns a text behind a label, in lines of this look's width. Later lines begin below the text.
    fn labeled(self, label: &str, text: &str) -> String {
        let indent = measure_text_width(label);
        let lines = wrapped(&printable(text), self.width.map(|width| width.saturating_sub(indent)));
        format!("{label}{}\n", lines.join(&format!("\n{:indent$}", "")))
    }
}

/// Returns the report on all directories.
pub fn text(sheets: &[Sheet], look: Look) -> String {
    let reports: Vec<_> = sheets.iter().map(|sheet| one(sheet, look)).collect();
    reports.join("\n")
}

fn one(sheet: &Sheet, look: Look) -> String {
    let mut text = look.labeled("", &format!("{}:", sheet.dir));
    text = look.styled(Style::new().bold(), text.trim_end()) + "\n";
    if sheet.fault.is_some() {
        return text + &look.labeled("  ", &sheet.conclusion());
    }
    for row in &sheet.logs {
        text += &log(row, look);
    }
    if !sheet.missing_logs.is_empty() {
        let ids: Vec<_> = sheet.missing_logs.iter().map(ToString::to_string).collect();
        text += &look.labeled("  no log of ", &ids.join(", "));
    }
    // A clock that may be right is nothing to tell.
    for clock in sheet.clocks.iter().filter(|clock| clock.least > 0.0 || clock.most < 0.0) {
        let words = format!(
            "the clock of {} is {:+.1} s to {:+.1} s ahead of that of {}",
            clock.peer, clock.least, clock.most, clock.than
        );
        text += &look.labeled("  ", &words);
    }
    for note in &sheet.notes {
        text += &look.labeled("  ", note);
    }
    let copies: Vec<_> = sheet.copies.iter().map(|copy| format!("{} {}", copy.peer, copy.state)).collect();
    if !copies.is_empty() {
        text += &look.labeled("  copies: ", &copies.join(", "));
    }
    text.push('\n');
    for row in &sheet.rubric {
        text += &item(row, look);
    }
    let unseen: Vec<_> = sheet.rubric.iter().filter(|row| TAPPED.contains(&row.item) && is_unseen(row)).collect();
    if !unseen.is_empty() {
        let items: Vec<_> = unseen.iter().map(|row| row.item).collect();
        let words = "copy Common.cfg, PeerInfo.cfg, the seeders' files and the program into a new directory RUN. There `swarm start \
                     RUN --tap --peer-command 'COMMAND {id}'` runs the program, and `swarm grade RUN` shows the messages";
        text += &look.labeled(&format!("To see {}: ", items.join(", ")), words);
    }
    text.push('\n');
    for (rows, status) in [(&sheet.violated, "violated"), (&sheet.unclear, "unclear")] {
        for row in rows {
            text += &rule(row, status, look);
        }
    }
    for words in [sheet.conclusion(), sheet.points_words()] {
        text += &look.labeled("", &(capitalized(&words) + "."));
    }
    text
}

/// Reports whether these files have no words for an item.
fn is_unseen(row: &ItemRow) -> bool {
    row.status == "not visible in a log"
}

fn log(row: &LogRow, look: Look) -> String {
    let mut words = format!("{}, {} understood", lines(row.lines), row.understood);
    if row.of_others > 0 {
        write!(words, ", {} of other peers", row.of_others).expect("memory");
    }
    if row.unread > 0 {
        write!(words, ", {} not understood", row.unread).expect("memory");
    }
    if row.is_cut {
        words += ", and the rest of the file was not read";
    }
    if let Some(run) = &row.last_run {
        write!(words, "; only its last run counts, from line {} on, where {}", run.line, run.sign).expect("memory");
    }
    if !row.differences.is_empty() {
        write!(words, "; written with {}", row.differences.join(", ")).expect("memory");
    }
    let mut text = look.labeled(&format!("  {}  ", printable(&row.file)), &words);
    for (line, first) in &row.first_unread {
        text += &look.labeled(&format!("    line {line} not understood: "), first);
    }
    text
}

fn item(row: &ItemRow, look: Look) -> String {
    let points = if is_unseen(row) { "-".to_owned() } else { format!("{:.1}", row.points) };
    let head = format!("{:<3}{}: ", row.item, row.text);
    let status = look.of_status(row.status, row.status);
    let mut text = format!("{head}{status} ({points} of {:.1})\n", row.of);
    if !row.note.is_empty() {
        text += &look.labeled("     ", &row.note);
    }
    for line in &row.evidence {
        text += &evidence(line, "     ", look);
    }
    text
}

fn evidence(line: &Line, indent: &str, look: Look) -> String {
    look.labeled(&format!("{indent}{}:{}  ", printable(&line.file), line.number), &line.text)
}

fn rule(row: &RuleRow, status: &str, look: Look) -> String {
    let count = if row.count > 1 { format!(", {} times", row.count) } else { String::new() };
    let mut text =
        format!("{} {} (item {}{count})\n", look.of_status(status, &status.to_uppercase()), row.name, row.item);
    text += &look.labeled("  means: ", row.means);
    for breach in row.first.iter().take(MOST_LISTED) {
        text += &look.labeled("  - ", &breach.what);
        for line in &breach.lines {
            text += &evidence(line, "    ", look);
        }
    }
    text.push('\n');
    text
}

/// Returns an item as plain words, for reports that have one text for each.
pub fn item_words(row: &ItemRow) -> String {
    let note = if row.note.is_empty() { String::new() } else { format!(": {}", row.note) };
    let lines = row.evidence.iter().map(|line| format!("\n{}:{}  {}", line.file, line.number, line.text));
    printable_lines(&format!("{}{note}{}", row.status, lines.collect::<String>()))
}

fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::report::sample::sheet;
    use crate::grade::sheet::RunRow;

    const PLAIN: Look = Look { width: None, is_colored: false };

    #[test]
    fn the_text_has_the_rubric_with_its_lines_and_the_points() {
        let text = text(&[sheet()], PLAIN);
        for part in [
            "groups/a:\n",
            "  log_peer_1002.log  12 lines, 10 understood, 2 not understood; written with no full stop\n",
            "    line 1 not understood: === log ===\n",
            "  no log of 1003\n",
            "  the clock of 1002 is +0.5 s to +1.5 s ahead of that of 1001\n",
            "1a reads both files: not visible in a log (- of 11.7)\n     `swarm check` asks for it\n",
            "2c interested and not interested: shown (18.0 of 18.0)\n     log_peer_1002.log:7  [t]: Peer 1002 \\u{1b}[31mhas\n",
            "VIOLATED count-jumps (item 3e, 3 times)\n",
            "3 violations; 0 unclear, 2 lines not understood, 1 log missing.\n",
            "Points: 18.0 of the 23.0 that these files can show; 77.0 of 100 are not visible in them (not a grade).\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("the clock of 1003"), "it may be right: {text}");
        assert!(!text.contains("To see"), "{text}");
        let mut unseen = sheet();
        unseen.rubric[0].item = "2a";
        let text = self::text(&[unseen], PLAIN);
        let advice = text.lines().find(|line| line.starts_with("To see 2a: ")).expect("advice");
        assert!(advice.contains("into a new directory RUN") && advice.contains("--peer-command"), "{advice}");
        assert!(!advice.contains("swarm start groups/a"), "a run there would replace what was graded: {advice}");
        let faulty = Sheet::faulty("groups/README".into(), "it is a file".into());
        assert_eq!(self::text(&[faulty], PLAIN), "groups/README:\n  it was not graded: it is a file\n");
    }

    #[test]
    fn the_last_run_is_named_with_its_line_and_its_sign() {
        let mut sheet = sheet();
        sheet.logs[0].last_run = Some(RunRow { line: 313, sign: "all its neighbors connect again" });
        let told = "; only its last run counts, from line 313 on, where all its neighbors connect again; written";
        assert!(text(&[sheet], PLAIN).contains(told));
    }

    #[test]
    fn it_fits_every_terminal() {
        for width in 60..=120 {
            for line in text(&[sheet()], Look { width: Some(width), ..PLAIN }).lines() {
                assert!(measure_text_width(line) <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn nothing_is_said_to_be_right_that_was_not_seen() {
        let mut sheet = sheet();
        (sheet.violated, sheet.unclear) = (vec![], vec![]);
        assert!(sheet.conclusion().starts_with("no violation in the 9 lines that were judged; 0 unclear, 2 lines"));
        sheet.logs[0].last_run = Some(RunRow { line: 3, sign: "its count of pieces begins again" });
        assert!(sheet.conclusion().ends_with(", earlier runs of log_peer_1002.log left out"), "{}", sheet.conclusion());
        sheet.logs[0].last_run = None;
        sheet.copies[0].state = "different";
        assert!(sheet.conclusion().ends_with(", the copy of 1001 differs"), "{}", sheet.conclusion());
        sheet.copies.clear();
        sheet.logs[0].is_cut = true;
        assert!(sheet.conclusion().ends_with(", the rest of log_peer_1002.log not read"), "{}", sheet.conclusion());
        sheet.logs.clear();
        assert!(sheet.conclusion().starts_with("nothing was understood, so nothing is judged"));
    }
}
