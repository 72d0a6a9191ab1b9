//! `swarm init --tracker` and `swarm start --track`: a swarm with a tracker of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Stdio};

use crate::{Outcome, Place, command};

/// A host and a port where nothing listens.
fn free_place() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    format!("127.0.0.1:{}", listener.local_addr().expect("it is bound").port())
}

fn said(place: &Place, id: u32) -> String {
    fs::read_to_string(place.path(&format!("s/peer_{id}.err"))).expect("its output")
}

#[test]
fn a_swarm_with_a_tracker_is_made_started_and_ends() {
    let (place, tracker) = (Place::new(), free_place());
    let made = place.run_line(&format!("init s --size 300k --peers 3 --tracker={tracker}")).success();
    assert!(made.contains(&format!("also runs its tracker, at http://{tracker}/announce")), "{made}");
    // With a name, the swarm is another one for the tracker.
    for more in [&[][..], &["--", "--swarm", "team 7"]] {
        let outcome = Outcome::of(command(place.0.path(), &[&["start", "s", "--track"], more].concat()));
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert!(
            outcome.stderr.contains(&format!("the peers use the tracker http://{tracker}/announce")),
            "{outcome:?}"
        );
        for id in 1001..=1003 {
            let said = said(&place, id);
            assert!(said.contains("for trackers, this swarm is ") && !said.contains("refuses"), "{said}");
        }
    }
    // Without its tracker, the peers go on with those that PeerInfo.cfg lists.
    let outcome = place.run_line("start s");
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let told = format!(
        "swarm: no tracker runs at {tracker}, so the peers know only those in PeerInfo.cfg; `swarm start --track s` runs it\n"
    );
    assert!(outcome.stderr.contains(&told), "{outcome:?}");
    assert!(said(&place, 1002).contains("connection refused"), "{}", said(&place, 1002));
    // Made again without one, it has none.
    place.run_line("init s --size 300k --peers 3 --force").success();
    assert!(!place.run_line("start s").stderr.contains("tracker"));
}

#[test]
fn what_is_no_place_for_a_tracker_is_refused_before_anything_is_made() {
    let place = Place::new();
    for (value, sentence) in [
        ("6969", "--tracker '6969' is not a host and a port, such as 192.168.1.5:6969"),
        (
            "udp://lab:6969/announce",
            "--tracker 'udp://lab:6969/announce': give HOST:PORT without http:// and /announce",
        ),
        ("http://lab:6969", "--tracker 'http://lab:6969': give HOST:PORT without http:// and /announce"),
        ("lab:0", "--tracker 'lab:0' is not a host and a port, such as 192.168.1.5:6969"),
        ("lab:x", "--tracker 'lab:x': 'x' is not a port from 0 to 65535"),
        ("127.0.0.1", "--tracker '127.0.0.1': the port is missing; give both, such as 127.0.0.1:6969"),
        ("lab", "--tracker 'lab': the port is missing; give both, such as lab:6969"),
        ("[::1]", "--tracker '[::1]': the port is missing; give both, such as [::1]:6969"),
        ("::1:6969", "--tracker '::1:6969': an IPv6 address stands in brackets, as in [::1]:6001"),
        (
            "0.0.0.0:6969",
            "--tracker '0.0.0.0:6969' is no address that peers can use; name one of this machine that they reach",
        ),
    ] {
        let outcome = place.run_line(&format!("init s --tracker={value}"));
        assert_eq!(outcome.sentence(2), sentence, "{value}");
        assert!(!place.path("s").exists(), "{value}");
    }
    let tip = |line: &str| place.run_line(line).sentence(2);
    let sentence =
        "unexpected argument 'lab:6969' found; the place of a tracker needs '=': --tracker=lab:6969; see --help";
    assert_eq!(tip("init s --tracker lab:6969"), sentence);
    let sentence = "'127.0.0.1' stands in the place of the directory; the place of a tracker needs '=': --tracker=127.0.0.1, \
                    and './127.0.0.1' is a directory";
    assert_eq!(tip("init --tracker 127.0.0.1"), sentence);
    assert_eq!(fs::read_dir(place.0.path()).expect("a directory").count(), 0);
    let warned = place.run_line("init s --size 1k --peers 2 --hosts lab1,lab2 --tracker");
    assert_eq!(warned.status, Some(0), "{warned:?}");
    assert!(warned.stderr.contains("the peers on other hosts cannot reach a tracker at 127.0.0.1:6969"), "{warned:?}");
}

