//! Opening what has a name itself: neither what a link there leads to, nor a pipe that nobody writes to.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens the file at `path` with these options. Unix refuses a link. Windows opens the link itself, which is no plain file.
/// A pipe is opened without waiting for its other end.
///
/// # Errors
/// Those of [`OpenOptions::open`], and on Unix one for a link.
#[cfg(unix)]
pub fn open_itself(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;

    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).map_err(io::Error::other)?;
    options.custom_flags(flags).open(path)
}

/// Opens the file at `path` with these options. Unix refuses a link. Windows opens the link itself, which is no plain file.
///
/// # Errors
/// Those of [`OpenOptions::open`].
#[cfg(windows)]
pub fn open_itself(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;

    /// `FILE_FLAG_OPEN_REPARSE_POINT`
    const LINK_ITSELF: u32 = 0x0020_0000;

    options.custom_flags(LINK_ITSELF).open(path)
}
