//! `Stream`: the socket of one connection, with exactly the operations that the rest of this room needs.
//!
//! Reading and writing take a shared reference, because one thread reads while another writes. A layer between the protocol's
//! bytes and the socket, such as encryption, belongs here.

use std::io::{self, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use super::recording::Recording;
use crate::output::events::Recorder;
use crate::system::sockets::ReadLimit;

/// The system asks a silent other side after this time, then at this interval, and this often, before the connection is dead.
const WATCH_AFTER: Duration = Duration::from_secs(10);
const WATCH_INTERVAL: Duration = Duration::from_secs(5);
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "freebsd"))]
const WATCH_TRIES: u32 = 3;
/// The system does not ask while bytes are on their way that the other side has not acknowledged. It sends them again, for a
/// quarter of an hour. So they have a limit of their own. It also ends a connection whose other side acknowledges everything, but
/// has no room for waiting bytes in all that time. So it leaves time to a neighbor that reads slowly, such as one with a low limit.
///
/// On Linux it also takes the place of `WATCH_TRIES`: the system asks until the other side was silent for this long.
#[cfg(any(target_os = "linux", target_os = "android"))]
const WATCH_SENT: Duration = Duration::from_secs(30);

/// A connection's socket.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    read_limit: ReadLimit,
    recording: Option<Box<Recording>>,
}

impl Stream {
    /// Takes over a connected socket.
    #[must_use]
    pub fn new(socket: TcpStream) -> Self {
        Self { socket, read_limit: ReadLimit::unlimited(), recording: None }
    }

    /// Records what happens on this connection, if anything is recorded.
    #[must_use]
    pub fn recorded_by(self, recorder: Option<&Arc<Recorder>>) -> Self {
        let recording = recorder.map(|recorder| Box::new(Recording::new(Arc::clone(recorder))));
        Self { recording, ..self }
    }

    /// Returns the recording of this connection, if there is one.
    #[must_use]
    pub fn recording(&self) -> Option<&Recording> {
        self.recording.as_deref()
    }

    /// Remembers for the recording why the connection ends; the first reason counts.
    pub fn note_end(&self, reason: &str) {
        if let Some(recording) = &self.recording {
            recording.ends(reason);
        }
    }

    /// Sends each write at once, however small it is.
    ///
    /// # Errors
    /// When the connection is gone already.
    pub fn send_at_once(&self) -> io::Result<()> {
        self.socket.set_nodelay(true)
    }

    /// Reads the bytes that are there, or waits for some up to the [limit](Self::limit_reads); 0 bytes mean the end.
    ///
    /// # Errors
    /// `WouldBlock` or `TimedOut` when nothing came in time; other errors end the connection.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_limit.read(&self.socket, buffer)
    }

    /// Limits how long a read waits, to more than zero; `None` waits without a limit.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn limit_reads(&self, patience: Option<Duration>) -> io::Result<()> {
        self.read_limit.set(&self.socket, patience)
    }

    /// Writes as much as the socket takes, or waits for it to take some bytes up to the [limit](Self::limit_writes).
    ///
    /// # Errors
    /// `WouldBlock` or `TimedOut` when it took nothing in time; other errors end the connection.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.socket).write(bytes)
    }

    /// Writes all bytes.
    ///
    /// # Errors
    /// Those of [`Self::write`].
    pub fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.socket).write_all(bytes)
    }

    /// Limits how long a write waits, to more than zero; `None` waits without a limit.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn limit_writes(&self, patience: Option<Duration>) -> io::Result<()> {
        self.socket.set_write_timeout(patience)
    }

    /// Closes the sending half; the other side may still send. A socket that is no longer connected needs no shutting.
    pub fn shut_sending(&self) {
        _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Ends reading and writing at once, even in other threads.
    pub fn shut(&self) {
        _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Reports whether there is no new error on the socket, so that no reset has answered our bytes.
    pub fn is_sound(&self) -> bool {
        matches!(self.socket.take_error(), Ok(None))
    }

    /// Returns the address and port at the other end; `None` if the connection was gone before its address could be read.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.socket.peer_addr().ok()
    }

    /// Lets the system ask a silent other side whether it is still there. If it is not, reading fails after some seconds. Where the
    /// system can limit it, the same is true if the other side acknowledges nothing, or takes nothing that waits to be sent.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn watch(&self) -> io::Result<()> {
        let keepalive = TcpKeepalive::new().with_time(WATCH_AFTER).with_interval(WATCH_INTERVAL);
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "freebsd"))]
        let keepalive = keepalive.with_retries(WATCH_TRIES);
        SockRef::from(&self.socket).set_tcp_keepalive(&keepalive)?;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        SockRef::from(&self.socket).set_tcp_user_timeout(Some(WATCH_SENT))?;
        Ok(())
    }

    /// Returns the address and port at this end; `None` if the system does not tell.
    pub fn local(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// Returns the address at the other end; an IPv4 address is never in IPv6 notation.
    pub fn remote_ip(&self) -> Option<IpAddr> {
        self.remote().map(|address| address.ip().to_canonical())
    }

    /// Reports whether both ends are this one socket: the system may give a port without a listener to the dialing socket
    /// itself.
    pub fn reaches_itself(&self) -> bool {
        self.socket.local_addr().ok() == self.remote()
    }

    /// Asks the system to acknowledge now what was read; it forgets the request each time.
    ///
    /// # Errors
    /// When the system refuses it.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn acknowledge(&self) -> io::Result<()> {
        SockRef::from(&self.socket).set_tcp_quickack(true)
    }
}

#[cfg(all(test, unix))]
impl std::os::fd::AsFd for Stream {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
