//! What `swarm replay` writes and says.

use std::fs;

use crate::swarm::{PEERS, replay, swarm};

fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_page_and_the_trace_are_made_and_named() {
    let dir = swarm();
    let output = replay(dir.path(), &["-o", "run.html", "--trace", "run.json"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for name in ["run.html", "run.json"] {
        let len = fs::metadata(dir.path().join(name)).expect("it is there").len();
        assert!(text.contains(&format!("{name}: {len} bytes")), "{text}");
    }
    let trace: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.path().join("run.json")).expect("a trace")).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    let pieces = events.iter().filter(|event| event["ph"] == "X").count();
    assert_eq!(pieces, 16, "both leechers' pieces");
}

#[test]
fn a_missing_log_is_said_and_the_page_is_made_all_the_same() {
    let dir = swarm();
    fs::remove_file(dir.path().join("log_peer_1003.log")).expect("it was there");
    let output = replay(dir.path(), &[]);
    assert!(output.status.success(), "{output:?}");
    assert!(stderr(&output).contains("no log of peer 1003 was found; name it with --log 1003=PATH"), "{output:?}");
    fs::write(dir.path().join("other.txt"), "").expect("a file");
    let output = replay(dir.path(), &["--log", "1003=other.txt"]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

#[test]
fn wrong_words_are_refused_before_anything_is_made() {
    let dir = swarm();
    for words in ["1009=log", "log", "=", "x=log"] {
        let output = replay(dir.path(), &["--log", words]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(&format!("--log '{words}' is not ID=PATH")), "{output:?}");
    }
    let output = replay(dir.path(), &["--log", "1001=nowhere.log"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!dir.path().join("replay.html").exists());
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 2 + PEERS.len());
}
