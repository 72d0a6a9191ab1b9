//! The threads that call the ports of others' lines: one for each line.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand::RngExt;

use super::super::format::{Frame, Hello, MOST_BODY, Welcome};
use super::super::offset::{self, Exchange};
use super::super::report::{MOST_MACHINES, Met, Outcome, cut};
use super::answering::tell;
use super::state::State;
use super::talk::{Gone, Stranger, Talk};
use super::{now, rng};

/// Maximum time for a connection. Linux takes three seconds to learn that nobody has an address.
const CALL_PATIENCE: Duration = Duration::from_secs(4);
/// Pause between two calls.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause between two turns of a talk, plus up to as much by chance.
const TURN_PAUSE: Duration = Duration::from_millis(150);
/// Number of questions for the time.
const PINGS: u32 = 8;
/// How long a caller tries to get its turn for a transfer.
const RATE_PATIENCE: Duration = Duration::from_secs(60);
/// How long a transfer lasts, and how much it sends at most.
const TRANSFER: Duration = Duration::from_secs(1);
const MOST_BYTES: u64 = 256 << 20;

/// The port of a line that is not this machine's.
pub struct Target {
    /// The line.
    pub id: u32,
    /// The addresses of its host with its port, or why it has none.
    pub addresses: Result<Vec<SocketAddr>, String>,
}

/// Calls until all talks are to end.
pub fn keep_calling(state: &State, target: &Target) {
    let addresses = match &target.addresses {
        Ok(addresses) if !addresses.is_empty() => addresses,
        _ => {
            state.note_failure(target.id, None, Outcome::NoName);
            return state.settle(target.id);
        }
    };
    while !state.is_leaving() {
        let counts = state.look(|book| book.counts(target.id));
        let reached = addresses.iter().any(|address| match call(state, target.id, *address) {
            Ok(()) => true,
            Err(outcome) => {
                state.note_failure(target.id, Some(address.ip()), outcome);
                false
            }
        });
        // The machine of the line has listened since before the call. The system has tried more than once.
        if counts && !reached {
            state.settle(target.id);
        }
        if state.pause(PAUSE) {
            return;
        }
    }
}

/// Calls an address, and talks with the doctor there until one of both leaves.
///
/// # Errors
/// What came of a call that did not reach the machine of the line.
fn call(state: &State, id: u32, address: SocketAddr) -> Result<(), Outcome> {
    let mut talk = Talk::call(address, CALL_PATIENCE).map_err(|trouble| match trouble {
        Ok(Stranger::Peer) => Outcome::Peer,
        Ok(Stranger::Quiet) => Outcome::Quiet,
        Ok(Stranger::Other) => Outcome::Other,
        Err(error) => failure(&error),
    })?;
    let _talking = state.begin_talk(None);
    match talk_with(state, id, address.ip(), &mut talk) {
        Err(Ended::Wrong(outcome)) => Err(outcome),
        Ok(()) | Err(Ended::Gone) if state.look(|book| book.is_met(id)) => Ok(()),
        Ok(()) | Err(Ended::Gone) => Err(Outcome::Other),
    }
}

/// Returns what an error of the system means.
fn failure(error: &io::Error) -> Outcome {
    match error.kind() {
        ErrorKind::ConnectionRefused => Outcome::Refused,
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Outcome::Silent,
        ErrorKind::HostUnreachable => Outcome::NoHost,
        ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable | ErrorKind::NetworkDown => Outcome::NoNetwork,
        ErrorKind::PermissionDenied => Outcome::Forbidden,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => Outcome::Other,
        _ => Outcome::Failed(cut(&error.to_string())),
    }
}

/// Why a talk ended.
enum Ended {
    /// The other side has gone.
    Gone,
    /// It is the wrong one.
    Wrong(Outcome),
}

impl From<Gone> for Ended {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

fn talk_with(state: &State, id: u32, called: IpAddr, talk: &mut Talk) -> Result<(), Ended> {
    let own = state.look(|book| book.own().machine);
    talk.say(&Frame::Hello(Hello { machine: own }))?;
    let Frame::Welcome(Welcome { machine, seen }) = talk.hear_frame()? else { return Err(Ended::Gone) };
    if machine == own {
        return Err(Ended::Wrong(Outcome::Itself));
    }
    let mut known = BTreeMap::new();
    turn(state, talk, &mut known)?;
    if !state.look(|book| book.of(machine).is_some_and(|report| report.lines.contains_key(&id))) {
        return Err(Ended::Wrong(Outcome::Elsewhere(machine)));
    }
    let (round_trip_micros, offset_micros) = ask_for_time(talk)?;
    let mut met = Met { machine, local: talk.local()?, seen, round_trip_micros, offset_micros, rate: None };
    state.note_met(id, called, met.clone());
    let (deadline, mut rng) = (Instant::now() + RATE_PATIENCE, rng());
    let mut is_settled = false;
    loop {
        let leaving = state.is_leaving();
        if !is_settled && !leaving {
            let has_rate = state.look(|book| book.has_rate(machine));
            if !has_rate {
                met.rate = transfer(state, talk)?;
            }
            if met.rate.is_some() && !has_rate {
                state.note_met(id, called, met.clone());
            }
            if has_rate || met.rate.is_some() || Instant::now() > deadline {
                is_settled = true;
                state.settle(id);
            }
        }
        turn(state, talk, &mut known)?;
        if leaving {
            return Ok(());
        }
        state.pause(TURN_PAUSE + rng.random_range(Duration::ZERO..TURN_PAUSE));
    }
}

/// Tells what is new here, and hears what is new there.
fn turn(state: &State, talk: &mut Talk, known: &mut BTreeMap<u64, u64>) -> Result<(), Gone> {
    tell(state, talk, known)?;
    for _ in 0..=MOST_MACHINES {
        match talk.hear_frame()? {
            Frame::Report(report) => {
                known.insert(report.machine, report.version);
                state.take(*report);
            }
            Frame::Turn => return Ok(()),
            _ => return Err(Gone),
        }
    }
    Err(Gone)
}

/// Returns the round trip and the offset of the other clock, in microseconds.
fn ask_for_time(talk: &mut Talk) -> Result<(u64, i64), Gone> {
    let mut exchanges = Vec::new();
    for _ in 0..PINGS {
        let (asked, began) = (now(), Instant::now());
        talk.say(&Frame::Ping)?;
        let Frame::Pong(told) = talk.hear_frame()? else { return Err(Gone) };
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        exchanges.push(Exchange { asked, took, told });
    }
    offset::estimate(&exchanges).ok_or(Gone)
}

/// Sends for a second, if both sides are free; returns the bytes a second that arrived.
fn transfer(state: &State, talk: &mut Talk) -> Result<Option<u64>, Gone> {
    let Some(_transfer) = state.begin_transfer() else { return Ok(None) };
    talk.say(&Frame::Ask)?;
    match talk.hear_frame()? {
        Frame::Go => {}
        Frame::Busy => return Ok(None),
        _ => return Err(Gone),
    }
    let (began, filling) = (Instant::now(), Frame::Fill(MOST_BODY));
    let mut sent = 0;
    while began.elapsed() < TRANSFER && sent < MOST_BYTES {
        talk.say(&filling)?;
        sent += MOST_BODY as u64;
    }
    talk.say(&Frame::End)?;
    let Frame::Got(got) = talk.hear_frame()? else { return Err(Gone) };
    Ok(Some(u64::try_from(u128::from(got.bytes) * 1_000_000 / u128::from(got.micros.max(1))).unwrap_or(u64::MAX)))
}
