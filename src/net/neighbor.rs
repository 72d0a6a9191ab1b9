//! The thread of one neighbor: it dialed or was handed the accepted socket, shakes hands, reads, and reports.
//!
//! The writer of the neighbor's outbox runs beside it. All decisions are made in `peer`.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::acks::Brought;
use super::joining::{self, Turned};
use super::link::{Link, Made};
use super::recording::Recording;
use super::shared::Shared;
use super::stream::Stream;
use super::telling::callers::{Did, Who};
use super::telling::drops::Heard;
use super::telling::hints::{Facts, Watch};
use super::threads::Threads;
use crate::peer::{Ending, Opener};
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;
use crate::protocol::wire::{FrameReader, HANDSHAKE_LEN, Handshake, HandshakeFault, diagnosis};

/// A peer that has not sent its handshake after this time is turned away.
pub const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// How often a silent connection is checked for a request that waits too long, unless that request may wait for long.
pub const READ_TICK: Duration = Duration::from_millis(250);
/// Maximum time between two such checks, because each one wakes a thread.
const LONGEST_READ_TICK: Duration = Duration::from_secs(1);
/// Maximum time for the queued messages to leave after a neighbor has closed its half.
const LAST_WORDS_PATIENCE: Duration = Duration::from_secs(5);

/// Shakes hands with a caller, then converses with it.
pub fn answer(shared: &Arc<Shared>, threads: &Threads, stream: Arc<Stream>, shaken: impl FnOnce()) {
    let from = stream.remote().map_or_else(|| "an unknown address".into(), |address| address.to_string());
    let address = stream.remote_ip();
    let odd = |did, sentence: &str| {
        shared.note_odd_caller(address, did);
        let level =
            if shared.is_new_sentence(Who::Caller(address), sentence) { log::Level::Warn } else { log::Level::Debug };
        stream.note_end(sentence);
        log::log!(level, "a caller from {from} {sentence}");
    };
    let handshake = match shake_hands(shared, &stream, HANDSHAKE_PATIENCE) {
        Ok(handshake) => handshake,
        Err(HandshakeEnd::Gone(error, count)) => {
            stream.note_end("it sent no handshake");
            let timed_out = error.kind() == ErrorKind::TimedOut;
            shared.note_odd_caller(address, if timed_out { Did::Waited(count) } else { Did::Ended(count) });
            return log::debug!("a caller from {from} did not shake hands: {error}");
        }
        Err(HandshakeEnd::Fault(fault)) => return odd(Did::SaidOther, &fault),
    };
    if stream.remote().is_some_and(|remote| shared.is_own_call(remote)) {
        return log::debug!("this peer has called itself from {from}");
    }
    if shared.is_open() && handshake.id_number() == shared.own().number() && shared.hears_itself(&stream) {
        return log::debug!("this peer has called itself, through {from}");
    }
    let Some(neighbor) = handshake.peer_id(|id| shared.knows(id)) else {
        let number = handshake.id_number();
        let trouble = match (number == shared.own().number(), shared.is_open()) {
            (true, true) => "is our own; each peer needs an ID of its own",
            (true, false) => "is our own",
            (false, true) => "is one too many",
            (false, false) => "is not in PeerInfo.cfg",
        };
        // In an open swarm almost any number could be an ID.
        let mistake = diagnosis::of_id(number, |id| shared.is_listed(id));
        let hint = mistake.map(|mistake| format!("; {mistake}")).unwrap_or_default();
        return odd(Did::OtherId(number), &format!("was turned away: its ID {number} {trouble}{hint}"));
    };
    shaken();
    converse(shared, threads, neighbor, Made::Called, stream);
}

/// Why there was no handshake.
pub enum HandshakeEnd {
    /// The peer closed, or sent too little in time; this many bytes of its handshake had come.
    Gone(io::Error, usize),
    /// The peer sent something else.
    Fault(String),
}

impl From<io::Error> for HandshakeEnd {
    fn from(error: io::Error) -> Self {
        Self::Gone(error, 0)
    }
}

