//! `swarm init`: carries out a [`Plan`]. It looks for all obstacles before it writes anything.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, ToSocketAddrs};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use peer_process::config::{COMMON, PEER_INFO, plain_host};
use peer_process::disk::hashing::HashKind;
use peer_process::disk::lock::Lock;
use peer_process::disk::manifest::ENDING;
use peer_process::protocol::peer_id::PeerId;
use rand::rngs::{StdRng, SysRng};
use rand::{RngExt, SeedableRng};

use crate::cli::InitArgs;
use crate::fault::Usage;
use crate::files::litter;
use crate::files::new_file::{self, Made, Signal, Source};
use crate::hosts::locks;
use crate::hosts::running::{running, who_runs};
use crate::hosts::settings::{Settings, tracker_url};
use crate::hosts::{Hosts, Reach, peers_here};
use crate::out;
use crate::setup::capacity::Capacity;
use crate::setup::made;
use crate::setup::meta;
use crate::setup::places::is_loopback;
use crate::setup::plan::{Given, Plan};
use crate::setup::tracker_option;
use crate::swarm_dir::SwarmDir;
use crate::words::{first_of, shell_word, typed};

/// The kind of the hashes in the manifest of `--meta`.
const MANIFEST_KIND: HashKind = HashKind::Sha256;
/// The ports to choose from: below those for outgoing connections, above those of services.
const PORTS: Range<u16> = 20_000..32_000;

