//! Links: a file behind a link may belong to something else, so it is not emptied or replaced.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

/// Checks that nothing is lost when the file at `path` is emptied or shortened. A link to an empty file, to nothing, or to
/// anything but a plain file is harmless. A log may go to a terminal or to another disk.
///
/// # Errors
/// One sentence if it is a link to a file that is not empty.
pub fn refuse_full(path: &Path) -> Result<()> {
    let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    let is_full = || fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0);
    ensure!(
        !is_link || !is_full(),
        "{} is a link to a file that is not empty, so it is not overwritten; delete the link or empty the file",
        path.display()
    );
    Ok(())
}

/// Checks that two directories are not the same, as they are if one is a link to the other.
///
/// # Errors
/// One sentence that names both.
pub fn refuse_same(dir: &Path, other: &Path) -> Result<()> {
    let whole = |path: &Path| path.canonicalize().ok();
    ensure!(
        whole(dir).is_none() || whole(dir) != whole(other),
        "{} and {} are the same directory, so one peer's file would replace the other's",
        dir.display(),
        other.display()
    );
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_a_link_to_a_file_with_something_in_it_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("full"), "bytes").expect("a file");
        fs::write(path("empty"), "").expect("a file");
        for (target, harmless) in
            [("full", false), ("empty", true), ("nothing", true), ("/dev/null", true), (".", true)]
        {
            let link = path(&format!("to {}", target.replace('/', "-")));
            symlink(target, &link).expect("a link");
            assert_eq!(refuse_full(&link).is_ok(), harmless, "{target}");
        }
        symlink("to full", path("to a link")).expect("a link");
        let told = refuse_full(&path("to a link")).expect_err("it is full").to_string();
        let shown = path("to a link").display().to_string();
        assert!(told.starts_with(&format!("{shown} is a link to a file that is not empty, ")), "{told}");
        for plain in ["full", "empty", "missing", "."] {
            refuse_full(&path(plain)).expect("no link");
        }
    }

    #[test]
    fn two_names_of_one_directory_are_noticed_and_two_that_are_missing_are_not_one() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| dir.path().join(name);
        for name in ["one", "two"] {
            fs::create_dir(path(name)).expect("it is new");
        }
        symlink("one", path("link")).expect("a link");
        refuse_same(&path("one"), &path("two")).expect("they differ");
        refuse_same(&path("missing"), &path("gone")).expect("neither exists");
        for (dir, other) in [("one", "link"), ("link", "one")] {
            refuse_same(&path(dir), &path(other)).expect_err("the same");
        }
    }
}
