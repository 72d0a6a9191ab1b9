//! `FileFacts`: which file this is, its length, and when it was last written to.

use std::fs::File;
use std::io;
use std::path::Path;

/// A file at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileFacts {
    /// The device (0 on Windows), and the number of the file on it: they tell two files of one name apart.
    pub place: (u64, u64),
    /// Its length in bytes.
    pub len: u64,
    /// When it was last written to; only good for comparing. Unix has seconds and nanoseconds, Windows another unit.
    pub written: (i64, i64),
}

impl FileFacts {
    /// Returns the facts of an open file.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn of(file: &File) -> io::Result<Self> {
        system::of(file)
    }

    /// Returns the facts of the file at `path`, or of the one that a link there leads to.
    ///
    /// # Errors
    /// If no file is there, or the system does not tell.
    pub fn at(path: &Path) -> io::Result<Self> {
        system::at(path)
    }

    /// Returns the facts of what is at `path` itself, also of a link.
    ///
    /// # Errors
    /// If there is nothing, or the system does not tell.
    pub fn at_itself(path: &Path) -> io::Result<Self> {
        system::at_itself(path)
    }
}

#[cfg(unix)]
mod system {
    use std::fs::{self, File, Metadata};
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use super::FileFacts;

    pub fn of(file: &File) -> io::Result<FileFacts> {
        file.metadata().map(|metadata| of_metadata(&metadata))
    }

    pub fn at(path: &Path) -> io::Result<FileFacts> {
        fs::metadata(path).map(|metadata| of_metadata(&metadata))
    }

    pub fn at_itself(path: &Path) -> io::Result<FileFacts> {
        path.symlink_metadata().map(|metadata| of_metadata(&metadata))
    }

    fn of_metadata(metadata: &Metadata) -> FileFacts {
        FileFacts {
            place: (metadata.dev(), metadata.ino()),
            len: metadata.len(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

#[cfg(windows)]
mod system {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::windows::fs::OpenOptionsExt;
    use std::path::Path;

    use winapi_util::file::information;

    use super::FileFacts;

    /// Opens a directory as well as a file (`FILE_FLAG_BACKUP_SEMANTICS`).
    const ALSO_DIRECTORY: u32 = 0x0200_0000;
    /// Opens a link itself (`FILE_FLAG_OPEN_REPARSE_POINT`).
    const LINK_ITSELF: u32 = 0x0020_0000;

    pub fn of(file: &File) -> io::Result<FileFacts> {
        let information = information(file)?;
        let written = information.last_write_time().unwrap_or_default().cast_signed();
        Ok(FileFacts {
            // Without the volume: that of a file renamed while it is open is 0 in wine. A path rarely changes its volume.
            place: (0, information.file_index()),
            len: information.file_size(),
            written: (written, 0),
        })
    }

    pub fn at(path: &Path) -> io::Result<FileFacts> {
        of(&open(path, ALSO_DIRECTORY)?)
    }

    pub fn at_itself(path: &Path) -> io::Result<FileFacts> {
        of(&open(path, ALSO_DIRECTORY | LINK_ITSELF)?)
    }

    /// Opens a file only to look at it, which nobody else's use of it prevents.
    fn open(path: &Path, flags: u32) -> io::Result<File> {
        OpenOptions::new().access_mode(0).custom_flags(flags).open(path)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn two_files_differ_and_a_renamed_or_longer_one_is_still_the_same() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("one"), "1").expect("a file");
        fs::write(path("two"), "1").expect("a file");
        let file = File::open(path("one")).expect("a file");
        let before = FileFacts::of(&file).expect("told");
        assert_eq!(before.len, 1);
        assert_eq!(FileFacts::at(&path("one")).expect("told"), before);
        assert_eq!(FileFacts::at_itself(&path("one")).expect("told"), before);
        assert_ne!(FileFacts::at(&path("two")).expect("told").place, before.place);
        fs::rename(path("one"), path("three")).expect("a rename");
        fs::write(path("three"), "123").expect("a file");
        let after = FileFacts::at(&path("three")).expect("told");
        assert_eq!((after.place, after.len), (before.place, 3));
        let missing = FileFacts::at(&path("one")).expect_err("it has another name");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        FileFacts::at(dir.path()).expect("a directory, too");
    }
}
