//! The damage of attackers to a seeder and a correct leecher beside them: the leecher's time, and both peers' memory and
//! threads.
//!
//! One neighbor of `PeerInfo.cfg` belongs to the attackers; some use the name of another, or none. The seeder keeps to a rate
//! as on a shared network, because on loopback the attackers' own processor time would be measured.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use socket2::{Domain, Socket, Type};

use crate::Bench;
use crate::client::{HAVE, INTERESTED, NOT_INTERESTED, PIECE, REQUEST, UNCHOKE};
use crate::client::{full_bitfield, handshake, indexed, message};
use crate::report::{Bar, Figure, median};
use crate::swarm::{Outcome, Place, Plan, SEEDER};

const PIECE_SIZE: u32 = 32 << 10;
const LEECHER: u32 = SEEDER + 1;
/// The neighbor that belongs to the attackers.
const OURS: u32 = SEEDER + 2;
const NOBODY: u32 = 77;
/// The addresses of the attackers, as far as the peers can see.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
/// The seeder's rate.
const UPLOAD_LIMIT: &str = "20M";
/// Number of attackers that act at the same time.
const HANDS: usize = 4;
/// Number of connections of each attacker that holds more than one.
const HELD: usize = 100;
/// Less time than a peer needs to notice that nothing comes.
const READ_PATIENCE: Duration = Duration::from_millis(100);
/// A leecher loses at most half of its time, and a peer needs at most 64 MiB.
const MOST_TIME: f64 = 1.5;
const MOST_MIB: f64 = 64.0;

/// The actions of one attacker until the end.
type Deed = fn(&Scene);

/// Makes the answer to a request from a whole message with a piece of zeros.
type Answer = fn(&[u8]) -> Vec<u8>;

/// A kind of attack, and whether the peers have a manifest.
const ATTACKS: [(&str, Deed, bool); 11] = [
    ("callers that say nothing", say_nothing, false),
    ("callers with an ID that no peer has", |scene| call(scene, &scene.both(), NOBODY, &[]), false),
    ("garbage as a neighbor", |scene| call(scene, &scene.both(), OURS, &[0xee; 64]), false),
    ("claims to be complete, as the leecher", |scene| call(scene, &[scene.seeder], LEECHER, &scene.all()), false),
    ("calls the leecher, as the seeder", |scene| call(scene, &[scene.leecher], SEEDER, &scene.all()), false),
    ("a long piece is announced and never comes", announce, false),
    ("messages that change nothing", change_nothing, false),
    ("a neighbor that asks and never reads", never_read, false),
    ("a neighbor that offers all pieces and sends none", |scene| offer(scene, |_| vec![]), false),
    ("a neighbor that sends the head of each piece", |scene| offer(scene, |whole| whole[..10].to_vec()), false),
    ("a neighbor that sends wrong pieces, with a manifest", |scene| offer(scene, <[u8]>::to_vec), true),
];

/// The facts that attackers know.
struct Scene<'a> {
    seeder: SocketAddrV4,
    leecher: SocketAddrV4,
    piece_count: u32,
    calls: &'a AtomicU32,
    over: &'a AtomicBool,
}

pub fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let size = if bench.quick { bench.small_file() } else { 10 * bench.small_file() };
    let source = bench.source(size)?;
    let plan = Plan::of(size, PIECE_SIZE, 2);
    let piece_count = u32::try_from(size.div_ceil(PIECE_SIZE.into()))?;
    let options = |id: u32| {
        let limit = ["--upload-limit", UPLOAD_LIMIT].map(str::to_owned).to_vec();
        if id == SEEDER && !bench.quick { limit } else { Vec::new() }
    };
    let mut quiet: [Vec<f64>; 2] = Default::default();
    let mut attacked = ATTACKS.map(|_| Vec::<(f64, Outcome, f64)>::new());
    for round in bench.rounds() {
        let place = Place { options: &options, ..bench.place(&source, round) };
        for (has_manifest, secs) in [false, true].into_iter().zip(&mut quiet) {
            secs.push(plan.run_attacked(&place, has_manifest, |_, _| ())?.0.as_secs_f64());
        }
        for ((_, deed, has_manifest), outcomes) in ATTACKS.iter().zip(&mut attacked) {
            let calls = AtomicU32::new(0);
            let (took, outcome) = plan.run_attacked(&place, *has_manifest, |[seeder, leecher], over| {
                let scene = Scene { seeder, leecher, piece_count, calls: &calls, over };
                thread::scope(|scope| (0..HANDS).for_each(|_| drop(scope.spawn(|| deed(&scene)))));
            })?;
            let secs = took.as_secs_f64();
            outcomes.push((secs, outcome, f64::from(calls.into_inner()) / secs));
        }
    }
    let mut figures = Vec::new();
    for ((what, _, has_manifest), outcomes) in ATTACKS.iter().zip(&attacked) {
        let of = |value: fn(&(f64, Outcome, f64)) -> f64| outcomes.iter().map(value).collect::<Vec<_>>();
        let quiet = vec![median(&quiet[usize::from(*has_manifest)]); outcomes.len()];
        let time = Figure::against(format!("{what}: time"), "s", &of(|outcome| outcome.0), &quiet);
        figures.push(time.bar(Bar::MostRatio(MOST_TIME)));
        let memory = Figure::new("  peak memory of a peer", "MiB", &of(|outcome| outcome.1.peak_mib()));
        figures.push(memory.bar(Bar::MostValue(MOST_MIB)));
        figures.push(Figure::new("  threads of a peer", "", &of(|outcome| outcome.1.most_threads())));
        figures.push(Figure::new("  calls by attackers", "1/s", &of(|outcome| outcome.2)));
    }
    Ok(figures)
}