#[test]
fn a_tracker_that_cannot_run_is_told_and_programs_of_others_are_not_told_of_it() {
    let place = Place::new();
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let tracker = other.local_addr().expect("it is bound");
    place.run_line(&format!("init s --size 1k --peers 2 --tracker={tracker}")).success();
    let sentence = place.run_line("start s --track").sentence(1);
    let taken = format!("cannot listen on {tracker}: another program has this port");
    assert_eq!(sentence, format!("{taken}; it does not answer as a tracker"));
    let outcome = place.run_line("start s --timeout 60");
    let told = format!(
        "the program at {tracker} does not answer as a tracker, so the peers may know only those in PeerInfo.cfg"
    );
    assert!(outcome.stderr.contains(&told), "{outcome:?}");
    let sentence = place.run_line("start s --track --detach").sentence(2);
    assert!(sentence.contains("--track") && sentence.contains("--detach"), "{sentence}");
    let outcome = Outcome::of(command(place.0.path(), &["start", "s", "--peer-command", "true {id}"]));
    let told = format!("the command of --peer-command is not told of the tracker http://{tracker}/announce");
    assert!(outcome.stderr.contains(&told), "{outcome:?}");
}

#[test]
fn a_tracker_elsewhere_is_run_there_and_the_url_of_peers_is_taken() {
    let place = Place::new();
    let made = place.run_line("init s --size 1k --peers 2 --tracker=192.0.2.1:7777").success();
    let told = "the peers will use the tracker at http://192.0.2.1:7777/announce, which is not on this machine; run it \
                there: `swarm track --listen 192.0.2.1:7777`";
    assert!(made.contains(told) && !made.contains("--track "), "{made}");
    // It cannot run here, which is a wrong usage, as it is for a peer.
    let outcome = place.run_line("start s --track");
    let sentence = "cannot listen on 192.0.2.1:7777: this machine does not have the address";
    assert_eq!(outcome.sentence(2), sentence);
    let made = place.run_line("init other --size 1k --peers 2 --tracker=http://127.0.0.1:7777/announce").success();
    assert!(made.contains("also runs its tracker, at http://127.0.0.1:7777/announce"), "{made}");
}

/// A running `swarm track`; killed when dropped.
struct Running(Child);

impl Running {
    /// Starts it, and waits until it listens.
    fn start(place: &Place, words: &[&str]) -> Self {
        let mut command = command(place.0.path(), &[&["track"], words].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut url = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut url).expect("it is text");
        assert!(url.ends_with("/announce\n"), "{url}");
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended and was waited for.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn a_tracker_that_runs_already_is_told_with_what_it_serves() {
    let (place, tracker) = (Place::new(), free_place());
    place.run_line(&format!("init s --size 1k --peers 2 --tracker={tracker}")).success();
    place.run_line("init other --size 2k --peers 2").success();
    let taken = format!("cannot listen on {tracker}: another program has this port");
    let start = |more: &str| place.run_line(&format!("start s{more}"));
    {
        let _running = Running::start(&place, &["--listen", &tracker]);
        let sentence =
            format!("{taken}; it is a tracker that serves this swarm, and `swarm start s` without --track uses it");
        assert_eq!(start(" --track").sentence(1), sentence);
        let outcome = start("");
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert!(!outcome.stderr.contains("so the peers"), "{outcome:?}");
    }
    let _running = Running::start(&place, &["--listen", &tracker, "--only", "other"]);
    let sentence = format!("{taken}; it is a tracker that does not serve this swarm");
    assert_eq!(start(" --track").sentence(1), sentence);
    let outcome = start("");
    let told =
        format!("the tracker at {tracker} does not serve this swarm, so the peers know only those in PeerInfo.cfg");
    assert!(outcome.stderr.contains(&told), "{outcome:?}");
}
