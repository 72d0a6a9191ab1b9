//! `Plan`: the swarm that `swarm init` will make, decided from its options alone.
//!
//! It reads and writes no files. The caller passes the facts on `--file` and the free ports.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write;

use anyhow::Result;
use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::peer_id::PeerId;

use crate::cli::InitArgs;
use crate::fault::Usage;
use crate::setup::names;
use crate::setup::places::{self, is_loopback};
use crate::setup::presets::Defaults;
use crate::setup::sizes;

/// The first peer's ID, as in the course's configurations.
const FIRST_ID: u32 = 1001;

/// The facts on `--file`.
#[derive(Debug)]
pub struct Given {
    /// Its name, without the directory.
    pub name: OsString,
    /// Its size in bytes.
    pub size: u64,
}

/// A swarm that can be made.
#[derive(Debug)]
pub struct Plan {
    /// `NumberOfPreferredNeighbors` (k).
    pub preferred_count: u32,
    /// `UnchokingInterval` (p).
    pub unchoking_interval_secs: u32,
    /// `OptimisticUnchokingInterval` (m).
    pub optimistic_interval_secs: u32,
    /// `FileName`.
    pub file_name: String,
    /// `FileSize` and `PieceSize`.
    pub layout: FileLayout,
    /// The lines of `PeerInfo.cfg`, at least one. At least one peer starts with the file.
    pub peers: Vec<PlannedPeer>,
}

/// A line of `PeerInfo.cfg`.
#[derive(Debug)]
pub struct PlannedPeer {
    /// Its ID.
    pub id: PeerId,
    /// Its host, a name or an address.
    pub host: String,
    /// The port on which it listens.
    pub port: u16,
    /// Whether it starts with the file.
    pub has_file: bool,
    /// Whether its directory is made here: `--here` leaves out those of other machines.
    pub is_here: bool,
}

impl Plan {
    /// Decides what to make. `free_ports` are for the peers on this machine, each a different one.
    ///
    /// # Errors
    /// One sentence for the first impossible option.
    pub fn new(args: &InitArgs, given: Option<&Given>, free_ports: &mut dyn Iterator<Item = u16>) -> Result<Self> {
        let defaults = Defaults::of(args.preset);
        let hosts = places::hosts(args, defaults.peer_count)?;
        let has_file = seeders(args, defaults.seeders, hosts.len())?;
        let ports = places::ports(args.port, &hosts, free_ports)?;
        let (file_name, file_size) = match (given, &args.size) {
            (Some(given), _) => (plain_name(given)?, given.size),
            (None, Some(size)) => (defaults.file_name.to_owned(), sizes::parse("--size", size)?),
            (None, None) => (defaults.file_name.to_owned(), defaults.file_size),
        };
        let places = hosts.into_iter().zip(ports);
        let peers = (FIRST_ID..).zip(places).zip(has_file).map(|((id, (host, port)), has_file)| PlannedPeer {
            id: PeerId::new(id).expect("it counts up from the first"),
            host,
            port,
            has_file,
            is_here: true,
        });
        Ok(Self {
            preferred_count: args.preferred_count.unwrap_or(defaults.k),
            unchoking_interval_secs: args.unchoking_interval_secs.unwrap_or(defaults.p_secs),
            optimistic_interval_secs: args.optimistic_interval_secs.unwrap_or(defaults.m_secs),
            file_name,
            layout: sizes::layout(args.piece_size.as_deref(), defaults.piece_size, file_size)?,
            peers: peers.collect(),
        })
    }

    /// Returns the text of `Common.cfg`.
    pub fn common(&self) -> String {
        format!(
            "NumberOfPreferredNeighbors {}\nUnchokingInterval {}\nOptimisticUnchokingInterval {}\nFileName {}\n\
             FileSize {}\nPieceSize {}\n",
            self.preferred_count,
            self.unchoking_interval_secs,
            self.optimistic_interval_secs,
            self.file_name,
            self.layout.file_size(),
            self.layout.piece_size()
        )
    }

    /// Returns the text of `PeerInfo.cfg`.
    pub fn peer_info(&self) -> String {
        let mut text = String::new();
        for PlannedPeer { id, host, port, has_file, .. } in &self.peers {
            writeln!(text, "{id} {host} {port} {}", u8::from(*has_file)).expect("a String takes everything");
        }
        text
    }

