//! `swarm start --tap` with whole peers: what passes between them is written down, and everything else is as without a tap.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::foreign;
use crate::schema;
use crate::support::left_out::left_out;
use crate::swarm::{PIECE_COUNT, Swarm, content, copy_of};

/// The lines of an event file, each of which follows the schema.
pub fn events(swarm: &Swarm, name: &str) -> Vec<Value> {
    schema::lines(&swarm.place.path(name))
}

/// What a tap has written of this peer.
pub fn tapped(swarm: &Swarm, id: u32) -> Vec<Value> {
    events(swarm, &format!("events_{id}.jsonl"))
}

pub fn number(event: &Value, key: &str) -> u32 {
    let number = event[key].as_u64().unwrap_or_else(|| panic!("no {key} in {event}"));
    u32::try_from(number).expect("it is small")
}

/// A message without what differs between the files of both ends.
fn words(event: &Value) -> String {
    let keys = ["type", "piece", "pieces", "bits", "length", "number"];
    keys.map(|key| event[key].to_string()).join(" ")
}

/// All messages of a file in their order, by neighbor and direction.
fn messages(events: &[Value]) -> BTreeMap<(u32, bool), Vec<String>> {
    let mut messages: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["event"] == "message") {
        let sent = event["sent"].as_bool().expect("a direction");
        messages.entry((number(event, "neighbor"), sent)).or_default().push(words(event));
    }
    messages
}

/// Asserts that the files of all peers tell the same, and what each connection must have.
fn assert_agreement(swarm: &Swarm) {
    let files: BTreeMap<_, _> = swarm.ids.iter().map(|id| (*id, tapped(swarm, *id))).collect();
    let all: BTreeMap<_, _> = files.iter().map(|(id, file)| (*id, messages(file))).collect();
    for (id, file) in &files {
        assert_eq!(
            (&file[0]["event"], &file[0]["source"], number(&file[0], "peer")),
            (&"start".into(), &"tap".into(), *id)
        );
        assert_eq!(
            file.last().map(|event| (&event["event"], &event["status"])),
            Some((&"end".into(), &0.into())),
            "{id}"
        );
        assert!(!file.iter().any(|event| ["undecoded", "lost"].iter().any(|name| event["event"] == *name)), "{id}");
        for ((neighbor, sent), told) in &all[id] {
            assert_eq!(all[neighbor].get(&(*id, !sent)), Some(told), "{id}, {neighbor}, sent: {sent}");
        }
        let place = swarm.ids.iter().position(|other| other == id).expect("it is listed");
        let connected: BTreeMap<_, _> = file
            .iter()
            .filter(|event| event["event"] == "connected")
            .map(|event| (number(event, "neighbor"), event["dialed"].as_bool().expect("a flag")))
            .collect();
        let expected = swarm.ids.iter().enumerate().filter(|(other, _)| *other != place);
        assert_eq!(connected, expected.map(|(other, id)| (*id, other < place)).collect(), "{id}");
        let shaken: BTreeSet<_> = file
            .iter()
            .filter(|event| event["event"] == "handshake")
            .map(|event| (event["sent"] == true, number(event, "peer")))
            .collect();
        let others = swarm.ids.iter().filter(|other| *other != id).map(|other| (false, *other));
        assert_eq!(shaken, others.chain([(true, *id)]).collect(), "{id}");
        let is_piece = |event: &&Value| event["type"] == "piece" && event["sent"] == false;
        let pieces: BTreeSet<_> = file.iter().filter(is_piece).map(|event| number(event, "piece")).collect();
        assert_eq!(pieces.len() as u64, if *id == 1001 { 0 } else { PIECE_COUNT }, "{id}");
        let closed = file.iter().filter(|event| event["event"] == "closed").count();
        let begun = file.iter().filter_map(|event| event["connection"].as_u64()).max();
        assert_eq!(Some(closed as u64), begun, "{id}");
    }
}

/// The peers that a peer's log says it was connected with, in the order of the log.
fn connections(log: &str) -> (Vec<u32>, BTreeSet<u32>) {
    let peer = |line: &str, part: &str| {
        let (_, rest) = line.split_once(part)?;
        rest.trim_matches(|sign: char| !sign.is_ascii_digit()).parse().ok()
    };
    (
        log.lines().filter_map(|line| peer(line, "makes a connection to Peer")).collect(),
        log.lines().filter_map(|line| peer(line, "is connected from Peer")).collect(),
    )
}

/// The log of a peer behind a tap.
fn log(swarm: &Swarm, id: u32) -> String {
    swarm.text(&format!("swarm.tap/{id}/log_peer_{id}.log"))
}

