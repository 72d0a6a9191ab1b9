//! Announces and scrapes, whose answers are read back with the room `bencode`.

use peer_process::bencode::value::Value;
use peer_process::bencode::{Mode, read};

use crate::tracker::{Connection, Tracker, announce, command};

fn integer(answer: &Value, key: &str) -> i64 {
    answer.get(key).and_then(Value::as_integer).unwrap_or_else(|| panic!("no {key} in {answer:?}"))
}

/// The ports of a compact answer, sorted; all on this machine.
fn ports(answer: &Value) -> Vec<u16> {
    let peers = answer.get("peers").and_then(Value::as_bytes).expect("compact peers");
    let (chunks, rest) = peers.as_chunks::<6>();
    assert_eq!(rest, [0; 0]);
    assert!(chunks.iter().all(|peer| peer[..4] == [127, 0, 0, 1]), "{chunks:?}");
    let mut ports: Vec<_> = chunks.iter().map(|peer| u16::from_be_bytes([peer[4], peer[5]])).collect();
    ports.sort_unstable();
    ports
}

#[test]
fn peers_learn_of_each_other_until_they_stop() {
    let tracker = Tracker::start(&["--interval", "77"]);
    let first = tracker.bencode(&announce('a', 1, "&event=started&compact=1"));
    assert_eq!(ports(&first), [0; 0]);
    assert_eq!((integer(&first, "interval"), integer(&first, "min interval")), (77, 10));
    let seeder = announce('a', 2, "&compact=1").replace("left=1", "left=0");
    let second = tracker.bencode(&seeder);
    assert_eq!(ports(&second), [7001]);
    assert_eq!((integer(&second, "complete"), integer(&second, "incomplete")), (1, 1));
    assert_eq!(ports(&tracker.bencode(&announce('a', 1, "&compact=1"))), [7002]);
    // Another swarm is another world.
    assert_eq!(ports(&tracker.bencode(&announce('b', 3, "&compact=1"))), [0; 0]);
    let completed = announce('a', 1, "&event=completed").replace("left=1", "left=0");
    assert_eq!(integer(&tracker.bencode(&completed), "downloaded"), 1);
    tracker.bencode(&announce('a', 1, "&event=stopped"));
    assert_eq!(ports(&tracker.bencode(&seeder)), [0; 0]);
}

#[test]
fn dictionaries_come_where_compact_is_0() {
    let tracker = Tracker::start(&[]);
    tracker.bencode(&announce('a', 1, ""));
    for (more, has_name) in [("&compact=0", true), ("&compact=0&no_peer_id=1", false)] {
        let answer = tracker.bencode(&announce('a', 2, more));
        let [peer] = answer.get("peers").and_then(Value::as_list).expect("a list") else { panic!("{answer:?}") };
        assert_eq!(peer.get("ip").and_then(Value::as_text), Some("127.0.0.1"));
        assert_eq!(integer(peer, "port"), 7001);
        let name = peer.get("peer id").and_then(Value::as_text);
        assert_eq!(name, has_name.then_some("-XX0001-000000000001"));
    }
}

/// A tracker that listens at all addresses of both kinds.
struct Everywhere(Tracker);

impl Everywhere {
    fn start() -> Self {
        Self(Tracker::spawn(command(&["--listen", "[::]:0"])))
    }

    /// Asks over the kind of this host, such as `[::1]`.
    fn ask(&self, host: &str, path: &str) -> Value {
        let place = format!("{host}:{}", self.0.address().port());
        let mut connection = Connection::to(place.parse().expect("an address"));
        connection.send(format!("GET {path} HTTP/1.1\r\nHost: t\r\n\r\n").as_bytes());
        read(&connection.answer().body, Mode::Strict, 1000).expect("bencode")
    }
}

#[test]
fn both_kinds_of_addresses_are_told_to_everybody() {
    let tracker = Everywhere::start();
    let ask = |host: &str, path: &str| tracker.ask(host, path);
    ask("[::1]", &announce('a', 1, ""));
    // An IPv4 caller of a socket for both is an IPv4 address.
    ask("127.0.0.1", &announce('a', 2, ""));
    for host in ["127.0.0.1", "[::1]"] {
        let answer = ask(host, &announce('a', 3, "&compact=1"));
        assert_eq!(ports(&answer), [7002], "{host}");
        let mut expected = vec![0; 16];
        expected[15] = 1;
        expected.extend(7001_u16.to_be_bytes());
        assert_eq!(answer.get("peers6").and_then(Value::as_bytes), Some(expected.as_slice()), "{host}");
        let answer = ask(host, &announce('a', 3, "&compact=0"));
        let mut addresses: Vec<_> = answer.get("peers").and_then(Value::as_list).expect("a list").iter().collect();
        addresses.sort_by_key(|peer| integer(peer, "port"));
        let addresses: Vec<_> = addresses.iter().map(|peer| peer.get("ip").and_then(Value::as_text)).collect();
        assert_eq!(addresses, [Some("::1"), Some("127.0.0.1")]);
        ask(host, &announce('a', 3, "&event=stopped"));
    }
}

