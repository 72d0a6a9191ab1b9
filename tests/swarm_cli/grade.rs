//! `swarm grade`: a run of real peers, runs that are broken or incomplete, and the forms of the report.

use std::fs;
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use crate::swarm::Swarm;
use crate::{Outcome, Place};

/// Maximum number of cuts that are made in the logs of a run.
const CUTS: usize = 60;
const COMMON: &str = "NumberOfPreferredNeighbors 2\nUnchokingInterval 5\nOptimisticUnchokingInterval 15\n\
                      FileName file.bin\nFileSize 2000\nPieceSize 1000\n";
const SEEDER: &str = "log_peer_1001.log";
const LEECHER: &str = "log_peer_1002.log";

/// Writes a small run, of which each line is true.
fn write_run(dir: &Path) {
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).expect("the file can be written");
    fs::create_dir_all(dir).expect("a directory");
    write("Common.cfg", COMMON);
    write("PeerInfo.cfg", "1001 localhost 6001 1\n1002 localhost 6002 0\n");
    write(
        SEEDER,
        "[2026-11-21 10:00:00]: Peer 1001 is connected from Peer 1002.\n\
         [2026-11-21 10:00:00]: Peer 1001 received the 'interested' message from 1002.\n\
         [2026-11-21 10:00:05]: Peer 1001 has the preferred neighbors 1002.\n\
         [2026-11-21 10:00:06]: Peer 1001 received the 'have' message from 1002 for the piece 1.\n\
         [2026-11-21 10:00:07]: Peer 1001 received the 'have' message from 1002 for the piece 0.\n\
         [2026-11-21 10:00:07]: Peer 1001 received the 'not interested' message from 1002.\n",
    );
    write(
        LEECHER,
        "[2026-11-21 10:00:00]: Peer 1002 makes a connection to Peer 1001.\n\
         [2026-11-21 10:00:00]: Peer 1002 received the 'not interested' message from 1001.\n\
         [2026-11-21 10:00:05]: Peer 1002 is unchoked by 1001.\n\
         [2026-11-21 10:00:06]: Peer 1002 has downloaded the piece 1 from 1001. Now the number of pieces it has is 1.\n\
         [2026-11-21 10:00:07]: Peer 1002 has downloaded the piece 0 from 1001. Now the number of pieces it has is 2.\n\
         [2026-11-21 10:00:07]: Peer 1002 has downloaded the complete file.\n",
    );
}

fn small_run() -> Place {
    let place = Place::new();
    write_run(place.0.path());
    place
}

/// Returns the only sheet of a report in JSON.
fn sheet(outcome: &Outcome) -> Value {
    assert_eq!(outcome.stderr, "");
    let report: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let sheets = report["directories"].as_array().expect("sheets");
    assert_eq!(sheets.len(), 1);
    sheets[0].clone()
}

fn names(rows: &Value) -> Vec<&str> {
    rows.as_array().expect("rows").iter().map(|row| row["name"].as_str().expect("a name")).collect()
}

fn status<'a>(sheet: &'a Value, item: &str) -> &'a str {
    let row = sheet["rubric"].as_array().expect("rows").iter().find(|row| row["item"] == item).expect("an item");
    row["status"].as_str().expect("a status")
}

#[test]
fn real_peers_violate_nothing_and_their_events_show_what_logs_cannot() {
    let swarm = Swarm::new("1001* 1002 1003 1004");
    swarm.run("start --timeout 100 --demo-rate . -- --events events_{id}.jsonl").assert_status(0);
    let outcome = swarm.run("grade --format json");
    let with_events = sheet(&outcome);
    assert_eq!(names(&with_events["violated"]), <[&str; 0]>::default(), "{with_events}");
    assert_eq!(outcome.status, Some(0));
    for item in ["1b", "1c", "2a", "2b", "2c", "2d", "3a", "3b", "3e", "3f", "4"] {
        assert_eq!(status(&with_events, item), "shown", "{item}: {with_events}");
    }
    for log in with_events["logs"].as_array().expect("rows").iter().filter(|log| log["kind"] == "log") {
        let dialect = log["differences"].as_array().expect("a list").len();
        assert_eq!((&log["unread"], dialect, &log["lines"]), (&0.into(), 0, &log["understood"]), "{log}");
    }
    for id in &swarm.ids {
        let name = format!("events_{id}.jsonl");
        fs::rename(swarm.place.path(&name), swarm.place.path(&format!("{name}.old"))).expect("it is there");
    }
    let outcome = swarm.run("grade --format json");
    let logs_only = sheet(&outcome);
    assert_eq!((names(&logs_only["violated"]), outcome.status), (Vec::new(), Some(0)), "{logs_only}");
    for item in ["2a", "2b", "3a"] {
        assert_eq!(status(&logs_only, item), "not visible in a log");
    }
    let named = swarm.run("grade --format json --events 1002=events_1002.jsonl.old");
    for item in ["2a", "2b", "3a"] {
        assert_eq!(status(&sheet(&named), item), "shown");
    }
}

