//! Lines of text for people: wrapped to a width, colored or not, and without anything that a terminal would obey.

use std::fmt::Display;

use console::{Style, measure_text_width};

use crate::check::verdict::Verdict;
pub use crate::words::printable;
use crate::words::wrapped;

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

#[cfg(test)]
mod tests {
    use super::*;

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