impl Scene<'_> {
    fn both(&self) -> [SocketAddrV4; 2] {
        [self.seeder, self.leecher]
    }

    /// Returns the claim to have all pieces.
    fn all(&self) -> Vec<u8> {
        full_bitfield(self.piece_count as usize)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Returns a new connection, if the peer accepts it.
    fn dial(&self, to: SocketAddrV4) -> Option<TcpStream> {
        let stream = dial_from(ELSEWHERE, to)?;
        self.calls.fetch_add(1, Ordering::Relaxed);
        Some(stream)
    }

    /// Returns a connection on which this neighbor has sent its handshake.
    fn greet(&self, to: SocketAddrV4, id: u32, more: &[u8]) -> Option<TcpStream> {
        let mut stream = self.dial(to)?;
        stream.write_all(&[&handshake(id), more].concat()).ok()?;
        Some(stream)
    }
}

fn dial_from(from: Ipv4Addr, to: SocketAddrV4) -> Option<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
    socket.bind(&SocketAddrV4::new(from, 0).into()).ok()?;
    // Otherwise attackers run out of ports long before the peers run out of patience.
    socket.set_linger(Some(Duration::ZERO)).ok()?;
    socket.connect(&to.into()).ok()?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(READ_PATIENCE)).ok()?;
    stream.set_write_timeout(Some(READ_PATIENCE)).ok()?;
    Some(stream)
}

/// Reads until the peer closes or nothing has come for a while, and drops the bytes.
fn listen(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}

/// Opens many connections, and closes the oldest when there are too many.
fn say_nothing(scene: &Scene) {
    let mut held = VecDeque::new();
    while !scene.is_over() {
        for address in scene.both() {
            held.extend(scene.dial(address));
        }
        if held.len() > HELD {
            held.drain(..2);
        }
    }
}

/// Sends a handshake with an ID and more, waits for the result, and repeats this.
fn call(scene: &Scene, to: &[SocketAddrV4], id: u32, more: &[u8]) {
    while !scene.is_over() {
        for &address in to {
            if let Some(mut stream) = scene.greet(address, id, more) {
                listen(&mut stream);
            }
        }
    }
}

/// Returns the head of a piece of which nothing else comes.
fn announce(scene: &Scene) {
    let head = [&(5 + PIECE_SIZE).to_be_bytes()[..], &[PIECE], &[0; 4]].concat();
    call(scene, &scene.both(), OURS, &head);
}

/// As long as the peers allow it.
fn change_nothing(scene: &Scene) {
    let same = [message(INTERESTED, &[]), indexed(HAVE, 0), message(NOT_INTERESTED, &[])].concat();
    call(scene, &scene.both(), OURS, &same.repeat(10_000));
}

/// Requests piece after piece.
fn never_read(scene: &Scene) {
    let requests: Vec<u8> = (0..scene.piece_count.min(1000)).flat_map(|piece| indexed(REQUEST, piece)).collect();
    while !scene.is_over() {
        let Some(mut stream) = scene.greet(scene.seeder, OURS, &message(INTERESTED, &[])) else { continue };
        while !scene.is_over() && stream.write_all(&requests).is_ok() {
            thread::park_timeout(READ_PATIENCE);
        }
    }
}

/// Unchokes the leecher, and answers each request with bytes made from a piece of zeros.
fn offer(scene: &Scene, answer: Answer) {
    let greeting = [scene.all(), message(UNCHOKE, &[])].concat();
    while !scene.is_over() {
        if let Some(mut stream) = scene.greet(scene.leecher, OURS, &greeting) {
            // It exits when the leecher closes, or has requested nothing for longer than it would wait.
            _ = answer_requests(scene, &mut stream, answer);
        }
    }
}

fn answer_requests(scene: &Scene, stream: &mut TcpStream, answer: Answer) -> io::Result<()> {
    stream.set_read_timeout(Some(30 * READ_PATIENCE))?;
    stream.read_exact(&mut [0; 32])?;
    while !scene.is_over() {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut said = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut said)?;
        if let [REQUEST, index @ ..] = &said[..] {
            let whole = message(PIECE, &[index, &vec![0; PIECE_SIZE as usize]].concat());
            stream.write_all(&answer(&whole))?;
        }
    }
    Ok(())
}
