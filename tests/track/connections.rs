//! Connections: kept alive or not, slow, too large, malformed, and too many.

use crate::tracker::{Connection, Tracker, announce};

fn request(path: &str, version: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/{version}\r\nHost: t\r\n{headers}\r\n").into_bytes()
}

#[test]
fn a_connection_is_kept_where_the_caller_wants_it() {
    let tracker = Tracker::start(&[]);
    for (version, headers, is_kept) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: keep-alive\r\n", true),
    ] {
        let mut connection = tracker.connect();
        connection.send(&request(&announce('a', 1, ""), version, headers));
        assert_eq!(connection.answer().status, 200);
        if is_kept {
            connection.send(&request("/nothing", version, "Connection: close\r\n"));
            assert_eq!(connection.answer().status, 404);
        }
        assert!(connection.is_at_end(), "{version} {headers}");
    }
}

#[test]
fn requests_that_come_together_are_answered_in_order() {
    let tracker = Tracker::start(&[]);
    let mut connection = tracker.connect();
    let paths: Vec<_> = (0..50).map(|number| announce('a', number, "")).chain(["/nothing".to_owned()]).collect();
    let requests: Vec<u8> = paths.iter().flat_map(|path| request(path, "1.1", "")).collect();
    connection.send(&requests);
    for number in 1..=50 {
        let answer = connection.answer();
        let counts = format!("d8:completei0e10:downloadedi0e10:incompletei{number}e");
        assert!(answer.body.starts_with(counts.as_bytes()), "{number}: {answer:?}");
    }
    assert_eq!(connection.answer().status, 404);
}

#[test]
fn a_request_may_come_byte_by_byte_and_the_caller_may_stop_to_send() {
    let tracker = Tracker::start(&[]);
    let mut connection = tracker.connect();
    for byte in request(&announce('a', 1, ""), "1.1", "") {
        connection.send(&[byte]);
    }
    connection.shut_down();
    assert_eq!(connection.answer().status, 200);
    assert!(connection.is_at_end());
}

#[test]
fn what_is_no_request_is_refused_and_the_tracker_goes_on() {
    let tracker = Tracker::start(&[]);
    let long = "x".repeat(20_000);
    let long_query = announce('a', 1, &format!("&x={long}"));
    let many_headers = "X: y\r\n".repeat(200);
    let cases: [(&str, Vec<u8>, u16); 8] = [
        ("nonsense", b"\x13BitTorrent protocol\0\0\0\0\0\0\0\0\r\n\r\n".to_vec(), 400),
        ("no version", b"GET /\r\n\r\n".to_vec(), 400),
        ("bytes in the path", b"GET /announce?info_hash=\x01\x02 HTTP/1.1\r\n\r\n".to_vec(), 400),
        ("a long request", request(&long_query, "1.1", ""), 431),
        ("a long header", request("/", "1.1", &format!("X: {long}\r\n")), 431),
        ("many headers", request("/", "1.1", &many_headers), 431),
        ("another method", b"POST /announce HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n".to_vec(), 405),
        ("another path", request("/announce.php", "1.1", ""), 404),
    ];
    for (name, bytes, status) in cases {
        let mut connection = tracker.connect();
        connection.send(&bytes);
        assert_eq!(connection.answer().status, status, "{name}");
    }
    tracker.bencode(&announce('a', 1, ""));
}

#[test]
fn a_head_request_gets_no_body() {
    let tracker = Tracker::start(&[]);
    let mut connection = tracker.connect();
    connection.send(b"HEAD /stats.json HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    let answer = connection.rest();
    assert!(answer.contains("content-type: application/json\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

/// The slow caller is closed by the tracker's own clock, after 15 s.
#[test]
fn a_caller_that_does_not_finish_its_request_is_given_up() {
    let tracker = Tracker::start(&[]);
    let (mut silent, mut slow, mut idle) = (tracker.connect(), tracker.connect(), tracker.connect());
    slow.send(b"GET /announce?info_ha");
    idle.send(&request("/nothing", "1.1", ""));
    assert_eq!(idle.answer().status, 404);
    for connection in [&mut silent, &mut slow, &mut idle] {
        assert!(connection.is_at_end());
    }
    assert_eq!(tracker.stats()["connections"], 1);
}

#[test]
fn more_connections_than_there_may_be_push_out_the_oldest_of_the_same_address() {
    let tracker = Tracker::start(&[]);
    let mut first = tracker.connect();
    first.send(&request("/nothing", "1.1", ""));
    assert_eq!(first.answer().status, 404);
    let mut others: Vec<Connection> = Vec::new();
    // As many as a usual limit on open files allows this process; the tracker's own limit is 1000.
    for _ in 0..1000 {
        let mut connection = tracker.connect();
        connection.send(&request("/nothing", "1.1", ""));
        assert_eq!(connection.answer().status, 404);
        others.push(connection);
    }
    assert!(first.is_at_end(), "the oldest one gave way");
    assert_eq!(tracker.stats()["connections"], 1000);
}
