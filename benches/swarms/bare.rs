//! The baselines: a bare stop-and-wait transfer, and a plain copy of a file.
//!
//! A transfer has only the necessary steps. It requests a piece by its number, reads it from the file, sends it, and receives
//! it. Then it writes it at its place, and requests the next, in order. Both ends use plain reads and writes, one write per
//! message and one buffer, with `TCP_NODELAY`. Each end is a process, this program under another name, so the two are
//! measured separately, as peers are.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::{announcing, apart};

const COPY_BUFFER: usize = 256 * 1024;

/// The roles of this program.
const SERVE: &str = "bare-serve";
const FETCH: &str = "bare-fetch";
const COPY: &str = "bare-copy";

/// Returns a command that serves this file to this many connections, and reports its port on stderr.
pub fn serve_command(file: &Path, piece_size: u32, connections: u32) -> Command {
    command(SERVE, &[path(file), piece_size.to_string(), connections.to_string()])
}

/// Returns a command that fetches a file of this size into a new file.
pub fn fetch_command(port: u16, file_size: u64, piece_size: u32, file: &Path) -> Command {
    command(FETCH, &[port.to_string(), file_size.to_string(), piece_size.to_string(), path(file)])
}

/// Returns a command that copies a file into a new one by reading and writing.
///
/// `std::fs::copy` would let the kernel copy, which no transfer over a network can do.
pub fn copy_command(from: &Path, to: &Path) -> Command {
    command(COPY, &[path(from), path(to)])
}

/// Returns a command that runs this program under another name.
pub fn command(role: &str, arguments: &[String]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.arg(role).args(arguments);
    command
}

fn path(path: &Path) -> String {
    path.to_str().expect("a plain path").to_owned()
}

/// Plays the role that the arguments of one of these commands name; `None` for other arguments.
pub fn act(arguments: &[String]) -> Option<Result<()>> {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    Some(match arguments.as_slice() {
        [SERVE, file, piece_size, connections] => serve(file, piece_size, connections),
        [FETCH, port, file_size, piece_size, file] => fetch(port, file_size, piece_size, file),
        [COPY, from, to] => copy(from, to),
        [announcing::ANNOUNCE, port, members, announces, keeps] => announcing::act(port, members, announces, keeps),
        [apart::FETCH, how, at, id, file_size, piece_size] => apart::fetch(how, at, id, file_size, piece_size),
        _ => return None,
    })
}

fn serve(file: &str, piece_size: &str, connections: &str) -> Result<()> {
    let (piece_size, connections): (u32, u32) = (piece_size.parse()?, connections.parse()?);
    let file = File::open(file).with_context(|| format!("cannot open {file}"))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen")?;
    eprintln!("listening on port {}", listener.local_addr()?.port());
    thread::scope(|scope| {
        let serving: Vec<_> = (0..connections)
            .map(|_| {
                let (stream, _) = listener.accept().context("cannot accept")?;
                Ok(scope.spawn(|| serve_one(stream, &file, piece_size)))
            })
            .collect::<Result<_>>()?;
        serving.into_iter().try_for_each(|one| one.join().expect("no panic"))
    })
}

fn serve_one(mut stream: TcpStream, file: &File, piece_size: u32) -> Result<()> {
    stream.set_nodelay(true)?;
    let file_size = file.metadata()?.len();
    let mut buffer = vec![0; piece_size as usize];
    let mut index = [0; 4];
    loop {
        match stream.read_exact(&mut index) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            other => other?,
        }
        let (offset, len) = place(u32::from_be_bytes(index), file_size, piece_size);
        file.read_exact_at(&mut buffer[..len], offset)?;
        stream.write_all(&buffer[..len])?;
    }
}

fn fetch(port: &str, file_size: &str, piece_size: &str, file: &str) -> Result<()> {
    let (file_size, piece_size): (u64, u32) = (file_size.parse()?, piece_size.parse()?);
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse()?)).context("cannot connect")?;
    stream.set_nodelay(true)?;
    let file = File::create_new(file).with_context(|| format!("cannot create {file}"))?;
    file.set_len(file_size)?;
    let mut buffer = vec![0; piece_size as usize];
    for index in 0..u32::try_from(file_size.div_ceil(piece_size.into()))? {
        let (offset, len) = place(index, file_size, piece_size);
        stream.write_all(&index.to_be_bytes())?;
        stream.read_exact(&mut buffer[..len])?;
        file.write_all_at(&buffer[..len], offset)?;
    }
    Ok(())
}

/// Returns a piece's offset and length.
fn place(index: u32, file_size: u64, piece_size: u32) -> (u64, usize) {
    let offset = u64::from(index) * u64::from(piece_size);
    let len = (file_size - offset).min(piece_size.into());
    (offset, usize::try_from(len).expect("a piece fits into memory"))
}

fn copy(from: &str, to: &str) -> Result<()> {
    let mut from = File::open(from)?;
    let mut to = File::create_new(to)?;
    let mut buffer = vec![0; COPY_BUFFER];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            len => to.write_all(&buffer[..len])?,
        }
    }
}

/// Asserts that two files are the same.
pub fn compare(one: &Path, other: &Path) -> Result<()> {
    let files = [File::open(one)?, File::open(other)?];
    let len = files[0].metadata()?.len();
    if files[1].metadata()?.len() != len {
        bail!("{} and {} differ in length", one.display(), other.display());
    }
    let mut buffers = [vec![0; COPY_BUFFER], vec![0; COPY_BUFFER]];
    let mut offset = 0;
    while offset < len {
        let count = usize::try_from(len - offset).unwrap_or(COPY_BUFFER).min(COPY_BUFFER);
        for (file, buffer) in files.iter().zip(&mut buffers) {
            file.read_exact_at(&mut buffer[..count], offset)?;
        }
        if buffers[0][..count] != buffers[1][..count] {
            bail!("{} and {} differ", one.display(), other.display());
        }
        offset += count as u64;
    }
    Ok(())
}
