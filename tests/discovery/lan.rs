//! Peers on this machine find each other by loopback, which is the only interface at which they listen.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use peer_process::discovery::identity::InfoHash;
use peer_process::discovery::{Host, lan};

use crate::host::{Played, Running, me, own_swarm};

/// Starts a peer on the local network.
fn start(played: &Arc<Played>, swarm: InfoHash, id: u32) -> Running {
    let host: Arc<dyn Host> = Arc::<Played>::clone(played);
    let me = me(swarm, id);
    Running::start(move |bell| lan::run(me, &host, bell, id.into()).expect("sockets"))
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[test]
fn two_peers_find_each_other_and_not_themselves() {
    let swarm = own_swarm();
    let [first, second] = [6001, 6002].map(|port| Played::new(&[&format!("127.0.0.1:{port}")]));
    let one = start(&first, swarm, 1);
    // The first has spoken before the second listens, so the second hears of it by an answer only.
    let sentence = first.wait_for_words("announces itself");
    assert_eq!(sentence, "this peer announces itself on the local network by lo (127.0.0.1)");
    let other = start(&second, swarm, 2);
    first.wait_for_peer(address(6002));
    second.wait_for_peer(address(6001));
    one.stop();
    other.stop();
    assert!(first.found().iter().all(|found| *found == address(6002)), "{:?}", first.found());
    assert!(second.found().iter().all(|found| *found == address(6001)), "{:?}", second.found());
}

#[test]
fn a_third_peer_finds_both_and_is_found_by_both() {
    let swarm = own_swarm();
    let played = [6001, 6002, 6003].map(|port| Played::new(&[&format!("127.0.0.1:{port}")]));
    let mut running = Vec::new();
    for (number, played) in (1..).zip(&played) {
        running.push(start(played, swarm, number));
        played.wait_for_words("announces itself");
    }
    for (own, played) in (6001..).zip(&played) {
        (6001..=6003).filter(|port| *port != own).for_each(|port| played.wait_for_peer(address(port)));
    }
}

#[test]
fn peers_of_another_swarm_are_not_found_and_people_are_told_what_may_differ() {
    let [first, second] = [6001, 6002].map(|port| Played::new(&[&format!("127.0.0.1:{port}")]));
    let one = start(&first, own_swarm(), 1);
    first.wait_for_words("announces itself");
    let other = start(&second, own_swarm(), 2);
    let sentence = first.wait_for_words("nobody of this swarm was heard");
    assert!(sentence.contains("of other swarms"), "{sentence}");
    one.stop();
    other.stop();
    assert_eq!((first.found(), second.found()), (vec![], vec![]));
}

#[test]
fn a_stop_ends_it_while_it_waits() {
    let played = Played::new(&["127.0.0.1:6001"]);
    let running = start(&played, own_swarm(), 1);
    played.wait_for_words("announces itself");
    running.stop();
}

#[test]
fn a_peer_that_listens_nowhere_says_so_and_lives() {
    let played = Played::new(&[]);
    let running = start(&played, own_swarm(), 1);
    played.wait_for_words("finds no interface");
    running.stop();
}

/// Garbage, a hash of the wrong length and a message without a port do no harm; then a message as others write it is heard.
#[test]
fn messages_of_other_programs_are_understood_and_garbage_is_ignored() {
    let swarm = own_swarm();
    let played = Played::new(&["127.0.0.1:6001"]);
    let running = start(&played, swarm, 1);
    played.wait_for_words("announces itself");
    let socket = UdpSocket::bind(address(0)).expect("a socket");
    socket2::SockRef::from(&socket).set_multicast_if_v4(&[127, 0, 0, 1].into()).expect("loopback");
    let head = "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\n";
    let many = format!("Infohash: {}\r\n", own_swarm()).repeat(20);
    for text in [
        "\u{0}\u{1}garbage",
        &format!("{head}Port: 7000\r\nInfohash: 12\r\n\r\n\r\n"),
        &format!("{head}Infohash: {swarm}\r\n\r\n\r\n"),
        &format!("{head}Port: 0\r\nInfohash: {swarm}\r\n\r\n\r\n"),
        &format!("{head}Port: 7001\r\n{many}Infohash: {}\r\n\r\n\r\n", swarm.to_string().to_uppercase()),
    ] {
        socket.send_to(text.as_bytes(), "239.192.152.143:6771").expect("it is sent");
    }
    played.wait_for_peer(address(7001));
    // It was answered, to it alone.
    let mut answer = [0; 2000];
    let (len, _) = socket.recv_from(&mut answer).expect("an answer");
    let answer = str::from_utf8(&answer[..len]).expect("text");
    assert!(answer.contains("Port: 6001\r\n") && answer.contains(&swarm.to_string()), "{answer}");
    running.stop();
    assert_eq!(played.found(), [address(7001)]);
}
