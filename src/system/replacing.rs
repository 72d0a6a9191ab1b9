//! Giving a file the name of another one, which it replaces.
//!
//! Windows refuses that while somebody has the other one open, as a virus scanner or an editor does for a moment.

use std::io;
use std::path::Path;

/// Gives the file `from` the name `to`; a file that has this name is replaced.
///
/// # Errors
/// If the system refuses it; on Windows only after some tries in about a second, and with the likely cause.
#[cfg(unix)]
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Gives the file `from` the name `to`; a file that has this name is replaced.
///
/// # Errors
/// If the system refuses it; on Windows only after some tries in about a second, and with the likely cause.
#[cfg(windows)]
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    use std::fs;
    use std::io::ErrorKind;
    use std::thread;
    use std::time::Duration;

    const TRIES: usize = 20;
    const PAUSE: Duration = Duration::from_millis(50);

    for _ in 1..TRIES {
        match fs::rename(from, to) {
            Err(error) if is_busy(&error) && !to.is_dir() => thread::park_timeout(PAUSE),
            other => return other,
        }
    }
    fs::rename(from, to).map_err(|error| match is_busy(&error) && to.is_file() {
        true => io::Error::new(
            ErrorKind::PermissionDenied,
            format!("another program has {} open, or it is read-only; close it there ({error})", to.display()),
        ),
        false => error,
    })
}

/// Reports whether a later try may succeed: access denied (5), a sharing violation (32) or a lock violation (33).
#[cfg(windows)]
fn is_busy(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(5 | 32 | 33))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn an_older_file_is_replaced_and_what_is_missing_is_an_error() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("new"), "new").expect("a file");
        fs::write(path("old"), "older").expect("a file");
        // The one who renames may have it open.
        let open = File::open(path("new")).expect("a file");
        rename(&path("new"), &path("old")).expect("a rename");
        drop(open);
        assert_eq!(fs::read(path("old")).expect("a file"), b"new");
        let missing = rename(&path("new"), &path("old")).expect_err("it has another name");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[cfg(windows)]
    #[test]
    fn a_file_that_somebody_has_open_is_told() {
        use std::os::windows::fs::OpenOptionsExt;

        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("new"), "new").expect("a file");
        fs::write(path("old"), "older").expect("a file");
        // Nobody else may read, write or delete it.
        let open = File::options().read(true).share_mode(0).open(path("old")).expect("a file");
        let told = rename(&path("new"), &path("old")).expect_err("it is open").to_string();
        assert!(told.starts_with(&format!("another program has {} open", path("old").display())), "{told}");
        drop(open);
        rename(&path("new"), &path("old")).expect("a rename");
    }
}
