//! Whether a tracker runs at a place, and whether it serves a swarm. It is asked as a peer asks that leaves, so that no
//! member is added. The tracker counts it as an announce.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use peer_process::discovery::identity::InfoHash;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

/// Time for an answer from a place on this machine.
const PATIENCE: Duration = Duration::from_secs(2);
/// Maximum number of bytes of an answer.
const MOST_BYTES: usize = 16 * 1024;
/// The `peer_id` of a peer that nobody is.
const NOBODY: &str = "-PP0100-000000000000";

/// What is at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// Nothing listens there, or it does not accept connections from here.
    Nothing,
    /// A tracker that serves the swarm.
    Serves,
    /// A tracker that refuses the swarm.
    Refuses,
    /// Something that does not answer as a tracker in time.
    Other,
}

/// Reports whether this machine has the host of this place, such as `127.0.0.1:6969`.
pub fn is_here(place: &str) -> bool {
    let mut addresses = place.to_socket_addrs().into_iter().flatten();
    // Only an own address can be listened at.
    addresses.any(|address| TcpListener::bind(SocketAddr::new(address.ip(), 0)).is_ok())
}

/// Asks at this place about this swarm.
pub fn ask(place: &str, swarm: InfoHash) -> Found {
    let addresses = place.to_socket_addrs().into_iter().flatten();
    let found = addresses.map(|address| converse(address, place, swarm)).collect::<Vec<_>>();
    let is_there = |wanted: &Found| found.contains(wanted);
    [Found::Serves, Found::Refuses, Found::Other].into_iter().find(is_there).unwrap_or(Found::Nothing)
}

fn converse(address: SocketAddr, host: &str, swarm: InfoHash) -> Found {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, PATIENCE) else { return Found::Nothing };
    let hash = percent_encode(swarm.as_bytes(), NON_ALPHANUMERIC);
    let request = format!(
        "GET /announce?info_hash={hash}&peer_id={NOBODY}&port=9&uploaded=0&downloaded=0&left=1&event=stopped&compact=1&\
         numwant=1 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    );
    let begun = Instant::now();
    let mut answer = Vec::new();
    if stream.write_all(request.as_bytes()).is_err() {
        return Found::Other;
    }
    // Not every tracker closes the connection, so the words in the answer decide.
    while let Some(left) = PATIENCE.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
        let mut some = [0; 1024];
        let count = match stream.set_read_timeout(Some(left)).and_then(|()| stream.read(&mut some)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.unwrap_or(0),
        };
        answer.extend_from_slice(&some[..count]);
        let found = told(&answer);
        if found != Found::Other || count == 0 || answer.len() > MOST_BYTES {
            return found;
        }
    }
    Found::Other
}

/// Returns what the bytes of an answer show so far.
fn told(answer: &[u8]) -> Found {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Found::Other };
    let has = |word: &[u8]| answer[end..].windows(word.len()).any(|part| part == word);
    if has(b"14:failure reason") {
        Found::Refuses
    } else if has(b"8:intervali") {
        Found::Serves
    } else {
        Found::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_shows_what_sends_it() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
        for (answer, expected) in [
            (format!("{head}d8:completei0e10:incompletei0e8:intervali1800e5:peers0:e"), Found::Serves),
            (format!("{head}d14:failure reason2:noe"), Found::Refuses),
            (format!("{head}<title>8:interval</title>"), Found::Other),
            ("d8:intervali1e".to_owned(), Found::Other),
            (String::new(), Found::Other),
        ] {
            assert_eq!(told(answer.as_bytes()), expected, "{answer}");
        }
    }

    #[test]
    fn an_own_address_is_here_and_that_of_an_example_is_not() {
        assert!(is_here("127.0.0.1:6969") && is_here("localhost:1"));
        assert!(!is_here("192.0.2.1:6969") && !is_here("6969"));
    }
}
