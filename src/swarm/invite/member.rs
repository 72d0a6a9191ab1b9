//! `swarm join`: takes lines of an inviter's `PeerInfo.cfg`, waits for the others, and writes the files.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow, ensure};
use peer_process::config::PEER_INFO;
use peer_process::output::console::counted;
use peer_process::output::stderr;
use peer_process::protocol::peer_id::{self, PeerId};

use super::bundle::{Bundle, Content};
use super::channel::{Broken, Channel, FIRST_PATIENCE};
use super::code::Verdict;
use super::inviter::next;
use super::message::{FromInviter, FromMember, MOST_OF_FILES, MOST_OF_INVITER, decode, encode, reason};
use super::place::Place;
use super::{folder, told};
use crate::cli::JoinArgs;
use crate::files::new_file::Signal;
use crate::hosts::locks;
use crate::out::{print, say};
use crate::words::printable;

/// How long the inviter may say nothing.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long one address of the host is tried.
const CALL_PATIENCE: Duration = Duration::from_secs(5);
/// Number of addresses of the host that are tried.
const MOST_TRIED: usize = 8;

/// What an inviter has offered, and what it means here.
struct Offer {
    /// This machine's lines.
    own: Vec<PeerId>,
    /// This machine's address, as the inviter sees it.
    seen: IpAddr,
    bundle: Bundle,
    content: Content,
    manifest_digest: Option<String>,
}

/// Carries out `swarm join`.
///
/// # Errors
/// One sentence for the fault, or the signal that came. Then nothing was written.
pub fn join(args: &JoinArgs) -> Result<ExitCode> {
    let signal = Arc::new(Signal::watch()?);
    let place = Place::parse(&args.place)?;
    let dir = &args.dir.dir;
    let stream = dial(&place, &signal)?;
    let address = |found: io::Result<SocketAddr>| -> Result<IpAddr> {
        Ok(found.context("cannot read the address of a socket")?.ip().to_canonical())
    };
    let (own, dialed) = (address(stream.local_addr())?, address(stream.peer_addr())?);
    let host = printable(&place.host);
    let broken = |broken| told_broken(&host, broken);
    let mut channel = introduce(stream, &place, &host, &signal)?;
    channel.send(&encode(&FromMember::Ask { ids: args.ids.clone(), own, dialed })).map_err(broken)?;
    let offer = match hear(&mut channel, MOST_OF_INVITER, FIRST_PATIENCE).map_err(broken)? {
        FromInviter::Refused(why) => return Err(anyhow!("{host} gives this machine no line: {}", reason(&why))),
        FromInviter::Offer { ids, seen, bundle, manifest_digest } => read(&ids, seen, bundle, manifest_digest),
        _ => return Err(broken(Broken::Foreign)),
    };
    let checked = offer.with_context(|| format!("{host} offers wrong files")).and_then(|offer| {
        let others = folder::others(dir, &offer.bundle, &offer.content, offer.manifest_digest.as_deref())?;
        if !args.force {
            folder::refuse(dir, &others)?;
        }
        // Held to the end: a peer that runs would go on with the old files.
        let locks = locks::lock_peers(dir, offer.own.iter().copied())?;
        Ok((offer, locks))
    });
    let (offer, _locks) = checked.inspect_err(|error| {
        // The inviter may have gone, which changes nothing.
        _ = channel.send(&encode(&FromMember::Failed(format!("{error:#}"))));
    })?;
    welcome(&offer, &host, own);
    let bundle = wait(&mut channel, &host)?;
    let written = take(&bundle, &offer, dir);
    let answer = written.as_ref().map_or_else(|error| FromMember::Failed(format!("{error:#}")), |_| FromMember::Done);
    let answered = channel.send(&encode(&answer));
    let (content, replaced) = written?;
    if answered.is_err() {
        say(&format!("{host} has gone before it heard that this machine has the files; they are right all the same"));
    }
    if !replaced.is_empty() {
        say(&format!("replaced in '{}': {}", dir.display(), printable(&replaced.join(", "))));
    }
    for line in to_bring(&content, &offer.own, dir) {
        say(&line);
    }
    stderr::flush(stderr::LAST_PATIENCE);
    print(&format!("{} is now:", dir.join(PEER_INFO).display()))?;
    for line in told::ending(&bundle, &content, &offer.own) {
        print(&line)?;
    }
    print(&next(dir, &offer.own, own != offer.seen))?;
    Ok(ExitCode::SUCCESS)
}

/// Says the code to the inviter.
fn introduce(stream: TcpStream, place: &Place, host: &str, signal: &Arc<Signal>) -> Result<Channel> {
    let signal = Arc::clone(signal);
    let called = Channel::call(stream, &place.code, Box::new(move || signal.check()));
    let (channel, verdict) = called.map_err(|why| match why {
        Broken::Gone => anyhow!(
            "{host} has ended the connection before it answered: another program listens there, or too many call at once"
        ),
        other => told_broken(host, other),
    })?;
    match verdict {
        Verdict::Right => Ok(channel),
        Verdict::Wrong => {
            Err(anyhow!("{host} has another code: compare it with the one that `swarm invite` prints there"))
        }
        Verdict::TooMany => {
            Err(anyhow!("{host} looks at no more codes, because too many were wrong; invite again there"))
        }
    }
}

/// Returns the sentence about a connection that is of no more use, or the signal that came.
fn told_broken(host: &str, broken: Broken) -> Error {
    match broken {
        Broken::Stopped(stopped) => Error::new(stopped).context("this machine does not take part; nothing was written"),
        Broken::Gone => anyhow!("{host} has ended the connection; nothing was written here"),
        Broken::Silent => anyhow!("{host} says nothing any more; nothing was written here"),
        Broken::Foreign => {
            anyhow!("{host} does not answer as `swarm invite` of this version does; nothing was written here")
        }
    }
}

