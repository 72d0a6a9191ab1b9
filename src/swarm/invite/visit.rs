//! `Shared`: what all threads of the inviter know; and a visit: what is said to one member, from its code to the files.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use peer_process::protocol::peer_id::{self, PeerId};

use super::bundle::Bundle;
use super::channel::{Broken, Channel, FIRST_PATIENCE};
use super::code::{Guard, Verdict};
use super::line::{Ends, Number};
use super::lines::Table;
use super::message::{FromInviter, FromMember, MOST_OF_MEMBER, decode, encode, reason};
use super::told::{self, are};
use crate::out::say;

/// How often a member hears how it stands.
const STANDING_INTERVAL: Duration = Duration::from_secs(1);
/// How long a member may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long a member may take for the files, beside the time for their bytes.
pub const FILES_PATIENCE: Duration = Duration::from_secs(20);

/// What the invitation is about to do.
#[derive(Clone, Debug)]
pub enum Phase {
    /// Members come.
    Open,
    /// Nobody else gets a line. Members are asked whether they are there.
    Closed,
    /// Members get this message, which has the files.
    Files(Arc<Vec<u8>>),
    /// Members are told that they get no files, for this reason.
    Over(String),
}

/// What all threads know.
#[derive(Debug)]
pub struct State {
    /// Judges codes.
    pub guard: Guard,
    /// The lines and the members.
    pub table: Table,
    /// What happens now.
    pub phase: Phase,
    /// The number of the question whether members are there.
    pub question: u64,
    /// The last question that each member has answered.
    pub answered: BTreeMap<Number, u64>,
    /// What has become of the files at each member.
    pub outcomes: BTreeMap<Number, Result<(), String>>,
    /// Whether somebody has pressed Enter.
    pub enter: bool,
    /// Number of connections.
    pub callers: usize,
    /// The end of the invitation.
    pub until: Instant,
    /// The number of the next member.
    pub next: Number,
}

/// The state, and what wakes those that wait for a change.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// The texts before the invitation.
    before: Bundle,
}

impl Shared {
    /// Returns the state at the beginning.
    pub fn new(guard: Guard, table: Table, before: Bundle, until: Instant) -> Self {
        let state = State {
            guard,
            table,
            phase: Phase::Open,
            question: 0,
            answered: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            enter: false,
            callers: 0,
            until,
            next: 1,
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), before }
    }

    /// Locks the state. It is never locked while a socket is used.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes all that wait.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits while this holds, but no longer than this time.
    pub fn wait_while(&self, time: Duration, holds: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        self.changed.wait_timeout_while(self.lock(), time, holds).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Returns the texts as they would be if this file were the last state.
    pub fn bundle(&self, peer_info: String) -> Bundle {
        Bundle { peer_info, ..self.before.clone() }
    }
}

/// Says all to a caller, until it has the files or has gone. `manifest_digest` is that of the manifest, in hex.
pub fn receive(shared: &Shared, stream: TcpStream, manifest_digest: Option<&str>) {
    let (Ok(member), Ok(inviter)) = (stream.peer_addr(), stream.local_addr()) else { return };
    let ends = Ends { member: member.ip().to_canonical(), inviter: inviter.ip().to_canonical() };
    let judge = |said: &str| {
        let mut state = shared.lock();
        let was_closed = state.guard.is_closed();
        let verdict = state.guard.judge(ends.member, said);
        let is_closed = state.guard.is_closed();
        drop(state);
        if verdict == Verdict::Wrong {
            say(&format!("{} has said a wrong code", ends.member));
        }
        if is_closed && !was_closed {
            say("too many wrong codes came, so no other machine can join; press Enter, or invite again");
        }
        verdict
    };
    // Who knows no code leaves no trace.
    let Ok(Some(mut channel)) = Channel::answer(stream, judge, Box::new(|| Ok(()))) else { return };
    let Some(number) = admit(shared, &mut channel, ends, manifest_digest) else { return };
    let (why, has_ended) = match attend(shared, &mut channel, number) {
        Ok(()) => return,
        Err(Left::Broken(broken)) => (broken.to_string(), false),
        Err(Left::Failed(why)) => (why, false),
        Err(Left::WithoutFiles(why)) => (why, true),
    };
    let ids = shared.change(|state| {
        let ids = state.table.of(number);
        if has_ended {
            state.outcomes.insert(number, Err(why.clone()));
        } else {
            state.table.leave(number);
        }
        ids
    });
    if !has_ended {
        say(&format!("{} {} free again: {} has left: {why}", peer_id::list(&ids), are(&ids), ends.member));
    }
}