/// Makes a swarm and prints how to run it.
///
/// # Errors
/// One sentence for the fault. A wrong usage is reported before anything is written.
pub fn run(args: &InitArgs) -> Result<ExitCode> {
    let dir = &args.dir.dir;
    let source = args.file.as_deref().map(source).transpose()?;
    let tracker = args.tracker.as_deref().map(tracker_option::place);
    if let Some(tracker) = tracker {
        tracker_url(tracker).map_err(|wrong| Usage::error(format!("--tracker {wrong}")))?;
        if let Some(sentence) = tracker_option::mistaken(&dir.to_string_lossy()).filter(|_| !dir.exists()) {
            return Err(Usage::error(sentence));
        }
    }
    let mut plan = Plan::new(args, source.as_ref().map(|(given, _)| given), &mut free_ports())?;
    let own = own_peers(args, &plan)?;
    plan.only(&own);
    let source = source.map(|(_, path)| path);
    // Held until everything is made.
    let _locks = check(dir, &plan, source.as_deref(), args.force)?;
    if args.meta {
        meta::check_count(plan.layout, MANIFEST_KIND)?;
        if source.is_none() && plan.seeders().next().is_none() {
            let why = "no peer of this machine starts with it; name it with --file, or make the manifest on the seeder's machine";
            return Err(Usage::error(format!("--meta needs the file, and {why}")));
        }
    }
    // An earlier `init` may have been killed.
    litter::remove(dir, &plan.file_name, |path| source.as_ref().is_some_and(|source| is_at(source, path)))?;
    let way = carry_out(dir, &plan, source.as_deref(), args.meta)?;
    // The other subcommands must be able to read it.
    let swarm = SwarmDir::open(dir).context("the new swarm cannot be read, which is a fault of this program")?;
    let swarm = if args.here.is_some() { swarm.only(&own) } else { swarm };
    if args.force {
        // Unfinished downloads of another file: a peer that resumed them would mix the two.
        for id in swarm.peers.iter().filter(|peer| !peer.has_file).map(|peer| peer.id) {
            swarm.remove(&swarm.part_name(id))?;
            swarm.remove(&swarm.journal_name(id))?;
        }
    }
    Settings::remember_tracker(&swarm, tracker)?;
    out::print(&made::describe(&swarm, way, args.file.as_deref()))?;
    if let Some(tracker) = tracker {
        let (shown, url) = (shell_word(dir), tracker_url(tracker)?);
        out::print(&if is_here(tracker) {
            format!("`swarm start --track {shown}` also runs its tracker, at {url}")
        } else {
            let run = format!("swarm track --listen {}", typed(tracker));
            format!("the peers will use the tracker at {url}, which is not on this machine; run it there: `{run}`")
        })?;
        let host = tracker.rsplit_once(':').map_or("", |(host, _)| plain_host(host));
        if is_loopback(host) && !swarm.listed.iter().all(|peer| is_loopback(&peer.host)) {
            out::say(&format!("the peers on other hosts cannot reach a tracker at {tracker}"));
        }
    }
    let here = swarm.peers.iter().filter(|peer| swarm.only_here || is_loopback(&peer.host)).count();
    if let Some(warning) = Capacity::of_this_machine().warning(here, swarm.listed.len()) {
        out::say(&warning);
    }
    if let Some(peer) = plan.out_of_reach() {
        let (host, id) = (&peer.host, peer.id);
        // Not an error: there may be a tunnel.
        out::say(&format!("on the other hosts '{host}' is not this machine, so their peers will not find {id}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the peers whose directories are made here: all, or those of `--here`.
fn own_peers(args: &InitArgs, plan: &Plan) -> Result<BTreeSet<PeerId>> {
    let Some(asked) = &args.here else { return Ok(plan.peers.iter().map(|peer| peer.id).collect()) };
    let lines: Vec<_> = plan.peers.iter().map(|peer| (peer.id, peer.host.as_str())).collect();
    peers_here(&lines, asked.as_ref().map(|ids| ids.0.as_slice()), "--hosts")
}

/// Returns the facts on `--file`, and its path without links.
fn source(path: &Path) -> Result<(Given, PathBuf)> {
    let shown = path.display();
    let unreadable = |error: io::Error| Usage::error(format!("--file '{shown}' cannot be read: {error}"));
    // Checked before it is opened, because opening a pipe might never return.
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Usage::error(format!("--file '{shown}' is not a regular file")));
    }
    File::open(path).map_err(unreadable)?;
    let name = path.file_name().ok_or_else(|| Usage::error(format!("--file '{shown}' does not end with a name")))?;
    Ok((Given { name: name.to_owned(), size: metadata.len() }, path.canonicalize().map_err(unreadable)?))
}

/// Returns ports of this machine on which nobody listens, from a random one on, because two swarms may be made at once.
fn free_ports() -> impl Iterator<Item = u16> {
    let mut rng = StdRng::try_from_rng(&mut SysRng).expect("the system has random numbers");
    let start = rng.random_range(PORTS);
    // No single address shows it on every system. A machine without IPv6 has no listener there.
    let bindable = |address: IpAddr, port| match TcpListener::bind((address, port)) {
        Ok(_) => true,
        Err(error) => address.is_ipv6() && error.kind() != ErrorKind::AddrInUse,
    };
    let addresses: [IpAddr; 4] = [
        Ipv4Addr::LOCALHOST.into(),
        Ipv4Addr::UNSPECIFIED.into(),
        Ipv6Addr::LOCALHOST.into(),
        Ipv6Addr::UNSPECIFIED.into(),
    ];
    let free = move |port: &u16| addresses.iter().all(|address| bindable(*address, *port));
    (start..PORTS.end).chain(PORTS.start..start).filter(free)
}

/// Reports whether this machine has the host of this place. Only an own address can be listened at.
fn is_here(place: &str) -> bool {
    let mut addresses = place.to_socket_addrs().into_iter().flatten();
    addresses.any(|address| TcpListener::bind((address.ip(), 0)).is_ok())
}

/// Returns a peer's directory in the swarm's directory (protocol A2).
fn peer_dir(id: PeerId) -> String {
    format!("peer_{id}")
}

/// Returns a peer's copy of the file in the swarm's directory (protocol A2).
fn copy(plan: &Plan, id: PeerId) -> String {
    format!("{}/{}", peer_dir(id), plan.file_name)
}

/// Returns the manifest of the file in the swarm's directory.
fn manifest(plan: &Plan) -> String {
    format!("{}{ENDING}", plan.file_name)
}

/// Refuses if there is an obstacle.
fn check(dir: &Path, plan: &Plan, source: Option<&Path>, force: bool) -> Result<Vec<Lock>> {
    if dir.exists() && !dir.is_dir() {
        return Err(Usage::error(format!("'{}' is not a directory", dir.display())));
    }
    let peer_dirs = plan.own().map(|peer| peer_dir(peer.id));
    for path in peer_dirs.map(|name| dir.join(name)) {
        if path.symlink_metadata().is_ok() && !path.is_dir() {
            return Err(Usage::error(format!(
                "'{}' is not a directory, but it is the place of a peer's directory",
                path.display()
            )));
        }
    }
    let copies = plan.seeders().map(|peer| copy(plan, peer.id));
    let mut there = Vec::new();
    for name in [COMMON.to_owned(), PEER_INFO.to_owned(), manifest(plan)].into_iter().chain(copies) {
        let path = dir.join(&name);
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            return Err(Usage::error(format!("'{}' is a directory, so no file can have that name", path.display())));
        }
        if source.is_some_and(|source| is_at(source, &path)) {
            return Err(Usage::error(format!("--file '{}' would be overwritten itself", path.display())));
        }
        there.push(name);
    }
    if force {
        refuse_if_running(dir)?;
        refuse_links(dir, plan)?;
        return locks::lock_peers(dir, plan.peers.iter().map(|peer| peer.id));
    }
    if there.is_empty() {
        return Ok(Vec::new());
    }
    let them = if there.len() == 1 { "it" } else { "them" };
    let (dir, there) = (dir.display(), first_of(&there));
    Err(Usage::error(format!("'{dir}' already has {there}; --force overwrites {them}")))
}

/// Refuses if a peer runs here, because it would go on with another configuration. The directory may not be a swarm at all.
fn refuse_if_running(dir: &Path) -> Result<()> {
    let Ok(swarm) = SwarmDir::open(dir) else { return Ok(()) };
    for host in Hosts::of(&swarm, &Reach::default())?.all.iter().filter(|host| host.is_here()) {
        let running = running(host)?;
        if !running.is_empty() {
            let (they_run, them) = who_runs(&running);
            return Err(Usage::error(format!("{they_run} in '{}'; stop {them} first", dir.display())));
        }
    }
    Ok(())
}

/// Refuses to replace or delete anything in a peer's directory that is a link, because another user may need it.
fn refuse_links(dir: &Path, plan: &Plan) -> Result<()> {
    for peer in plan.own() {
        let link = dir.join(peer_dir(peer.id));
        if !link.is_symlink() {
            continue;
        }
        let name = copy(plan, peer.id);
        let unfinished = ["part", "journal"].map(|ending| format!("{name}.{ending}"));
        let replaced = if peer.has_file { vec![name] } else { unfinished.to_vec() };
        if let Some(name) = replaced.iter().find(|name| dir.join(name).symlink_metadata().is_ok()) {
            return Err(Usage::error(format!("'{}' is a link, so swarm does not replace {name}", link.display())));
        }
    }
    Ok(())
}

/// Reports whether a path without links leads to the same place as the other one. A link there is not its target.
fn is_at(source: &Path, path: &Path) -> bool {
    let there = path.parent().and_then(|parent| parent.canonicalize().ok());
    there.is_some_and(|there| source.parent() == Some(&there) && source.file_name() == path.file_name())
}

/// Makes everything, and returns how the first seeder here got its file, if there is one. The configuration comes last: without
/// it, the directory is not a swarm.
fn carry_out(dir: &Path, plan: &Plan, source: Option<&Path>, with_manifest: bool) -> Result<Option<Made>> {
    let signal = Signal::watch()?;
    for peer in plan.own() {
        let path = dir.join(peer_dir(peer.id));
        fs::create_dir_all(&path).with_context(|| format!("cannot make the directory {}", path.display()))?;
    }
    let mut first: Option<(PathBuf, Made)> = None;
    for seeder in plan.seeders() {
        let path = dir.join(copy(plan, seeder.id));
        // The first seeder's file is as good as the source, and on the same disk.
        let from = first.as_ref().map(|(path, _)| path.as_path()).or(source).map_or(Source::Random, Source::File);
        let way = new_file::make(&path, from, plan.layout.file_size(), &signal)?;
        first.get_or_insert((path, way));
    }
    let manifest = dir.join(manifest(plan));
    // An older one belongs to another file.
    new_file::remove_if_there(&manifest).with_context(|| format!("cannot remove {}", manifest.display()))?;
    if with_manifest {
        let file = first.as_ref().map(|(path, _)| path.as_path()).or(source).expect("this was checked");
        let made = meta::make(file, plan.layout, MANIFEST_KIND, None, &|| signal.check().map_err(io::Error::other));
        signal.check()?;
        new_file::write_text(&manifest, &made?.to_json())?;
    }
    new_file::write_text(&dir.join(COMMON), &plan.common())?;
    new_file::write_text(&dir.join(PEER_INFO), &plan.peer_info())?;
    Ok(first.map(|(_, way)| way))
}
