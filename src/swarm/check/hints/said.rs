//! Hints from the last words of a peer: that it reads its input, and that its program was not found.

use super::command::with_input;
use super::seen::Seen;

/// What Python says when `input()` finds the end of the input. Nothing else says so.
const INPUT_ENDED: &str = "EOF when reading a line";
/// What begins a line that asks for something.
const ASKS: [&str; 4] = ["enter", "input", "please", "type"];
/// What stands in a line that complains or explains, and asks for nothing.
const COMPLAINS: [&str; 14] = [
    "usage",
    "error",
    "exception",
    "invalid",
    "unknown",
    "wrong",
    "bad",
    "missing",
    "no",
    "not",
    "unexpected",
    "cannot",
    "without",
    "expected",
];

/// What begins a shell's line about a command.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "env"];

/// Returns a sentence if the peer reads its input, or seems to.
pub fn input(seen: &Seen<'_>) -> Option<String> {
    let printed = seen.printed;
    let has = |part: &str| printed.iter().any(|line| line.contains(part));
    let reads = if has(INPUT_ENDED) {
        "reads its input, which is empty"
    } else if has("No line found") && has("System.in") {
        "read to the end of its input, which is empty"
    } else if has("NoSuchElementException") && (has("No line found") || has("java.util.Scanner")) {
        "read to the end of something, perhaps of its input, which is empty"
    } else if printed.last().is_some_and(|line| is_prompt(line)) {
        "may ask for its ID, and its input is empty"
    } else {
        return None;
    };
    Some(format!("the peer {reads}; if it reads its ID there, use --command {}", with_input(seen.command)))
}

/// Reports whether a line seems to ask for an input.
fn is_prompt(line: &str) -> bool {
    let lower = line.trim_end().to_lowercase();
    let words: Vec<_> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let asks = words.first().is_some_and(|first| ASKS.contains(first)) || words.last() == Some(&"id");
    // `<peer id>` is the place of an argument.
    let is_open = lower.ends_with([':', '?']) || lower.ends_with('>') && !lower.contains('<');
    asks && is_open && !words.iter().any(|word| COMPLAINS.contains(word))
}

/// Returns a sentence if the program, or a part of it, was not found.
pub fn program(seen: &Seen<'_>) -> Option<String> {
    seen.printed.iter().any(|line| misses_program(line)).then(|| {
        "the program, or a module that it needs, is not found: --project names the directory that holds it, --setup \
         compiles or installs it, and --command starts it from that directory"
            .to_owned()
    })
}

/// Reports whether a shell or an interpreter says in this line that something that it should run is not there.
fn misses_program(line: &str) -> bool {
    let has = |part: &str| line.contains(part);
    // A peer may say of a neighbor or of a file that it was not found.
    let speaker = line.split(':').next().unwrap_or_default().trim_end();
    let name = speaker.rsplit(['/', '.']).next().unwrap_or_default();
    let is_shell_s = SHELLS.contains(&name) || has(": command not found");
    let is_missing = has("not found") || has("No such file or directory");
    let is_python_s = speaker.contains("python") || speaker.contains("pypy");
    let of_program = (is_shell_s && is_missing) || (is_python_s && has(": can't open file "));
    let of_part =
        ["ModuleNotFoundError", "ClassNotFoundException", "NoClassDefFoundError"].iter().any(|part| has(part));
    let of_main = ["Could not find or load main class", "Unable to access jarfile", "Cannot find module"];
    of_program || of_part || of_main.iter().any(|part| has(part))
}
