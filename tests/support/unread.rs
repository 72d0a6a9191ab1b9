//! Outputs that no program reads: a full pipe, a terminal that is stopped, one that is hung up.
#![allow(dead_code, reason = "each test crate uses another part of it")]

use std::fs::{File, OpenOptions};
use std::io::{PipeReader, Read, Write, pipe};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Stdio;

use rustix::pipe::fcntl_getpipe_size;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// The system's flag for a terminal that must not become the process's own.
const O_NOCTTY: i32 = 0o400;

/// Returns a pipe that takes nothing more; its content comes first when it is read at last.
pub fn full_pipe() -> (PipeReader, Stdio) {
    let (reader, mut writer) = pipe().expect("a pipe");
    let room = fcntl_getpipe_size(&writer).expect("the size of a pipe");
    writer.write_all(&vec![b'\n'; room]).expect("it has so much room");
    (reader, writer.into())
}

/// A terminal; dropping this hangs it up.
pub struct Terminal {
    /// The side of the person.
    person: File,
    path: String,
}

impl Terminal {
    /// Returns a terminal of 100 columns and 30 rows.
    pub fn new() -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&person).expect("it is ours");
        unlockpt(&person).expect("it is ours");
        let path = ptsname(&person, Vec::new()).expect("its name").into_string().expect("it is text");
        let terminal = Self { person: File::from(person), path };
        let size = Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(terminal.open(), size).expect("it is a terminal");
        terminal
    }

    fn open(&self) -> File {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(O_NOCTTY).open(&self.path).expect("its other side")
    }

    /// Returns its other side, for a process.
    pub fn side(&self) -> Stdio {
        self.open().into()
    }

    /// Types, as a person does.
    pub fn press(&mut self, keys: &[u8]) {
        self.person.write_all(keys).expect("it takes keys");
    }

    /// Reads until this was shown; returns everything that was read.
    pub fn read_until(&mut self, part: &str) -> String {
        let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let shown = String::from_utf8_lossy(&text);
            if shown.contains(part) {
                return shown.into_owned();
            }
            let len =
                self.person.read(&mut buffer).unwrap_or_else(|error| panic!("no '{part}' ({error}) in {shown:?}"));
            text.extend_from_slice(&buffer[..len]);
        }
    }
}
