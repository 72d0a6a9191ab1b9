//! The threads that are called: they answer what a doctor asks, and say nothing to others.

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::super::format::{Frame, Got, Hello, Welcome};
use super::super::report::MOST_MACHINES;
use super::now;
use super::state::State;
use super::talk::{Gone, Stranger, Talk};

/// Pause after an error of `accept`, most often a lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Stack size of a thread, in bytes.
pub const STACK_BYTES: usize = 512 * 1024;
/// Maximum time of a transfer, which a caller ends after a second.
const MOST_TRANSFER: Duration = Duration::from_secs(20);

/// Accepts callers until the process ends.
pub fn accept(state: &Arc<State>, listener: &TcpListener, port: u16) {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                let state = Arc::clone(state);
                let builder = thread::Builder::new().name("answer".into()).stack_size(STACK_BYTES);
                // Without a thread the caller is turned away.
                drop(builder.spawn(move || answer(&state, stream, port)));
            }
            Err(_) => {
                if state.pause(ACCEPT_PAUSE) {
                    return;
                }
            }
        }
    }
}

fn answer(state: &State, stream: TcpStream, port: u16) {
    let Ok(from) = stream.peer_addr().map(|address| address.ip().to_canonical()) else { return };
    let Some(_talking) = state.begin_talk(Some(from)) else { return };
    match Talk::answer(stream) {
        Err(Stranger::Peer) => state.note_peer(from, port),
        Err(Stranger::Quiet | Stranger::Other) => {}
        // However it ends, the caller is the one to call again.
        Ok(mut talk) => drop(serve(state, &mut talk)),
    }
}

fn serve(state: &State, talk: &mut Talk) -> Result<(), Gone> {
    let Frame::Hello(Hello { .. }) = talk.hear_frame()? else { return Err(Gone) };
    let (machine, seen) = (state.look(|book| book.own().machine), talk.from()?);
    talk.say(&Frame::Welcome(Welcome { machine, seen }))?;
    let mut known = BTreeMap::new();
    let mut reports = 0;
    loop {
        match talk.hear_frame()? {
            Frame::Report(report) if reports < MOST_MACHINES => {
                reports += 1;
                known.insert(report.machine, report.version);
                state.take(*report);
            }
            Frame::Turn => {
                reports = 0;
                tell(state, talk, &mut known)?;
            }
            Frame::Ping => talk.say(&Frame::Pong(now()))?,
            Frame::Ask => receive(state, talk)?,
            _ => return Err(Gone),
        }
    }
}

/// Sends what the other side does not know, and ends the turn.
pub fn tell(state: &State, talk: &mut Talk, known: &mut BTreeMap<u64, u64>) -> Result<(), Gone> {
    for report in state.look(|book| book.newer(known)) {
        known.insert(report.machine, report.version);
        talk.say(&Frame::Report(Box::new(report)))?;
    }
    talk.say(&Frame::Turn)
}

/// Takes part in a transfer, unless another one goes on.
fn receive(state: &State, talk: &mut Talk) -> Result<(), Gone> {
    let Some(_transfer) = state.begin_transfer() else { return talk.say(&Frame::Busy) };
    talk.say(&Frame::Go)?;
    let began = Instant::now();
    let mut bytes = 0;
    loop {
        match talk.hear_frame()? {
            Frame::Fill(len) if began.elapsed() < MOST_TRANSFER => bytes += len as u64,
            Frame::End => {
                let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                return talk.say(&Frame::Got(Got { bytes, micros }));
            }
            _ => return Err(Gone),
        }
    }
}