fn assert_run(swarm: &Swarm) {
    swarm.assert_copies();
    swarm.assert_no_process();
    assert_agreement(swarm);
    for (place, id) in swarm.ids.iter().enumerate() {
        let (made, came) = connections(&log(swarm, *id));
        assert_eq!(made.iter().copied().collect::<BTreeSet<_>>(), swarm.ids[..place].iter().copied().collect(), "{id}");
        assert_eq!(came, swarm.ids[place + 1..].iter().copied().collect(), "{id}");
    }
}

#[test]
fn our_peers_say_the_same_of_themselves_as_the_tap_does() {
    let swarm = Swarm::new("1002 1001* 1004 1003");
    let outcome = swarm.run("start --tap --timeout 50 -- --events own_{id}.jsonl");
    outcome.assert_status(0);
    outcome.assert_said("swarm.tap/<ID>/log_peer_<ID>.log; events_<ID>.jsonl has the messages");
    assert_run(&swarm);
    for id in &swarm.ids {
        assert_eq!(messages(&tapped(&swarm, *id)), messages(&events(&swarm, &format!("own_{id}.jsonl"))), "{id}");
        assert_eq!(swarm.log(*id), "", "its log is in its own directory");
    }
}

fn check_foreign(body: &str) {
    let Some(peer) = foreign::peer() else { return };
    let swarm = Swarm::new("1002 1001* 1004 1003");
    let outcome = swarm.start_by("start --tap --timeout 50", &body.replace("FOREIGN", &format!("exec {peer}"))).end();
    outcome.assert_status(0);
    assert_run(&swarm);
    // What it has written to its log came past the tap before.
    for id in &swarm.ids {
        let log = log(&swarm, *id);
        for event in tapped(&swarm, *id).iter().filter(|event| event["sent"] == false && event["type"] == "piece") {
            let pair = (number(event, "piece"), number(event, "neighbor"));
            let told = log.lines().filter(|line| {
                let Some((_, rest)) = line.split_once("has downloaded the piece") else { return false };
                let mut numbers = rest.split(|sign: char| !sign.is_ascii_digit()).filter_map(|word| word.parse().ok());
                (numbers.next(), numbers.next()) == (Some(pair.0), Some(pair.1))
            });
            assert_eq!(told.count(), 1, "{id}: {pair:?} in\n{log}");
        }
    }
}

#[test]
fn peers_of_another_author_behind_a_tap() {
    check_foreign("FOREIGN $1");
}

#[test]
fn ours_and_others_behind_a_tap() {
    check_foreign("[ $(($1 % 2)) = 0 ] || FOREIGN $1\nexec \"$ours\" $1");
}

#[test]
fn a_log_of_another_name_is_found_in_the_directory_of_a_peer() {
    let Some(peer) = foreign::peer() else { return };
    let swarm = Swarm::new("1001* 1002");
    let body = format!("LOG=logs/log_peer_[$1]_2025-04-22.log\nexport LOG\nexec {peer} $1");
    let outcome = swarm.start_by("start --tap --timeout 50", &body).end();
    outcome.assert_status(0);
    outcome.assert_said("that of 1002 is swarm.tap/1002/logs/log_peer_[1002]_2025-04-22.log");
    assert_eq!(outcome.columns(&["file", "pieces from"]), ["original -", "identical 1001: 7"]);
    let status = swarm.run("status");
    assert_eq!(status.columns(&["peer", "state", "pieces"]), ["1001 exited 7/7 100 %", "1002 exited 7/7 100 %"]);
}

#[test]
fn clean_lists_what_a_tap_leaves_and_deletes_that_alone() {
    let swarm = Swarm::new("1001* 1002");
    swarm.run("start --tap").assert_status(0);
    swarm.place.write("events_1003.jsonl", b"of nobody");
    let listed = swarm.run("clean");
    listed.assert_status(0);
    for name in ["swarm.tap/ and all in it", "events_1001.jsonl", "events_1002.jsonl", "peer_1002/file.bin"] {
        assert!(listed.stdout.contains(name), "no {name} in {listed:?}");
    }
    assert!(swarm.place.path("swarm.tap/1001").is_dir(), "nothing was deleted");
    swarm.run("clean --yes").assert_status(0);
    for name in ["swarm.tap", "events_1001.jsonl", "events_1002.jsonl", "peer_1002/file.bin"] {
        assert!(!swarm.place.path(name).exists(), "{name}");
    }
    assert!(swarm.place.read(&copy_of(1001)) == content());
    assert_eq!(swarm.text("events_1003.jsonl"), "of nobody");
    assert_eq!(swarm.run("clean").success(), "no files are left of a run\n");
}

