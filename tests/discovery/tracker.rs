//! Announces as a tracker sees them.

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use peer_process::discovery::{Host, tracker};

use crate::host::{Played, Running, Told, me, own_swarm};
use crate::left_out::with_own_mounts;
use crate::server::{Reply, Server, ok, with_head};

/// An answer with two peers, of which the first listens where the played one does.
pub const ANSWER: &[u8] =
    b"d8:completei1e10:incompletei2e8:intervali1800e5:peers12:\x7f\0\0\x01\x17\x71\x7f\0\0\x01\x17\x72e";

/// The peer of [`ANSWER`] that is another one.
pub fn other() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 6002))
}

/// A peer that listens at port 6001 of loopback.
pub fn played() -> Arc<Played> {
    Played::new(&["127.0.0.1:6001"])
}

/// Starts announcing to a tracker.
pub fn start(played: &Arc<Played>, url: &str) -> Running {
    let host: Arc<dyn Host> = Arc::<Played>::clone(played);
    let (me, url) = (me(own_swarm(), 1001), url.parse().expect("the address of a tracker"));
    Running::start(move |bell| tracker::run(&url, me, &host, bell, 1))
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn a_run_is_announced_from_its_start_to_its_end() {
    let server = Server::new(|_, _| ok(ANSWER));
    let played = played();
    let running = start(&played, &server.url());
    let started = server.wait_for(&["event=started"]);
    let expected =
        ["/announce?info_hash=", "peer_id=-PP0100-0000001001", "port=6001", "left=1000", "compact=1", "numwant=100"];
    assert!(expected.iter().all(|part| started.contains(part)), "{started}");
    played.wait_for_peer(other());
    played.wait_for("the counts", |told| told.contains(&Told::Counted(server.url(), Some(1), Some(2))).then_some(()));
    played.set(|standing| (standing.left, standing.downloaded) = (0, 1000));
    running.ring();
    server.wait_for(&["event=completed", "left=0", "downloaded=1000"]);
    running.stop();
    server.wait_for(&["event=stopped", "numwant=0"]);
    assert_eq!(server.requests().len(), 3);
    assert!(played.found().iter().all(|found| *found == other()), "{:?}", played.found());
    assert_eq!(played.said(), [""; 0]);
}

#[test]
fn the_query_of_the_address_is_kept_and_the_tracker_s_id_comes_back() {
    let server = Server::new(|_, _| ok("d8:intervali60e5:peers0:10:tracker id3:a/be"));
    let played = played();
    played.set(|standing| standing.announce_host = Some("192.0.2.7".to_owned()));
    let running = start(&played, &format!("{}?passkey=5", server.url()));
    played.wait_for("an answer", |told| told.first().map(drop));
    running.stop();
    let started = server.wait_for(&["/announce?passkey=5&info_hash=", "event=started", "ip=192.0.2.7"]);
    assert!(!started.contains("trackerid"), "{started}");
    server.wait_for(&["event=stopped", "trackerid=a%2Fb"]);
}

#[test]
fn answers_in_chunks_and_compressed_are_read() {
    let packed = gzip(ANSWER);
    let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n".to_vec();
    for chunk in packed.chunks(7) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    let whole = [b"HTTP/1.0 200 OK\r\n\r\n", ANSWER].concat();
    let compressed = packed.clone();
    let scripts: [Box<dyn Fn() -> Reply + Send + Sync>; 3] = [
        Box::new(move || Reply::Bytes(chunked.clone())),
        Box::new(move || with_head("Content-Encoding: gzip\r\n", &compressed)),
        // The end of the connection is the end of the answer.
        Box::new(move || Reply::Bytes(whole.clone())),
    ];
    for script in scripts {
        let server = Server::new(move |_, _| script());
        let played = played();
        let running = start(&played, &server.url());
        played.wait_for_peer(other());
        running.stop();
        assert_eq!(played.said(), [""; 0]);
    }
}

#[test]
fn a_redirect_is_followed() {
    let target = Server::new(|_, _| ok(ANSWER));
    let url = target.url();
    let server = Server::new(move |request, _| {
        let query = request.split_once('?').expect("a query").1;
        crate::server::status("302 Found", &format!("Location: {url}?{query}\r\n"), "")
    });
    let played = played();
    let running = start(&played, &server.url());
    played.wait_for_peer(other());
    target.wait_for(&["event=started"]);
    running.stop();
    target.wait_for(&["event=stopped"]);
}

#[test]
fn the_tracker_s_interval_is_followed_as_it_changes() {
    // The first is below the shortest that is followed.
    let server = Server::new(|_, before| ok(format!("d8:intervali{}e5:peers0:e", if before == 0 { 0 } else { 1800 })));
    let played = played();
    let running = start(&played, &server.url());
    let without_event = |told: &[Told]| (told.len() == 2).then_some(());
    played.wait_for("two answers", without_event);
    running.stop();
    let requests = server.requests();
    let events: Vec<_> = requests.iter().map(|request| request.split("event=").nth(1)).collect();
    assert_eq!(events, [Some("started"), None, Some("stopped")]);
}

#[test]
fn a_tracker_is_asked_for_its_counts_while_the_end_waits_for_them() {
    let server = Server::new(|request, before| {
        if request.starts_with("/announce?") {
            return ok("d8:completei1e10:incompletei3e8:intervali1800e12:min intervali1800e5:peers0:e");
        }
        // The hash is whatever was asked for.
        let encoded = request.split_once("info_hash=").expect("a hash").1.as_bytes();
        let (mut hash, mut rest) = (Vec::new(), encoded);
        while let Some((&first, after)) = rest.split_first() {
            let digits = if first == b'%' { &after[..2] } else { &[] };
            let digits = str::from_utf8(digits).expect("digits");
            hash.push(if digits.is_empty() { first } else { u8::from_str_radix(digits, 16).expect("digits") });
            rest = &after[digits.len()..];
        }
        let counts = format!("d8:completei2e10:incompletei{}ee", 3_usize.saturating_sub(before));
        ok([b"d5:filesd20:", &hash[..], counts.as_bytes(), b"ee"].concat())
    });
    let played = played();
    played.set(|standing| (standing.left, standing.awaits_counts) = (0, true));
    let running = start(&played, &server.url());
    let counted = |count| Told::Counted(server.url(), Some(2), Some(count));
    played.wait_for("no leecher", |told| told.contains(&counted(0)).then_some(()));
    assert!(played.told().contains(&counted(1)), "{:?}", played.told());
    running.stop();
    assert!(server.requests()[1].starts_with("/scrape?info_hash="), "{:?}", server.requests());
}

/// A process that has this in its environment knows no names but its value, which has addresses of both families.
const NAME: &str = "PEER_PROCESS_TEST_NAME";

#[test]
fn a_name_with_both_families_is_asked_over_both() {
    let Some(name) = own_name() else { return with_own_names("tracker::a_name_with_both_families_is_asked_over_both") };
    let answer = |_: &str, _| ok(ANSWER);
    let v4 = Server::new(answer);
    let v6 = Server::at(Ipv6Addr::LOCALHOST.into(), v4.port(), answer).expect("IPv6, and the same port free");
    let played = Played::new(&["127.0.0.1:6001", "[::1]:6001"]);
    let running = start(&played, &format!("http://{name}:{}/announce", v4.port()));
    v4.wait_for(&["event=started"]);
    v6.wait_for(&["event=started"]);
    running.stop();
    v4.wait_for(&["event=stopped"]);
    v6.wait_for(&["event=stopped"]);
    assert_eq!(played.said(), [""; 0]);
}

/// The tracker would tell others an address at which nobody listens.
#[test]
fn a_peer_that_listens_over_ipv4_only_is_not_announced_over_ipv6() {
    let Some(name) = own_name() else {
        return with_own_names("tracker::a_peer_that_listens_over_ipv4_only_is_not_announced_over_ipv6");
    };
    let answer = |_: &str, _| ok(ANSWER);
    let v4 = Server::new(answer);
    let v6 = Server::at(Ipv6Addr::LOCALHOST.into(), v4.port(), answer).expect("IPv6, and the same port free");
    let played = played();
    let running = start(&played, &format!("http://{name}:{}/announce", v4.port()));
    played.wait_for_peer(other());
    // It ends when all that was asked has heard `stopped`.
    running.stop();
    v4.wait_for(&["event=stopped"]);
    assert_eq!(v6.requests(), [""; 0]);
}

#[test]
fn a_tracker_that_is_asked_where_the_peer_does_not_listen_is_told() {
    let server = Server::new(|_, _| ok(ANSWER));
    let played = Played::new(&["[::1]:6001"]);
    let running = start(&played, &server.url());
    played.wait_for_peer(other());
    running.stop();
    let words = "is asked over IPv4, where this peer does not listen, so that no other peer can dial it";
    assert_eq!(played.said(), [format!("the tracker {} {words}", server.url())]);
}

/// The name of [`NAME`], if this process has it.
pub fn own_name() -> Option<String> {
    env::var_os(NAME).and_then(|name| name.into_string().ok())
}

/// Runs a test in a process that has [`NAME`], and looks up names in no other place. Nobody else sees its files.
pub fn with_own_names(test: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("hosts"), "127.0.0.1 both.test\n::1 both.test\n").expect("a file");
    fs::write(dir.path().join("nsswitch.conf"), "hosts: files\n").expect("a file");
    let script = "for file in hosts nsswitch.conf; do mount --bind \"$FILES/$file\" \"/etc/$file\"; done &&
                  exec \"$PROGRAM\" --exact \"$TEST\"";
    let Some(mut command) = with_own_mounts(script) else { return };
    command.env("FILES", dir.path()).env("PROGRAM", env::current_exe().expect("this program"));
    command.env("TEST", test).env(NAME, "both.test");
    assert_one_passes(command);
}

