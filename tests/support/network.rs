//! `Network`: hosts of a test's own, which are network namespaces that a bridge joins. It needs root and `ip`.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::left_out::{find, left_out};

/// Hosts 1, 2, ... with the addresses `10.77.0.<n>` and `fd00:77::<n>`, and a switch between them. They go away with it.
pub struct Network {
    name: String,
    ip: PathBuf,
    hosts: u8,
}

/// A host that a thread can enter: its later sockets belong there.
pub struct Place(File);

impl Place {
    /// Moves this thread there.
    pub fn enter(&self) {
        move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network)).expect("the namespace is ours");
    }
}

impl Network {
    /// One with this many hosts; each name once in a process.
    ///
    /// `None` if this machine does not allow it, which is told.
    #[track_caller]
    pub fn new(name: &str, hosts: u8) -> Option<Self> {
        let network = Self { name: format!("net-{name}-{}", std::process::id()), ip: find("ip")?, hosts };
        let made = network.make();
        if !made {
            left_out("this machine makes no network namespaces with a bridge");
        }
        made.then_some(network)
    }

    fn make(&self) -> bool {
        let switch = self.namespace(0);
        let mut made = self.ip(&format!("netns add {switch}"))
            && self.ip(&format!("-n {switch} link add bridge type bridge mcast_snooping 0"))
            && self.ip(&format!("-n {switch} link set bridge up"));
        for number in 1..=self.hosts {
            made = made && self.add(number);
        }
        made
    }

    /// Makes a host and plugs it in.
    fn add(&self, number: u8) -> bool {
        let (switch, host) = (self.namespace(0), self.namespace(number));
        self.ip(&format!("netns add {host}"))
            && self.ip(&format!("-n {host} link set lo up"))
            && self.ip(&format!("-n {switch} link add port{number} type veth peer name eth0 netns {host}"))
            && self.ip(&format!("-n {switch} link set port{number} master bridge up"))
            && self.ip(&format!("-n {host} addr add 10.77.0.{number}/24 dev eth0"))
            && self.ip(&format!("-n {host} addr add fd00:77::{number}/64 dev eth0 nodad"))
            && self.ip(&format!("-n {host} link set eth0 up"))
            && self.has_carrier(&host)
    }

    /// Waits until the system knows that the card of a host is plugged in, which it learns later.
    fn has_carrier(&self, host: &str) -> bool {
        let deadline = Instant::now() + Duration::from_secs(120);
        let is_up = || {
            let output = Command::new(&self.ip).args(["-n", host, "link", "show", "eth0"]).output();
            output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("state UP"))
        };
        while !is_up() {
            if Instant::now() > deadline {
                return false;
            }
            thread::yield_now();
        }
        true
    }

    /// Adds a host; returns its number.
    pub fn add_host(&mut self) -> u8 {
        self.hosts += 1;
        assert!(self.add(self.hosts), "another host");
        self.hosts
    }

    /// Takes a host off the network for good, without a word to the others.
    pub fn unplug(&self, number: u8) {
        assert!(self.ip(&format!("-n {} link delete port{number}", self.namespace(0))), "host {number} is there");
    }

    /// Sets the network card of a host `up` or `down`.
    pub fn set_card(&self, number: u8, state: &str) {
        assert!(self.ip(&format!("-n {} link set eth0 {state}", self.namespace(number))), "the card goes {state}");
    }

    /// The IPv4 address of a host.
    pub fn address(number: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, number)
    }

    /// A host, for a thread of the test.
    pub fn place(&self, number: u8) -> Place {
        Place(File::open(format!("/run/netns/{}", self.namespace(number))).expect("the namespace"))
    }

    /// Does something on a host; sockets that it opens belong there.
    pub fn within<T: Send>(&self, number: u8, act: impl FnOnce() -> T + Send) -> T {
        let place = self.place(number);
        let act = move || {
            place.enter();
            act()
        };
        thread::scope(|scope| scope.spawn(act).join().expect("no panic"))
    }

    /// A command on a host.
    pub fn run(&self, number: u8, program: impl AsRef<Path>) -> Command {
        self.run_in(&self.namespace(number), program)
    }

    /// A command in a namespace of this name.
    pub fn run_in(&self, namespace: &str, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(&self.ip);
        command.args(["netns", "exec", namespace]).arg(program.as_ref());
        command
    }

    /// The name of the namespace of a host; 0 is the switch.
    pub fn namespace(&self, number: u8) -> String {
        format!("{}-{number}", self.name)
    }

    /// Runs `ip` with these words; reports whether it has done what they say.
    pub fn ip(&self, arguments: &str) -> bool {
        let mut command = Command::new(&self.ip);
        command.args(arguments.split(' ')).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for number in 0..=self.hosts {
            self.ip(&format!("netns delete {}", self.namespace(number)));
        }
    }
}