/// A peer announces over both families with one `peer_id` and one key.
#[test]
fn a_peer_of_both_families_is_told_with_both_addresses_and_counts_once() {
    let tracker = Everywhere::start();
    let ask = |host: &str, path: &str| tracker.ask(host, path);
    for host in ["[::1]", "127.0.0.1"] {
        ask(host, &announce('a', 1, "&key=secret"));
    }
    let other = |host: &str| ask(host, &announce('a', 2, "&compact=1&key=other"));
    let answer = other("127.0.0.1");
    assert_eq!(ports(&answer), [7001]);
    assert_eq!(answer.get("peers6").and_then(Value::as_bytes).map(<[u8]>::len), Some(18));
    assert_eq!(integer(&answer, "incomplete"), 2);
    for (host, incomplete) in [("127.0.0.1", 2), ("[::1]", 1)] {
        ask(host, &announce('a', 1, "&key=secret&event=stopped"));
        assert_eq!(integer(&other("127.0.0.1"), "incomplete"), incomplete);
    }
}

#[test]
fn a_scrape_tells_of_the_swarms_that_it_names() {
    let tracker = Tracker::start(&[]);
    tracker.bencode(&announce('a', 1, ""));
    tracker.bencode(&announce('b', 1, "").replace("left=1", "left=0"));
    let hash = |letter: &str| format!("info_hash={}", letter.repeat(20));
    let [a, b, c] = ["a", "%62", "c"].map(hash);
    let answer = tracker.bencode(&format!("/scrape?{c}&{b}&{a}&{b}"));
    let files = answer.get("files").and_then(Value::as_dictionary).expect("a dictionary");
    let counts: Vec<_> = files
        .iter()
        .map(|(hash, file)| (char::from(hash[0]), integer(file, "complete"), integer(file, "incomplete")))
        .collect();
    assert_eq!(counts, [('a', 0, 1), ('b', 1, 0), ('c', 0, 0)]);
    assert_eq!(integer(answer.get("flags").expect("flags"), "min_request_interval"), 10);
    let all = "this tracker tells only about swarms that the request names by info_hash";
    assert_eq!(tracker.failure("/scrape"), all);
    assert_eq!(tracker.failure("/scrape?info_hash=x"), "info_hash has 1 bytes instead of 20");
}

#[test]
fn a_bad_request_gets_a_reason_that_clients_show() {
    let tracker = Tracker::start(&[]);
    assert_eq!(tracker.failure("/announce"), "the request has no info_hash");
    assert_eq!(tracker.failure("/announce/?x"), "the request has no info_hash");
    let path = announce('a', 1, "").replace("port=7001", "port=70000");
    assert_eq!(tracker.failure(&path), "port '70000' is not a number that it may be");
    tracker.bencode(&announce('a', 1, "&key=k"));
    let taken =
        "another peer has announced with this peer_id; only its key, or its address if it has none, may change it";
    assert_eq!(tracker.failure(&announce('a', 1, "&key=other&event=stopped")), taken);
    assert_eq!(tracker.stats()["refused"], 4);
}

#[test]
fn the_page_and_the_figures_tell_what_has_happened() {
    let tracker = Tracker::start(&[]);
    tracker.bencode(&announce('a', 1, ""));
    tracker.bencode(&announce('a', 2, "").replace("left=1", "left=0"));
    tracker.bencode(&announce('a', 2, "").replace("left=1", "left=0"));
    tracker.bencode(&format!("/scrape?info_hash={}", "a".repeat(20)));
    let stats = tracker.stats();
    for (key, value) in
        [("swarms", 1), ("seeders", 1), ("leechers", 1), ("announces", 3), ("scrapes", 1), ("refused", 0)]
    {
        assert_eq!(stats[key], value, "{key} in {stats}");
    }
    let page = tracker.get_text("/");
    assert!(page.contains("Swarms: 1. Seeders: 1. Leechers: 1. Announces: 3"), "{page}");
    assert!(page.contains(&format!("<code>{}</code>", "61".repeat(20))), "{page}");
    // The URL for peers, by the host that the request has named.
    assert!(page.contains("<code>http://t/announce</code>"), "{page}");
    for outside in ["\"http", "https:", "src=", "<script"] {
        assert!(!page.contains(outside), "{page}");
    }
}