#[test]
fn a_violation_is_named_with_its_line_and_is_status_1() {
    let place = small_run();
    let outcome = place.run(&["grade", "--format", "json"]);
    let whole = sheet(&outcome);
    assert_eq!((names(&whole["violated"]), names(&whole["unclear"])), (Vec::new(), Vec::new()), "{whole}");
    assert_eq!(outcome.status, Some(0));
    for (file, from, to, name, line) in [
        (LEECHER, "has is 2", "has is 3", "count-jumps", 5),
        (LEECHER, "the piece 0", "the piece 1", "index-twice", 5),
        (LEECHER, "the piece 0", "the piece 2", "index-out-of-range", 5),
        (SEEDER, "neighbors 1002", "neighbors 1002,1002", "list-has-doubles", 3),
    ] {
        write_run(place.0.path());
        let log = String::from_utf8(place.read(file)).expect("text");
        assert!(log.contains(from), "{from}");
        place.write(file, log.replace(from, to).as_bytes());
        let outcome = place.run(&["grade", "--format", "json"]);
        let sheet = sheet(&outcome);
        assert!(names(&sheet["violated"]).contains(&name), "{name}: {sheet}");
        assert_eq!(outcome.status, Some(1), "{name}");
        let text = place.run(&["grade"]);
        assert_eq!((text.status, text.stderr.as_str()), (Some(1), ""));
        assert!(text.stdout.contains(name) && text.stdout.contains(&format!("{file}:{line}")), "{}", text.stdout);
        assert!(!text.stdout.contains('\x1b'), "no colors in a pipe");
    }
}

#[test]
fn what_was_not_understood_is_told_and_no_violation() {
    let place = small_run();
    let wrong = "\x1b[2Jnonsense\u{7}\n".repeat(5);
    for (bytes, understood, unread) in
        [(&b""[..], 6, 0), (b"\0\xff\xfe\x80", 6, 1), (b"\n\n \r\n", 6, 0), (wrong.as_bytes(), 6, 5)]
    {
        place.write(LEECHER, bytes);
        let outcome = place.run(&["grade", "--format", "json"]);
        let sheet = sheet(&outcome);
        let logs = sheet["logs"].as_array().expect("rows");
        let sum = |key: &str| logs.iter().map(|log| log[key].as_u64().expect("a number")).sum::<u64>();
        assert_eq!((sum("understood"), sum("unread")), (understood, unread), "{sheet}");
        let text = place.run(&["grade"]).stdout;
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        let lines = if unread == 1 { "line" } else { "lines" };
        assert!(text.contains(&format!("{unread} {lines} not understood")), "{text}");
    }
    for name in [SEEDER, LEECHER] {
        place.write(name, b"");
    }
    let judged = place.run(&["grade"]);
    judged.assert_status(2);
    let text = judged.stdout;
    assert!(text.contains("Nothing was understood, so nothing is judged"), "{text}");
    assert!(text.contains("log_peer_1001.log is empty; it counts as a missing log"), "{text}");
    for name in [SEEDER, LEECHER] {
        fs::remove_file(place.path(name)).expect("it is there");
    }
    let text = place.run(&["grade"]).stdout;
    assert!(text.contains("no log of 1001, 1002") && text.contains("2 logs missing"), "{text}");
}

#[test]
fn logs_that_end_too_soon_are_judged_as_far_as_they_go() {
    let place = Place::new();
    let mut words = vec!["grade".to_owned(), "--format".into(), "csv".into()];
    for cut in 0..CUTS {
        let dir = place.path(&format!("cut-{cut}"));
        write_run(&dir);
        for name in [SEEDER, LEECHER] {
            let log = fs::read(dir.join(name)).expect("a log");
            fs::write(dir.join(name), &log[..log.len() * cut / CUTS]).expect("it can be written");
        }
        words.push(dir.display().to_string());
    }
    let outcome = place.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let mut reader = csv::Reader::from_reader(outcome.stdout.as_bytes());
    let violated = reader.headers().expect("a header").iter().position(|name| name == "violated").expect("a column");
    let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), CUTS);
    for row in &rows {
        // A peer that says too early that all is over would say so too; nothing else is a violation.
        assert!(row[violated].split(' ').all(|name| matches!(name, "" | "ends-early")), "{row:?}");
    }
}

