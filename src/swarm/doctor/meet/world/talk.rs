//! `Talk`: a connection to another doctor. Each read has a deadline, and what is read has a bound.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::super::format::{Frame, GREETING, HEAD_LEN, MOST_BODY, Opening, head, opening};

/// Maximum time for a frame, and for the other side to take one.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one that was called waits for a peer that dials: it would speak at once.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a caller waits for the greeting: the pause and a slow network.
const GREETING_PATIENCE: Duration = Duration::from_secs(4);
/// How long the other side may take to close after a farewell.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(1);
/// Number of bytes that wait in the system, so that a transfer of a second ends in time on a slow network.
const SEND_BUFFER: usize = 256 * 1024;

/// A connection.
pub struct Talk {
    stream: TcpStream,
    /// Its bodies.
    body: Vec<u8>,
}

/// The other side has gone, is too slow, or is no doctor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone;

impl From<io::Error> for Gone {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// What a caller finds that is no doctor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stranger {
    /// It spoke as a peer.
    Peer,
    /// It said nothing.
    Quiet,
    /// It said something else, or closed the connection.
    Other,
}

impl Talk {
    /// Calls an address, and waits until a doctor greets. Nothing is said to anybody else.
    ///
    /// # Errors
    /// What the system says, or who is there.
    pub fn call(address: SocketAddr, patience: Duration) -> Result<Self, Result<Stranger, io::Error>> {
        let stream = TcpStream::connect_timeout(&address, patience).map_err(Err)?;
        let mut talk = Self::new(stream).map_err(Err)?;
        match talk.hear(GREETING_PATIENCE) {
            Heard::Doctor => talk.send(GREETING).map(|()| talk).map_err(|_| Ok(Stranger::Other)),
            Heard::Peer => Err(Ok(Stranger::Peer)),
            Heard::Nothing => Err(Ok(Stranger::Quiet)),
            Heard::Other => Err(Ok(Stranger::Other)),
        }
    }