/// Connects to the first address of the host that answers.
fn dial(place: &Place, signal: &Signal) -> Result<TcpStream> {
    let shown = printable(&place.host);
    let found = (place.host.as_str(), place.port).to_socket_addrs();
    let found = found
        .map_err(|_| anyhow!("no machine is called '{shown}' here; write the address that `swarm invite` prints"))?;
    let mut addresses: Vec<SocketAddr> = found.collect();
    // A link-local address means nothing to the other machines.
    addresses.sort_by_key(|address| match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(address) => 1 + u8::from(address.ip().is_unicast_link_local()),
    });
    let mut tried = Vec::new();
    for address in addresses.into_iter().take(MOST_TRIED) {
        signal.check().map_err(|stopped| told_broken(&shown, Broken::Stopped(stopped)))?;
        match TcpStream::connect_timeout(&address, CALL_PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => tried.push((address, error)),
        }
    }
    signal.check().map_err(|stopped| told_broken(&shown, Broken::Stopped(stopped)))?;
    Err(anyhow!(told::unreachable(&shown, &tried)))
}

fn hear(channel: &mut Channel, most: usize, patience: Duration) -> Result<FromInviter, Broken> {
    let said = channel.receive(most, Instant::now() + patience)?;
    decode(&said).map_err(|_| Broken::Foreign)
}

/// Reads an offer as from somebody who means harm.
fn read(ids: &[u32], seen: IpAddr, bundle: Bundle, manifest_digest: Option<String>) -> Result<Offer> {
    let content = bundle.read().map_err(|error| anyhow!(reason(&format!("{error:#}"))))?;
    let own = content.peers.iter().map(|peer| peer.id).filter(|id| ids.contains(&id.number())).collect::<Vec<_>>();
    ensure!(!own.is_empty() && own.len() == ids.len(), "it gives lines that {PEER_INFO} does not have");
    Ok(Offer { own, seen, bundle, content, manifest_digest })
}

/// Says which lines this machine has, and what may be in the way.
fn welcome(offer: &Offer, host: &str, own: IpAddr) {
    let listed = peer_id::list(&offer.own);
    say(&format!(
        "{host} has given {listed} to this machine, whose address is {} there; waiting for the others",
        offer.seen
    ));
    if own != offer.seen && !offer.seen.is_loopback() {
        say(&format!(
            "this machine calls itself {own}, so a router translates its address: others reach its peer only if the router forwards \
             the port"
        ));
    }
    for peer in offer.content.peers.iter().filter(|peer| offer.own.contains(&peer.id)) {
        let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, peer.port));
        if taken.is_err_and(|error| error.kind() == ErrorKind::AddrInUse) {
            say(&format!(
                "another program on this machine has port {} of {}; end it before the start",
                peer.port, peer.id
            ));
        }
    }
}

/// Waits for the files.
fn wait(channel: &mut Channel, host: &str) -> Result<Bundle> {
    let broken = |broken| told_broken(host, broken);
    let mut told = None;
    loop {
        match hear(channel, MOST_OF_FILES, PATIENCE).map_err(broken)? {
            FromInviter::Standing { free, secs_left } => {
                channel.send(&encode(&FromMember::Here)).map_err(broken)?;
                if told != Some(free) {
                    say(&format!(
                        "{}; the invitation ends in {} at the latest",
                        told::free(free),
                        told::time(secs_left)
                    ));
                    told = Some(free);
                }
            }
            FromInviter::Files(bundle) => return Ok(bundle),
            FromInviter::Over(why) => {
                return Err(anyhow!("{host} has called it off: {}; nothing was written here", reason(&why)));
            }
            FromInviter::Refused(_) | FromInviter::Offer { .. } => return Err(broken(Broken::Foreign)),
        }
    }
}

/// Writes the files, if only the lines are others than offered. Returns what they say, and the names of the files that were
/// others before.
fn take(bundle: &Bundle, offer: &Offer, dir: &Path) -> Result<(Content, Vec<String>)> {
    let content =
        bundle.read().map_err(|error| anyhow!("the inviter sends wrong files: {}", reason(&format!("{error:#}"))))?;
    let is_offered = bundle.common == offer.bundle.common
        && bundle.manifest.as_deref().map(folder::digest) == offer.manifest_digest
        && offer.own.iter().all(|id| content.peers.iter().any(|peer| peer.id == *id));
    ensure!(is_offered, "the inviter sends other files than it has offered");
    let replaced = folder::replaced(dir, bundle, &content);
    folder::write(dir, bundle, &content)?;
    Ok((content, replaced))
}

/// Returns a sentence for each of this machine's lines that starts with the file, if the file is not here.
fn to_bring(content: &Content, own: &[PeerId], dir: &Path) -> Vec<String> {
    let name = &content.common.file_name;
    let seeders = content.peers.iter().filter(|peer| peer.has_file && own.contains(&peer.id));
    let copies = seeders.map(|peer| (peer.id, dir.join(format!("peer_{}", peer.id)).join(name)));
    let missing = copies.filter(|(_, path)| !path.is_file());
    let size = counted(content.common.layout.file_size(), "byte");
    let sentence = |(id, path): (PeerId, std::path::PathBuf)| {
        format!("{id} starts with the file: put {} of {size} there first", printable(&path.display().to_string()))
    };
    missing.map(sentence).collect()
}
