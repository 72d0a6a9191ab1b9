//! What a socket can do only on some systems.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// Number of callers that wait until they are accepted. The system may allow fewer.
const BACKLOG: i32 = 1024;

/// Whether a send may have a time limit. On Windows a socket whose send ran out of time is in no certain state, as its
/// documentation says. So only a thread that may wait sends there.
pub const SENDS_MAY_TIME_OUT: bool = cfg!(not(windows));

/// The error for too many open files, of this process or of the system.
#[cfg(unix)]
pub const WANTS_OF_DESCRIPTORS: [i32; 2] =
    [rustix::io::Errno::MFILE.raw_os_error(), rustix::io::Errno::NFILE.raw_os_error()];
/// `WSAEMFILE`, and `ERROR_TOO_MANY_OPEN_FILES` for files.
#[cfg(windows)]
pub const WANTS_OF_DESCRIPTORS: [i32; 2] = [10024, 4];

/// Reports whether an operation failed because no more files can be opened.
#[must_use]
pub fn is_want_of_descriptors(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|number| WANTS_OF_DESCRIPTORS.contains(&number))
}

/// Listens at an address, also while connections of an earlier run are closing. `[::]` takes callers of IPv4, too, if that is wished.
///
/// Where others listen already, it fails and disturbs nobody. On Windows it would take their port with the option that does so
/// on Unix, so it goes without that option there.
///
/// # Errors
/// When the port is taken or may not be used.
pub fn listen(address: SocketAddr, with_ipv4: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!with_ipv4)?;
    }
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// How long reads of a socket may wait, kept by the system.
#[cfg(unix)]
#[derive(Debug)]
pub struct ReadLimit;

#[cfg(unix)]
impl ReadLimit {
    /// Returns that of a new socket, which waits without a limit.
    #[must_use]
    pub fn unlimited() -> Self {
        Self
    }

    /// Changes the limit, to more than zero; `None` waits without a limit.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn set(&self, socket: &TcpStream, patience: Option<Duration>) -> io::Result<()> {
        socket.set_read_timeout(patience)
    }

    /// Reads the bytes that are there, or waits for some; 0 bytes mean the end.
    ///
    /// # Errors
    /// `WouldBlock` or `TimedOut` when nothing came in time; other errors end the connection.
    pub fn read(&self, mut socket: &TcpStream, bytes: &mut [u8]) -> io::Result<usize> {
        socket.read(bytes)
    }
}

/// How long reads of a socket may wait.
///
/// A receive that runs out of time leaves a socket of Windows in no certain state, as its documentation says. So it begins
/// when bytes are there.
#[cfg(windows)]
#[derive(Debug)]
pub struct ReadLimit {
    patience: std::sync::Mutex<Option<Duration>>,
}

#[cfg(windows)]
impl ReadLimit {
    /// Returns that of a new socket, which waits without a limit.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { patience: std::sync::Mutex::new(None) }
    }

    /// Changes the limit, to more than zero; `None` waits without a limit.
    ///
    /// # Errors
    /// None here.
    pub fn set(&self, _socket: &TcpStream, patience: Option<Duration>) -> io::Result<()> {
        *self.patience.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = patience;
        Ok(())
    }

    /// Reads the bytes that are there, or waits for some; 0 bytes mean the end.
    ///
    /// # Errors
    /// `TimedOut` when nothing came in time; other errors end the connection.
    pub fn read(&self, mut socket: &TcpStream, bytes: &mut [u8]) -> io::Result<usize> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let patience = *self.patience.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(patience) = patience {
            let mut polled = [PollFd::new(&socket, PollFlags::IN)];
            let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
            if poll(&mut polled, Some(&patience))? == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        socket.read(bytes)
    }
}

pub use line::{Line, pair};

/// A line on which one thread wakes another that waits for sockets.
#[cfg(unix)]
mod line {
    use std::io;
    use std::os::unix::net::UnixStream;

    /// One end of it.
    pub type Line = UnixStream;

    /// Returns the end to write to and the end to read from. Neither blocks.
    ///
    /// # Errors
    /// If the system gives no sockets.
    pub fn pair() -> io::Result<(Line, Line)> {
        let (writer, reader) = UnixStream::pair()?;
        writer.set_nonblocking(true)?;
        reader.set_nonblocking(true)?;
        Ok((writer, reader))
    }
}

/// A line on which one thread wakes another that waits for sockets.
#[cfg(windows)]
mod line {
    use std::io;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    /// One end of it: Windows has no pair of sockets but over loopback.
    pub type Line = TcpStream;

    /// Returns the end to write to and the end to read from. Neither blocks.
    ///
    /// # Errors
    /// If the system gives no sockets.
    pub fn pair() -> io::Result<(Line, Line)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let writer = TcpStream::connect(listener.local_addr()?)?;
        let own = writer.local_addr()?;
        // Another program may have called in between.
        let reader = loop {
            let (reader, caller) = listener.accept()?;
            if caller == own {
                break reader;
            }
        };
        writer.set_nodelay(true)?;
        writer.set_nonblocking(true)?;
        reader.set_nonblocking(true)?;
        Ok((writer, reader))
    }
}