/// Gives a caller its lines; returns its number, or `None` if it gets none.
fn admit(shared: &Shared, channel: &mut Channel, ends: Ends, manifest_digest: Option<&str>) -> Option<Number> {
    let asked = channel.receive(MOST_OF_MEMBER, Instant::now() + FIRST_PATIENCE).ok()?;
    let Ok(FromMember::Ask { ids, own, dialed }) = decode(&asked) else { return None };
    let taken = take(shared, ends, &ids);
    let (number, ids, peer_info) = match taken {
        Ok(taken) => taken,
        Err(why) => {
            say(&format!("{} gets no line: {why}", ends.member));
            _ = channel.send(&encode(&FromInviter::Refused(why)));
            return None;
        }
    };
    let free = shared.lock().table.free().len();
    let (listed, are) = (peer_id::list(&ids), are(&ids));
    say(&format!("{listed} {are} {}'s now; {}", ends.member, told::free(free)));
    let own = own.to_canonical();
    if own != ends.member && !ends.member.is_loopback() {
        say(&format!(
            "{listed}: that machine calls itself {own} and comes from {}: it is behind a router that translates addresses, so others \
             reach its peer only if the router forwards the port",
            ends.member
        ));
    }
    let dialed = dialed.to_canonical();
    if dialed != ends.inviter {
        say(&format!(
            "{} has dialed {dialed}, which is not this machine's address {}; others may not reach that",
            ends.member, ends.inviter
        ));
    }
    let offer = FromInviter::Offer {
        ids: ids.iter().map(|id| id.number()).collect(),
        seen: ends.member,
        bundle: Bundle { manifest: None, ..shared.bundle(peer_info) },
        manifest_digest: manifest_digest.map(ToOwned::to_owned),
    };
    if channel.send(&encode(&offer)).is_err() {
        shared.change(|state| state.table.leave(number));
        say(&format!("{listed} {are} free again: {} has left", ends.member));
        return None;
    }
    Some(number)
}

/// Takes lines for a newcomer; returns its number, the lines, and what the file would be now.
fn take(shared: &Shared, ends: Ends, ids: &[u32]) -> Result<(Number, Vec<PeerId>, String), String> {
    if let std::net::IpAddr::V6(address) = ends.member
        && address.is_unicast_link_local()
    {
        return Err(format!(
            "it came by the address {address}, which only one cable or network card knows; join by another address"
        ));
    }
    let wanted: Vec<_> = ids.iter().filter_map(|id| PeerId::new(*id)).collect();
    shared.change(|state| {
        if state.enter || Instant::now() >= state.until || matches!(state.phase, Phase::Files(_) | Phase::Over(_)) {
            return Err("the invitation has just ended".into());
        }
        let number = state.next;
        let ids = state.table.take(number, ends, &wanted)?;
        state.next += 1;
        Ok((number, ids, state.table.settle(false).text))
    })
}

/// Why a member has left.
enum Left {
    /// Its connection is of no more use.
    Broken(Broken),
    /// It does not take part.
    Failed(String),
    /// It was sent the files, and perhaps does not have them.
    WithoutFiles(String),
}

/// Tells a member how it stands, until the end.
fn attend(shared: &Shared, channel: &mut Channel, number: Number) -> Result<(), Left> {
    // The first time it hears it at once.
    let mut seen = None;
    loop {
        let is_quiet =
            |state: &mut State| matches!(state.phase, Phase::Open | Phase::Closed) && Some(state.question) == seen;
        let state = shared.wait_while(STANDING_INTERVAL, is_quiet);
        let question = state.question;
        seen = Some(question);
        let (phase, free) = (state.phase.clone(), state.table.free().len());
        let secs_left = state.until.saturating_duration_since(Instant::now()).as_secs();
        drop(state);
        match phase {
            Phase::Open | Phase::Closed => {
                channel.send(&encode(&FromInviter::Standing { free, secs_left })).map_err(Left::Broken)?;
                let said = channel.receive(MOST_OF_MEMBER, Instant::now() + PATIENCE).map_err(Left::Broken)?;
                match decode(&said) {
                    Ok(FromMember::Here) => shared.change(|state| state.answered.insert(number, question)),
                    Ok(FromMember::Failed(why)) => return Err(Left::Failed(reason(&why))),
                    _ => return Err(Left::Broken(Broken::Foreign)),
                };
            }
            Phase::Files(message) => return give(shared, channel, number, &message),
            Phase::Over(why) => {
                _ = channel.send(&encode(&FromInviter::Over(why)));
                shared.change(|state| state.table.leave(number));
                return Ok(());
            }
        }
    }
}

/// Sends the files to a member, and waits until it has them.
fn give(shared: &Shared, channel: &mut Channel, number: Number, message: &[u8]) -> Result<(), Left> {
    let lost = |broken: Broken| Left::WithoutFiles(broken.to_string());
    channel.send(message).map_err(lost)?;
    let until = Instant::now() + FILES_PATIENCE;
    match decode(&channel.receive(MOST_OF_MEMBER, until).map_err(lost)?) {
        Ok(FromMember::Done) => {
            shared.change(|state| state.outcomes.insert(number, Ok(())));
            Ok(())
        }
        Ok(FromMember::Failed(why)) => Err(Left::WithoutFiles(reason(&why))),
        _ => Err(lost(Broken::Foreign)),
    }
}
