//! `swarm grade`: logs and directories that cannot be read.

use std::fs;

use serde_json::Value;

use crate::Place;
use crate::swarm::Swarm;

/// Returns the sheets of a report in JSON.
fn sheets(place: &Place, words: &[&str]) -> Vec<Value> {
    let outcome = place.run(&[&["grade", "--format", "json"], words].concat());
    let report: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    report["directories"].as_array().expect("sheets").clone()
}

/// Windows PowerShell writes UTF-16 with `>`. Such a log cost nothing, and its lines were taken for prose.
#[test]
fn a_log_in_utf_16_and_one_of_something_else_count_as_missing() {
    let swarm = Swarm::new("1001* 1002");
    let line = |peer: u32, neighbor: u32| format!("[2026-11-21 10:00:00]: Peer {peer} is choked by {neighbor}.\r\n");
    swarm.place.write("log_peer_1002.log", line(1002, 1001).as_bytes());
    let wide: Vec<u8> = line(1001, 1002).encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, said) in [
        (&[&b"\xff\xfe"[..], &wide].concat()[..], "log_peer_1001.log is UTF-16 text, which is not read here;"),
        (b"nonsense\n", "log_peer_1001.log has no line of the log of 1001;"),
        (b"", "log_peer_1001.log is empty;"),
    ] {
        swarm.place.write("log_peer_1001.log", bytes);
        let sheet = &sheets(&swarm.place, &["."])[0];
        assert_eq!(sheet["missing_logs"], serde_json::json!([1001]), "{sheet}");
        let notes = sheet["notes"].as_array().expect("notes");
        assert!(notes.iter().any(|note| note.as_str().is_some_and(|note| note.starts_with(said))), "{said}: {sheet}");
        assert!(sheet["rubric"].to_string().contains("there is no log of 1001"), "{sheet}");
    }
}

#[test]
fn a_directory_without_points_has_null_and_says_what_it_lacks() {
    let swarm = Swarm::new("1001* 1002");
    for name in ["empty", "bare"] {
        fs::create_dir(swarm.place.path(name)).expect("it is new");
    }
    swarm.place.write("bare/notes.txt", b"");
    let found = sheets(&swarm.place, &[".", "empty", "bare"]);
    for (sheet, fault) in found[1..].iter().zip(["empty is empty", "bare has no Common.cfg"]) {
        assert_eq!((&sheet["points"], &sheet["visible_points"]), (&Value::Null, &Value::Null), "{sheet}");
        assert_eq!(sheet["fault"], fault);
    }
    assert_eq!(found[0]["points"], 0.0);
}

#[test]
fn the_empty_log_of_a_peer_that_is_alone_is_whole() {
    let swarm = Swarm::new("1001*");
    swarm.place.write("log_peer_1001.log", b"");
    let sheet = &sheets(&swarm.place, &["."])[0];
    assert_eq!((&sheet["missing_logs"], &sheet["notes"]), (&serde_json::json!([]), &serde_json::json!([])), "{sheet}");
    swarm.place.run(&["grade"]).assert_status(0);
    swarm.place.write("log_peer_1001.log", b"nonsense\n");
    swarm.place.run(&["grade"]).assert_status(2);
}

#[test]
fn a_log_with_a_strange_name_is_named_with_the_whole_command() {
    let swarm = Swarm::new("1001* 1002");
    fs::create_dir(swarm.place.path("out")).expect("it is new");
    swarm.place.write("out/peer1001.txt", b"Peer 1001 is choked by 1002.\n");
    let outcome = swarm.place.run(&["grade"]);
    // Nothing was judged, which is no success.
    outcome.assert_status(2);
    let command = "`swarm grade . --log 1001=out/peer1001.txt` reads it";
    assert!(outcome.stdout.contains(command), "{}", outcome.stdout);
}

#[test]
fn all_lines_of_an_event_file_are_understood() {
    let swarm = Swarm::new("1001* 1002");
    let lines = [
        r#"{"version":1,"event":"start","time":1000.5,"mono":0.5,"peer":1001,"source":"tap"}"#,
        r#"{"event":"handshake","sent":true,"connection":1,"mono":1}"#,
        r#"{"event":"end","mono":2,"status":0}"#,
    ];
    swarm.place.write("events_1001.jsonl", (lines.join("\n") + "\n").as_bytes());
    let sheet = &sheets(&swarm.place, &["."])[0];
    let row = &sheet["logs"][0];
    assert_eq!((&row["lines"], &row["understood"], &row["unread"]), (&3.into(), &3.into(), &0.into()), "{sheet}");
}