#[test]
fn a_class_is_a_table_with_a_line_for_each_directory() {
    let place = Place::new();
    let dirs: Vec<PathBuf> = (0..60).map(|group| place.path(&format!("group {group}, \"ours\""))).collect();
    for dir in &dirs {
        write_run(dir);
    }
    let log = fs::read_to_string(dirs[17].join(LEECHER)).expect("a log");
    fs::write(dirs[17].join(LEECHER), log.replace("has is 2", "has is 3")).expect("it can be written");
    let mut words = vec!["grade", "--format", "csv"];
    words.extend(dirs.iter().map(|dir| dir.to_str().expect("text")));
    let outcome = place.run(&words);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(1), ""));
    let mut reader = csv::Reader::from_reader(outcome.stdout.as_bytes());
    let violations = reader.headers().expect("a header").iter().position(|name| name == "violations");
    let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), dirs.len());
    for (place, (row, dir)) in rows.iter().zip(&dirs).enumerate() {
        assert_eq!(&row[0], dir.to_str().expect("text"));
        assert_eq!(&row[violations.expect("a column")] != "0", place == 17, "{row:?}");
    }
}

#[test]
fn a_directory_that_cannot_be_graded_has_a_line_and_the_others_are_graded() {
    let place = small_run();
    place.write("README.txt", b"groups");
    fs::create_dir_all(place.path("empty")).expect("a directory");
    for (format, parts) in [
        ("csv", &["README.txt,", "empty,"][..]),
        ("text", &["README.txt:", "it was not graded", "No violation"][..]),
        ("json", &["\"fault\": null"][..]),
        ("junit", &["errors=\"2\""][..]),
        ("gradescope", &["it was not graded"][..]),
        ("ctrf", &["\"failed\": 2"][..]),
    ] {
        let outcome = place.run(&["grade", "--format", format, "README.txt", ".", "empty"]);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(2), ""), "{format}");
        for part in parts {
            assert!(outcome.stdout.contains(part), "{format}: {part}\n{}", outcome.stdout);
        }
    }
    let alone = place.run(&["grade", "--format", "csv", "empty"]);
    assert_eq!((alone.status, alone.stdout.as_str()), (Some(2), ""));
}

#[test]
fn a_peer_that_was_killed_and_writes_a_log_of_its_second_life_accuses_nobody() {
    let place = small_run();
    place.write("PeerInfo.cfg", b"1001 localhost 6001 1\n1002 localhost 6002 0\n1003 localhost 6003 0\n");
    let log = |peer: u32, lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|line| line.split_once(' ').expect("a second")).collect();
        let lines = lines.iter().map(|(second, told)| format!("[2026-11-21 10:00:{second}]: Peer {peer} {told}.\n"));
        place.write(&format!("log_peer_{peer}.log"), lines.collect::<Vec<_>>().concat().as_bytes());
    };
    let seeder = [
        "00 is connected from Peer 1002",
        "00 is connected from Peer 1003",
        "01 received the 'interested' message from 1002",
        "05 has the preferred neighbors 1002",
        "06 received the 'have' message from 1002 for the piece 0",
        "40 is connected from Peer 1002",
        "40 received the 'interested' message from 1002",
        "45 has the preferred neighbors 1002",
        "51 received the 'have' message from 1002 for the piece 1",
        "53 received the 'have' message from 1002 for the piece 0",
    ];
    let killed = [
        "40 makes a connection to Peer 1001",
        "40 is connected from Peer 1003",
        "45 is unchoked by 1001",
        "51 has downloaded the piece 1 from 1001. Now the number of pieces it has is 1",
        "53 has downloaded the piece 0 from 1001. Now the number of pieces it has is 2",
        "53 has downloaded the complete file",
    ];
    let third = [
        "00 makes a connection to Peer 1001",
        "00 makes a connection to Peer 1002",
        "06 received the 'have' message from 1002 for the piece 0",
        "08 is unchoked by 1002",
        "09 has downloaded the piece 0 from 1002. Now the number of pieces it has is 1",
        "40 makes a connection to Peer 1002",
        "51 received the 'have' message from 1002 for the piece 1",
    ];
    log(1001, &seeder);
    log(1002, &killed);
    log(1003, &third);
    let outcome = place.run(&["grade", "--format", "json"]);
    let sheet = sheet(&outcome);
    assert_eq!(names(&sheet["violated"]), <[&str; 0]>::default(), "{sheet}");
    assert_eq!(sheet["clocks"].as_array().map(Vec::len), Some(1), "only that of 1003 is bounded: {sheet}");
}

#[test]
fn a_file_is_named_once_for_a_peer() {
    let place = small_run();
    for option in ["--log", "--events"] {
        let outcome = place.run(&["grade", option, "1002=a", option, "1001=b", option, "1002=c"]);
        assert_eq!(outcome.status, Some(2));
        assert!(outcome.stderr.contains("1002") && outcome.stderr.contains(option), "{}", outcome.stderr);
    }
}

