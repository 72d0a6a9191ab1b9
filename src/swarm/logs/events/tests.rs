//! Tests of the reader of event files.

use super::*;

const START: &str =
    r#"{"version":1,"event":"start","time":1000.5,"mono":0.5,"peer":1001,"source":"peer","program":"p 1","pieces":3}"#;

fn read(lines: &[&str]) -> EventFile {
    let text = [&[START], lines].concat().join("\n") + "\n";
    EventFile::read("e", text.as_bytes(), usize::MAX).expect("an event file")
}

fn events(file: &EventFile) -> Vec<Event> {
    file.lines.entries.iter().map(|entry| entry.event).collect()
}

#[test]
fn every_event_is_read_with_its_time_and_line() {
    let file = read(&[
        r#"{"event":"handshake","time":9.0,"mono":1.25,"connection":4,"sent":true,"peer":1001}"#,
        r#"{"event":"handshake","time":9.0,"mono":1.5,"connection":4,"sent":false,"peer":1002}"#,
        r#"{"event":"connected","mono":1.5,"connection":4,"dialed":true,"neighbor":1002,"address":null}"#,
        r#"{"event":"message","mono":1.5,"connection":4,"neighbor":1002,"sent":false,"type":"bitfield","pieces":2,"bits":"c0"}"#,
        r#"{"event":"message","mono":1.5,"connection":4,"neighbor":1002,"sent":true,"type":"piece","piece":7,"length":9}"#,
        r#"{"event":"message","mono":1.5,"connection":4,"neighbor":1002,"sent":false,"type":"other","number":9,"length":9}"#,
        r#"{"event":"preferred","mono":2,"tick":true,"neighbors":[1003,1002],"candidates":[{"peer":1002,"bytes":0}]}"#,
        r#"{"event":"preferred","mono":2,"tick":false,"neighbors":[],"candidates":[]}"#,
        r#"{"event":"optimistic","mono":2,"tick":true,"neighbor":null,"kept":null,"candidates":[]}"#,
        r#"{"event":"optimistic","mono":2,"tick":false,"neighbor":1003,"kept":null,"candidates":[]}"#,
        r#"{"event":"piece","mono":2,"piece":7,"from":1002,"pieces":4}"#,
        r#"{"event":"complete","mono":2}"#,
        r#"{"event":"closed","mono":2,"connection":4,"neighbor":1002,"in_order":true,"reason":""}"#,
        r#"{"event":"lost","mono":2,"count":5}"#,
        r#"{"event":"undecoded","mono":2,"connection":4,"sent":true,"bytes":"","length":1,"reason":""}"#,
        r#"{"event":"end","mono":2,"status":143}"#,
    ]);
    let message = |sent, kind, number| Event::Message { neighbor: 1002, sent, message: Message { kind, number } };
    assert_eq!(
        events(&file),
        [
            Event::Handshake { neighbor: 1002, sent: true },
            Event::Handshake { neighbor: 1002, sent: false },
            Event::Makes(1002),
            message(false, Kind::Bitfield, 2),
            message(true, Kind::Piece, 7),
            message(false, Kind::Other, NO_NUMBER),
            Event::PreferredTick(0),
            Event::Preferred(1),
            Event::OptimisticTick(NO_NUMBER),
            Event::Optimistic(1003),
            Event::Downloaded { from: 1002, index: 7, count: 4 },
            Event::Complete,
            Event::Closed { neighbor: 1002, in_order: true },
        ]
    );
    assert_eq!(file.lines.lists, [Box::from([1003, 1002]), Box::from([])]);
    assert_eq!((file.lines.entries[0].at, file.lines.entries[0].line), (Moment(1_001_250_000), 2));
    assert_eq!((file.peer, file.pieces, file.lost, file.undecoded, file.status), (1001, Some(3), 5, 1, Some(143)));
    assert_eq!((file.lines.unread.lines, file.lines.line_count), (0, 17));
    assert_eq!(file.lines.look.differences.len(), 1);
}

#[test]
fn a_tick_that_keeps_the_optimistic_neighbor_changes_nothing() {
    let file = read(&[
        r#"{"event":"optimistic","mono":2,"tick":true,"neighbor":1002,"kept":null,"candidates":[1002]}"#,
        r#"{"event":"optimistic","mono":3,"tick":true,"neighbor":null,"kept":1002,"candidates":[]}"#,
    ]);
    assert_eq!(events(&file), [Event::OptimisticTick(1002)]);
    assert_eq!(file.lines.unread.lines, 0);
}

