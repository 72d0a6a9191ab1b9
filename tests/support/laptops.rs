//! `Laptops`: machines of a test's own, each with a directory and a card in one local network, and no ssh between them.
//!
//! They need root, `ip` and `nft`. A test crate that has this file has `support` too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::left_out::{find, left_out};
use crate::support::network::Network;
use crate::support::process::Process;

const SWARM: &str = env!("CARGO_BIN_EXE_swarm");
const PEER_PROCESS: &str = env!("CARGO_BIN_EXE_peer_process");
/// Where `ip netns exec` finds files that a namespace has instead of those in `/etc`.
const OWN_ETC: &str = "/etc/netns";

/// Laptops 1, 2, ... Others see them at [`Laptops::address`]. They go away with it.
pub struct Laptops {
    network: Network,
    dirs: TempDir,
    nft: PathBuf,
    count: u8,
    /// Those behind a router of their own.
    behind: Vec<u8>,
}

impl Laptops {
    /// This many laptops in one network; each name once in a process.
    ///
    /// `None` if this machine does not allow it, which is told.
    #[track_caller]
    pub fn new(name: &str, count: u8) -> Option<Self> {
        Self::with_routers(name, count, &[])
    }

    /// The same, but these are behind a router with network address translation, as at home. Others see the router's address and
    /// reach nothing behind it; the laptop itself has [`Laptops::inner_address`].
    #[track_caller]
    pub fn with_routers(name: &str, count: u8, behind: &[u8]) -> Option<Self> {
        let nft = find("nft")?;
        let network = Network::new(name, count)?;
        let dirs = TempDir::new().expect("a directory");
        for number in 1..=count {
            fs::create_dir(dirs.path().join(number.to_string())).expect("a directory");
        }
        let mut laptops = Self { network, dirs, nft, count, behind: Vec::new() };
        let made = behind.iter().all(|number| laptops.add_router(*number)) && laptops.filter(1, "add table inet wall");
        if !made {
            left_out("this machine makes no network namespaces with filters");
        }
        made.then_some(laptops)
    }

    /// The address by which others see a laptop, such as `10.77.0.1`.
    pub fn address(number: u8) -> String {
        Network::address(number).to_string()
    }

    /// The only address of a laptop that is behind a router, such as `192.168.77.2`.
    pub fn inner_address(number: u8) -> String {
        format!("192.168.77.{number}")
    }

    /// The directory of a laptop, in which its commands run.
    pub fn dir(&self, number: u8) -> PathBuf {
        self.dirs.path().join(number.to_string())
    }

    /// The path of a file or directory of a laptop.
    pub fn path(&self, number: u8, name: &str) -> PathBuf {
        self.dir(number).join(name)
    }

    /// Writes a file of a laptop, and makes the directories on the way to it.
    pub fn write(&self, number: u8, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(number, name);
        fs::create_dir_all(path.parent().expect("it is in the laptop's directory")).expect("a directory");
        fs::write(path, bytes).expect("a file");
    }

    /// Reads a text file of a laptop.
    pub fn read(&self, number: u8, name: &str) -> String {
        fs::read_to_string(self.path(number, name)).unwrap_or_else(|error| panic!("{number}: {name}: {error}"))
    }

    /// A command on a laptop, in its directory.
    pub fn run(&self, number: u8, program: impl AsRef<Path>) -> Command {
        let mut command = self.bare(number, program);
        command.current_dir(self.dir(number));
        command
    }

    /// Starts `swarm` on a laptop by a line of words. Its stdout and stderr are read together.
    pub fn swarm(&self, number: u8, line: &str) -> Process {
        self.talk(number, SWARM, line)
    }

    /// Starts `peer_process` on a laptop by a line of words.
    pub fn peer(&self, number: u8, line: &str) -> Process {
        self.talk(number, PEER_PROCESS, line)
    }

    fn talk(&self, number: u8, program: &str, line: &str) -> Process {
        let mut command = self.run(number, program);
        command.args(line.split_whitespace());
        Process::spawn_talking(command)
    }