#[test]
fn a_disk_that_takes_nothing_ends_one_recording_and_not_the_run() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return left_out("this machine has no /dev/full");
    }
    let swarm = Swarm::new("1001* 1002 1003");
    symlink(full, swarm.place.path("events_1002.jsonl")).expect("a link");
    let outcome = swarm.run("start --tap --timeout 50");
    outcome.assert_status(0);
    swarm.assert_copies();
    let told: Vec<_> = outcome.stderr.lines().filter(|line| line.contains("events_1002.jsonl")).collect();
    assert_eq!(told.len(), 1, "{outcome:?}");
    assert!(told[0].contains("No space left on device"), "{told:?}");
    assert!(told[0].ends_with("the tap writes no more events of 1002"), "{told:?}");
    for (id, pieces) in [(1001, 0), (1003, PIECE_COUNT)] {
        let file = tapped(&swarm, id);
        let came = file.iter().filter(|event| event["type"] == "piece" && event["sent"] == false).count();
        assert_eq!((file.last().map(|event| &event["event"]), came as u64), (Some(&"end".into()), pieces), "{id}");
    }
}

#[test]
fn a_pipe_in_the_place_of_an_event_file_is_refused() {
    let swarm = Swarm::new("1001* 1002");
    let made = Command::new("mkfifo").arg(swarm.place.path("events_1002.jsonl")).status().expect("there is mkfifo");
    assert!(made.success());
    let outcome = swarm.run("start --tap");
    outcome.assert_status(1);
    outcome.assert_said("events_1002.jsonl is a pipe, and the tap does not wait for a reader\n");
}

#[test]
fn a_run_without_a_tap_comes_after_one_with_it_and_back_again() {
    let swarm = Swarm::new("1001* 1002");
    let first = swarm.start("start --tap -- --upload-limit 20K");
    let path = "swarm.tap/1002/log_peer_1002.log";
    crate::support::process::wait_until("two pieces", || {
        swarm.text(path).matches("has downloaded the piece").count() > 1
    });
    first.kill("INT");
    first.end().assert_status(130);
    // The leecher resumes: its log is kept, wherever it was.
    let begun = swarm.text(path);
    swarm.run("start").assert_status(0);
    assert!(!swarm.place.path("swarm.tap").exists() && !swarm.place.path("events_1002.jsonl").exists());
    assert!(swarm.log(1002).starts_with(&begun) && swarm.log(1002).contains("complete file"), "{}", swarm.log(1002));
    swarm.assert_copies();
    swarm.run("start --tap").assert_status(0);
    assert_eq!(swarm.log(1002), "");
    swarm.assert_no_process();
}

#[test]
fn a_signal_ends_peers_and_tap_and_the_files_say_so() {
    let swarm = Swarm::new("1001 1002");
    let run = swarm.start("start --tap");
    swarm.wait_for_alive(&[1001, 1002]);
    crate::support::process::wait_until("a connection", || log(&swarm, 1002).contains("makes a connection"));
    let held = swarm.run("start");
    assert!(held.stderr.contains("running"), "{held:?}");
    run.kill("TERM");
    run.end().assert_status(143);
    swarm.assert_no_process();
    for id in [1001, 1002] {
        let file = tapped(&swarm, id);
        assert_eq!(file.last().map(|event| &event["event"]), Some(&"end".into()), "{file:?}");
        assert!(!swarm.place.path(&format!("peer_{id}.lock")).exists());
    }
}

/// The peers outlive a killed `swarm`, as they do without a tap, and `swarm stop` finds them.
#[test]
fn a_killed_tap_leaves_peers_that_stop_finds() {
    let swarm = Swarm::new("1001 1002");
    let run = swarm.start("start --tap");
    crate::support::process::wait_until("a connection", || log(&swarm, 1002).contains("makes a connection"));
    run.kill("KILL");
    drop(run);
    assert_eq!(swarm.run("stop").success(), "stopped peers 1001, 1002\n");
    swarm.assert_no_process();
    swarm.run("clean --yes").assert_status(0);
}

#[test]
fn what_a_tap_cannot_do_is_refused() {
    let swarm = Swarm::new("1001* 1002");
    let told = swarm.run("start --tap --detach");
    assert_eq!(told.status, Some(2));
    assert!(told.stderr.contains("--detach") && told.stderr.contains("--tap"), "{told:?}");
    let elsewhere = swarm.text("PeerInfo.cfg").replace("1002 localhost", "1002 127.0.0.2");
    swarm.place.write("PeerInfo.cfg", elsewhere.as_bytes());
    let sentence = swarm.run("start --tap").sentence(2);
    assert!(sentence.contains("peer 1002 runs on host 127.0.0.2") && sentence.contains("--events"), "{sentence}");
    assert!(!swarm.place.path("swarm.tap").exists());
    let swarm = Swarm::new("1001* 1002");
    swarm.place.write("events_1002.jsonl", b"mine");
    let told = swarm.run("start --tap");
    assert_eq!((told.status, swarm.text("events_1002.jsonl").as_str()), (Some(1), "mine"));
    told.assert_said("events_1002.jsonl already exists and is not an event file");
    swarm.assert_no_process();
}
