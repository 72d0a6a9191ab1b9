//! Text of others as people see it.

/// Maximum number of characters that are shown.
const MOST_CHARS: usize = 200;

/// Returns the first line that is not blank, on one line, without control characters, and cut.
pub fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut chars = line.chars().map(|c| if is_plain(c) { c } else { ' ' });
    let mut shown: String = chars.by_ref().take(MOST_CHARS).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown.trim().to_owned()
}

/// Returns the words of a page, without its tags.
pub fn of_page(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(64 * MOST_CHARS)]);
    let mut is_tag = false;
    let visible = text.chars().map(|c| {
        let was_tag = is_tag;
        is_tag = c == '<' || (is_tag && c != '>');
        if is_tag || was_tag || c.is_whitespace() { ' ' } else { c }
    });
    let visible: String = visible.collect();
    plain(visible.split_whitespace().collect::<Vec<_>>().join(" ").as_bytes())
}

/// Controls could steer a terminal, and marks of direction could turn a sentence around.
fn is_plain(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_line_without_controls() {
        let check = |text: &[u8], shown: &str| assert_eq!(plain(text), shown);
        check(b"", "");
        check(b"\n \n  not allowed \nsecond", "not allowed");
        check(b"red \x1b[31m text\x07", "red  [31m text");
        check("\u{202e}turned".as_bytes(), "turned");
        check(b"\xff\xfe", "\u{fffd}\u{fffd}");
        let long = "é".repeat(MOST_CHARS + 1);
        assert_eq!(plain(long.as_bytes()).chars().count(), MOST_CHARS + 1);
        assert!(plain(long.as_bytes()).ends_with('…'));
    }

    #[test]
    fn a_page_is_shown_without_its_tags() {
        let page = b"<html>\n<head><title>Invalid Request</title></head>\n<body><h1>Bad\nRequest</h1></body></html>";
        assert_eq!(of_page(page), "Invalid Request Bad Request");
        assert_eq!(of_page(b"plain words"), "plain words");
        assert_eq!(of_page(b"cut <b"), "cut");
        assert_eq!(of_page("é".repeat(100_000).as_bytes()).chars().count(), MOST_CHARS + 1);
    }
}
