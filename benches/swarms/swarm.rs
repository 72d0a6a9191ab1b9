//! Transfers, each by peers or by the bare baseline: from the directories to what everybody has used.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::bare;
use crate::processes::{Processes, Used};
use crate::support::address::fresh_address;
use crate::support::relay::{Network, PEER_PORT};

const SWARM: &str = env!("CARGO_BIN_EXE_swarm");
const FILE_NAME: &str = "file.bin";
/// The seeder is the first peer.
pub const SEEDER: u32 = 1001;

/// What is transferred, and how.
#[derive(Clone, Copy)]
pub struct Plan {
    pub file_size: u64,
    pub piece_size: u32,
    pub leechers: u32,
    /// `NumberOfPreferredNeighbors`
    pub k: u32,
    /// `UnchokingInterval`
    pub p: u32,
    /// `OptimisticUnchokingInterval`
    pub m: u32,
}

/// Where it happens.
pub struct Place<'a> {
    /// A directory on the disk to be measured.
    pub root: &'a Path,
    /// The file that all shall have.
    pub source: &'a Path,
    /// The links between the peers, if they are not directly on loopback.
    pub network: Option<&'a Network>,
    /// Whether to compare the copies with the source.
    pub compare: bool,
    /// Makes the peers' choices reproducible.
    pub seed: u32,
    /// The peers' program.
    pub program: &'a Path,
    /// More options of the peer with this ID.
    pub options: &'a dyn Fn(u32) -> Vec<String>,
}

/// What came of it.
pub struct Outcome {
    /// From the start of the first downloader to the end of the last.
    pub elapsed: Duration,
    pub seeder: Used,
    pub leechers: Vec<Used>,
}

impl Outcome {
    fn of(mut used: Vec<Used>) -> Self {
        let seeder = used.remove(0);
        let started = used.iter().map(|leecher| leecher.started).min();
        let ended = used.iter().map(|leecher| leecher.ended).max();
        let elapsed = started.zip(ended).map(|(started, ended)| ended - started).expect("somebody downloads");
        Self { elapsed, seeder, leechers: used }
    }

    pub fn leechers_cpu_secs(&self) -> f64 {
        self.leechers.iter().map(|leecher| leecher.cpu_secs).sum()
    }

    pub fn cpu_secs(&self) -> f64 {
        self.seeder.cpu_secs + self.leechers_cpu_secs()
    }

    /// Of the leecher that has taken most.
    pub fn leechers_peak_mib(&self) -> f64 {
        self.leechers.iter().map(|leecher| leecher.peak_mib).fold(0.0, f64::max)
    }

    /// Of the peer that has taken most.
    pub fn peak_mib(&self) -> f64 {
        self.leechers_peak_mib().max(self.seeder.peak_mib)
    }

    pub fn most_threads(&self) -> f64 {
        self.leechers.iter().map(|leecher| leecher.threads).fold(self.seeder.threads, f64::max)
    }

    /// How many bytes of pieces the seeder has sent, by its own account at the end.
    pub fn seeder_sent_bytes(&self) -> f64 {
        let sent = |line: &String| line.split(", sent ").nth(1)?.split(' ').next()?.parse::<f64>().ok();
        self.seeder.lines.iter().filter_map(sent).sum()
    }
}

impl Plan {
    /// One seeder and this many leechers that are all unchoked from the start.
    pub fn of(file_size: u64, piece_size: u32, leechers: u32) -> Self {
        Self { file_size, piece_size, leechers, k: leechers, p: 1, m: 1 }
    }

    /// Bytes that the leechers receive in all.
    pub fn delivered_bytes(&self) -> u64 {
        self.file_size * u64::from(self.leechers)
    }

    /// Runs real peers, and takes their files away again.
    pub fn run_peers(&self, place: &Place) -> Result<Outcome> {
        let root = TempDir::new_in(place.root).context("no directory to work in")?;
        let ids: Vec<_> = (SEEDER..=SEEDER + self.leechers).collect();
        self.prepare(place, root.path(), &ids)?;

        let mut processes = Processes::new();
        for &id in &ids {
            processes.start_listener(&mut peer_command(place, root.path(), id));
        }
        let outcome = Outcome::of(processes.wait());
        if place.compare {
            ids.iter().skip(1).try_for_each(|&id| bare::compare(place.source, &file_of(root.path(), id)))?;
        }
        Ok(outcome)
    }

