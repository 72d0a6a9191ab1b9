//! `Server`: a tracker that a test plays. It answers each request as the test's script says, also with lies or not at all.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Far longer than anything here takes, for a machine under load.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a connection gets.
pub enum Reply {
    /// These bytes, then the connection is closed.
    Bytes(Vec<u8>),
    /// These bytes, then nothing until the server is gone.
    Hangs(Vec<u8>),
}

/// A whole answer with this body.
pub fn ok(body: impl AsRef<[u8]>) -> Reply {
    with_head("", body)
}

/// The same with further lines in its head.
pub fn with_head(lines: &str, body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{lines}\r\n", body.len());
    Reply::Bytes([head.as_bytes(), body].concat())
}

/// An answer with this status and body.
pub fn status(status: &str, lines: &str, body: &str) -> Reply {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{lines}\r\n", body.len());
    Reply::Bytes(format!("{head}{body}").into_bytes())
}

#[derive(Default)]
struct State {
    requests: Vec<String>,
    is_over: bool,
}

type Shared = (Mutex<State>, Condvar);

/// A tracker. It ends with the test.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// One on a free port of 127.0.0.1. The script gets the path and query of a request and the number of requests before it.
    pub fn new(script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::at(Ipv4Addr::LOCALHOST.into(), 0, script).expect("a free port")
    }

    /// One at this address and port; `None` if it cannot be had.
    pub fn at(ip: IpAddr, port: u16, script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Option<Self> {
        let listener = TcpListener::bind((ip, port)).ok()?;
        let address = listener.local_addr().expect("it is bound");
        let shared: Arc<Shared> = Arc::default();
        let own = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            thread::scope(|scope| {
                for stream in listener.incoming() {
                    if lock(&own).is_over {
                        return;
                    }
                    let stream = stream.expect("a connection");
                    let (own, script) = (&own, &script);
                    scope.spawn(move || serve(&stream, own, script));
                }
            });
        });
        Some(Self { address, shared, thread: Some(thread) })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address of its announces.
    pub fn url(&self) -> String {
        format!("http://{}/announce", self.address)
    }

    /// The paths and queries of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.shared).requests.clone()
    }

    /// Waits for a request with all of this in it, and returns it.
    #[track_caller]
    pub fn wait_for(&self, words: &[&str]) -> String {
        let fits = |request: &&String| words.iter().all(|word| request.contains(word));
        let sleeps = |state: &mut State| !state.requests.iter().any(|request| fits(&request));
        let waited = self.shared.1.wait_timeout_while(lock(&self.shared), PATIENCE, sleeps);
        let state = waited.unwrap_or_else(PoisonError::into_inner).0;
        let found = state.requests.iter().find(fits);
        found.cloned().unwrap_or_else(|| panic!("no request with {words:?}: {:#?}", state.requests))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        lock(&self.shared).is_over = true;
        self.shared.1.notify_all();
        // It waits for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok() || thread::panicking(), "the server panicked");
        }
    }
}

fn serve(mut stream: &TcpStream, shared: &Shared, script: &impl Fn(&str, usize) -> Reply) {
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(len) if len > 0 => head.extend(&buffer[..len]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).expect("the head of a request is text");
    let request = head.split(' ').nth(1).expect("a request has a path").to_owned();
    let before = {
        let mut state = lock(shared);
        state.requests.push(request.clone());
        state.requests.len() - 1
    };
    shared.1.notify_all();
    // The other side may have had enough of it.
    match script(&request, before) {
        Reply::Bytes(bytes) => _ = stream.write_all(&bytes),
        Reply::Hangs(bytes) => {
            _ = stream.write_all(&bytes);
            let waited = shared.1.wait_while(lock(shared), |state| !state.is_over);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.0.lock().unwrap_or_else(PoisonError::into_inner)
}
