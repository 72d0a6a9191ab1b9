//! Reads and writes at an offset of a file, by several threads at once.

use std::fs::File;
use std::io;

/// Fills `bytes` from `offset` on.
///
/// # Errors
/// `UnexpectedEof` if the file ends before; other errors if the disk does not return them.
#[cfg(unix)]
pub fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Reads bytes from `offset` on, as many as the system returns at once. No bytes mean the end of the file.
///
/// # Errors
/// If the disk does not return them.
#[cfg(unix)]
pub fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, offset)
}

/// Writes all bytes from `offset` on.
///
/// # Errors
/// If the disk does not take them.
#[cfg(unix)]
pub fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

// Windows also moves the file's own position, on which no caller relies afterwards.

/// Fills `bytes` from `offset` on.
///
/// # Errors
/// `UnexpectedEof` if the file ends before; other errors if the disk does not return them.
#[cfg(windows)]
pub fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        match read_at(file, &mut bytes[filled..], offset + filled as u64) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads bytes from `offset` on, as many as the system returns at once. No bytes mean the end of the file.
///
/// # Errors
/// If the disk does not return them.
#[cfg(windows)]
pub fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, offset)
}

/// Writes all bytes from `offset` on.
///
/// # Errors
/// If the disk does not take them.
#[cfg(windows)]
pub fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => (bytes, offset) = (&bytes[count..], offset + count as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_and_read_at_their_offsets_and_none_behind_the_end() {
        let file = tempfile::tempfile().expect("a temporary file");
        write_all_at(&file, b"world", 6).expect("written");
        write_all_at(&file, b"hello ", 0).expect("written");
        let mut bytes = [0; 4];
        read_exact_at(&file, &mut bytes, 4).expect("read");
        assert_eq!(&bytes, b"o wo");
        assert_eq!(read_at(&file, &mut bytes, 9).expect("read"), 2);
        assert_eq!(&bytes[..2], b"ld");
        assert_eq!(read_at(&file, &mut bytes, 11).expect("the end"), 0);
        let error = read_exact_at(&file, &mut bytes, 8).expect_err("the file ends before");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
