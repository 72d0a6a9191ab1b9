//! `Relay`: the thread between the peers. It has a door for each pair of peers, waits for all sockets, and passes on what comes.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::peer_id::PeerId;

use super::books::{Books, Page};
use super::door::{Door, Lookout};
use super::pair::{self, Pair, Progress, Tools};
use super::witness::Witness;
use crate::ports;

/// Time between two looks for peers that begin to listen, and between two tries to accept when the system has no descriptors.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
const WAKER: Token = Token(0);

/// A peer that others call.
#[derive(Clone, Debug)]
pub struct Target {
    /// The peer.
    pub id: PeerId,
    /// Its port.
    pub port: u16,
    /// What its host's name means.
    pub addresses: Vec<SocketAddr>,
}

/// A connection under way, or its place for a later one.
enum Slot {
    Free,
    Dialing(Box<Dialing>),
    Open(Box<Link>),
}

/// A caller that waits until the called peer has accepted.
struct Dialing {
    caller: TcpStream,
    target: TcpStream,
    address: SocketAddr,
    /// The addresses to be tried next.
    rest: Vec<SocketAddr>,
    page: Page,
}

/// A relayed connection, and what is seen on it.
struct Link {
    pair: Pair,
    witness: Witness,
}

/// All that the thread works with.
pub struct Relay {
    poll: Poll,
    books: Arc<Books>,
    layout: FileLayout,
    targets: Vec<Target>,
    doors: Vec<Door>,
    lookout: Lookout,
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// The slots that can go on at once.
    ready: VecDeque<usize>,
    is_ready: Vec<bool>,
    /// Doors whose callers could not be accepted.
    crowded: Vec<usize>,
    tools: Tools,
}

impl Relay {
    /// Makes a relay for peers in their order. Each calls all before it, if they are in `targets`.
    ///
    /// # Errors
    /// When the system has no ports or descriptors left.
    pub fn new(layout: FileLayout, targets: Vec<Target>, books: Arc<Books>) -> Result<(Self, Waker)> {
        let poll = Poll::new().context("cannot wait for sockets")?;
        let waker = Waker::new(poll.registry(), WAKER).context("cannot wait for sockets")?;
        let mut doors = Vec::new();
        let taken: Vec<u16> = targets.iter().map(|target| target.port).collect();
        for (place, caller) in targets.iter().enumerate() {
            for target in 0..place {
                doors.push(Door::new(caller.id, target, &taken).context("cannot take a port for the relay")?);
            }
        }
        let relay = Self {
            poll,
            books,
            layout,
            targets,
            doors,
            lookout: Lookout::new(LOOK_INTERVAL),
            slots: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            is_ready: Vec::new(),
            crowded: Vec::new(),
            tools: Tools::new(),
        };
        Ok((relay, waker))
    }

    /// Returns the port at which one peer calls the other.
    pub fn port(&self, caller: PeerId, target: PeerId) -> Option<u16> {
        let leads = |door: &&Door| door.caller == caller && self.targets[door.target].id == target;
        self.doors.iter().find(leads).map(|door| door.port)
    }