#[test]
fn what_is_not_understood_is_counted_and_shown() {
    let file = read(&[
        r#"{"event":"weather","mono":2,"sun":true}"#,
        r#"{"event":"complete","mono":2,"new_key":[1,{}]}"#,
        r#"{"event":"message","mono":2,"sent":true,"type":"cancel"}"#,
        r#"{"event":"piece","mono":2,"piece":-1,"from":1,"pieces":1}"#,
        "Peer 1001 is choked by 1002.",
        "{\"event\":\"comple",
    ]);
    assert_eq!(events(&file), [Event::Complete]);
    assert_eq!(file.lines.look.differences, ["keys that are not known: `new_key`, `sun`"]);
    assert_eq!(file.lines.unread.lines, 5);
    assert_eq!(file.lines.unread.first.len(), 3);
    assert_eq!(file.lines.unread.first[2], (5, r#"{"event":"piece","mono":2,"piece":-1,"from":1,"pieces":1}"#.into()));
    assert_eq!(file.status, None);
}

#[test]
fn other_versions_and_other_files_are_refused() {
    let fault = |text: &[u8]| EventFile::read("e", text, usize::MAX).expect_err("it is refused").to_string();
    assert!(fault(START.replace(":1,", ":2,").as_bytes()).contains("version 2"));
    for text in ["", "\n", "{}", "[2026-11-21 14:03:09]: Peer 1 is choked by 2.\n", "{\"version\":1}", "\0\u{ff}"] {
        assert!(fault(text.as_bytes()).contains("is not an event file"), "{text:?}");
    }
}

#[test]
fn no_garbage_panics_and_a_file_may_be_cut_anywhere() {
    let whole =
        format!("{START}\n{{\"event\":\"preferred\",\"mono\":1e300,\"neighbors\":[1,2]}}\n{{\"event\":\"end\"}}\n");
    for cut in 0..whole.len() {
        for byte in [0, b'"', b'9', b'}', b'\n', 0xff] {
            let mut bytes = whole.as_bytes()[..cut].to_vec();
            _ = EventFile::read("e", &*bytes, usize::MAX);
            bytes.push(byte);
            bytes.extend_from_slice(&whole.as_bytes()[cut + 1..]);
            _ = EventFile::read("e", &*bytes, usize::MAX);
        }
    }
}

#[test]
fn a_line_of_any_length_is_one_line() {
    let long = "x".repeat(LONGEST_LINE + 10);
    let file = read(&[&long, r#"{"event":"complete","mono":2}"#]);
    assert_eq!((events(&file), file.lines.unread.lines), (vec![Event::Complete], 1));
    assert_eq!(file.lines.byte_count, START.len() as u64 + 1 + long.len() as u64 + 1 + 30);
}

/// Measures a million lines: `cargo test --release --bin swarm million -- --nocapture`.
#[test]
fn a_million_lines_take_about_a_second_in_release() {
    let count = if cfg!(debug_assertions) { 10_000 } else { 1_000_000 };
    let line = r#"{"event":"message","time":1795901949.207049,"mono":0.036177,"connection":2,"neighbor":1003,"sent":true,"type":"have","piece":0}"#;
    let text = format!("{START}\n{}", format!("{line}\n").repeat(count));
    let begun = std::time::Instant::now();
    let file = EventFile::read("e", text.as_bytes(), usize::MAX).expect("an event file");
    println!("{count} lines in {:?}", begun.elapsed());
    assert_eq!(file.lines.entries.len(), count);
}

#[test]
fn a_file_that_grows_tells_the_same_as_the_whole_one() {
    let text =
        format!("{START}\n{}\n{}\n", r#"{"event":"preferred","mono":2,"neighbors":[1,2]}"#, r#"{"event":"complete"}"#);
    let whole = EventFile::read("e", text.as_bytes(), usize::MAX).expect("an event file");
    for size in 1..text.len() {
        let (mut reader, mut kept) = (EventReader::new("e", usize::MAX), None);
        for part in text.as_bytes().chunks(size) {
            reader.grow(&mut kept, part);
        }
        let lines = kept.expect("an event file");
        assert_eq!((&lines.entries, lines.byte_count), (&whole.lines.entries, whole.lines.byte_count), "{size}");
    }
    let (mut reader, mut kept) = (EventReader::new("e", usize::MAX), None);
    reader.grow(&mut kept, &text.as_bytes()[..text.len() - 1]);
    assert_eq!(kept.map(|lines| lines.entries.len()), Some(1), "the last line has no end yet");
}
