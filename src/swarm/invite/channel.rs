//! `Channel`: the way between the inviter and a member: the code first, then messages of bounded length. Only here is the code
//! spoken, so that a key exchange with it can take the place of saying it.
//!
//! The caller says `swarm invite 1`, a line feed, and the code. The inviter answers with the same line, and one letter. A message
//! is its length, four bytes with the high one first, and that many bytes.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::code::{Code, Verdict};
use crate::files::new_file::Stopped;

/// What each side says first. A peer of anybody sees by the first byte that it is not its protocol.
const HELLO: &[u8] = b"swarm invite 1\n";
/// Maximum length of what a caller says for the code, in bytes.
const MOST_CODE: usize = 64;
/// How long each side may take for its first words.
pub const FIRST_PATIENCE: Duration = Duration::from_secs(5);
/// How long the other side may take no bytes.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// How often a signal is looked for while a message is waited for.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Number of bytes that are read at once.
const CHUNK_LEN: usize = 64 << 10;

/// Why a channel is of no more use.
#[derive(Debug)]
pub enum Broken {
    /// The other side has closed it, or the network has.
    Gone,
    /// The other side says nothing, or takes nothing.
    Silent,
    /// The other side is another program, or says more than it may.
    Foreign,
    /// A signal has come.
    Stopped(Stopped),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => write!(f, "the connection has ended"),
            Self::Silent => write!(f, "nothing comes from it any more"),
            Self::Foreign => write!(f, "it is another program, or another version of `swarm`"),
            Self::Stopped(stopped) => stopped.fmt(f),
        }
    }
}

/// Looks for a signal.
pub type Look = Box<dyn Fn() -> Result<(), Stopped> + Send>;

/// A connection on which the code was right.
pub struct Channel {
    stream: TcpStream,
    look: Look,
}

impl Channel {
    /// Says the code to an inviter; returns what it thinks of it.
    ///
    /// # Errors
    /// If there is no inviter at the other end.
    pub fn call(stream: TcpStream, code: &Code, look: Look) -> Result<(Self, Verdict), Broken> {
        let mut channel = Self::new(stream, look)?;
        channel.write(HELLO)?;
        channel.send(code.to_string().as_bytes())?;
        let until = Instant::now() + FIRST_PATIENCE;
        channel.expect_hello(until)?;
        let mut answer = [0];
        channel.read(&mut answer, until)?;
        let verdict = match answer {
            [b'y'] => Verdict::Right,
            [b'n'] => Verdict::Wrong,
            [b't'] => Verdict::TooMany,
            _ => return Err(Broken::Foreign),
        };
        Ok((channel, verdict))
    }

    /// Hears a caller's code, and says what `judge` thinks of it. `None` if it was not right.
    ///
    /// # Errors
    /// If the caller says no code in time.
    pub fn answer(stream: TcpStream, judge: impl FnOnce(&str) -> Verdict, look: Look) -> Result<Option<Self>, Broken> {
        let mut channel = Self::new(stream, look)?;
        let until = Instant::now() + FIRST_PATIENCE;
        channel.expect_hello(until)?;
        let said = channel.receive(MOST_CODE, until)?;
        let verdict = judge(&String::from_utf8_lossy(&said));
        let letter = match verdict {
            Verdict::Right => b'y',
            Verdict::Wrong => b'n',
            Verdict::TooMany => b't',
        };
        channel.write(&[HELLO, &[letter]].concat())?;
        Ok((verdict == Verdict::Right).then_some(channel))
    }

    fn new(stream: TcpStream, look: Look) -> Result<Self, Broken> {
        // Windows hands on from the listener that a socket does not wait.
        let set_up = stream
            .set_nonblocking(false)
            .and_then(|()| stream.set_nodelay(true))
            .and_then(|()| stream.set_read_timeout(Some(LOOK_INTERVAL)))
            .and_then(|()| stream.set_write_timeout(Some(WRITE_PATIENCE)));
        set_up.map_err(|_| Broken::Gone)?;
        Ok(Self { stream, look })
    }

    fn expect_hello(&mut self, until: Instant) -> Result<(), Broken> {
        for expected in HELLO {
            let mut byte = [0];
            self.read(&mut byte, until)?;
            if byte != [*expected] {
                return Err(Broken::Foreign);
            }
        }
        Ok(())
    }