    /// Runs a seeder and the first leecher. As soon as that has a piece, `act` does what it likes to both, and with the name of
    /// the second, until it is told that the leecher's file is complete; then both are stopped. How long the leecher took.
    pub fn run_attacked(
        &self,
        place: &Place,
        has_manifest: bool,
        act: impl FnOnce([SocketAddrV4; 2], &AtomicBool) + Send,
    ) -> Result<(Duration, Outcome)> {
        let root = TempDir::new_in(place.root).context("no directory to work in")?;
        let [seeder, leecher, attackers] = [SEEDER, SEEDER + 1, SEEDER + 2];
        let first = self.prepare(place, root.path(), &[seeder, leecher, attackers])?;
        let addresses = [first, SocketAddrV4::new(*first.ip(), first.port() + 1)];
        let manifest = root.path().join("meta.json");
        if has_manifest {
            let mut create = Command::new(SWARM);
            create.args(["meta", "create", "--piece-size", &self.piece_size.to_string(), "--output"]).arg(&manifest);
            let made = create.arg(file_of(root.path(), seeder)).output()?;
            ensure!(made.status.success(), "no manifest: {}", String::from_utf8_lossy(&made.stderr));
        }
        let mut processes = Processes::new();
        for id in [seeder, leecher] {
            let mut command = peer_command(place, root.path(), id);
            if has_manifest {
                command.arg("--manifest").arg(&manifest);
            }
            processes.start_listener(&mut command);
        }
        let (started, over) = (Instant::now(), AtomicBool::new(false));
        let log = dir(root.path(), leecher).join(format!("log_peer_{leecher}.log"));
        let mut wait_for = |what| processes.wait_until(|| fs::read_to_string(&log).is_ok_and(|log| log.contains(what)));
        wait_for("has downloaded the piece");
        let took = thread::scope(|scope| {
            // Also where it takes too long: the scope waits for them.
            let _end = Over(&over);
            scope.spawn(|| act(addresses, &over));
            wait_for("has downloaded the complete file");
            started.elapsed()
        });
        // The second leecher never comes, so they would wait for it.
        let outcome = Outcome::of(processes.stop());
        bare::compare(place.source, &file_of(root.path(), leecher))?;
        Ok((took, outcome))
    }

    /// Runs a real seeder and one leecher of another kind: the command for it is made from the seeder's address and its ID.
    pub fn run_foreign_leecher(
        &self,
        place: &Place,
        leecher: impl Fn(SocketAddrV4, u32) -> Command,
    ) -> Result<Outcome> {
        let root = TempDir::new_in(place.root).context("no directory to work in")?;
        let ids = [SEEDER, SEEDER + 1];
        let seeders_address = self.prepare(place, root.path(), &ids)?;
        let mut processes = Processes::new();
        processes.start_listener(&mut peer_command(place, root.path(), SEEDER));
        processes.start(&mut leecher(seeders_address, SEEDER + 1));
        Ok(Outcome::of(processes.wait()))
    }

    /// Makes the peers' directories, and gives the seeder its file; its address, if there is no network between them.
    fn prepare(&self, place: &Place, root: &Path, ids: &[u32]) -> Result<SocketAddrV4> {
        let seeders_address = self.write_configuration(place, root, ids)?;
        let seeders = file_of(root, SEEDER);
        fs::create_dir(seeders.parent().expect("a directory"))?;
        fs::hard_link(place.source, &seeders).context("cannot link the source")?;
        Ok(seeders_address)
    }

    /// A directory for each, because with a network each has its own idea of where the others are.
    fn write_configuration(&self, place: &Place, root: &Path, ids: &[u32]) -> Result<SocketAddrV4> {
        let Self { file_size, piece_size, k, p, m, .. } = self;
        let common = format!(
            "NumberOfPreferredNeighbors {k}\nUnchokingInterval {p}\nOptimisticUnchokingInterval {m}\n\
             FileName {FILE_NAME}\nFileSize {file_size}\nPieceSize {piece_size}\n"
        );
        let direct: Vec<_> = {
            let host = fresh_address();
            (PEER_PORT..).take(ids.len()).map(|port| SocketAddrV4::new(host, port)).collect()
        };
        for (own, &id) in ids.iter().enumerate() {
            let mut peer_info = String::new();
            for (other, listed) in ids.iter().enumerate() {
                let at = match place.network {
                    Some(network) if other == own => network.address(own),
                    Some(network) => network.relay(own, other),
                    None => direct[other],
                };
                writeln!(peer_info, "{listed} {} {} {}", at.ip(), at.port(), u8::from(*listed == SEEDER))?;
            }
            let dir = dir(root, id);
            fs::create_dir(&dir)?;
            fs::write(dir.join("Common.cfg"), &common)?;
            fs::write(dir.join("PeerInfo.cfg"), peer_info)?;
        }
        Ok(direct[0])
    }

    /// The same by the bare baseline, each leecher over a connection of its own from the seeder.
    pub fn run_bare(&self, place: &Place) -> Result<Outcome> {
        let root = TempDir::new_in(place.root).context("no directory to work in")?;
        let file = |number: u32| root.path().join(number.to_string());
        let mut processes = Processes::new();
        let serve = &mut bare::serve_command(place.source, self.piece_size, self.leechers);
        let port = processes.start_listener(serve);
        for number in 0..self.leechers {
            processes.start(&mut bare::fetch_command(port, self.file_size, self.piece_size, &file(number)));
        }
        let outcome = Outcome::of(processes.wait());
        if place.compare {
            (0..self.leechers).try_for_each(|number| bare::compare(place.source, &file(number)))?;
        }
        Ok(outcome)
    }
}

/// Says at the end of its scope that all is over.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Copies the source within the disk, and takes the copy away again; what it used.
pub fn run_copy(place: &Place) -> Result<Used> {
    let root = TempDir::new_in(place.root).context("no directory to work in")?;
    let mut processes = Processes::new();
    processes.start(&mut bare::copy_command(place.source, &root.path().join("copy")));
    Ok(processes.wait().remove(0))
}

fn peer_command(place: &Place, root: &Path, id: u32) -> Command {
    let mut command = Command::new(place.program);
    command.arg(id.to_string()).arg("--dir").arg(dir(root, id));
    command.args(["--seed", &place.seed.to_string()]).args((place.options)(id));
    command
}

fn dir(root: &Path, id: u32) -> PathBuf {
    root.join(id.to_string())
}

fn file_of(root: &Path, id: u32) -> PathBuf {
    dir(root, id).join(format!("peer_{id}")).join(FILE_NAME)
}
