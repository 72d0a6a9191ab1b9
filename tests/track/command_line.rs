//! The command line: what is printed, what is refused, and how it ends.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::tracker::{Tracker, announce, command};

/// The only sentence of a tracker that does not start, and its status.
fn refused(words: &[&str]) -> (String, Option<i32>) {
    let Output { status, stdout, stderr } = command(words).output().expect("it starts");
    assert_eq!(stdout, [0; 0]);
    let text = String::from_utf8(stderr).expect("it is text");
    let sentence = text.strip_prefix("swarm: ").and_then(|text| text.strip_suffix('\n'));
    let sentence = sentence.unwrap_or_else(|| panic!("{text}"));
    assert!(!sentence.contains('\n'), "{sentence}");
    (sentence.to_owned(), status.code())
}

#[test]
fn a_signal_ends_it_at_once_with_the_usual_status() {
    for (signal, status, name) in [("INT", 130, "Ctrl-C"), ("TERM", 143, "SIGTERM"), ("HUP", 129, "SIGHUP")] {
        let mut tracker = Tracker::start(&[]);
        let reach = tracker.line();
        assert!(reach.contains("only programs on this machine can reach the tracker"), "{reach}");
        let mut open = tracker.connect();
        assert_eq!(tracker.end(signal), Some(status));
        assert_eq!(tracker.line(), format!("swarm: {name}: the tracker ends"));
        assert!(open.is_at_end());
    }
}

#[test]
fn a_port_that_is_taken_is_told_in_one_sentence() {
    let tracker = Tracker::start(&[]);
    let address = tracker.address().to_string();
    let sentence = format!(
        "cannot listen on {address}: another program has this port; it is a tracker; --listen names another place"
    );
    assert_eq!(refused(&["--listen", &address]), (sentence, Some(1)));
}

#[test]
fn wrong_words_are_told_in_one_sentence() {
    let listen = "--listen '6969': the host is missing; write 127.0.0.1:6969 for this machine only, or 0.0.0.0:6969 for \
                  everybody";
    assert_eq!(refused(&["--listen", "6969"]), (listen.to_owned(), Some(2)));
    let (sentence, status) = refused(&["--interval", "0"]);
    assert!(sentence.contains("--interval '0'") && status == Some(2), "{sentence}");
    let (sentence, status) = refused(&["--swarm", "x"]);
    assert!(sentence.contains("--only") && status == Some(2), "{sentence}");
    let (sentence, status) = refused(&["--only", "/no/such/dir"]);
    assert!(sentence.starts_with("cannot read /no/such/dir/Common.cfg: ") && status == Some(2), "{sentence}");
}

#[test]
fn who_listens_everywhere_hears_who_can_reach_it() {
    let tracker = Tracker::spawn(command(&["--listen", "0.0.0.0:0"]));
    let reach = tracker.line();
    assert!(reach.starts_with("swarm: everybody who can reach this machine can announce to the tracker "), "{reach}");
    assert!(!tracker.url.contains("0.0.0.0"), "{}", tracker.url);
}

fn write_swarm(dir: &Path, file_name: &str) {
    fs::create_dir_all(dir).expect("a directory");
    let text = format!(
        "NumberOfPreferredNeighbors 3\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\n\
         FileName {file_name}\nFileSize 10000232\nPieceSize 32768\n"
    );
    fs::write(dir.join("Common.cfg"), text).expect("there is room");
}

fn percent(digits: &str) -> String {
    let pairs: Vec<_> = digits.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("digits")).collect();
    format!("%{}", pairs.join("%"))
}

/// The hashes are those that the document on membership shows for these swarms.
#[test]
fn only_the_swarms_in_the_directories_are_served() {
    let root = TempDir::new().expect("a directory");
    let [one, other] = ["one", "other"].map(|name| root.path().join(name));
    write_swarm(&one, "TheFile.dat");
    write_swarm(&other, "<b>.dat");
    let words = ["--only", one.to_str().expect("text"), other.to_str().expect("text"), "--swarm", "team 7"];
    let tracker = Tracker::start(&words);
    tracker.line();
    let told: Vec<_> = (0..4).map(|_| tracker.line()).collect();
    assert_eq!(told[2], "swarm: it serves TheFile.dat, team 7: a5758e272f9e957d05b06815e837405f766ae673");
    assert_eq!(told[3], "swarm: it serves TheFile.dat: 46a3872c8ca1707b3e861a7da357ef7d90f8caef");
    for digits in ["46a3872c8ca1707b3e861a7da357ef7d90f8caef", "a5758e272f9e957d05b06815e837405f766ae673"] {
        let path = announce('a', 1, "").replace(&"a".repeat(20), &percent(digits));
        assert!(tracker.bencode(&path).get("peers").is_some());
    }
    assert_eq!(tracker.failure(&announce('a', 1, "")), "this tracker does not serve this swarm");
    let page = tracker.get_text("/");
    assert!(page.contains("TheFile.dat<br>") && page.contains("TheFile.dat, team 7<br>"), "{page}");
    assert!(page.contains("&lt;b&gt;.dat<br>") && !page.contains("<b>"), "{page}");
    assert_eq!(tracker.stats()["swarms"], 4);
    // With a manifest the hash is another one, which a manifest of another file does not give.
    fs::write(one.join("TheFile.dat.meta.json"), "{}").expect("there is room");
    let (sentence, status) = refused(&words);
    assert!(sentence.contains("TheFile.dat.meta.json") && status == Some(2), "{sentence}");
}