    /// Leaves out the directories of all peers but these.
    pub fn only(&mut self, here: &BTreeSet<PeerId>) {
        for peer in &mut self.peers {
            peer.is_here = here.contains(&peer.id);
        }
    }

    /// Returns the peers whose directories are made here.
    pub fn own(&self) -> impl Iterator<Item = &PlannedPeer> {
        self.peers.iter().filter(|peer| peer.is_here)
    }

    /// Returns the peers that start with the file and whose directories are made here: at least one, unless [`Plan::only`] has
    /// left it out.
    pub fn seeders(&self) -> impl Iterator<Item = &PlannedPeer> {
        self.own().filter(|peer| peer.has_file)
    }

    /// Returns the first peer that the peers on other machines would look for on their own machine, if there is one.
    pub fn out_of_reach(&self) -> Option<&PlannedPeer> {
        let elsewhere = self.peers.iter().any(|peer| !is_loopback(&peer.host));
        self.peers.iter().find(|peer| elsewhere && is_loopback(&peer.host))
    }
}

/// Returns for each peer whether it starts with the file.
fn seeders(args: &InitArgs, default: &[usize], peer_count: usize) -> Result<Vec<bool>> {
    let Some(count) = args.seeders else {
        // The first is always among them.
        return Ok((0..peer_count).map(|place| default.contains(&place)).collect());
    };
    if count == 0 {
        return Err(Usage::error("--seeders '0' leaves no peer to start with the file, so no peer would ever have it"));
    }
    let seeder_count = count as usize;
    if seeder_count > peer_count {
        return Err(Usage::error(format!("--seeders '{count}' is more than the number of peers, {peer_count}")));
    }
    Ok((0..peer_count).map(|place| place < seeder_count).collect())
}