    /// Sends a message.
    ///
    /// # Errors
    /// If the other side has gone, or takes nothing for ten seconds.
    pub fn send(&mut self, message: &[u8]) -> Result<(), Broken> {
        let len = u32::try_from(message.len()).map_err(|_| Broken::Foreign)?;
        self.write(&[&len.to_be_bytes(), message].concat())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.stream.write_all(bytes).map_err(|error| if is_late(&error) { Broken::Silent } else { Broken::Gone })
    }

    /// Waits for a message of at most this many bytes. Memory grows with the bytes that come.
    ///
    /// # Errors
    /// If it has not come by then, it is longer, or a signal has come.
    pub fn receive(&mut self, most: usize, until: Instant) -> Result<Vec<u8>, Broken> {
        let mut head = [0; 4];
        self.read(&mut head, until)?;
        let len = u32::from_be_bytes(head) as usize;
        if len > most {
            return Err(Broken::Foreign);
        }
        let mut message = Vec::new();
        while message.len() < len {
            let start = message.len();
            message.resize(len.min(start + CHUNK_LEN), 0);
            self.read(&mut message[start..], until)?;
        }
        Ok(message)
    }

    fn read(&mut self, mut buffer: &mut [u8], until: Instant) -> Result<(), Broken> {
        while !buffer.is_empty() {
            (self.look)().map_err(Broken::Stopped)?;
            if Instant::now() >= until {
                return Err(Broken::Silent);
            }
            match self.stream.read(buffer) {
                Ok(0) => return Err(Broken::Gone),
                Ok(count) => buffer = &mut buffer[count..],
                Err(error) if is_late(&error) || error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Broken::Gone),
            }
        }
        Ok(())
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let one = TcpStream::connect(listener.local_addr().expect("an address")).expect("it listens");
        (one, listener.accept().expect("it was called").0)
    }

    fn look() -> Look {
        Box::new(|| Ok(()))
    }

    fn code() -> Code {
        Code::parse("k7m-4qx").expect("a code")
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn who_knows_the_code_is_heard_and_nobody_else_is() {
        for verdict in [Verdict::Right, Verdict::Wrong, Verdict::TooMany] {
            let (caller, inviter) = pair();
            let calling = thread::spawn(move || Channel::call(caller, &code(), look()));
            let judge = |said: &str| if said == "k7m-4qx" { verdict } else { Verdict::Wrong };
            let channel = Channel::answer(inviter, judge, look()).expect("it says a code");
            let (mut caller, heard) = calling.join().expect("no panic").expect("it is answered");
            assert_eq!((heard, channel.is_some()), (verdict, verdict == Verdict::Right));
            if let Some(mut channel) = channel {
                caller.send(b"hello").expect("it is there");
                assert_eq!(channel.receive(5, soon()).expect("a message"), b"hello");
                let long = vec![7; 200_000];
                caller.send(&long).expect("it is there");
                assert_eq!(channel.receive(200_000, soon()).expect("a message"), long);
                caller.send(b"hello").expect("it is there");
                assert!(matches!(channel.receive(4, soon()), Err(Broken::Foreign)));
                drop(caller);
                assert!(matches!(channel.receive(0, soon()), Err(Broken::Foreign | Broken::Gone)));
            }
        }
    }

    #[test]
    fn other_programs_are_noticed_on_both_sides() {
        for words in ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n", "swarm invite 2\ny", "swarm invite 1\n?"] {
            let (caller, mut other) = pair();
            other.write_all(words.as_bytes()).expect("it is there");
            let heard = Channel::call(caller, &code(), look()).map(|(_, verdict)| verdict);
            assert!(matches!(heard, Err(Broken::Foreign)), "{words}: {heard:?}");
        }
        for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"P2PFILESHARINGPROJ", b"swarm invite 1\n\xff\xff\xff\xff"] {
            let (mut other, inviter) = pair();
            other.write_all(bytes).expect("it is there");
            let answered = Channel::answer(inviter, |_| Verdict::Right, look()).map(|channel| channel.is_some());
            assert!(matches!(answered, Err(Broken::Foreign)), "{bytes:?}: {answered:?}");
        }
    }

    #[test]
    fn a_signal_and_the_end_of_patience_end_the_waiting() {
        let (_other, stream) = pair();
        let mut channel = Channel::new(stream, Box::new(|| Err(Stopped(2)))).expect("a socket");
        assert!(matches!(channel.receive(9, soon()), Err(Broken::Stopped(Stopped(2)))));
        let (_other, stream) = pair();
        let mut channel = Channel::new(stream, look()).expect("a socket");
        assert!(matches!(channel.receive(9, Instant::now()), Err(Broken::Silent)));
    }
}