    /// Receives a call. A caller that speaks first is no doctor and hears nothing.
    ///
    /// # Errors
    /// Whether it was a peer.
    pub fn answer(stream: TcpStream) -> Result<Self, Stranger> {
        let mut talk = Self::new(stream).map_err(|_| Stranger::Other)?;
        match talk.hear(PAUSE) {
            Heard::Nothing => {}
            Heard::Peer => return Err(talk.refuse(Stranger::Peer)),
            Heard::Doctor | Heard::Other => return Err(talk.refuse(Stranger::Other)),
        }
        if talk.send(GREETING).is_err() || talk.hear(PATIENCE) != Heard::Doctor {
            return Err(talk.refuse(Stranger::Other));
        }
        // The caller closes first. If not, no connection lingers at a port on which a peer is to listen soon.
        _ = SockRef::from(&talk.stream).set_linger(Some(Duration::ZERO));
        Ok(talk)
    }

    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
        Ok(Self { stream, body: Vec::new() })
    }

    /// Closes the connection in order, as far as the caller takes part in it.
    fn refuse(mut self, stranger: Stranger) -> Stranger {
        _ = self.stream.shutdown(Shutdown::Write);
        let deadline = Instant::now() + FAREWELL_PATIENCE;
        let mut rest = [0; 4096];
        while self.read_some(&mut rest, deadline).is_ok_and(|count| count > 0) {}
        _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        stranger
    }

    /// Reads the first line of the other side.
    fn hear(&mut self, patience: Duration) -> Heard {
        let deadline = Instant::now() + patience;
        let (mut start, mut count) = ([0; GREETING.len()], 0);
        loop {
            match self.read_some(&mut start[count..], deadline) {
                Ok(0) => return if count == 0 { Heard::Other } else { verdict(&start[..count]) },
                Ok(more) => count += more,
                Err(_) if count == 0 => return Heard::Nothing,
                Err(_) => return verdict(&start[..count]),
            }
            match opening(&start[..count]) {
                Opening::Doctor { complete: false } => {}
                _ => return verdict(&start[..count]),
            }
        }
    }

    /// Returns the address of the other side.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn from(&self) -> Result<IpAddr, Gone> {
        Ok(self.stream.peer_addr()?.ip().to_canonical())
    }

    /// Returns the own address.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn local(&self) -> Result<IpAddr, Gone> {
        Ok(self.stream.local_addr()?.ip().to_canonical())
    }

    /// Sends a frame. One that the other side would refuse for its length is left out.
    ///
    /// # Errors
    /// When the other side does not take it.
    pub fn say(&mut self, frame: &Frame) -> Result<(), Gone> {
        let bytes = frame.bytes();
        if bytes.len() > HEAD_LEN + MOST_BODY { Ok(()) } else { self.send(&bytes) }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// Waits for the next frame.
    ///
    /// # Errors
    /// When none comes in time, or something else.
    pub fn hear_frame(&mut self) -> Result<Frame, Gone> {
        let deadline = Instant::now() + PATIENCE;
        let mut start = [0; HEAD_LEN];
        self.fill(&mut start, deadline)?;
        let (kind, len) = head(start).map_err(|_| Gone)?;
        let mut body = std::mem::take(&mut self.body);
        body.resize(len, 0);
        self.fill(&mut body, deadline)?;
        let frame = Frame::parse(kind, &body);
        self.body = body;
        frame.map_err(|_| Gone)
    }

    fn fill(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<(), Gone> {
        let mut count = 0;
        while count < buffer.len() {
            match self.read_some(&mut buffer[count..], deadline)? {
                0 => return Err(Gone),
                more => count += more,
            }
        }
        Ok(())
    }

    fn read_some(&mut self, buffer: &mut [u8], deadline: Instant) -> io::Result<usize> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

/// Who has spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Heard {
    Doctor,
    Peer,
    Other,
    Nothing,
}

fn verdict(start: &[u8]) -> Heard {
    match opening(start) {
        Opening::Doctor { complete: true } => Heard::Doctor,
        Opening::Peer => Heard::Peer,
        Opening::Doctor { complete: false } | Opening::Other => Heard::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        (listener, address)
    }

    const SOON: Duration = Duration::from_secs(10);

    #[test]
    fn two_doctors_greet_each_other_and_exchange_frames() {
        let (listener, address) = listener();
        let called = thread::spawn(move || {
            let mut talk = Talk::answer(listener.accept().expect("a call").0).expect("a doctor");
            let frame = talk.hear_frame().expect("a frame");
            talk.say(&frame).expect("it is taken");
            talk.hear_frame()
        });
        let mut talk = Talk::call(address, SOON).expect("a doctor");
        talk.say(&Frame::Pong(7)).expect("it is taken");
        assert_eq!(talk.hear_frame(), Ok(Frame::Pong(7)));
        // It would be refused for its length, so nobody hears of it.
        talk.say(&Frame::Fill(MOST_BODY + 1)).expect("it is left out");
        drop(talk);
        assert_eq!(called.join().expect("no panic"), Err(Gone));
    }

    #[test]
    fn a_peer_that_dials_is_recognised_and_hears_nothing() {
        for (said, stranger) in [
            (&b"P2PFILESHARINGPROJ\0\0\0\0\0\0\0\0\0\0\0\0\x03\xe9"[..], Stranger::Peer),
            (b"GET / HTTP/1.1\r\n\r\n", Stranger::Other),
            (GREETING, Stranger::Other),
        ] {
            let (listener, address) = listener();
            let called = thread::spawn(move || Talk::answer(listener.accept().expect("a call").0).err());
            let mut dialing = TcpStream::connect(address).expect("it listens");
            dialing.write_all(said).expect("it is taken");
            let mut heard = Vec::new();
            dialing.read_to_end(&mut heard).expect("it closes in order");
            assert_eq!(heard, b"");
            drop(dialing);
            assert_eq!(called.join().expect("no panic"), Some(stranger));
        }
    }

    #[test]
    fn a_caller_says_nothing_to_what_is_no_doctor() {
        for (said, stranger) in
            [(&b"P2PFILESHARINGPROJ"[..], Stranger::Peer), (b"", Stranger::Other), (b"220 mail\r\n", Stranger::Other)]
        {
            let (listener, address) = listener();
            let called = thread::spawn(move || {
                let (mut stream, _) = listener.accept().expect("a call");
                stream.write_all(said).expect("it is taken");
                stream.shutdown(Shutdown::Write).expect("it stands");
                let mut heard = Vec::new();
                stream.read_to_end(&mut heard).expect("it closes in order");
                heard
            });
            assert!(matches!(Talk::call(address, SOON), Err(Ok(found)) if found == stranger), "{stranger:?}");
            assert_eq!(called.join().expect("no panic"), b"");
        }
    }

    #[test]
    fn a_frame_that_is_none_ends_the_talk() {
        let (listener, address) = listener();
        let called = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a call");
            stream.write_all(GREETING).expect("it is taken");
            stream.write_all(&[3, 255, 255, 255, 255]).expect("it is taken");
            let mut rest = Vec::new();
            _ = stream.read_to_end(&mut rest);
            rest
        });
        let mut talk = Talk::call(address, SOON).expect("it greets");
        assert_eq!((talk.hear_frame(), talk.body.capacity()), (Err(Gone), 0));
        drop(talk);
        assert_eq!(called.join().expect("no panic"), GREETING);
    }
}
