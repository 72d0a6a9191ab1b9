//! `--events` among members that no file lists.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::room::Room;
use crate::schema::lines;
use crate::tracker::{Manner, Tracker};

const IDS: [u32; 3] = [1001, 1002, 1003];
const PIECE_COUNT: usize = 31;

fn number(line: &Value, key: &str) -> u32 {
    line[key].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or_else(|| panic!("no {key} in {line}"))
}

/// The messages of a direction between this peer and another one, on the connection that was closed in order.
///
/// Two that dial each other at the same time give up one of their two connections.
fn messages(file: &[Value], other: u32, sent: bool) -> Vec<Value> {
    let is_end = |line: &&Value| line["event"] == "closed" && line["neighbor"] == other && line["in_order"] == true;
    let ends: Vec<_> = file.iter().filter(is_end).collect();
    assert_eq!(ends.len(), 1, "{ends:?}");
    let of = |line: &&Value| {
        line["event"] == "message" && line["connection"] == ends[0]["connection"] && line["sent"] == sent
    };
    let without_own = |line: &Value| {
        let mut line = line.clone();
        for key in ["time", "mono", "connection", "neighbor", "sent"] {
            line.as_object_mut().expect("an object").remove(key);
        }
        line
    };
    file.iter().filter(of).map(without_own).collect()
}

#[test]
fn what_strangers_say_is_in_the_files_of_both() {
    let (room, tracker) = (Room::new(PIECE_COUNT * 32768 - 5), Tracker::new(Manner::Fair(1)));
    let url = tracker.url();
    let start = |id: u32| {
        let path = format!("{id}/events.jsonl");
        let has_file: &[&str] = if id == IDS[0] { &["--has-file"] } else { &[] };
        let options = ["--tracker", &url, "--min-peers", "3", "--events", &path];
        (id, room.start(id, &[&options, has_file].concat()))
    };
    room.wait_for_end(IDS.map(start).into());
    let files = IDS.map(|id| lines(&room.dir(id).join("events.jsonl")));
    for (id, file) in IDS.iter().zip(&files) {
        let first = &file[0];
        assert_eq!((number(first, "peer"), &first["has_file"]), (*id, &(*id == IDS[0]).into()));
        let last = &file[file.len() - 1];
        assert_eq!((&last["event"], &last["status"]), (&"end".into(), &0.into()));
        let others: BTreeSet<_> = IDS.into_iter().filter(|other| other != id).collect();
        let connected = file.iter().filter(|line| line["event"] == "connected");
        assert_eq!(connected.map(|line| number(line, "neighbor")).collect::<BTreeSet<_>>(), others);
        let pieces: BTreeSet<_> =
            file.iter().filter(|line| line["event"] == "piece").map(|line| number(line, "piece")).collect();
        assert_eq!(pieces.len(), if *id == IDS[0] { 0 } else { PIECE_COUNT }, "{id}");
        let numbers = |name: &str| -> Vec<_> {
            file.iter().filter(|line| line["event"] == name).map(|line| number(line, "connection")).collect()
        };
        let (begun, mut closed) = (numbers("handshake").into_iter().collect::<BTreeSet<_>>(), numbers("closed"));
        closed.sort_unstable();
        assert!(closed.is_sorted_by(|one, next| one < next), "{id}: {closed:?}");
        assert!(begun.iter().all(|number| closed.contains(number)), "{id}: {begun:?} {closed:?}");
        for (other, of_other) in IDS.iter().zip(&files).filter(|(other, _)| *other != id) {
            let (sent, received) = (messages(file, *other, true), messages(of_other, *id, false));
            assert_eq!(sent, received, "from {id} to {other}");
            assert_eq!(sent[0]["type"], "bitfield", "from {id} to {other}");
        }
    }
}