    /// Lets a laptop know hosts by name: the lines of its `/etc/hosts`, beside the one of localhost.
    pub fn know(&self, number: u8, lines: &str) {
        let etc = self.etc(number);
        fs::create_dir_all(&etc).expect("a directory");
        fs::write(etc.join("hosts"), format!("127.0.0.1 localhost\n::1 localhost\n{lines}\n")).expect("a file");
    }

    /// Makes a laptop's firewall drop, without a word, what comes to this TCP port from outside.
    pub fn block(&self, number: u8, port: u16) {
        self.add_rule(number, &format!("tcp dport {port}"));
    }

    /// Makes a laptop's firewall drop, without a word, all connections that come from outside. It may still dial.
    pub fn block_all(&self, number: u8) {
        self.add_rule(number, "ct state new meta l4proto tcp");
    }

    /// Makes a laptop's firewall let everything in again.
    pub fn unblock(&self, number: u8) {
        assert!(self.filter(number, "delete table inet wall"), "laptop {number} has a rule");
    }

    fn add_rule(&self, number: u8, what: &str) {
        let rules = format!(
            "add table inet wall
            add chain inet wall from {{ type filter hook input priority 0; policy accept; }}
            add rule inet wall from iifname != lo {what} drop"
        );
        assert!(self.filter(number, &rules), "the rules are right");
    }

    /// Keeps these laptops apart, as guest networks do: they reach the others but not each other.
    pub fn isolate(&self, numbers: &[u8]) {
        for number in numbers {
            let line = format!("-n {} link set port{number} type bridge_slave isolated on", self.network.namespace(0));
            assert!(self.network.ip(&line), "laptop {number} is plugged in");
        }
    }

    /// Takes a laptop off the network for good, without a word to the others.
    pub fn unplug(&self, number: u8) {
        self.network.unplug(number);
    }

    /// Puts a laptop behind host `number` of the network, which becomes its router.
    fn add_router(&mut self, number: u8) -> bool {
        let (router, laptop) = (self.network.namespace(number), self.inner(number));
        self.behind.push(number);
        let ip = |line: String| self.network.ip(&line);
        let masquerade = "add table ip router
            add chain ip router out { type nat hook postrouting priority 100; }
            add rule ip router out oifname eth0 masquerade";
        let forwarding = ["-ec", "echo 1 >/proc/sys/net/ipv4/ip_forward"];
        ip(format!("netns add {laptop}"))
            && ip(format!("-n {laptop} link set lo up"))
            && ip(format!("-n {router} link add inside type veth peer name eth0 netns {laptop}"))
            && ip(format!("-n {router} addr add 192.168.77.254/24 dev inside"))
            && ip(format!("-n {router} link set inside up"))
            && ip(format!("-n {laptop} addr add {}/24 dev eth0", Self::inner_address(number)))
            && ip(format!("-n {laptop} link set eth0 up"))
            && ip(format!("-n {laptop} route add default via 192.168.77.254"))
            && succeeds(self.network.run(number, "sh").args(forwarding))
            && succeeds(self.network.run(number, &self.nft).arg(masquerade))
    }

    /// Gives commands to the filters of a laptop.
    fn filter(&self, number: u8, commands: &str) -> bool {
        succeeds(self.bare(number, &self.nft).arg(commands))
    }

    fn bare(&self, number: u8, program: impl AsRef<Path>) -> Command {
        assert!((1..=self.count).contains(&number), "there is a laptop {number}");
        if !self.behind.contains(&number) {
            return self.network.run(number, program);
        }
        self.network.run_in(&self.inner(number), program)
    }

    /// The name of the namespace of a laptop that is behind a router.
    fn inner(&self, number: u8) -> String {
        format!("{}-inner", self.network.namespace(number))
    }

    fn etc(&self, number: u8) -> PathBuf {
        let is_behind = self.behind.contains(&number);
        Path::new(OWN_ETC).join(if is_behind { self.inner(number) } else { self.network.namespace(number) })
    }
}

impl Drop for Laptops {
    fn drop(&mut self) {
        for number in 1..=self.count {
            // Most laptops have none.
            _ = fs::remove_dir_all(self.etc(number));
        }
        for number in &self.behind {
            self.network.ip(&format!("netns delete {}", self.inner(*number)));
        }
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
