//! `--events`: the events of all peers agree with each other, with their logs, and with the schema in `docs`.

use std::collections::BTreeSet;
use std::fs;
use std::thread;

use serde_json::Value;

use crate::client::{BITFIELD, Client, full_bitfield};
use crate::log::Event;
use crate::schema::{Schema, lines};
use crate::swarm::{Plan, Swarm};

const SCHEMA: &str = include_str!("../../docs/events.schema.json");

/// Returns the lines of a peer that has ended with this status.
pub fn ended(swarm: &Swarm, name: &str, status: i32) -> Vec<Value> {
    let lines = lines(&swarm.env.dir().join(name));
    let last = &lines[lines.len() - 1];
    assert_eq!((&last["event"], &last["status"]), (&"end".into(), &status.into()));
    assert!(lines.iter().all(|line| line["event"] != "lost"));
    lines
}

/// Returns the messages and handshakes to or from a neighbor: without what differs between both ends, and with their times.
fn messages(lines: &[Value], neighbor: u32, sent: bool) -> Vec<(Value, f64)> {
    let of = lines.iter().filter(|line| line["neighbor"] == neighbor && line["sent"] == sent);
    of.map(|line| {
        let (mut line, time) = (line.clone(), line["time"].as_f64().expect("a number"));
        for key in ["time", "mono", "connection", "neighbor", "sent"] {
            line.as_object_mut().expect("an object").remove(key);
        }
        (line, time)
    })
    .collect()
}

/// Returns the sentence of the log that a line may have.
fn sentence(line: &Value) -> Option<Event> {
    let number = |key: &str| line[key].as_u64().and_then(|number| u32::try_from(number).ok());
    let from = number("neighbor");
    let received = line["sent"] == false;
    Some(match (line["event"].as_str()?, line["type"].as_str()) {
        ("connected", _) if line["dialed"] == true => Event::Connects(from?),
        ("connected", _) => Event::IsConnected(from?),
        ("preferred", _) => {
            let list = line["neighbors"].as_array()?.iter();
            Event::Preferred(list.map(|id| u32::try_from(id.as_u64().expect("an ID")).expect("an ID")).collect())
        }
        ("optimistic", _) => Event::Optimistic(from?),
        ("message", Some("unchoke")) if received => Event::UnchokedBy(from?),
        ("message", Some("choke")) if received => Event::ChokedBy(from?),
        ("message", Some("have")) if received => Event::Have { from: from?, piece: number("piece")? },
        ("message", Some("interested")) if received => Event::Interested(from?),
        ("message", Some("not_interested")) if received => Event::NotInterested(from?),
        ("piece", _) => Event::Downloaded { piece: number("piece")?, from: number("from")?, count: number("pieces")? },
        ("complete", _) => Event::Complete,
        _ => return None,
    })
}

/// Runs all peers of a plan with `--events` and more options to their end, and compares everything that they tell.
fn check_agreement(plan: Plan, options: &[&str]) {
    let swarm = Swarm::new(plan);
    let ids: Vec<_> = swarm.plan.peers.iter().map(|(id, _)| *id).collect();
    let started: Vec<_> = ids
        .iter()
        .map(|id| {
            let (id, name) = (id.to_string(), format!("e{id}.jsonl"));
            swarm.env.start(&[&["--events", &name, &id], options].concat()).wait_until_up()
        })
        .collect();
    for peer in started {
        assert_eq!(peer.wait().status, Some(0));
    }
    let files: Vec<_> = ids.iter().map(|id| ended(&swarm, &format!("e{id}.jsonl"), 0)).collect();
    for (own, of_own) in ids.iter().zip(&files) {
        for (other, of_other) in ids.iter().zip(&files).filter(|(other, _)| *other != own) {
            let (sent, received) = (messages(of_own, *other, true), messages(of_other, *own, false));
            let lines = |list: &[(Value, f64)]| list.iter().map(|(line, _)| line.clone()).collect::<Vec<_>>();
            assert_eq!(lines(&sent), lines(&received), "from {own} to {other}");
            assert!(sent.len() >= 2, "a bitfield and interest");
            for ((line, sent), (_, received)) in sent.iter().zip(&received) {
                assert!(sent <= received, "{line} came at {received} and left at {sent}");
            }
        }
        let log: Vec<_> = swarm.env.log(*own).into_iter().map(|entry| entry.event).collect();
        let mut told: Vec<_> = of_own.iter().filter_map(sentence).collect();
        for event in &log {
            let place = told.iter().position(|other| other == event);
            told.remove(place.unwrap_or_else(|| panic!("{own} logged {event:?}, and has no line for it")));
        }
        // Ticks that change nothing have no sentence.
        told.retain(|event| !matches!(event, Event::Preferred(_)));
        assert_eq!(told, [], "{own} has lines without sentences");
        let count = |event: &str| of_own.iter().filter(|line| line["event"] == event).count();
        assert_eq!((count("connected"), count("closed")), (ids.len() - 1, count("handshake") / 2), "{own}");
        assert!(of_own.iter().filter(|line| line["event"] == "closed").all(|line| line["in_order"] == true), "{own}");
    }
}

