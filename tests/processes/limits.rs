//! `--upload-limit`, `--download-limit` and the same per neighbor, over real sockets.
//!
//! `scripts/bench.sh limits` measures how well a rate is reached. These tests check what holds on a machine that is as busy
//! as can be. No more arrives than the limit allows, and only pieces ever wait for it. Limits that would take minutes tell
//! the two apart without a clock.

use std::time::{Duration, Instant};

use crate::client::{CHOKE, Client, HAVE, INTERESTED, NOT_INTERESTED, PIECE, REQUEST, UNCHOKE, index, listen};
use crate::env::Running;
use crate::swarm::{Plan, Swarm};

/// Rate that was not used for this long may be used at once later.
const BURST: f64 = 0.2;
/// Number of bytes of a piece that are sent in one go.
const PACE: f64 = 0.02;

/// The messages with which a client gets pieces after its handshake.
fn get_unchoked(client: &mut Client) {
    client.say(INTERESTED, &[]);
    assert_eq!(client.hear(), Some((UNCHOKE, vec![])));
}

fn start_limited(swarm: &Swarm, id: u32, limits: &[&str]) -> Running {
    swarm.env.start(&[limits, &[&id.to_string()]].concat()).wait_until_up()
}

/// Requests pieces one after another for a while; at no moment may more bytes have arrived than the rate allows by then.
fn receives_no_more_than(rate: f64, client: &mut Client, swarm: &Swarm, begin: Instant, most: Duration) -> usize {
    let mut received = 0;
    let mut piece = 0;
    while begin.elapsed() < most {
        client.say_index(REQUEST, piece);
        assert_eq!(client.receive(9)[5..], piece.to_be_bytes());
        for part in swarm.piece(piece).chunks(1000) {
            assert!(client.receive(part.len()) == part, "the bytes of piece {piece}");
            received += part.len();
            let allowed = rate * (begin.elapsed().as_secs_f64() + BURST + PACE) + 512.0;
            #[allow(clippy::cast_precision_loss, reason = "there are few")]
            let has = received as f64;
            assert!(has <= allowed, "{has} bytes after {:?}, {allowed} are allowed", begin.elapsed());
        }
        piece = (piece + 1) % swarm.plan.piece_count();
    }
    received
}

#[test]
fn no_more_is_sent_than_the_limit_allows() {
    let swarm = Swarm::new(Plan { file_size: 1_000_000, piece_size: 50_000, ..Plan::default() });
    let seeder = start_limited(&swarm, 1001, &["--upload-limit", "200k"]);
    let mut client = Client::join(&swarm, 1001, 1002);
    get_unchoked(&mut client);
    let received = receives_no_more_than(200_000.0, &mut client, &swarm, Instant::now(), Duration::from_secs(3));
    assert!(received > 50_000, "{received} bytes: something has come");
    drop(seeder);
}

/// Each may have its own rate, but both together may have no more than that of the process.
#[test]
fn the_limit_per_neighbor_and_the_one_for_all_both_hold() {
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let swarm = Swarm::new(Plan { file_size: 1_000_000, piece_size: 20_000, peers, ..Plan::default() });
    let limits = ["--upload-limit", "250k", "--upload-limit-per-neighbor", "200k"];
    let seeder = start_limited(&swarm, 1001, &limits);
    let mut clients = [Client::join(&swarm, 1001, 1002), Client::join(&swarm, 1001, 1003)];
    clients.iter_mut().for_each(get_unchoked);
    let begin = Instant::now();
    let received = std::thread::scope(|scope| {
        let run = |client| receives_no_more_than(200_000.0, client, &swarm, begin, Duration::from_secs(3));
        let running: Vec<_> = clients.iter_mut().map(|client| scope.spawn(move || run(client))).collect();
        running.into_iter().map(|one| one.join().expect("it receives no more")).collect::<Vec<_>>()
    });
    // Each finishes the piece that it has begun.
    let allowed = 250_000.0 * (begin.elapsed().as_secs_f64() + BURST + PACE) + 1024.0;
    #[allow(clippy::cast_precision_loss, reason = "there are few")]
    let all = received.iter().sum::<usize>() as f64;
    assert!(all <= allowed, "{received:?}, {allowed} are allowed");
    assert!(received.iter().all(|received| *received > 20_000), "{received:?}: both had their turns");
    drop(seeder);
}