/// Returns the file's name, if a line of `Common.cfg` can carry it.
fn plain_name(given: &Given) -> Result<String> {
    let shown = given.name.to_string_lossy();
    given.name.to_str().filter(|name| names::is_plain(name)).map(ToOwned::to_owned).ok_or_else(|| {
        let shown = shown.escape_debug();
        Usage::error(format!(
            "--file: Common.cfg cannot carry the name '{shown}': it must be UTF-8 text without a backslash, a control \
             character, or a blank at either end"
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use clap::Parser;
    use peer_process::config::{parse_common, parse_peer_info};

    use super::*;
    use crate::cli::{Cli, Command};

    /// Makes the plan for a command line. The ports from 20000 on are free; `given` is the file of `--file`.
    fn plan(options: &str, given: Option<&Given>) -> Result<Plan> {
        let words = ["swarm", "init"].into_iter().chain(options.split_whitespace());
        let Command::Init(args) = Cli::try_parse_from(words).expect("a right command line").command else {
            panic!("it is init");
        };
        Plan::new(&args, given, &mut (20_000..32_000))
    }

    fn given(name: &[u8], size: u64) -> Given {
        Given { name: OsString::from_vec(name.to_vec()), size }
    }

    /// Checks `k p m FileName FileSize PieceSize`, and each peer's last column, as the files' own reader reads them.
    fn check(options: &str, given: Option<&Given>, common: &str, seeders: &str) {
        let plan = plan(options, given).unwrap_or_else(|error| panic!("{options}: {error:#}"));
        let read = parse_common(&plan.common()).expect("it is right");
        let got = format!(
            "{} {} {} {} {} {}",
            read.preferred_count,
            read.unchoking_interval_secs,
            read.optimistic_interval_secs,
            read.file_name,
            read.layout.file_size(),
            read.layout.piece_size()
        );
        let peers = parse_peer_info(&plan.peer_info()).expect("it is right");
        assert!(peers.iter().map(|peer| peer.id.number()).eq((1001..).take(peers.len())), "{options}");
        let marks: String = peers.iter().map(|peer| if peer.has_file { '1' } else { '0' }).collect();
        assert_eq!((got.as_str(), marks.as_str()), (common, seeders), "{options}");
        assert!(read.warnings.is_empty(), "{options}");
    }

    #[test]
    fn each_option_changes_one_thing() {
        check("", None, "3 1 2 file.dat 24000000 16384", "100000");
        check("--peers 1", None, "3 1 2 file.dat 24000000 16384", "1");
        check("--seeders 2", None, "3 1 2 file.dat 24000000 16384", "110000");
        check("--seeders 6", None, "3 1 2 file.dat 24000000 16384", "111111");
        check("-k 0 -p 7 -m 8", None, "0 7 8 file.dat 24000000 16384", "100000");
        check("--size 100MB", None, "3 1 2 file.dat 100000000 65536", "100000");
        check("--size 0", None, "3 1 2 file.dat 0 16384", "100000");
        check("--piece-size 64KiB", None, "3 1 2 file.dat 24000000 65536", "100000");
        check("--hosts a,b,c", None, "3 1 2 file.dat 24000000 16384", "100");
        check("--hosts a,b --peers 2", None, "3 1 2 file.dat 24000000 16384", "10");
        check("--file x", Some(&given(b"a film.mkv", 5_000_000_000)), "3 1 2 a film.mkv 5000000000 4194304", "100000");
    }

    #[test]
    fn presets_are_the_course_s_and_other_options_change_them() {
        check("--preset spec", None, "2 5 15 TheFile.dat 10000232 32768", "100000");
        check("--preset small", None, "3 5 10 thefile 2167705 16384", "100001000");
        check("--preset large", None, "3 5 10 tree.jpg 24301474 16384", "100000");
        check("--preset small --peers 5", None, "3 5 10 thefile 2167705 16384", "10000");
        check("--preset small --seeders 3", None, "3 5 10 thefile 2167705 16384", "111000000");
        check("--preset spec --hosts a,b -k 1", None, "1 5 15 TheFile.dat 10000232 32768", "10");
        check("--preset spec --size 100MB -m 3", None, "2 5 3 TheFile.dat 100000000 32768", "100000");
        check("--preset spec --piece-size auto", None, "2 5 15 TheFile.dat 10000232 16384", "100000");
        check("--preset large --file x", Some(&given(b"x", 7)), "3 5 10 x 7 16384", "100000");
    }

    #[test]
    fn what_cannot_be_followed_is_one_sentence_with_the_option_and_the_value() {
        for (options, sentence) in [
            ("--peers 3 --hosts a,b", "--peers is '3', but --hosts names 2, one for each peer"),
            ("--seeders 0", "--seeders '0' leaves no peer to start with the file, so no peer would ever have it"),
            ("--seeders 7", "--seeders '7' is more than the number of peers, 6"),
            ("--hosts a,b --seeders 3", "--seeders '3' is more than the number of peers, 2"),
            ("--piece-size 0", "--piece-size '0' is not a number of bytes from 1 to 4294967290"),
            ("--piece-size 4GiB", "--piece-size '4GiB' is not a number of bytes from 1 to 4294967290"),
            (
                "--size 5GB --piece-size 1",
                "--piece-size '1' cuts 5000000000 bytes into 5000000000 pieces, but an index of 4 bytes counts only \
                 4294967295",
            ),
            (
                "--size many",
                "--size 'many' is not a whole number with or without a unit, such as 24MB, 64KiB or 1000000",
            ),
            (
                "--piece-size Auto",
                "--piece-size 'Auto' is not a whole number with or without a unit, such as 24MB, 64KiB or 1000000",
            ),
            ("--size 9E", "--size '9E' is not a whole number with or without a unit, such as 24MB, 64KiB or 1000000"),
            ("--port 65531", "--port '65531' is too high for the peers on localhost: one would have port 65536"),
        ] {
            assert_eq!(plan(options, None).expect_err(options).to_string(), sentence);
        }
    }

    #[test]
    fn a_file_s_name_must_fit_into_its_line() {
        for name in [&b" x"[..], b"x ", b"x\ty", b"x\ny", b"x\ry", b"a\\b", b"\xff", "x\u{a0}".as_bytes()] {
            let error = plan("", Some(&given(name, 1))).expect_err("it cannot be carried");
            assert!(error.is::<Usage>() && error.to_string().starts_with("--file: Common.cfg cannot carry"), "{error}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
        for name in ["a b", "#x", "ü.mkv", "FileName"] {
            check("", Some(&given(name.as_bytes(), 1)), &format!("3 1 2 {name} 1 16384"), "100000");
        }
    }

    #[test]
    fn a_mixture_of_loopback_and_other_hosts_is_noticed() {
        for (hosts, found) in [
            ("localhost,127.0.0.2", None),
            ("lab1,lab2", None),
            ("lab1,localhost", Some(1002)),
            ("127.0.0.5,lab1,::1", Some(1001)),
        ] {
            let plan = plan(&format!("--hosts {hosts}"), None).expect(hosts);
            assert_eq!(plan.out_of_reach().map(|peer| peer.id.number()), found, "{hosts}");
        }
    }
}
