//! The relay that the tests with several hosts use: its rates and delays are roughly right, and a cut loses nothing.

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use support::address::fresh_address;
use support::relay::Network;

const MS: Duration = Duration::from_millis(1);
/// Longer than anything here takes; a machine may be busy.
const AGES: Duration = Duration::from_secs(30);

/// A connection from one host to another: the dialer's end, and the other.
fn connect(network: &Network, listener: &TcpListener, from: usize, to: usize) -> (TcpStream, TcpStream) {
    let dialer = TcpStream::connect(network.relay(from, to)).expect("the relay listens");
    let (target, _) = listener.accept().expect("the relay dials");
    for stream in [&dialer, &target] {
        stream.set_read_timeout(Some(AGES)).expect("a TCP socket");
        stream.set_nodelay(true).expect("a TCP socket");
    }
    (dialer, target)
}

fn listen(network: &Network, host: usize) -> TcpListener {
    TcpListener::bind(network.address(host)).expect("an address of this test alone")
}

/// Bytes that would all be in the wrong place if one were missing.
fn pattern(len: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_be_bytes).take(len).collect()
}

fn send(mut stream: TcpStream, len: usize) -> thread::JoinHandle<TcpStream> {
    thread::spawn(move || {
        stream.write_all(&pattern(len)).expect("it is read");
        stream
    })
}

#[test]
fn each_call_returns_another_address_for_more_than_254_tests_too() {
    let addresses: BTreeSet<_> = (0..400).map(|_| fresh_address()).collect();
    assert_eq!(addresses.len(), 400);
    assert!(addresses.iter().all(|address| TcpListener::bind((*address, 0)).is_ok()), "{addresses:?}");
}

fn receive(stream: &mut TcpStream, len: usize) {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).expect("all of it");
    assert!(bytes == pattern(len), "bytes were lost or changed");
}

/// Sends the same amount over each path at the same time, and measures how long that takes.
fn transfer(network: &Network, paths: &[(usize, usize)], len: usize) -> Duration {
    let listeners: Vec<_> = (0..3).map(|host| listen(network, host)).collect();
    let connections: Vec<_> = paths.iter().map(|&(from, to)| connect(network, &listeners[to], from, to)).collect();
    let started = Instant::now();
    thread::scope(|scope| {
        for (dialer, mut target) in connections {
            scope.spawn(move || {
                let sender = send(dialer, len);
                receive(&mut target, len);
                sender.join().expect("no panic");
            });
        }
    });
    started.elapsed()
}

/// Sends 4 MB at 10 MB/s in all, or over each path: never in less time, and not in much more.
///
/// A very busy machine gets a second chance, because the relay is what is measured.
fn check_rate(paths: &[(usize, usize)], len: usize) {
    let mut times = Vec::new();
    while times.len() < 5 && times.last().is_none_or(|&took| took > 800 * MS) {
        let network = Network::new(3, 10_000_000, 5 * MS);
        let took = transfer(&network, paths, len);
        assert!(took > 350 * MS, "over {paths:?} in {took:?}");
        times.push(took);
    }
    assert!(times.iter().min() < Some(&(8000 * MS)), "over {paths:?} in {times:?}");
}

#[test]
fn a_host_sends_and_receives_no_faster_than_its_rate_over_all_its_connections() {
    check_rate(&[(0, 1)], 4_000_000);
    check_rate(&[(0, 1), (0, 2)], 2_000_000);
    check_rate(&[(0, 1), (2, 1)], 2_000_000);
}

#[test]
fn directions_and_hosts_do_not_share_a_rate() {
    check_rate(&[(0, 1), (1, 2), (2, 0)], 4_000_000);
}

#[test]
fn a_question_and_its_answer_take_two_delays() {
    let network = Network::new(2, 12_500_000, 10 * MS);
    let listener = listen(&network, 1);
    let (mut dialer, mut target) = connect(&network, &listener, 0, 1);
    let round_trip = |_| {
        let started = Instant::now();
        let mut byte = [0];
        dialer.write_all(b"?").expect("it is connected");
        target.read_exact(&mut byte).expect("it comes");
        target.write_all(b"!").expect("it is connected");
        dialer.read_exact(&mut byte).expect("it comes");
        started.elapsed()
    };
    let trips: Vec<_> = (0..30).map(round_trip).collect();
    let shortest = trips.iter().min().expect("there are some");
    assert!((20 * MS..40 * MS).contains(shortest), "{trips:?}");
}