/// Sends our handshake at once, because the other side may wait for it, and reads theirs, but not one byte more. `patience` is
/// the time that the other side has.
pub fn shake_hands(shared: &Shared, stream: &Stream, patience: Duration) -> Result<Handshake, HandshakeEnd> {
    let deadline = Instant::now() + patience;
    stream.send_at_once()?;
    let began = stream.recording().map(Recording::now);
    stream.write_all(&Handshake::of(shared.own()).to_bytes())?;
    if let (Some(recording), Some(began)) = (stream.recording(), began) {
        recording.sent_handshake(began, shared.own());
    }
    let mut bytes = [0; HANDSHAKE_LEN];
    let mut filled = 0;
    loop {
        let patience = deadline.saturating_duration_since(Instant::now());
        if patience.is_zero() {
            return Err(HandshakeEnd::Gone(ErrorKind::TimedOut.into(), filled));
        }
        stream.limit_reads(Some(patience.min(READ_TICK)))?;
        match stream.read(&mut bytes[filled..]) {
            Ok(0) => return Err(HandshakeEnd::Gone(ErrorKind::UnexpectedEof.into(), filled)),
            Ok(count) => filled += count,
            Err(error) if is_pause(&error) => {}
            Err(error) => return Err(HandshakeEnd::Gone(error, filled)),
        }
        match Handshake::read(&bytes[..filled]) {
            Ok(Some(handshake)) => {
                if let Some(recording) = stream.recording() {
                    recording.received_handshake(handshake.id_number());
                }
                if let Some(neighbor) = handshake.peer_id(|id| shared.knows(id)) {
                    for oddity in diagnosis::of_handshake(&bytes) {
                        let sentence = format!("is understood, but {oddity}");
                        let who = if shared.is_known_by_id(neighbor) {
                            Who::Neighbor(neighbor)
                        } else {
                            Who::Caller(stream.remote_ip())
                        };
                        if shared.is_new_sentence(who, &sentence) {
                            log::warn!("neighbor {neighbor} {sentence}");
                        }
                    }
                }
                return Ok(handshake);
            }
            Ok(None) if shared.is_stopped() => return Err(HandshakeEnd::Gone(ErrorKind::Interrupted.into(), filled)),
            Ok(None) => {}
            Err(HandshakeFault::OtherHeader) => {
                let opening = hear_opening(shared, stream, &mut bytes, filled, deadline);
                return Err(HandshakeEnd::Fault(diagnosis::of_other_header(opening)));
            }
            Err(fault) => return Err(HandshakeEnd::Fault(fault.to_string())),
        }
    }
}

/// Reads more of the wrong bytes that came instead of a handshake, so that the sentence can show them.
///
/// The verdict stands, so this reads only bytes that are on their way. A caller that is silent for a tick is reported at once.
fn hear_opening<'a>(
    shared: &Shared,
    stream: &Stream,
    bytes: &'a mut [u8; HANDSHAKE_LEN],
    mut filled: usize,
    deadline: Instant,
) -> &'a [u8] {
    while filled < HANDSHAKE_LEN && Instant::now() < deadline && !shared.is_stopped() {
        match stream.read(&mut bytes[filled..]) {
            Ok(count @ 1..) => filled += count,
            // The caller is silent, or has gone.
            _ => break,
        }
    }
    &bytes[..filled]
}

/// How a connection ended, for the thread that reports it.
#[derive(Debug)]
pub enum Farewell {
    /// The neighbor closed it.
    Closed,
    /// It broke, or another connection took its place.
    Broken,
    /// The neighbor broke the protocol; the text says how.
    Fault(String),
}