#[test]
fn only_the_copies_of_complete_peers_are_compared_and_a_wrong_one_is_named() {
    let place = small_run();
    let log = fs::read_to_string(place.path(LEECHER)).expect("a log");
    for (peer, copy) in [(1001, vec![7; 2000]), (1002, vec![8; 2000])] {
        fs::create_dir_all(place.path(&format!("peer_{peer}"))).expect("a directory");
        place.write(&format!("peer_{peer}/file.bin"), &copy);
    }
    let outcome = place.run(&["grade"]);
    assert_eq!(outcome.status, Some(1));
    for part in ["not the file: the copy of 1002", "the copy of 1002 differs", "copies: 1001 original, 1002 different"]
    {
        assert!(outcome.stdout.contains(part), "{part}\n{}", outcome.stdout);
    }
    let incomplete: Vec<_> = log.lines().filter(|line| !line.contains("complete")).take(4).collect();
    place.write(LEECHER, incomplete.join("\n").as_bytes());
    let outcome = place.run(&["grade", "--format", "json"]);
    let sheet = sheet(&outcome);
    assert_eq!((&sheet["copies"][1]["state"], outcome.status), (&Value::from("incomplete"), Some(0)), "{sheet}");
    assert_eq!(status(&sheet, "4"), "not shown");
}

#[test]
fn each_form_of_the_report_can_be_read() {
    let place = small_run();
    place.write(LEECHER, b"<&\"]]>\x01 \xff\nPeer 1002 is choked by 1001\n");
    for format in ["json", "gradescope", "ctrf"] {
        let outcome = place.run(&["grade", "--format", format]);
        let report: Value = serde_json::from_str(&outcome.stdout).expect(format);
        let tests = match format {
            "json" => &report["directories"][0]["rubric"],
            "gradescope" => &report["tests"],
            _ => &report["results"]["tests"],
        };
        assert_eq!(tests.as_array().map(Vec::len), Some(15), "{format}: {report}");
    }
    let xml = place.run(&["grade", "--format", "junit"]).stdout;
    let mut reader = Reader::from_str(&xml);
    let mut tests = 0;
    loop {
        match reader.read_event().expect("it is XML") {
            Event::Start(start) | Event::Empty(start) => tests += usize::from(start.name().as_ref() == "testcase"),
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(tests, 15, "{xml}");
    let table = place.run(&["grade", "--format", "csv"]).stdout;
    assert_eq!(csv::Reader::from_reader(table.as_bytes()).records().flatten().count(), 1);
}

#[test]
fn logs_are_found_or_named_and_a_choice_is_told() {
    let place = small_run();
    fs::create_dir_all(place.path("logs")).expect("a directory");
    place.write("logs/log_peer_[1002].log", b"Peer 1002 is choked by 1001.\n");
    let text = place.run(&["grade"]).success();
    let told =
        "log_peer_1002.log is read as the log of 1002, not logs/log_peer_[1002].log; --log 1002=PATH names another";
    assert!(text.contains(told), "{text}");
    let named = sheet(&place.run(&["grade", "--format", "json", "--log", "1002=logs/log_peer_[1002].log"]));
    let file = named["logs"].as_array().expect("rows").iter().find(|log| log["peer"] == 1002).expect("a log");
    assert_eq!((&file["file"], &file["lines"]), (&"logs/log_peer_[1002].log".into(), &1.into()));
    assert_eq!(named["notes"], Value::Array(Vec::new()), "the user has chosen");
    fs::remove_file(place.path(LEECHER)).expect("it is there");
    let found = sheet(&place.run(&["grade", "--format", "json"]));
    assert_eq!(found["missing_logs"], Value::Array(Vec::new()));
    let absent = sheet(&place.run(&["grade", "--format", "json", "--log", "1002=nowhere.log"]));
    assert_eq!(absent["missing_logs"], serde_json::json!([1002]));
    assert!(absent["notes"][0].as_str().expect("a note").starts_with("cannot read nowhere.log: "), "{absent}");
}

#[test]
fn without_a_configuration_it_is_status_2_and_the_logs_are_named() {
    let place = small_run();
    let told = place.run(&["grade", "--log", "1009=x"]).sentence(2);
    assert_eq!(told, "PeerInfo.cfg in '.' has no peer 1009");
    let told = place.run(&["grade", ".", ".", "--log", "1001=x"]).sentence(2);
    assert_eq!(told, "--log and --events are for a single DIR");
    fs::remove_file(place.path("PeerInfo.cfg")).expect("it is there");
    let told = place.run(&["grade"]).sentence(2);
    assert!(told.contains("PeerInfo.cfg") && told.ends_with("; there are logs of 1001, 1002"), "{told}");
    let told = place.run(&["grade", "nowhere"]).sentence(2);
    assert!(told.contains("nowhere") && !told.contains("there are logs"), "{told}");
}
