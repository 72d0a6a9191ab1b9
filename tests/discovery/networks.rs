//! Peers on hosts of their own: network namespaces that a bridge joins, which the test makes itself.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use peer_process::discovery::identity::InfoHash;
use peer_process::discovery::{Host, lan};

use crate::host::{Played, Running, me, own_swarm};
use crate::network::Network;

/// Starts a peer on a host.
fn start(network: &Network, number: u8, played: &Arc<Played>, swarm: InfoHash) -> Running {
    start_beside(network, number, played, swarm, || {})
}

/// The same beside something that this makes on that host before, and that lives as long.
fn start_beside<T>(
    network: &Network,
    number: u8,
    played: &Arc<Played>,
    swarm: InfoHash,
    make: impl FnOnce() -> T + Send + 'static,
) -> Running {
    let place = network.place(number);
    let host: Arc<dyn Host> = Arc::<Played>::clone(played);
    let me = me(swarm, number.into());
    Running::start(move |bell| {
        place.enter();
        let beside = make();
        lan::run(me, &host, bell, number.into()).expect("sockets");
        drop(beside);
    })
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
        running.push(start(&network, number, played, swarm));
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
    let one = start(&network, 1, &first, swarm);
    first.wait_for_words("announces itself");
    network.add_host();
    network.set_card(2, "down");
    let other = start(&network, 2, &second, swarm);
    let told = second.wait_for_words("announces itself");
    assert!(!told.contains("eth0"), "{told}");
    network.set_card(2, "up");
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
    let running = start_beside(&network, 1, &played, own_swarm(), keep);
    played.wait_for_words("another program keeps UDP port 6771 of IPv4 to itself");
    played.wait_for_words("this machine does not hear itself either");
    running.stop();
}

#[test]
fn a_peer_that_is_alone_is_told_what_may_be_in_the_way() {
    let Some(network) = Network::new("alone", 1) else { return };
    let played = Played::new(&["0.0.0.0:6001", "[::]:6001"]);
    let running = start(&network, 1, &played, own_swarm());
    let sentence = played.wait_for_words("nobody of this swarm was heard on the local network for 10 s");
    running.stop();
    assert!(sentence.contains("perhaps nobody else has started"), "{sentence}");
    assert_eq!(played.said().len(), 2, "{:?}", played.said());
}
