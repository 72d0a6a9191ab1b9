//! Words for shells: as scripts get them, and as a person would type them; and those for signals.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// One word for any shell: in csh an exclamation mark stands for an earlier command, even in quotes.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''").replace('!', r"'\!'"))
}

/// Words for any shell, with a blank before each.
pub fn all_quoted(words: &[&str]) -> String {
    words.iter().flat_map(|word| [" ".to_owned(), quoted(word)]).collect()
}

/// A word as a person would type it: in quotes only if it has to be.
pub fn typed(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { quoted(word) }
}

/// What a person calls a signal that ends a program.
pub fn signal(number: i32) -> String {
    match number {
        SIGINT => "Ctrl-C".into(),
        SIGTERM => "SIGTERM".into(),
        SIGHUP => "SIGHUP".into(),
        number => format!("signal {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_is_one_word_for_any_shell() {
        for (word, expected) in [("a b", "'a b'"), ("it's", r"'it'\''s'"), ("a!b", r"'a'\!'b'"), ("", "''")] {
            assert_eq!(quoted(word), expected);
        }
    }
}