/// Asserts that nothing comes for a while, then lets it come.
fn check_held_back(network: &Network, close: impl Fn(&Network), open: impl Fn(&Network)) {
    const LEN: usize = 8_000_000;
    let listener = listen(network, 1);
    let (dialer, mut target) = connect(network, &listener, 0, 1);
    let sender = send(dialer, LEN);
    let mut bytes = vec![0; LEN];
    target.read_exact(&mut bytes[..1_000_000]).expect("the beginning");
    close(network);
    let mut late = TcpStream::connect(network.relay(0, 1)).expect("connections are accepted");
    late.write_all(b"hello").expect("the system takes it");
    // Bytes already in the socket's buffer may still be read; then nothing comes.
    let mut filled = 1_000_000;
    target.set_read_timeout(Some(200 * MS)).expect("a TCP socket");
    loop {
        match target.read(&mut bytes[filled..]) {
            Ok(count) => filled += count,
            Err(error) => break assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        assert!(filled < LEN, "everything passed");
    }
    listener.set_nonblocking(true).expect("a listening socket");
    assert_eq!(listener.accept().expect_err("nobody gets through").kind(), ErrorKind::WouldBlock);
    listener.set_nonblocking(false).expect("a listening socket");
    open(network);
    target.set_read_timeout(Some(AGES)).expect("a TCP socket");
    target.read_exact(&mut bytes[filled..]).expect("the rest");
    assert!(bytes == pattern(LEN), "bytes were lost or changed");
    drop(sender.join().expect("no panic"));
    assert_eq!(target.read(&mut [0]).expect("the end passes too"), 0);
    let (mut late_target, _) = listener.accept().expect("it was held back");
    late_target.read_exact(&mut bytes[..5]).expect("so was this");
    assert_eq!(&bytes[..5], b"hello");
}

#[test]
fn a_cut_holds_everything_back_and_loses_nothing() {
    let network = Network::new(2, 20_000_000, 2 * MS);
    check_held_back(&network, |network| network.cut(1, 0), |network| network.heal(0, 1));
}

#[test]
fn a_frozen_host_is_cut_from_all() {
    let network = Network::new(2, 20_000_000, 2 * MS);
    check_held_back(&network, |network| network.freeze(0), |network| network.thaw(0));
    check_held_back(&network, |network| network.freeze(1), |network| network.thaw(1));
}

#[test]
fn a_sender_feels_a_receiver_that_does_not_read() {
    let network = Network::new(2, 1_000_000_000, Duration::ZERO);
    let listener = listen(&network, 1);
    let (mut dialer, _target) = connect(&network, &listener, 0, 1);
    dialer.set_write_timeout(Some(500 * MS)).expect("a TCP socket");
    let chunk = vec![0; 1 << 20];
    let taken = (0..).take_while(|_| dialer.write_all(&chunk).is_ok()).take(200).count();
    assert!(taken < 100, "{taken} MiB were taken");
}

#[test]
fn who_dials_where_nobody_listens_is_closed_and_a_reset_passes_as_an_end() {
    let network = Network::new(2, 1_000_000, MS);
    let mut dialer = TcpStream::connect(network.relay(0, 1)).expect("the relay listens");
    assert_eq!(dialer.read(&mut [0]).expect("closed"), 0);
    let listener = listen(&network, 1);
    let (mut dialer, target) = connect(&network, &listener, 0, 1);
    dialer.write_all(b"never read").expect("it is connected");
    assert_eq!(target.peek(&mut [0]).expect("it comes"), 1);
    // Unread bytes make the system send a reset.
    drop(target);
    assert_eq!(dialer.read(&mut [0]).expect("closed"), 0);
}