#[track_caller]
fn assert_one_passes(mut command: Command) {
    let output = command.output().expect("it starts");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_tracker_that_has_only_one_of_the_families_works() {
    let server = Server::at(Ipv4Addr::LOCALHOST.into(), 0, |_, _| ok(ANSWER)).expect("a free port");
    let played = played();
    let running = start(&played, &format!("http://localhost:{}/announce", server.port()));
    played.wait_for_peer(other());
    running.stop();
    assert_eq!(played.said(), [""; 0]);
}

/// The same test once more, in a process whose environment has proxies at which nobody listens.
#[test]
fn proxies_of_the_environment_are_not_used() {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", "tracker::a_run_is_announced_from_its_start_to_its_end"]);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:1");
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    assert_one_passes(command);
}

#[test]
fn stopped_is_sent_while_an_announce_hangs() {
    let server = Server::new(|request, _| {
        if request.contains("event=stopped") { ok("d8:intervali60e5:peers0:e") } else { Reply::Hangs(Vec::new()) }
    });
    let played = played();
    let running = start(&played, &server.url());
    server.wait_for(&["event=started"]);
    running.stop();
    server.wait_for(&["event=stopped"]);
}

/// The last piece may make everybody complete, and then nothing holds the peer any longer.
#[test]
fn completed_is_sent_though_the_peer_stops_at_once() {
    let server = Server::new(|_, _| ok(ANSWER));
    let played = played();
    let running = start(&played, &server.url());
    played.wait_for_peer(other());
    played.set(|standing| standing.left = 0);
    running.stop();
    let requests = server.requests();
    let events: Vec<_> = requests.iter().filter_map(|request| request.split("event=").nth(1)).collect();
    assert_eq!(events, ["started", "completed", "stopped"]);
}

#[test]
fn stopped_is_sent_though_completed_is_never_answered() {
    let server =
        Server::new(|request, _| if request.contains("completed") { Reply::Hangs(Vec::new()) } else { ok(ANSWER) });
    let played = played();
    let running = start(&played, &server.url());
    played.wait_for_peer(other());
    played.set(|standing| standing.left = 0);
    // The server hangs until the test ends, so this returns only because `stopped` overtakes.
    running.stop();
    let requests = server.requests();
    let events: Vec<_> = requests.iter().filter_map(|request| request.split("event=").nth(1)).collect();
    assert_eq!(events, ["started", "completed", "stopped"]);
}

#[test]
fn a_tracker_that_hangs_at_the_end_holds_nobody_up() {
    let server = Server::new(|request, _| {
        if request.contains("event=stopped") { Reply::Hangs(b"HTTP/1.1 200".to_vec()) } else { ok(ANSWER) }
    });
    let played = played();
    let running = start(&played, &server.url());
    played.wait_for_peer(other());
    // The server hangs until the test ends, so this returns only because the thread does not wait for it.
    running.stop();
    server.wait_for(&["event=stopped"]);
}
