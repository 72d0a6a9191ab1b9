//! `swarm init --tracker` and `swarm start --track`: a swarm with a tracker of its own.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

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
        ("lab:0", "--tracker 'lab:0' is not a host and a port, such as 192.168.1.5:6969"),
        ("lab:x", "--tracker 'lab:x': 'x' is not a port from 0 to 65535"),
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
    let warned = place.run_line("init s --size 1k --peers 2 --hosts lab1,lab2 --tracker");
    assert_eq!(warned.status, Some(0), "{warned:?}");
    assert!(warned.stderr.contains("the peers on other hosts cannot reach a tracker at 127.0.0.1:6969"), "{warned:?}");
}

#[test]
fn a_tracker_that_cannot_run_is_told_and_programs_of_others_are_not_told_of_it() {
    let place = Place::new();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let tracker = taken.local_addr().expect("it is bound");
    place.run_line(&format!("init s --size 1k --peers 2 --tracker={tracker}")).success();
    let sentence = place.run_line("start s --track").sentence(1);
    assert!(sentence.contains(&format!("cannot listen on {tracker}: another program has this port")), "{sentence}");
    let sentence = place.run_line("start s --track --detach").sentence(2);
    assert!(sentence.contains("--track") && sentence.contains("--detach"), "{sentence}");
    let outcome = Outcome::of(command(place.0.path(), &["start", "s", "--peer-command", "true {id}"]));
    let told = format!("the command of --peer-command is not told of the tracker http://{tracker}/announce");
    assert!(outcome.stderr.contains(&told), "{outcome:?}");
}
