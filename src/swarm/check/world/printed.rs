//! `Printed`: what a peer has printed. Only its start and its end are kept. Pure.

/// Number of bytes that are kept of the start and of the end of what it prints.
const KEPT: usize = 16 * 1024;
/// Maximum number of characters of a line that are shown.
const LONGEST_LINE: usize = 200;

/// What a process has printed, on both streams together.
#[derive(Clone, Debug, Default)]
pub struct Printed {
    start: Vec<u8>,
    end: Vec<u8>,
    /// Number of all bytes.
    pub total: u64,
    /// Number of streams that are still open.
    pub(super) open: usize,
}

impl Printed {
    /// Takes bytes that were printed.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let to_start = bytes.len().min(KEPT - self.start.len());
        self.start.extend(&bytes[..to_start]);
        self.end.extend(&bytes[to_start..]);
        if self.end.len() > 2 * KEPT {
            self.end.drain(..self.end.len() - KEPT);
        }
    }

    fn text(&self) -> String {
        let left_out = self.total - (self.start.len() + self.end.len()) as u64;
        if left_out == 0 {
            return String::from_utf8_lossy(&[&self.start[..], &self.end[..]].concat()).into_owned();
        }
        // Of the lines at the seam only parts are known.
        let start = self.start.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let end = self.end.iter().position(|byte| *byte == b'\n').map_or(self.end.len(), |at| at + 1);
        let left_out = left_out + (self.start.len() - start + end) as u64;
        let (start, end) = (String::from_utf8_lossy(&self.start[..start]), String::from_utf8_lossy(&self.end[end..]));
        format!("{start}[{left_out} bytes are left out here]\n{end}")
    }

    /// Returns the last lines that have words, at most `count`, each cut to 200 characters.
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
        let lines: Vec<String> = lines.map(cut).collect();
        lines[lines.len().saturating_sub(count)..].to_vec()
    }

    /// Returns what tells most of the first traceback that it holds: where it happened, and the error.
    pub fn traceback(&self) -> Vec<String> {
        traceback(&self.text())
    }
}

fn cut(line: &str) -> String {
    line.chars().take(LONGEST_LINE).collect()
}

/// Returns where an exception happened that nobody caught, and which one it was.
fn traceback(text: &str) -> Vec<String> {
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    while let Some(line) = lines.next() {
        if line.ends_with("Traceback (most recent call last):") {
            // The calls are indented, the innermost one last; then comes the error.
            let mut place = None;
            for line in lines.by_ref() {
                if !line.starts_with(char::is_whitespace) {
                    return place.into_iter().chain([line]).map(str::trim).map(cut).collect();
                }
                place = Some(line).filter(|line| line.trim_start().starts_with("File ")).or(place);
            }
            return place.map(str::trim).map(cut).into_iter().collect();
        }
        let is_java_s = line.starts_with("Exception in thread \"");
        let is_rust_s = line.starts_with("thread '") && line.contains("' panicked at ");
        if is_java_s || is_rust_s {
            let next = lines.next().filter(|next| is_rust_s || next.trim_start().starts_with("at "));
            return [line].into_iter().chain(next).map(str::trim).map(cut).collect();
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traceback_of(text: &str) -> Vec<String> {
        let mut printed = Printed::default();
        printed.add(text.as_bytes());
        printed.traceback()
    }

    #[test]
    fn no_line_is_made_of_two_where_bytes_are_left_out() {
        let mut printed = Printed::default();
        let line = |number: u32| format!("line {number:05} of many\n");
        for number in 0..10_000 {
            printed.add(line(number).as_bytes());
        }
        let lines = printed.last_lines(10_000);
        let (whole, marks): (Vec<String>, Vec<String>) = lines.into_iter().partition(|line| line.starts_with("line "));
        assert!(whole.iter().all(|whole| whole.len() == line(0).len() - 1), "{whole:?}");
        assert_eq!(whole.last().map(String::as_str), Some("line 09999 of many"));
        let left_out = (10_000 - whole.len()) * line(0).len();
        assert_eq!(marks, [format!("[{left_out} bytes are left out here]")]);
    }

    #[test]
    fn a_traceback_is_told_by_its_place_and_its_error() {
        let python = "Peer 1002 starts
Exception in thread Thread-1 (run):
Traceback (most recent call last):
  File \"/usr/lib/python3/threading.py\", line 1045, in _bootstrap_inner
    self.run()
  File \"peer.py\", line 30, in serve
    piece = self.pieces[index]
            ~~~~~~~~~~~^^^^^^^
KeyError: 5
Peer 1002 goes on
";
        assert_eq!(traceback_of(python), ["File \"peer.py\", line 30, in serve", "KeyError: 5"]);
        let java = "Exception in thread \"Thread-3\" java.lang.NullPointerException: no neighbor
\tat Peer.serve(Peer.java:30)
\tat java.base/java.lang.Thread.run(Thread.java:833)
";
        let expected = [
            "Exception in thread \"Thread-3\" java.lang.NullPointerException: no neighbor",
            "at Peer.serve(Peer.java:30)",
        ];
        assert_eq!(traceback_of(java), expected);
        let rust = "thread 'reader' panicked at src/peer.rs:30:9:\nno such piece\nnote: run with `RUST_BACKTRACE=1`\n";
        assert_eq!(traceback_of(rust), ["thread 'reader' panicked at src/peer.rs:30:9:", "no such piece"]);
    }

    #[test]
    fn the_first_traceback_counts_and_other_words_are_none() {
        let two = "Traceback (most recent call last):\n  File \"a\"\nKeyError\nTraceback (most recent call last):\n  File \"b\"\nOSError\n";
        assert_eq!(traceback_of(two), ["File \"a\"", "KeyError"]);
        assert!(traceback_of("no traceback: the exception in thread 3 was caught\n").is_empty());
        assert_eq!(traceback_of("Exception in thread \"a\" Error\nother words\n"), ["Exception in thread \"a\" Error"]);
    }
}
