//! Words for shells, both as scripts receive them and as a person types them; words for signals and long lists.
//! It also makes text that a terminal shows and does not obey, in lines of its width.

use std::fmt::Write as _;
use std::path::Path;

use console::measure_text_width;
use signal_hook::consts::SIGINT;
use signal_hook::low_level;

/// Maximum number of names that a line lists.
pub const MOST_LISTED: usize = 4;
/// Minimum number of columns of a wrapped text, even on a narrower terminal.
const LEAST_ROOM: usize = 24;

/// Quotes a word for any shell. In csh an exclamation mark stands for an earlier command, even in quotes.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''").replace('!', r"'\!'"))
}

/// Quotes words for any shell, with a blank before each.
pub fn all_quoted(words: &[&str]) -> String {
    words.iter().flat_map(|word| [" ".to_owned(), quoted(word)]).collect()
}

/// Returns a word as a person would type it, in quotes only if it needs them. It is one line, also if the word has line feeds.
pub fn typed(word: &str) -> String {
    if word.chars().any(char::is_control) {
        return printed_by_shell(word);
    }
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { quoted(word) }
}

/// Returns what makes a shell put the word together, so that nothing of it acts on a terminal.
fn printed_by_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || " /._-+,:@={}".contains(c);
    let mut shown = String::new();
    for c in word.chars() {
        if is_plain(c) {
            shown.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            write!(shown, "\\{byte:03o}").expect("memory");
        }
    }
    format!("\"$(printf '{shown}')\"")
}

/// Returns a path that a shell reads back and that no program takes for an option.
pub fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let text = if text.starts_with('-') { format!("./{text}") } else { text };
    typed(&text)
}

/// Returns a text with a capital as its first letter.
pub fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Lists the first few names, and the number of the others.
pub fn first_of(names: &[String]) -> String {
    let more = names.len().saturating_sub(MOST_LISTED);
    let listed = names[..names.len() - more].join(", ");
    if more > 0 { format!("{listed} and {more} more") } else { listed }
}

/// Returns the usual name of a signal that ends a program.
pub fn signal(number: i32) -> String {
    match number {
        SIGINT => "Ctrl-C".into(),
        number => low_level::signal_name(number).map_or_else(|| format!("signal {number}"), ToOwned::to_owned),
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
pub fn wrapped(text: &str, width: Option<usize>) -> Vec<String> {
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
    fn a_word_is_one_word_for_any_shell() {
        for (word, expected) in [("a b", "'a b'"), ("it's", r"'it'\''s'"), ("a!b", r"'a'\!'b'"), ("", "''")] {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn a_shell_reads_back_what_is_to_be_typed() {
        for (path, word) in [
            ("demo", "demo"),
            ("/tmp/a-b_c.d/e", "/tmp/a-b_c.d/e"),
            ("my swarm", "'my swarm'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("~", "'~'"),
            ("-x", "./-x"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(Path::new(path)), word);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_command_with_quotes_blanks_and_lines_is_one_line_that_a_shell_reads_back() {
        for word in [
            "java -cp \"a b\" peerProcess {id} 'x y' $HOME `ls` \\n %d !!",
            "cd src\nexec \"python3\" 'peer.py' {id} 100% \\x !",
            "printf '\\033[1m'\t\u{1b}[1m \u{e9}",
        ] {
            let typed = typed(word);
            assert!(!typed.contains(char::is_control), "{typed}");
            let shell = std::process::Command::new("sh").arg("-c").arg(format!("printf %s {typed}")).output();
            let output = shell.expect("a shell");
            assert_eq!(String::from_utf8_lossy(&output.stdout), word, "{typed}");
        }
    }

    #[test]
    fn signals_have_their_usual_names() {
        for (number, name) in [(1, "SIGHUP"), (2, "Ctrl-C"), (9, "SIGKILL"), (15, "SIGTERM"), (99, "signal 99")] {
            assert_eq!(signal(number), name);
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<_> = (1..=6).map(|number| format!("lab{number}")).collect();
        assert_eq!(first_of(&names[..4]), "lab1, lab2, lab3, lab4");
        assert_eq!(first_of(&names), "lab1, lab2, lab3, lab4 and 2 more");
    }

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
}
