//! `Pipes`: pipes of the system, through which bytes go from one socket to another one without a copy. Only Linux has that.

#[cfg(target_os = "linux")]
pub use self::linux::Pipe;
#[cfg(not(target_os = "linux"))]
pub use self::other::Pipe;

/// Maximum number of pipes of a relay, whatever the number of its connections.
pub const MOST_PIPES: usize = 16;

/// The pipes of a relay.
#[derive(Debug, Default)]
pub struct Pipes {
    /// Those without bytes in them.
    free: Vec<Pipe>,
    /// Number of those that are taken.
    taken: usize,
}

impl Pipes {
    /// Returns none yet, or `None` where the system does not have them.
    pub fn new() -> Option<Self> {
        cfg!(target_os = "linux").then(Self::default)
    }

    /// Returns an empty pipe for this number of bytes, unless all are taken or the system has none.
    pub fn take(&mut self, capacity: usize) -> Option<Pipe> {
        if self.taken == MOST_PIPES {
            return None;
        }
        let pipe = self.free.pop().or_else(|| Pipe::new(capacity))?;
        self.taken += 1;
        Some(pipe)
    }

    /// Takes a pipe back. One with bytes in it is closed.
    pub fn put_back(&mut self, pipe: Pipe) {
        self.taken -= 1;
        if pipe.is_empty() {
            self.free.push(pipe);
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;

    use mio::net::TcpStream;
    use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

    /// A pipe, and the number of bytes in it.
    #[derive(Debug)]
    pub struct Pipe {
        reader: OwnedFd,
        writer: OwnedFd,
        len: usize,
    }

    impl Pipe {
        /// Makes a pipe for this number of bytes, unless the system has no descriptors left.
        pub fn new(capacity: usize) -> Option<Self> {
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
            // A user has only so much memory for pipes. A smaller one takes fewer bytes at a time.
            _ = fcntl_setpipe_size(&writer, capacity);
            Some(Self { reader, writer, len: 0 })
        }

        pub const fn is_empty(&self) -> bool {
            self.len == 0
        }

        /// Takes at most this many bytes from a socket; 0 at the end of its stream. The pipe must be empty: a full one and a
        /// socket without bytes look the same.
        pub fn fill(&mut self, from: &TcpStream, count: usize) -> io::Result<usize> {
            let came = splice(from, None, &self.writer, None, count, SpliceFlags::NONBLOCK | SpliceFlags::MOVE)?;
            self.len += came;
            Ok(came)
        }

        /// Gives what is in it to a socket; returns how much that has taken.
        pub fn empty(&mut self, to: &TcpStream) -> io::Result<usize> {
            let sent = splice(&self.reader, None, to, None, self.len, SpliceFlags::NONBLOCK | SpliceFlags::MOVE)?;
            self.len -= sent;
            Ok(sent)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::convert::Infallible;
    use std::io;

    use mio::net::TcpStream;

    /// There is no such pipe.
    #[derive(Debug)]
    pub struct Pipe(Infallible);

    impl Pipe {
        pub const fn new(_: usize) -> Option<Self> {
            None
        }

        pub const fn is_empty(&self) -> bool {
            match self.0 {}
        }

        pub const fn fill(&mut self, _: &TcpStream, _: usize) -> io::Result<usize> {
            match self.0 {}
        }

        pub const fn empty(&mut self, _: &TcpStream) -> io::Result<usize> {
            match self.0 {}
        }
    }
}
