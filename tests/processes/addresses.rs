//! Hosts as `PeerInfo.cfg` may name them, the reports about hosts that do not answer, and ports that are taken for a while.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::thread;

use socket2::{Domain, Socket, Type};

use crate::client::{Client, full_bitfield, handshake, listen};
use crate::env::TestEnv;
use crate::left_out::{find_command, left_out};
use crate::swarm::{Plan, Swarm};

fn plan(count: u32) -> Plan {
    Plan { peers: (1..=count).map(|number| (1000 + number, number == 1)).collect(), ..Plan::default() }
}

/// Returns a swarm whose peers are at these hosts and ports.
fn at(places: &[(&str, u16)]) -> Swarm {
    let plan = plan(u32::try_from(places.len()).expect("few"));
    let mut peer_info = String::new();
    for ((host, port), (id, has_file)) in places.iter().zip(&plan.peers) {
        writeln!(peer_info, "{id} {host} {port} {}", u8::from(*has_file)).expect("memory");
    }
    Swarm::with_files(TestEnv::new(), plan.clone(), &plan.common(), &peer_info)
}

/// Returns a port on which no process listens, with neither IPv4 nor IPv6.
fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a socket").port();
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            _ => return port,
        }
    }
}

/// Reports whether the tests that need it can run. Fails where none may be left out.
fn has_ipv6() -> bool {
    let has_ipv6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    if !has_ipv6 {
        left_out("this machine has no IPv6 on loopback");
    }
    has_ipv6
}

#[test]
fn addresses_of_both_families_and_however_they_are_written() {
    if !has_ipv6() {
        return;
    }
    for hosts in [["[::1]", "::1"], ["localhost.", "LocalHost"], ["127.0.0.1", "[::1]"], ["localhost", "::1"]] {
        let ports = [free_port(), free_port()];
        at(&[(hosts[0], ports[0]), (hosts[1], ports[1])]).run();
    }
}

#[test]
fn a_wrong_answer_at_one_address_does_not_hide_the_neighbor_at_another() {
    if !has_ipv6() {
        return;
    }
    let port = free_port();
    let swarm = at(&[("localhost", port), ("localhost", free_port())]);
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port");
    thread::spawn(move || {
        // Another program, which greets each caller.
        other.incoming().map_while(Result::ok).for_each(|mut caller| _ = caller.write_all(b"220 hello\r\n"));
    });
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).expect("a free port");
    let leecher = swarm.start(1002);
    let mut client = Client::seed(&swarm, &listener, 1001, 1002);
    client.serve(&swarm, swarm.plan.piece_count() as usize);
    client.part();
    assert_eq!(leecher.wait().status, Some(0));
}

/// Seen: the next address was dialed only after the whole patience with the first one, which is longer than this timeout.
#[test]
fn who_accepts_and_says_nothing_at_one_address_does_not_keep_from_the_next_one() {
    if !has_ipv6() {
        return;
    }
    let port = free_port();
    let swarm = at(&[("localhost", port), ("localhost", free_port())]);
    // The system accepts the calls, and no process handles them.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port");
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).expect("a free port");
    let leecher = swarm.env.start(&["--peer-timeout", "9", "1002"]);
    let mut client = Client::seed(&swarm, &listener, 1001, 1002);
    client.serve(&swarm, swarm.plan.piece_count() as usize);
    client.part();
    assert_eq!(leecher.wait().status, Some(0));
    drop(silent);
}

#[test]
fn a_line_of_one_s_own_that_names_another_machine_is_told_and_the_peer_goes_on() {
    let swarm = at(&[("192.0.2.1", free_port())]);
    let ended = swarm.env.run(&["1001"]);
    let told = "peer 1001: [WARN] PeerInfo.cfg line 1 names 192.0.2.1, which is not an address of this machine; \
                listening on all addresses";
    assert!(ended.stderr.iter().any(|line| line == told), "{ended:#?}");
    assert_eq!(ended.status, Some(0));
}

#[test]
fn who_is_waited_for_is_told_with_the_reason() {
    let swarm = Swarm::new(plan(3));
    let peer = swarm.start_and_wait(1002);
    let (host, port) = swarm.address(1001);
    peer.wait_for_line(&format!(
        "waiting for 1001 ({host}:{port}: connection refused; not started yet, or another port?), 1003 (has not called us yet)"
    ));
    // The reason has changed, which is reported sooner than after thirty seconds.
    let listener = listen(&swarm, 1001);
    thread::spawn(move || {
        listener.incoming().map_while(Result::ok).for_each(|mut caller| _ = caller.write_all(&handshake(7)));
    });
    peer.wait_for_line(&format!("{host}:{port} answered with peer ID 7, expected 1001"));
    peer.wait_for_line(&format!("waiting for 1001 ({host}:{port} answers as peer 7), 1003 (has not called us yet)"));
}

#[test]
fn a_host_that_is_not_known_is_told() {
    // A name cannot have an empty part, so no name server is asked for it.
    let swarm = at(&[("no..host", 6001), ("127.0.0.1", free_port())]);
    let peer = swarm.start(1002);
    peer.wait_for_line("neighbor 1001: cannot find the host 'no..host'");
}