/// Under its limit the piece would take a quarter of an hour.
#[test]
fn a_have_does_not_wait_for_a_piece_that_is_held_back() {
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let swarm = Swarm::new(Plan { file_size: 4_000_000, piece_size: 1_000_000, peers, ..Plan::default() });
    let listener = listen(&swarm, 1001);
    let leecher = start_limited(&swarm, 1002, &["--upload-limit", "1k"]);
    let mut seeder = Client::seed(&swarm, &listener, 1001, 1002);
    let (_, first) = seeder.serve(&swarm, 1);
    let mut other = Client::join(&swarm, 1002, 1003);
    get_unchoked(&mut other);
    other.say_index(REQUEST, first[0]);
    // It has begun, so the `have` comes after it.
    let length = [1_000_005_u32.to_be_bytes().as_slice(), &[PIECE]].concat();
    assert_eq!(other.receive(9), [length.as_slice(), &first[0].to_be_bytes()].concat());
    assert!(other.receive(10) == swarm.piece(first[0])[..10], "its first bytes");
    let (_, second) = seeder.serve(&swarm, 1);
    assert!(other.receive(999_990) == swarm.piece(first[0])[10..], "its last bytes");
    assert_eq!(other.hear_index(HAVE), second[0]);
    // The rate used in advance must be paid back, but it only delays pieces.
    other.say_index(REQUEST, second[0]);
    let (_, third) = seeder.serve(&swarm, 1);
    assert_eq!(other.hear_index(HAVE), third[0], "and not the piece");
    drop(leecher);
}

/// The piece that has begun is sent to its end at once, and the next one is not.
#[test]
fn a_choke_takes_effect_within_one_piece() {
    let swarm = Swarm::new(Plan { file_size: 2_000_000, piece_size: 1_000_000, ..Plan::default() });
    for limit in ["--upload-limit", "--upload-limit-per-neighbor"] {
        let seeder = start_limited(&swarm, 1001, &[limit, "1000"]);
        let mut client = Client::join(&swarm, 1001, 1002);
        get_unchoked(&mut client);
        client.say_index(REQUEST, 0);
        client.say_index(REQUEST, 1);
        assert_eq!(client.receive(9)[4], PIECE);
        assert!(client.receive(10) == swarm.piece(0)[..10], "the piece has begun");
        client.say(NOT_INTERESTED, &[]);
        assert!(client.receive(999_990) == swarm.piece(0)[10..], "the rest of it");
        assert_eq!(client.hear(), Some((CHOKE, vec![])));
        client.say(INTERESTED, &[]);
        assert_eq!(client.hear(), Some((UNCHOKE, vec![])), "and not piece 1");
        // The rest was sent in advance, so nothing begins for a quarter of an hour; the waiting pieces are withdrawn too.
        client.say_index(REQUEST, 1);
        client.say(NOT_INTERESTED, &[]);
        assert_eq!(client.hear(), Some((CHOKE, vec![])));
        client.say(INTERESTED, &[]);
        assert_eq!(client.hear(), Some((UNCHOKE, vec![])), "and not piece 1");
        drop(seeder);
    }
}

/// The quarter of an hour that its piece would have used is left to the others.
#[test]
fn who_leaves_within_a_piece_that_is_held_back_holds_nobody_up() {
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let swarm = Swarm::new(Plan { file_size: 2_000_000, piece_size: 1_000_000, peers, ..Plan::default() });
    let seeder = start_limited(&swarm, 1001, &["--upload-limit", "1k"]);
    let [mut leaver, mut other] = [Client::join(&swarm, 1001, 1002), Client::join(&swarm, 1001, 1003)];
    get_unchoked(&mut leaver);
    get_unchoked(&mut other);
    leaver.say_index(REQUEST, 0);
    assert_eq!(leaver.receive(9)[4], PIECE);
    // From now on it waits in the queue.
    other.say_index(REQUEST, 1);
    assert!(leaver.receive(10) == swarm.piece(0)[..10], "the piece has begun");
    drop(leaver);
    assert_eq!(other.receive(9)[4], PIECE);
    assert!(other.receive(10) == swarm.piece(1)[..10], "the other piece has begun");
    drop(seeder);
}

/// Otherwise a peer that breaks its connection after each piece would escape the limit.
#[test]
fn what_was_taken_in_advance_is_paid_back_on_the_next_connection_too() {
    let swarm = Swarm::new(Plan { file_size: 2_000_000, piece_size: 1_000_000, ..Plan::default() });
    let seeder = start_limited(&swarm, 1001, &["--upload-limit-per-neighbor", "1000"]);
    let mut client = Client::join(&swarm, 1001, 1002);
    get_unchoked(&mut client);
    client.say_index(REQUEST, 0);
    assert_eq!(client.receive(9)[4], PIECE);
    assert!(client.receive(10) == swarm.piece(0)[..10], "the piece has begun");
    client.say(NOT_INTERESTED, &[]);
    assert!(client.receive(999_990) == swarm.piece(0)[10..], "the rest of it, at once");
    drop(client);
    let mut client = Client::join(&swarm, 1001, 1002);
    get_unchoked(&mut client);
    client.say_index(REQUEST, 1);
    client.say(NOT_INTERESTED, &[]);
    assert_eq!(client.hear(), Some((CHOKE, vec![])), "and not piece 1");
    drop(seeder);
}

