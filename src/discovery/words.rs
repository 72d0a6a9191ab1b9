//! Text of others as people see it.

/// Maximum number of characters that are shown.
const MOST_CHARS: usize = 200;
/// Maximum number of characters of a page, which says less than a reason that was meant for people.
const MOST_OF_PAGE: usize = 120;
/// Maximum number of bytes of a page that are looked at: a style sheet may come before the first word.
const MOST_BYTES: usize = 64 << 10;

/// What may differ between peers that do not find each other.
pub const WHAT_DIFFERS: &str = "FileName, FileSize, PieceSize, manifest or --swarm";
/// What to compare on all machines if peers of one swarm are of several ones for a tracker.
pub const COMPARE: &str = "compare the line 'for trackers, this swarm is ...' of all peers";

/// Returns the end of a sentence about a tracker that works and names no other peer.
#[must_use]
pub fn knows_nobody_else() -> String {
    format!(
        "answers and knows nobody else in this swarm; perhaps nobody else has started, or their {WHAT_DIFFERS} differs: {COMPARE}"
    )
}

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

/// Returns the first words of a page that a browser would show.
pub fn of_page(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_BYTES)]);
    let text = INVISIBLE.iter().fold(text.into_owned(), |text, (begin, end)| without(&text, begin, end));
    let mut is_tag = false;
    let visible = text.chars().map(|c| {
        let was_tag = is_tag;
        is_tag = c == '<' || (is_tag && c != '>');
        if is_tag || was_tag || c.is_whitespace() { ' ' } else { c }
    });
    let visible: String = visible.collect();
    let visible = plain(visible.split_whitespace().collect::<Vec<_>>().join(" ").as_bytes());
    match visible.char_indices().nth(MOST_OF_PAGE) {
        // The last character is the ellipsis.
        Some(_) => visible.chars().take(MOST_OF_PAGE - 1).chain(['…']).collect(),
        None => visible,
    }
}

/// What a page has besides tags and words.
const INVISIBLE: [(&str, &str); 3] = [("<!--", "-->"), ("<style", "</style"), ("<script", "</script")];

/// Removes everything between these marks, in capital letters or not. What does not end goes to the end of the text.
fn without(text: &str, begin: &str, end: &str) -> String {
    // Of the same length, byte by byte.
    let lower = text.to_ascii_lowercase();
    let (mut kept, mut at) = (String::new(), 0);
    while let Some(from) = lower[at..].find(begin).map(|from| at + from) {
        kept.push_str(&text[at..from]);
        kept.push(' ');
        let Some(to) = lower[from..].find(end).map(|to| from + to + end.len()) else { return kept };
        at = to;
        // What is left of the closing tag is no word.
        if !end.ends_with('>') {
            at = lower[at..].find('>').map_or(text.len(), |close| at + close + 1);
        }
    }
    kept + &text[at..]
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
    fn a_page_is_shown_without_what_a_browser_hides() {
        let css = "body { background: #fff } ".repeat(1000);
        let page = format!(
            "<!DOCTYPE html><head><STYLE type=x>{css}</Style ><title>404</title><!-- a > b --></head>Not Found"
        );
        assert_eq!(of_page(page.as_bytes()), "404 Not Found");
        assert_eq!(of_page(b"one<script>if (a < b) { x() }</script> two <script>three"), "one two");
        assert_eq!(
            of_page("\u{130}<style>\u{130}</style>é".as_bytes()),
            "\u{130} é",
            "letters whose small ones are longer"
        );
    }

    #[test]
    fn a_page_is_shown_without_its_tags() {
        let page = b"<html>\n<head><title>Invalid Request</title></head>\n<body><h1>Bad\nRequest</h1></body></html>";
        assert_eq!(of_page(page), "Invalid Request Bad Request");
        assert_eq!(of_page(b"plain words"), "plain words");
        assert_eq!(of_page(b"cut <b"), "cut");
        let long = of_page("é".repeat(100_000).as_bytes());
        assert_eq!(long.chars().count(), MOST_OF_PAGE);
        assert!(long.ends_with('…'));
        assert_eq!(of_page("é".repeat(MOST_OF_PAGE).as_bytes()).chars().count(), MOST_OF_PAGE);
    }
}
