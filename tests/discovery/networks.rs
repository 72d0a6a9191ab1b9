//! Peers on hosts of their own: network namespaces that a bridge joins, which the test makes itself.

use std::fs::File;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use peer_process::discovery::identity::InfoHash;
use peer_process::discovery::{Host, lan};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::host::{Played, Running, me, own_swarm};
use crate::left_out::{find, left_out};

/// Hosts 1, 2, ... with the addresses `10.77.0.<n>` and `fd00:77::<n>`, and a switch between them. They go away with it.
struct Network {
    name: String,
    ip: PathBuf,
    hosts: u8,
}

impl Network {
    /// One with this many hosts; `None` if this machine does not allow it, which is told.
    fn new(name: &str, hosts: u8) -> Option<Self> {
        let network = Self { name: format!("disc-{name}-{}", std::process::id()), ip: find("ip")?, hosts };
        let made = network.make();
        if !made {
            left_out("this machine makes no network namespaces with a bridge");
        }
        made.then_some(network)
    }

    fn make(&self) -> bool {
        let switch = self.host(0);
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
        let (switch, host) = (self.host(0), self.host(number));
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

    /// The name of the namespace of a host; 0 is the switch.
    fn host(&self, number: u8) -> String {
        format!("{}-{number}", self.name)
    }

    fn ip(&self, arguments: &str) -> bool {
        let mut command = Command::new(&self.ip);
        command.args(arguments.split(' ')).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// Starts a peer on a host; its sockets belong to the namespace of the thread that opens them.
    fn start(&self, number: u8, played: &Arc<Played>, swarm: InfoHash) -> Running {
        self.start_beside(number, played, swarm, || {})
    }

    /// The same beside something that this makes on that host before, and that lives as long.
    fn start_beside<T>(
        &self,
        number: u8,
        played: &Arc<Played>,
        swarm: InfoHash,
        make: impl FnOnce() -> T + Send + 'static,
    ) -> Running {
        let namespace = File::open(format!("/run/netns/{}", self.host(number))).expect("the namespace");
        let host: Arc<dyn Host> = Arc::<Played>::clone(played);
        let me = me(swarm, number.into());
        Running::start(move |bell| {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("the namespace is ours");
            let beside = make();
            lan::run(me, &host, bell, number.into()).expect("sockets");
            drop(beside);
        })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for number in 0..=self.hosts {
            self.ip(&format!("netns delete {}", self.host(number)));
        }
    }
}

fn v4(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 77, 0, number], 6001))
}

fn v6(number: u8) -> SocketAddr {
    SocketAddr::from(([0xfd00, 0x77, 0, 0, 0, 0, 0, number.into()], 6001))
}

#[test]
fn three_hosts_find_each_other_over_both_families() {
    let Some(network) = Network::new("three", 3) else { return };
    let swarm = own_swarm();
    let played = [1, 2, 3].map(|_| Played::new(&["0.0.0.0:6001", "[::]:6001"]));
    let mut running = Vec::new();
    for (number, played) in (1..).zip(&played) {
        running.push(network.start(number, played, swarm));
        let told = played.wait_for_words("announces itself");
        let eth0 = format!("eth0 (10.77.0.{number}, fd00:77::{number})");
        assert!(told.contains(&eth0) && told.contains("lo (127.0.0.1"), "{told}");
    }
    for (own, played) in (1..).zip(&played) {
        for other in (1..=3).filter(|other| *other != own) {
            played.wait_for_peer(v4(other));
            played.wait_for_peer(v6(other));
        }
    }
    drop(running);
    for (own, played) in (1..).zip(&played) {
        assert!(!played.found().contains(&v4(own)) && !played.found().contains(&v6(own)), "{:?}", played.found());
    }
}

#[test]
fn a_host_that_comes_later_is_found_and_so_is_a_network_card() {
    let Some(mut network) = Network::new("later", 1) else { return };
    let swarm = own_swarm();
    let [first, second] = [1, 2].map(|_| Played::new(&["0.0.0.0:6001"]));
    let one = network.start(1, &first, swarm);
    first.wait_for_words("announces itself");
    network.hosts = 2;
    assert!(network.add(2), "a second host");
    assert!(network.ip(&format!("-n {} link set eth0 down", network.host(2))), "the card goes down");
    let other = network.start(2, &second, swarm);
    let told = second.wait_for_words("announces itself");
    assert!(!told.contains("eth0"), "{told}");
    assert!(network.ip(&format!("-n {} link set eth0 up", network.host(2))), "the card comes up");
    second.wait_for_words("eth0 (10.77.0.2)");
    first.wait_for_peer(v4(2));
    second.wait_for_peer(v4(1));
    one.stop();
    other.stop();
}

#[test]
fn a_program_that_keeps_the_port_to_itself_is_told() {
    let Some(network) = Network::new("taken", 1) else { return };
    let played = Played::new(&["0.0.0.0:6001"]);
    let keep = || UdpSocket::bind(("0.0.0.0", 6771)).expect("the port is free on this host");
    let running = network.start_beside(1, &played, own_swarm(), keep);
    played.wait_for_words("another program keeps UDP port 6771 of IPv4 to itself");
    played.wait_for_words("this machine does not hear itself either");
    running.stop();
}

#[test]
fn a_peer_that_is_alone_is_told_what_may_be_in_the_way() {
    let Some(network) = Network::new("alone", 1) else { return };
    let played = Played::new(&["0.0.0.0:6001", "[::]:6001"]);
    let running = network.start(1, &played, own_swarm());
    let sentence = played.wait_for_words("nobody of this swarm was heard on the local network for 10 s");
    running.stop();
    assert!(sentence.contains("perhaps nobody else has started"), "{sentence}");
    assert_eq!(played.said().len(), 2, "{:?}", played.said());
}