#[test]
fn a_limited_swarm_ends_well() {
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    let swarm = Swarm::new(Plan { file_size: 400_000, piece_size: 10_000, peers, ..Plan::default() });
    let limits = ["--upload-limit", "400k", "--download-limit", "600k", "--download-limit-per-neighbor", "500k"];
    let running: Vec<_> = [1001, 1002, 1003].into_iter().map(|id| (id, start_limited(&swarm, id, &limits))).collect();
    swarm.finish(running);
}

/// Serves a leecher, and returns how many bytes had been requested at what time; the pieces are sent at once.
fn requests(client: &mut Client, swarm: &Swarm, count: usize) -> Vec<(Instant, usize)> {
    let mut asked = Vec::new();
    while asked.len() < count {
        let (kind, payload) = client.hear().expect("it lacks pieces");
        if kind == REQUEST {
            let piece = index(&payload);
            let before = asked.last().map_or(0, |(_, bytes)| *bytes);
            asked.push((Instant::now(), before + swarm.piece(piece).len()));
            client.say_piece(swarm, piece);
        } else {
            assert_eq!(kind, HAVE);
        }
    }
    asked
}

#[test]
fn no_more_is_asked_for_than_the_limit_allows() {
    for limit in ["--download-limit", "--download-limit-per-neighbor"] {
        let swarm = Swarm::new(Plan { file_size: 1_000_000, piece_size: 20_000, ..Plan::default() });
        let listener = listen(&swarm, 1001);
        let begin = Instant::now();
        let leecher = start_limited(&swarm, 1002, &[limit, "300k"]);
        let mut seeder = Client::seed(&swarm, &listener, 1001, 1002);
        for (time, bytes) in requests(&mut seeder, &swarm, 40) {
            let allowed = 300_000.0 * ((time - begin).as_secs_f64() + BURST);
            // A piece is requested while anything is left.
            let others = f64::from(u32::try_from(bytes).expect("few")) - 20_000.0;
            assert!(others <= allowed, "{bytes} bytes after {:?}, {allowed} are allowed", time - begin);
        }
        drop(leecher);
    }
}

/// Under its limit the next request is a quarter of an hour away; reading is not limited.
#[test]
fn what_a_neighbor_says_is_heard_while_requests_wait() {
    let swarm = Swarm::new(Plan { file_size: 2_000_000, piece_size: 1_000_000, ..Plan::default() });
    let listener = listen(&swarm, 1001);
    let leecher = start_limited(&swarm, 1002, &["-v", "--download-limit", "1000"]);
    let mut seeder = Client::seed(&swarm, &listener, 1001, 1002);
    let piece = seeder.hear_index(REQUEST);
    seeder.say_piece(&swarm, piece);
    // There is no second request before it.
    assert_eq!(seeder.hear_index(HAVE), piece);
    seeder.say(CHOKE, &[]);
    leecher.wait_for_line("from 1001: choke");
    seeder.say(INTERESTED, &[]);
    assert_eq!(seeder.hear(), Some((UNCHOKE, vec![])), "what it says to us is not limited either");
    drop(leecher);
}

/// The limit would make a neighbor wait for minutes.
#[test]
fn pieces_that_are_too_large_for_a_limit_are_told() {
    let swarm = Swarm::new(Plan { file_size: 2_000_000, piece_size: 1_000_000, ..Plan::default() });
    let too_large = "; pieces of 1000000 bytes are too large for the limit";
    for (id, limit, told) in [
        (1001, "--upload-limit", "upload limit a neighbor may wait 1000 s for a piece"),
        (1002, "--upload-limit-per-neighbor", "upload limit a neighbor may wait 1000 s for a piece"),
        (1002, "--download-limit", "download limit a neighbor may wait 1000 s for a request"),
    ] {
        let peer = start_limited(&swarm, id, &[limit, "1k"]);
        peer.wait_for_line(&format!("[WARN] with this {told}{too_large}"));
    }
    let seeder = start_limited(&swarm, 1001, &["--download-limit", "1k", "--upload-limit", "50M"]);
    seeder.signal("TERM");
    assert!(!seeder.wait().stderr.iter().any(|line| line.contains("[WARN]")), "it asks for nothing");
}

#[test]
fn a_limit_that_is_none_is_told_with_its_value() {
    let swarm = Swarm::new(Plan::default());
    for option in ["upload-limit", "upload-limit-per-neighbor", "download-limit", "download-limit-per-neighbor"] {
        for value in ["0", "-5", "fast", "1.5M", "99999999999999999999", ""] {
            let ended = swarm.env.run(&[&format!("--{option}={value}"), "1001"]);
            let sentence = format!(
                "--{option} '{value}' is not a whole number of bytes a second, 1 or more, such as 200k, 5M or 1000000"
            );
            ended.assert_one_sentence(2, &[&sentence]);
        }
    }
}