/// Reads from a neighbor after the handshakes, until one side ends the connection.
pub fn converse(shared: &Arc<Shared>, threads: &Threads, neighbor: PeerId, made: Made, stream: Arc<Stream>) {
    let opened_by = made.opened_by();
    log::debug!("to {neighbor}: handshake");
    log::debug!("from {neighbor}: handshake");
    log::debug!("connection with {neighbor}: {}", if opened_by == Opener::Us { "made" } else { "taken" });
    let link = match shared.connect(neighbor, made, Arc::clone(&stream)) {
        Ok(link) => link,
        Err(Turned::Stopped) => return stream.note_end("this peer ends"),
        Err(Turned::NoRoom) => {
            stream.note_end("there are too many members");
            return log::debug!("{neighbor} was turned away: there are too many members");
        }
        Err(Turned::Away(refusal)) => {
            stream.note_end(joining::why(refusal));
            shared.tell_turned_away(neighbor, refusal);
            return;
        }
    };
    drop(stream);
    if shared.is_open()
        && let Err(error) = link.stream.watch()
    {
        log::debug!("connection with {neighbor}: cannot watch it: {error}");
    }
    let begun = Instant::now();
    let mut heard = Heard::Nothing;
    let writing = {
        let (shared, link) = (Arc::clone(shared), link.clone());
        threads.spawn(&format!("to-{neighbor}"), move || {
            shared.write_outbox(&link);
        })
    };
    let farewell = if writing { read_messages(shared, &link, &mut heard) } else { Farewell::Broken };
    if writing && !matches!(farewell, Farewell::Fault(_)) {
        shared.note_conversation(&link, heard, begun.elapsed());
    }
    // A peer that turns a caller away closes in order too, and has not heard it. One that lets it in sends its bitfield first.
    let has_pieces = shared.layout().piece_count() > 0;
    let turned_away = opened_by == Opener::Us && heard == Heard::Nothing && has_pieces;
    // Waited for in any case: what is queued leaves even if it may be in vain.
    let closed = matches!(farewell, Farewell::Closed) && has_heard_all(&link) && !turned_away;
    shared.disconnect(&link, if closed { Ending::Closed } else { Ending::Broken });
    if let Some(recording) = link.stream.recording() {
        // Another thread that gives it up says why; silence is the only other cause.
        recording.ends("it was silent for too long");
        if closed {
            recording.ends_in_order();
        }
    }
    if let Farewell::Fault(fault) = farewell {
        shared.tell_fault(&link, &fault);
    }
    link.give_up();
}

/// Reports whether a neighbor that has closed its half took everything that we sent; it may be waiting for our last `have`.
///
/// A killed neighbor closes just as one that has exited cleanly, but its system answers further bytes with a reset. Our own
/// shutting of the socket reads as the same end, too.
fn has_heard_all(link: &Link) -> bool {
    link.outbox.wait_until_idle(LAST_WORDS_PATIENCE) && link.stream.is_sound()
}

