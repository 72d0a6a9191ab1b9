//! `Books`: the event files of all peers, each with a thread that writes it. `Page`: what is noted there of one connection.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use anyhow::{Context, Result, ensure};
use peer_process::output::events::{EventFile, Fact, Recorder, Source, Start};
use peer_process::protocol::peer_id::PeerId;

use super::decoding::Said;
use crate::out::say;
use crate::swarm_dir::{SwarmDir, events_name};

/// The event files of all peers.
#[derive(Debug)]
pub struct Books {
    recorders: BTreeMap<PeerId, Arc<Recorder>>,
    writers: Vec<JoinHandle<()>>,
}

impl Books {
    /// Opens a file for each peer. Those of an earlier run are overwritten.
    ///
    /// # Errors
    /// When one cannot be created, or has other content, or the system has no thread left.
    pub fn open(swarm: &SwarmDir) -> Result<Self> {
        let mut books = Self { recorders: BTreeMap::new(), writers: Vec::new() };
        let common = &swarm.common;
        // A pipe that nobody reads would make the tap wait.
        for path in swarm.peers.iter().map(|peer| swarm.path_of(&events_name(peer.id))) {
            let is_pipe = fs::metadata(&path).is_ok_and(|metadata| metadata.file_type().is_fifo());
            ensure!(!is_pipe, "{} is a pipe, and the tap does not wait for a reader", path.display());
        }
        let files = swarm.peers.iter().map(|peer| EventFile::create(&swarm.path_of(&events_name(peer.id))));
        let files = files.collect::<Result<Vec<_>>>()?;
        for (peer, file) in swarm.peers.iter().zip(files) {
            let recorder = Arc::new(Recorder::new(Start {
                source: Source::Tap,
                peer: peer.id,
                layout: common.layout,
                preferred_count: common.preferred_count,
                unchoking_interval_secs: common.unchoking_interval_secs,
                optimistic_interval_secs: common.optimistic_interval_secs,
                has_file: peer.has_file,
                pieces: None,
            }));
            let (id, written) = (peer.id, Arc::clone(&recorder));
            let write = move || {
                if let Err(error) = file.write_all(&written) {
                    say(&format!("{error:#}; the tap writes no more events of {id}"));
                }
            };
            let thread = Builder::new().name(format!("events-{id}")).spawn(write);
            books.writers.push(thread.context("cannot start a thread")?);
            books.recorders.insert(id, recorder);
        }
        Ok(books)
    }

    /// Begins a page for a call from this peer, at this address, to that peer.
    pub fn begin_page(&self, caller: PeerId, target: PeerId, address: Option<SocketAddr>) -> Page {
        let lines = [self.line(caller, target), self.line(target, caller)];
        let mut page = Page { lines, addresses: [address, None], has_shaken: [false; 2] };
        page.lines[0].number();
        page
    }

    fn line(&self, of: PeerId, neighbor: PeerId) -> Line {
        Line { recorder: Arc::clone(&self.recorders[&of]), number: 0, neighbor }
    }

    /// Writes the last lines: `status` tells how each peer has exited.
    pub fn close(&mut self, status: impl Fn(PeerId) -> Option<u8>) {
        for (id, recorder) in &self.recorders {
            recorder.end(status(*id));
        }
        for writer in self.writers.drain(..) {
            // A thread that has panicked has said so.
            _ = writer.join();
        }
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        self.close(|_| None);
    }
}

/// What is noted of one connection, in the files of the caller (0) and of the called peer (1).
#[derive(Debug)]
pub struct Page {
    lines: [Line; 2],
    /// Where each of them is.
    addresses: [Option<SocketAddr>; 2],
    has_shaken: [bool; 2],
}

#[derive(Debug)]
struct Line {
    recorder: Arc<Recorder>,
    /// The connection's number in this file, or 0 if this peer knows nothing of it yet.
    number: u32,
    neighbor: PeerId,
}

impl Line {
    fn number(&mut self) {
        self.number = self.recorder.next_connection();
    }

    fn note(&self, fact: impl FnOnce(u32, PeerId) -> Fact) {
        if self.number > 0 {
            self.recorder.note(fact(self.number, self.neighbor));
        }
    }
}

impl Page {
    /// Notes that the called peer, at this address, has accepted.
    pub fn reached(&mut self, address: SocketAddr) {
        self.addresses[1] = Some(address);
        self.lines[1].number();
    }

    /// Notes what this side has said.
    pub fn said(&mut self, side: usize, said: &Said) {
        for (place, line) in self.lines.iter().enumerate() {
            line.note(|connection, neighbor| fact_of(said, connection, neighbor, place == side));
        }
        if matches!(said, Said::Handshake(_)) {
            self.has_shaken[side] = true;
            if self.has_shaken[1 - side] {
                for (place, line) in self.lines.iter().enumerate() {
                    let address = self.addresses[1 - place].map(|address| address.to_string());
                    line.note(|connection, neighbor| Fact::Connected {
                        connection,
                        dialed: place == 0,
                        neighbor,
                        address,
                    });
                }
            }
        }
    }

    /// Notes that the connection is gone.
    pub fn closed(&self, in_order: bool, reason: &str) {
        let became = self.has_shaken == [true; 2];
        for line in &self.lines {
            line.note(|connection, neighbor| {
                let neighbor = became.then_some(neighbor);
                Fact::Closed { connection, neighbor, in_order, reason: reason.to_owned() }
            });
        }
    }

    /// Returns the peer on this side.
    pub const fn peer(&self, side: usize) -> PeerId {
        self.lines[1 - side].neighbor
    }
}

fn fact_of(said: &Said, connection: u32, neighbor: PeerId, sent: bool) -> Fact {
    match said.clone() {
        Said::Handshake(peer) => Fact::Handshake { connection, sent, peer },
        Said::WrongHandshake(bytes) => Fact::WrongHandshake { connection, sent, bytes },
        Said::Message(message) => Fact::Message { connection, neighbor, sent, message },
        Said::Other { number, length } => Fact::Other { connection, neighbor, sent, number, length },
        Said::Undecoded { bytes, length, reason } => Fact::Undecoded { connection, sent, bytes, length, reason },
    }
}