#[test]
fn two_peers_tell_the_same() {
    check_agreement(Plan::default(), &[]);
}

#[test]
fn three_peers_tell_the_same() {
    let peers = vec![(1001, true), (1002, false), (1003, false)];
    check_agreement(Plan { k: 1, file_size: 400_000, peers, ..Plan::default() }, &[]);
}

#[test]
fn eager_slots_have_lines_too() {
    let peers = vec![(1001, true), (1002, false), (1003, false), (1004, false)];
    check_agreement(Plan { k: 1, file_size: 400_000, peers, ..Plan::default() }, &["--unchoke", "eager"]);
}

#[test]
fn a_tick_tells_what_it_was_decided_on_also_if_it_changes_nothing() {
    let swarm = Swarm::new(Plan { peers: vec![(1001, true), (1002, false)], ..Plan::default() });
    let seeder = swarm.env.start(&["--events", "e", "1001"]).wait_until_up();
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say(2, &[]);
    // The second tick changes nothing.
    let path = swarm.env.dir().join("e");
    let ticks = || fs::read_to_string(&path).unwrap_or_default().matches("\"preferred\"").count();
    wait_until(|| ticks() >= 2);
    seeder.signal("INT");
    assert_eq!(seeder.wait().status, Some(130));
    let lines = ended(&swarm, "e", 130);
    let ticks: Vec<_> = lines.iter().filter(|line| line["event"] == "preferred").collect();
    for tick in &ticks[..2] {
        assert_eq!((&tick["tick"], &tick["neighbors"]), (&true.into(), &serde_json::json!([1002])));
        assert_eq!(tick["candidates"], serde_json::json!([{"peer": 1002, "bytes": 0}]));
    }
    let optimistic = lines.iter().find(|line| line["event"] == "optimistic").expect("a tick");
    assert_eq!((&optimistic["neighbor"], &optimistic["candidates"]), (&Value::Null, &serde_json::json!([])));
    let end = lines.iter().find(|line| line["event"] == "closed").expect("it is closed");
    assert_eq!((&end["in_order"], &end["reason"]), (&false.into(), &"this peer ends".into()));
}

#[test]
fn odd_messages_and_faults_are_told() {
    let swarm = Swarm::new(Plan { peers: vec![(1001, true), (1002, false)], ..Plan::default() });
    let seeder = swarm.env.start(&["--events", "e", "1001"]).wait_until_up();
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say(9, &[1, 2, 3]);
    client.say(9, &[]);
    client.say(BITFIELD, &full_bitfield(3));
    seeder.wait_for_line("closing the connection");
    seeder.signal("TERM");
    assert_eq!(seeder.wait().status, Some(143));
    let lines = ended(&swarm, "e", 143);
    let others: Vec<_> = lines.iter().filter(|line| line["type"] == "other").map(|line| &line["length"]).collect();
    assert_eq!(others, [4, 1]);
    let end = lines.iter().find(|line| line["event"] == "closed").expect("it is closed");
    assert!(end["reason"].as_str().is_some_and(|reason| reason.contains("bitfield")), "{end}");
}

