//! A leecher like most public ones: a `have` and the next `request` are two writes, and Nagle's algorithm is on.
//!
//! Its system holds the second write back until the first was acknowledged. The same leecher that writes both at once is
//! measured beside it. Each is a process, this program under another name. It reports how long a piece took, from its first
//! request on.

use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::Bench;
use crate::bare;
use crate::report::{Bar, Figure};
use crate::swarm::Plan;

const PIECE_SIZE: u32 = 32 << 10;
/// The arguments of this program: its role, and how it writes.
pub const FETCH: &str = "apart-fetch";
const APART: &str = "apart";
const TOGETHER: &str = "together";
const SAID: &str = " ms a piece";

const HANDSHAKE_LEN: usize = 32;
const UNCHOKE: u8 = 1;
const INTERESTED: u8 = 2;
const HAVE: u8 = 4;
const REQUEST: u8 = 6;
const PIECE: u8 = 7;

/// One seeder of ours, and one leecher of each kind in turn.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let plan = Plan::of(bench.small_file(), PIECE_SIZE, 1);
    let source = bench.source(plan.file_size)?;
    let (mut apart, mut together) = (Vec::new(), Vec::new());
    for round in bench.rounds() {
        for (how, millis) in [(APART, &mut apart), (TOGETHER, &mut together)] {
            let fetch = |at: SocketAddrV4, id: u32| {
                let numbers = [id.to_string(), plan.file_size.to_string(), PIECE_SIZE.to_string()];
                bare::command(FETCH, &[&[how.to_owned(), at.to_string()], &numbers[..]].concat())
            };
            let outcome = plan.run_foreign_leecher(&bench.place(&source, round), fetch)?;
            let said = outcome.leechers[0].lines.iter().find_map(|line| line.strip_suffix(SAID));
            millis.push(said.context("it says how long a piece took")?.parse()?);
        }
    }
    let name = "32 KiB, have and request apart: a piece, against both at once";
    Ok(vec![Figure::against(name, "ms", &apart, &together).bar(Bar::MostValue(2.0))])
}

/// Fetches a file, and drops it; exits when the seeder does.
pub fn fetch(how: &str, at: &str, id: &str, file_size: &str, piece_size: &str) -> Result<()> {
    let (id, file_size, piece_size): (u32, u64, u32) = (id.parse()?, file_size.parse()?, piece_size.parse()?);
    let piece_count = u32::try_from(file_size.div_ceil(piece_size.into()))?;
    let mut stream = TcpStream::connect(at.parse::<SocketAddrV4>()?).context("cannot connect")?;
    stream.set_nodelay(how == TOGETHER)?;
    stream.write_all(&[b"P2PFILESHARINGPROJ", &[0; 10][..], &id.to_be_bytes()].concat())?;
    stream.read_exact(&mut [0; HANDSHAKE_LEN])?;
    stream.write_all(&message(INTERESTED, &[]))?;
    wait_for(&mut stream, UNCHOKE)?;
    let begun = Instant::now();
    stream.write_all(&message(REQUEST, &[0; 4]))?;
    for piece in 0..piece_count {
        let payload = wait_for(&mut stream, PIECE)?;
        ensure!(payload.starts_with(&piece.to_be_bytes()), "another piece than the one that was asked for");
        let have = message(HAVE, &piece.to_be_bytes());
        let next = if piece + 1 < piece_count { message(REQUEST, &(piece + 1).to_be_bytes()) } else { Vec::new() };
        if how == APART {
            stream.write_all(&have)?;
            stream.write_all(&next)?;
        } else {
            stream.write_all(&[have, next].concat())?;
        }
    }
    let millis = begun.elapsed().as_secs_f64() * 1000.0 / f64::from(piece_count);
    eprintln!("{millis:.4}{SAID}");
    // It closes because we have announced that we are complete.
    Ok(std::io::copy(&mut stream, &mut std::io::sink()).map(|_| ())?)
}

fn message(message_type: u8, payload: &[u8]) -> Vec<u8> {
    let length = 1 + u32::try_from(payload.len()).expect("a short payload");
    [&length.to_be_bytes()[..], &[message_type], payload].concat()
}

/// Skips messages until one of this type comes; returns its payload.
fn wait_for(stream: &mut TcpStream, message_type: u8) -> Result<Vec<u8>> {
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut message = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut message)?;
        if message.remove(0) == message_type {
            return Ok(message);
        }
    }
}