/// Translates bytes into events until the connection ends.
fn read_messages(shared: &Shared, link: &Link, said: &mut Heard) -> Farewell {
    let neighbor = link.neighbor;
    let stream = &link.stream;
    let mut reader = FrameReader::new(shared.layout());
    if stream.recording().is_some() {
        reader.keep_skipped();
    }
    let mut watch = Watch::new(shared.patience());
    let tick = (shared.request_timeout() / 8).clamp(READ_TICK, LONGEST_READ_TICK);
    if let Err(error) = stream.limit_reads(Some(tick)) {
        log::debug!("connection with {neighbor}: {error}");
        return Farewell::Broken;
    }
    let mut haves = VecDeque::new();
    let mut heard = Instant::now();
    let mut looked = heard;
    loop {
        let mut came = None;
        match stream.read(reader.space()) {
            Ok(0) => {
                stream.note_end("the neighbor closed it");
                log::debug!("{neighbor} has closed the connection");
                return Farewell::Closed;
            }
            Ok(count) => {
                reader.filled(count);
                came = Some(Brought::new(count));
            }
            Err(error) if is_pause(&error) => {}
            Err(error) => {
                stream.note_end(&error.to_string());
                log::debug!("connection with {neighbor}: {error}");
                return Farewell::Broken;
            }
        }
        loop {
            let mut current = true;
            let next = reader.next_welcome(|piece| {
                // Whether its piece is welcome depends on its earlier `have` messages.
                current = shared.receive_haves(link, &mut haves);
                shared.look(|peer| peer.welcome(neighbor, piece))
            });
            while let Some(oddity) = reader.take_oddity() {
                let sentence = diagnosis::sentence(oddity, diagnosis::of_oddity(oddity));
                shared.warn_of(link, &format!("neighbor {neighbor} {sentence}"));
            }
            record(stream, neighbor, &mut reader, next.as_ref().ok().and_then(Option::as_ref));
            if let Ok(Some(message)) = &next {
                log::debug!("from {neighbor}: {message}");
                watch.heard(message);
                *said = (*said).max(Heard::of(message));
                came = came.map(|brought| brought.with(message));
            }
            if let Ok(Some(Message::Have(piece))) = next {
                haves.push_back(piece);
                continue;
            }
            if !current || !shared.receive_haves(link, &mut haves) {
                return Farewell::Broken;
            }
            match next {
                Ok(Some(message)) => {
                    if !shared.receive(link, message, reader.piece_bytes()) {
                        return Farewell::Broken;
                    }
                }
                Ok(None) => break,
                Err(fault) => {
                    let fault = diagnosis::sentence(fault, reader.mistake(fault));
                    stream.note_end(&fault);
                    return Farewell::Fault(fault);
                }
            }
            // A neighbor that we do not read from is not silent, but may still owe a piece that should be requested from
            // others.
            while !link.outbox.wait_for_room(READ_TICK) {
                if !shared.check_silence(link, Duration::ZERO) {
                    return Farewell::Broken;
                }
            }
        }
        let now = Instant::now();
        if let Some(brought) = came {
            brought.acknowledge(shared, link);
            // Silence counts from here: while the messages were handled, no thread read.
            heard = now;
            link.tally.touch(now);
            link.note_heard();
        }
        if now - looked >= tick {
            if !watch.is_over()
                && let Some(facts) = shared.look(|peer| Facts::of(peer, neighbor, shared.is_seeder(neighbor)))
                && let Some(hint) = watch.look(now - looked, facts)
            {
                shared.warn_of(link, &format!("neighbor {neighbor} {hint}"));
            }
            looked = now;
            if !shared.check_silence(link, now - heard) {
                return Farewell::Broken;
            }
        }
    }
}

/// Records what the reader has found: a message, and before it those that it has skipped.
fn record(stream: &Stream, neighbor: PeerId, reader: &mut FrameReader, message: Option<&Message>) {
    let Some(recording) = stream.recording() else { return };
    for (number, length) in reader.take_skipped() {
        recording.received_other(neighbor, number, length);
    }
    if let Some(message) = message {
        recording.received(neighbor, message.clone());
    }
}

/// Reports whether a read found nothing yet, rather than failed.
pub fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::super::rig::Rig;
    use super::*;

    #[test]
    fn a_neighbor_that_closes_has_received_all_if_all_was_sent_and_no_reset_came() {
        let rig = Rig::seeder();
        let (link, mut theirs) = rig.connect(1002, Opener::Them);
        rig.send_all(&link);
        theirs.read_to_end(&mut Vec::new()).expect("the bitfield, and the end");
        assert!(has_heard_all(&link));
        drop(theirs);

        let (link, _theirs) = rig.connect(1002, Opener::Them);
        link.outbox.abort();
        link.outbox.set_ended();
        assert!(!has_heard_all(&link), "its bitfield was discarded");
    }

    /// A reset leaves no error on a socket of wine once somebody has waited for it.
    #[cfg(unix)]
    #[test]
    fn a_neighbor_that_answers_with_a_reset_has_not_received_all() {
        use rustix::event::{PollFd, PollFlags, poll};

        let rig = Rig::seeder();
        let (link, theirs) = rig.connect(1002, Opener::Them);
        rig.send_all(&link);
        // Closing with unread bytes causes a reset.
        drop(theirs);
        let mut ours = [PollFd::new(&*link.stream, PollFlags::ERR)];
        poll(&mut ours, None).expect("it is open");
        assert!(!has_heard_all(&link));
    }
}