/// Seen: a resolver that cannot open a file reports that there is no such name.
#[test]
fn a_lack_of_descriptors_is_not_reported_as_an_unknown_host() {
    let swarm = at(&[("no..host", 6001), ("127.0.0.1", free_port())]);
    let peer = swarm.start(1002);
    peer.wait_for_line("neighbor 1001: cannot find the host 'no..host'");
    // Fewer than it has, so that it gets no more.
    let Some(mut limit) = find_command("prlimit") else { return };
    limit.args(["--pid", &peer.id().to_string(), "--nofile=3:3"]);
    assert!(limit.status().expect("there is prlimit").success(), "it is our process");
    peer.wait_for_line("neighbor 1001: cannot look up 'no..host': Too many open files");
}

/// The system gives up after minutes; the first sentence about missing peers comes after five seconds.
#[test]
fn one_that_does_not_answer_at_all_is_told_of_with_the_first_sentence() {
    let swarm = Swarm::new(plan(2));
    let (host, port) = swarm.address(1001);
    let full = full_listener((host, port).into());
    let peer = swarm.start(1002);
    let told = peer.wait_for_line("waiting for 1001 (");
    assert_eq!(
        told,
        format!("peer 1002: [WARN] waiting for 1001 ({host}:{port}: connection timed out; firewall?)"),
        "no sentence without the reason before"
    );
    drop(full);
}

/// A listener with the maximum number of waiting callers: the system answers no others, as with a firewall.
fn full_listener(address: SocketAddr) -> (Socket, Vec<Socket>) {
    let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let listener = socket();
    listener.bind(&address.into()).expect("a free port");
    listener.listen(0).expect("a socket");
    let callers = (0..8).map(|_| {
        let caller = socket();
        caller.set_nonblocking(true).expect("a socket");
        // It is on its way, or waits behind other callers.
        _ = caller.connect(&address.into());
        caller
    });
    let callers = callers.collect();
    (listener, callers)
}

/// Seen: 30 calls without a word.
#[test]
fn one_that_closes_each_connection_after_the_handshake_is_told_of() {
    let swarm = Swarm::new(plan(2));
    let listener = listen(&swarm, 1001);
    let peer = swarm.start(1002);
    thread::spawn(move || {
        listener.incoming().map_while(Result::ok).for_each(|mut caller| _ = caller.write_all(&handshake(1001)));
    });
    peer.wait_for_line(
        "neighbor 1001 accepts each connection and closes it right after the handshake, 5 times in a row: perhaps it does not \
         accept the ID 1002, or mistakes us for another peer",
    );
}

#[test]
fn one_that_calls_and_closes_each_connection_after_its_bitfield_is_told_of() {
    let swarm = Swarm::new(plan(2));
    let seeder = swarm.start_and_wait(1001);
    for _ in 0..5 {
        let mut client = Client::join(&swarm, 1001, 1002);
        client.say(crate::client::BITFIELD, &vec![0; swarm.plan.piece_count().div_ceil(8) as usize]);
        client.close_half();
        client.wait_for_end();
    }
    seeder.wait_for_line("neighbor 1002 calls and closes each connection right after the bitfield, 5 times in a row");
}

#[test]
fn one_that_is_kept_out_is_waited_for_with_that_reason() {
    let swarm = Swarm::new(plan(2));
    let listener = listen(&swarm, 1001);
    let peer = swarm.start(1002);
    thread::spawn(move || {
        listener.incoming().map_while(Result::ok).for_each(|mut caller| {
            // A `have` without an index.
            _ = caller.write_all(&[handshake(1001), vec![0, 0, 0, 1, 4]].concat());
        });
    });
    peer.wait_for_line("waiting for 1001 (is kept out for a while, because it broke the protocol)");
}

#[test]
fn a_port_that_becomes_free_in_time_is_taken() {
    let swarm = Swarm::new(plan(2));
    let former = listen(&swarm, 1001);
    let seeder = swarm.start(1001);
    seeder.wait_for_line("port 6001 is in use; retrying for a few seconds");
    drop(former);
    let seeder = seeder.wait_until_up();
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say_all_haves(&swarm);
    client.wait_for_end();
    drop(client);
    assert_eq!(seeder.wait().status, Some(0));
}

/// Seen: a silent impostor, or a neighbor that hangs, kept `--peer-timeout` from ever taking effect.
#[test]
fn a_connected_neighbor_that_does_nothing_though_something_is_due_is_given_up_by_the_peer_timeout() {
    let swarm = Swarm::new(plan(2));
    let listener = listen(&swarm, 1001);
    let leecher = swarm.env.start(&["--peer-timeout", "1", "1002"]);
    let mut silent = Client::accept(&listener);
    silent.send(&handshake(1001));
    silent.say(crate::client::BITFIELD, &full_bitfield(swarm.plan.piece_count()));
    let ended = leecher.wait();
    ended.assert_one_sentence(
        3,
        &["no message from 1001 for 1 s (--peer-timeout): 1001 (is connected, but sends and receives nothing)"],
    );
    drop(silent);
}
