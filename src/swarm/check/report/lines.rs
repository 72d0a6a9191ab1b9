//! Lines of text for people: wrapped to a width, colored or not, and without anything that a terminal would obey.

use std::fmt::Display;

use console::{Style, measure_text_width};

use crate::check::verdict::Verdict;

/// Minimum number of columns of a wrapped text, even on a narrower terminal.
const LEAST_ROOM: usize = 24;

/// The look of a report for people.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The columns of the terminal. Without it, lines are not wrapped.
    pub width: Option<usize>,
    /// Whether colors are used.
    pub is_colored: bool,
    /// Whether all events are shown, and the cases that pass are listed.
    pub is_long: bool,
}

impl Look {
    /// The look in files.
    pub const PLAIN: Self = Self { width: None, is_colored: false, is_long: false };

    /// Returns the text in the color of a verdict.
    pub fn of_verdict(self, verdict: Verdict, text: impl Display) -> String {
        let style = match verdict {
            Verdict::Pass => Style::new().green(),
            Verdict::Warn => Style::new().yellow(),
            Verdict::Unclear => Style::new().cyan(),
            Verdict::Fail => Style::new().red().bold(),
        };
        self.styled(style, text)
    }

    /// Returns the text of a heading.
    pub fn heading(self, text: impl Display) -> String {
        self.styled(Style::new().bold(), text)
    }

    fn styled(self, style: Style, text: impl Display) -> String {
        style.force_styling(self.is_colored).apply_to(text).to_string()
    }

    /// Returns `text` behind `label`, in lines of this look's width. Later lines begin below the text.
    pub fn labeled(self, label: &str, text: &str) -> String {
        let indent = measure_text_width(label);
        let lines = wrapped(&printable(text), self.width.map(|width| width.saturating_sub(indent)));
        let gap = format!("\n{:indent$}", "");
        format!("{label}{}\n", lines.join(&gap))
    }
}

/// Returns a text that a terminal shows and does not obey. Line feeds become blanks.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push(' '),
            c if c.is_control() || turns_direction(c) => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// Reports whether the character changes the direction of the text around it, which can make it lie.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Breaks a text into lines of at most this number of columns. Only a word that is longer than that is broken itself.
fn wrapped(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width.map(|width| width.max(LEAST_ROOM)) else { return vec![text.to_owned()] };
    // What fits keeps its blanks, for it may be aligned.
    if measure_text_width(text) <= width {
        return vec![text.to_owned()];
    }
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let line = lines.last_mut().expect("there is always one");
        let used = measure_text_width(line);
        let needed = measure_text_width(word);
        if used > 0 && used + 1 + needed <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            if used > 0 {
                lines.push(String::new());
            }
            push_broken(&mut lines, word, width);
        }
    }
    lines
}

/// Adds a word to the last line, which is empty, and to further lines if it is too long.
fn push_broken(lines: &mut Vec<String>, word: &str, width: usize) {
    for c in word.chars() {
        if measure_text_width(lines.last().expect("there is always one")) >= width {
            lines.push(String::new());
        }
        lines.last_mut().expect("there is always one").push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_words_only_if_they_must() {
        let check = |text: &str, width, expected: &[&str]| assert_eq!(wrapped(text, width), expected);
        check("", Some(30), &[""]);
        check("0.1 s  have", Some(30), &["0.1 s  have"]);
        check("one two", None, &["one two"]);
        check("it waited for a handshake of 32 bytes", Some(30), &["it waited for a handshake of", "32 bytes"]);
        check(&"x".repeat(50), Some(30), &[&"x".repeat(30), &"x".repeat(20)]);
        // A terminal can be as narrow as it likes.
        check("it waited for a handshake", Some(3), &["it waited for a", "handshake"]);
    }

    #[test]
    fn later_lines_stand_below_the_first() {
        let look = Look { width: Some(34), ..Look::PLAIN };
        assert_eq!(
            look.labeled("  came: ", "nothing for 3 s, then it closed"),
            "  came: nothing for 3 s, then it\n        closed\n"
        );
    }

    #[test]
    fn a_terminal_obeys_nothing_that_a_peer_sent() {
        assert_eq!(printable("a\x1b[31mb\r\n\u{202e}c\u{9b}"), "a\\u{1b}[31mb\\r \\u{202e}c\\u{9b}");
        let look = Look { is_colored: true, ..Look::PLAIN };
        assert_eq!(look.of_verdict(Verdict::Pass, "pass"), "\x1b[32mpass\x1b[0m");
        assert_eq!(Look::PLAIN.of_verdict(Verdict::Fail, "fail"), "fail");
    }
}