#[test]
fn a_killed_peer_leaves_whole_lines() {
    let swarm = Swarm::new(Plan::default());
    let seeder = swarm.env.start(&["--events", "e", "1001"]).wait_until_up();
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say(2, &[]);
    let path = swarm.env.dir().join("e");
    wait_until(|| fs::read_to_string(&path).unwrap_or_default().contains("\"preferred\""));
    seeder.signal("KILL");
    assert_eq!(seeder.wait().status, None);
    assert!(lines(&path).iter().any(|line| line["type"] == "interested"));
    // The next run starts a new file.
    let seeder = swarm.env.start(&["--events", "e", "1001"]).wait_until_up();
    let _client = Client::join(&swarm, 1001, 1002);
    seeder.signal("INT");
    assert_eq!(seeder.wait().status, Some(130));
    assert!(ended(&swarm, "e", 130).iter().all(|line| line["type"] != "interested"));
}

#[test]
fn what_is_no_event_file_is_not_overwritten_and_one_file_has_one_writer() {
    let swarm = Swarm::new(Plan { peers: vec![(1001, true), (1002, false)], ..Plan::default() });
    for name in ["peer_1001/file.bin", "Common.cfg"] {
        let before = fs::read(swarm.env.dir().join(name)).expect("a file");
        let told = swarm.env.run(&["-q", "--events", name, "1001"]);
        told.assert_one_sentence(1, &[&format!("{name} already exists and is not an event file")]);
        assert!(fs::read(swarm.env.dir().join(name)).expect("a file") == before, "{name}");
    }
    let told = swarm.env.run(&["-q", "--events", "no/such/e", "1001"]);
    told.assert_one_sentence(1, &["cannot create no/such/e"]);
    std::os::unix::fs::symlink("Common.cfg", swarm.env.dir().join("link")).expect("a link");
    swarm.env.run(&["-q", "--events", "link", "1001"]).assert_one_sentence(1, &["is a link to a file"]);
    let _seeder = swarm.env.start(&["--events", "e", "1001"]).wait_until_up();
    let told = swarm.env.run(&["-q", "--events", "e", "1002"]);
    told.assert_one_sentence(1, &["another process writes its events to e"]);
}

#[test]
fn document_schema_and_code_know_the_same_names() {
    let document = include_str!("../../docs/events.md");
    let code = include_str!("../../src/output/events/line.rs");
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let branches = schema["oneOf"].as_array().expect("a list");
    let of_schema: BTreeSet<_> =
        branches.iter().map(|branch| branch["properties"]["event"]["const"].as_str().expect("a name")).collect();
    let rows = document.split("| event |").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a table");
    let of_document: BTreeSet<_> = rows.lines().filter_map(|row| row.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(of_schema, of_document);
    let quoted = |call: &str| -> BTreeSet<&str> {
        let calls = code.split("#[cfg(test)]").next().expect("code").split(call).skip(1);
        calls.map(|rest| rest.split('"').next().expect("a name")).collect()
    };
    assert_eq!(quoted("head(\""), of_schema);
    let types = schema["$defs"]["type"]["enum"].as_array().expect("a list");
    assert_eq!(quoted("kind_of(\""), types.iter().filter_map(Value::as_str).collect());
    for branch in branches {
        for key in branch["properties"].as_object().expect("an object").keys() {
            let is_told = document.contains(&format!("`{key}`")) || document.contains(&format!("\"{key}\""));
            assert!(is_told, "docs/events.md does not tell of '{key}'");
        }
    }
    let check = Schema::new();
    let examples = document.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("examples");
    let examples: Vec<Value> =
        serde_json::Deserializer::from_str(examples).into_iter().map(|line| line.expect("JSON")).collect();
    assert!(examples.len() > 8);
    for line in &examples {
        assert_eq!(check.fault(line), None);
    }
    for wrong in [
        r#"{"event":"end","time":1,"mono":1}"#,
        r#"{"event":"piece","time":1,"mono":1,"piece":-1,"from":1,"pieces":1}"#,
    ] {
        assert!(check.fault(&serde_json::from_str(wrong).expect("JSON")).is_some(), "{wrong}");
    }
}

/// Waits for what a file shows: no event tells of it.
fn wait_until(mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < crate::env::PATIENCE, "it has not happened");
        thread::sleep(std::time::Duration::from_millis(10));
    }
}
