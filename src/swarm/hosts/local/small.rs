//! Small things that several files need: a pause, the reason of an error, and the one line that a start waits for.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::hosts::trouble::cannot_write;

/// Time between two looks at a process of which the system tells nobody.
const NEXT_LOOK: Duration = Duration::from_millis(20);

/// Waits a moment for something that the system tells nobody of.
pub fn pause() {
    thread::park_timeout(NEXT_LOOK);
}

/// Returns why something failed, without the error's number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let number = error.raw_os_error().map(|number| format!(" (os error {number})"));
    number.and_then(|number| text.strip_suffix(&number)).unwrap_or(&text).to_owned()
}

/// Deletes a file, if it is there. A disk that is read-only refuses to delete even what is not there.
///
/// # Errors
/// When it cannot be deleted.
pub fn delete(path: &Path) -> io::Result<()> {
    if path.symlink_metadata().is_ok() { fs::remove_file(path) } else { Ok(()) }
}

/// Makes the error of a file that cannot be made.
pub fn cannot_create(name: &str, error: &io::Error) -> anyhow::Error {
    cannot_write(&not_created(name, error))
}

/// Makes the error of a file that cannot be deleted.
pub fn cannot_delete(name: &str, error: &io::Error) -> anyhow::Error {
    cannot_write(&format!("cannot delete {name}: {}", reason(error)))
}

/// Returns the sentence of a file that cannot be made.
pub fn not_created(name: &str, error: &io::Error) -> String {
    format!("cannot create {name}: {}", reason(error))
}

/// Tells the start that waits, from the keeper or the peer-to-be: the peer's process ID, or the reason for having none.
pub fn tell(line: &str) {
    // If the start was killed, nobody waits.
    _ = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
}