    /// Relays until `is_over`.
    ///
    /// # Errors
    /// When the system cannot wait for sockets.
    pub fn run(mut self, is_over: &AtomicBool) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        while !is_over.load(Ordering::Acquire) {
            self.open_doors(!self.ready.is_empty() || !events.is_empty());
            let is_waiting = !self.crowded.is_empty() || self.doors.iter().any(Door::is_shut);
            let patience =
                if self.ready.is_empty() { is_waiting.then_some(LOOK_INTERVAL) } else { Some(Duration::ZERO) };
            match self.poll.poll(&mut events, patience) {
                Err(error) if error.kind() != ErrorKind::Interrupted => {
                    return Err(error).context("cannot wait for sockets");
                }
                _ => {}
            }
            for door in mem::take(&mut self.crowded) {
                self.accept_all(door);
            }
            for event in &events {
                self.heed(event);
            }
            // Those that can go on take turns.
            for slot in mem::take(&mut self.ready) {
                self.is_ready[slot] = false;
                self.go_on(slot);
            }
        }
        Ok(())
    }

    /// Opens the doors of the peers that listen now, if a look is due.
    fn open_doors(&mut self, is_busy: bool) {
        let begun = Instant::now();
        if !self.doors.iter().any(Door::is_shut) || !self.lookout.is_due(begun, is_busy) {
            return;
        }
        let ports = ports::listened_at();
        self.lookout.looked(begun, Instant::now());
        for (place, door) in self.doors.iter_mut().enumerate() {
            let listens = ports.as_ref().is_none_or(|ports| ports.contains(&self.targets[door.target].port));
            if door.is_shut() && listens {
                door.open(&self.poll, token_of_door(place));
            }
        }
    }

    fn heed(&mut self, event: &Event) {
        let Some(place) = event.token().0.checked_sub(1) else { return };
        let Some(place) = place.checked_sub(self.doors.len()) else { return self.accept_all(place) };
        let (slot, side) = (place / 2, place % 2);
        let ended = event.is_error();
        let readable = event.is_readable() || event.is_read_closed() || ended;
        let writable = event.is_writable() || event.is_write_closed() || ended;
        match &mut self.slots[slot] {
            Slot::Open(link) => {
                link.pair.wake(side, readable, writable);
                self.make_ready(slot);
            }
            Slot::Dialing(_) if side == 1 => self.make_ready(slot),
            // The caller is heard when the other side is there.
            Slot::Dialing(_) | Slot::Free => {}
        }
    }

    fn make_ready(&mut self, slot: usize) {
        if !mem::replace(&mut self.is_ready[slot], true) {
            self.ready.push_back(slot);
        }
    }

    fn accept_all(&mut self, place: usize) {
        loop {
            let Some(listener) = self.doors[place].listener() else { return };
            match listener.accept() {
                Ok((caller, address)) => self.call(place, caller, address),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // This caller has gone.
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                Err(_) => return self.crowded.push(place),
            }
        }
    }

    /// Calls the peer behind a door for this caller.
    fn call(&mut self, place: usize, caller: TcpStream, from: SocketAddr) {
        let door = &self.doors[place];
        let target = &self.targets[door.target];
        let page = self.books.begin_page(door.caller, target.id, Some(from));
        let rest = target.addresses.iter().rev().copied().collect();
        self.dial(None, caller, rest, page, None);
    }

    /// Dials the next address that can be dialed.
    fn dial(
        &mut self,
        slot: Option<usize>,
        caller: TcpStream,
        mut rest: Vec<SocketAddr>,
        page: Page,
        mut trouble: Option<io::Error>,
    ) {
        while let Some(address) = rest.pop() {
            match TcpStream::connect(address) {
                Ok(target) => {
                    let slot = slot.unwrap_or_else(|| self.new_slot());
                    let dialing = Dialing { caller, target, address, rest, page };
                    self.slots[slot] = Slot::Dialing(Box::new(dialing));
                    let Slot::Dialing(dialing) = &mut self.slots[slot] else { return };
                    let token = Token(1 + self.doors.len() + 2 * slot + 1);
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    if let Err(error) = self.poll.registry().register(&mut dialing.target, token, interest) {
                        let reason = format!("the relay cannot wait for it: {error}");
                        self.give_up(slot, &reason);
                    }
                    return;
                }
                Err(error) => trouble = Some(error),
            }
        }
        if let Some(slot) = slot {
            self.slots[slot] = Slot::Free;
            self.free.push(slot);
        }
        pair::reset(&caller);
        let why = trouble.map_or_else(|| "it has no address".to_owned(), |error| error.to_string());
        page.closed(false, &format!("{} could not be reached: {why}", page.peer(1)));
    }

    fn new_slot(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::Free);
            self.is_ready.push(false);
            self.slots.len() - 1
        })
    }

    fn go_on(&mut self, slot: usize) {
        match mem::replace(&mut self.slots[slot], Slot::Free) {
            Slot::Free => {}
            Slot::Dialing(dialing) => self.go_on_dialing(slot, dialing),
            Slot::Open(link) => self.go_on_passing(slot, link),
        }
    }

    fn go_on_dialing(&mut self, slot: usize, dialing: Box<Dialing>) {
        match is_connected(&dialing.target) {
            Ok(false) => self.slots[slot] = Slot::Dialing(dialing),
            Ok(true) => {
                let Dialing { mut caller, target, address, mut page, .. } = *dialing;
                page.reached(address);
                let token = Token(1 + self.doors.len() + 2 * slot);
                let interest = Interest::READABLE | Interest::WRITABLE;
                let registered = self.poll.registry().register(&mut caller, token, interest);
                let link = Link { pair: Pair::new([caller, target]), witness: Witness::new(self.layout, page) };
                self.slots[slot] = Slot::Open(Box::new(link));
                match registered {
                    Ok(()) => self.make_ready(slot),
                    Err(error) => self.give_up(slot, &format!("the relay cannot wait for it: {error}")),
                }
            }
            Err(error) => {
                let Dialing { caller, rest, page, .. } = *dialing;
                self.dial(Some(slot), caller, rest, page, Some(error));
            }
        }
    }

    fn go_on_passing(&mut self, slot: usize, mut link: Box<Link>) {
        let progress = link.pair.pass(&mut self.tools, &mut link.witness);
        let reason = match progress {
            Progress::More | Progress::Waits => {
                self.slots[slot] = Slot::Open(link);
                if progress == Progress::More {
                    self.make_ready(slot);
                }
                return;
            }
            Progress::Closed => "both sides closed it".to_owned(),
            Progress::Reset(side) => format!("{} reset it", link.witness.peer(side)),
        };
        self.slots[slot] = Slot::Open(link);
        self.end(slot, progress == Progress::Closed, &reason);
    }

    fn give_up(&mut self, slot: usize, reason: &str) {
        if let Slot::Dialing(dialing) = &self.slots[slot] {
            pair::reset(&dialing.caller);
            dialing.page.closed(false, reason);
        }
        self.end(slot, false, reason);
    }

    /// Forgets a connection. Its sockets are closed.
    fn end(&mut self, slot: usize, in_order: bool, reason: &str) {
        if let Slot::Open(mut link) = mem::replace(&mut self.slots[slot], Slot::Free) {
            link.witness.closed(in_order, reason);
            link.pair.close(in_order, &mut self.tools);
        }
        self.free.push(slot);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        for slot in 0..self.slots.len() {
            if !matches!(self.slots[slot], Slot::Free) {
                self.give_up(slot, "the relay ended");
            }
        }
    }
}

fn token_of_door(place: usize) -> Token {
    Token(1 + place)
}

/// Reports whether a connection stands, or is still being made.
fn is_connected(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        // Linux connects a socket to itself if the port is one that it gives to callers.
        Ok(address) if stream.local_addr().ok() == Some(address) => Err(ErrorKind::ConnectionRefused.into()),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}
