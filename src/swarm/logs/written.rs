//! Tests of `read`: one true history in each dialect, and what a log that is damaged or very long may cost.

use std::io::{self, Read};

use proptest::prelude::*;

use super::kinds::Kind;
use super::read::{LogReader, read, read_word_by_word};
use super::testing::{Dialect, Happened};
use crate::history::{Entry, Event, Lines, NO_NUMBER};

const OWN: u32 = 1002;
/// 2026-11-21 in microseconds.
const DAY: i64 = 1_795_219_200_000_000;

/// Returns what happens in any second: an event of this kind, with numbers that it may have.
pub fn anything(second: u32, kind: Kind, numbers: [u32; 3]) -> Happened {
    let id = |number: u32| 1001 + number;
    let numbers = match kind {
        Kind::Downloaded => vec![numbers[0], id(numbers[1]), numbers[2]],
        Kind::Have => vec![id(numbers[0]), numbers[1]],
        Kind::Complete => vec![],
        Kind::Preferred => numbers.iter().take(numbers[0] as usize).copied().map(id).collect(),
        _ => vec![id(numbers[0])],
    };
    (second, kind, numbers)
}

fn history() -> Vec<Happened> {
    let at = |second: u32| 11 * 3600 + 59 * 60 + 50 + second;
    vec![
        (at(0), Kind::Makes, vec![1001]),
        (at(1), Kind::ConnectedFrom, vec![1003]),
        (at(1), Kind::Interested, vec![1003]),
        (at(2), Kind::Preferred, vec![1003, 1001]),
        (at(3), Kind::Optimistic, vec![1004]),
        (at(4), Kind::UnchokedBy, vec![1001]),
        (at(12), Kind::Have, vec![1001, 17]),
        (at(12), Kind::Downloaded, vec![17, 1001, 1]),
        (at(13), Kind::Downloaded, vec![4, 1003, 2]),
        (at(14), Kind::ChokedBy, vec![1001]),
        (at(15), Kind::NotInterested, vec![1003]),
        (at(3700), Kind::Preferred, vec![1004]),
        (at(3701), Kind::Complete, vec![]),
    ]
}

fn read_text(log: &str) -> Lines {
    read("log", log.as_bytes(), OWN, 20, usize::MAX).expect("memory can be read")
}

/// Returns the events with their lists, and their seconds.
fn told(lines: &Lines) -> Vec<(Option<i64>, String)> {
    let text = |event: Event| match event {
        Event::Preferred(list) => format!("Preferred {:?}", lines.lists[list as usize]),
        other => format!("{other:?}"),
    };
    lines.entries.iter().map(|entry| (entry.at.known(), text(entry.event))).collect()
}

/// Returns what a reader of this dialect can know of the history.
fn expected(dialect: Dialect) -> Vec<(Option<i64>, String)> {
    let mut all = Vec::new();
    for (second, kind, numbers) in history() {
        let seconds = i64::from(second) * 1_000_000;
        let at = match dialect {
            Dialect::NoTime => None,
            Dialect::TimeOfDay => Some(seconds + 125_000),
            Dialect::Iso => Some(DAY + seconds + 250 + 5 * 3_600_000_000),
            Dialect::Unix => Some(DAY + seconds + 500_000),
            Dialect::PythonLogging | Dialect::Log4j => Some(DAY + seconds + 123_000),
            _ => Some(DAY + seconds),
        };
        let apart = matches!(dialect, Dialect::NoCount | Dialect::CountApart);
        let (mut count, number) = (None, |place: usize| numbers[place]);
        let event = match kind {
            Kind::Makes => Event::Makes(number(0)),
            Kind::ConnectedFrom => Event::ConnectedFrom(number(0)),
            Kind::Optimistic => Event::Optimistic(number(0)),
            Kind::UnchokedBy => Event::UnchokedBy(number(0)),
            Kind::ChokedBy => Event::ChokedBy(number(0)),
            Kind::Interested => Event::Interested(number(0)),
            Kind::NotInterested => Event::NotInterested(number(0)),
            Kind::Have if dialect == Dialect::NoIndex => Event::Have { from: number(0), index: NO_NUMBER },
            Kind::Have => Event::Have { from: number(0), index: number(1) },
            Kind::Downloaded => {
                count = (dialect == Dialect::CountApart).then_some(Event::Count(number(2)));
                let told = if apart { NO_NUMBER } else { number(2) };
                Event::Downloaded { index: number(0), from: number(1), count: told }
            }
            Kind::Complete => Event::Complete,
            Kind::Preferred => {
                all.push((at, format!("Preferred {numbers:?}")));
                if dialect == Dialect::Twice {
                    all.push((at, format!("Preferred {numbers:?}")));
                }
                continue;
            }
        };
        all.push((at, format!("{event:?}")));
        all.extend(count.map(|count| (at, format!("{count:?}"))));
        if dialect == Dialect::Twice {
            all.push((at, format!("{event:?}")));
        }
    }
    all
}

#[test]
fn each_dialect_tells_the_same_history() {
    for dialect in Dialect::ALL {
        let log = dialect.write(OWN, &history());
        let lines = read_text(&log);
        assert_eq!(told(&lines), expected(dialect), "{dialect:?}:\n{log}");
        assert_eq!((lines.line_count, lines.byte_count), (log.lines().count() as u64, log.len() as u64));
        let first = &lines.unread.first;
        assert_eq!(first[0], (1, "=== Log of the peer ===".to_owned()), "{dialect:?}");
        let headers = if dialect == Dialect::JavaTwoLines { history().len() as u64 } else { 0 };
        assert_eq!(lines.unread.lines, 6 + headers, "{dialect:?}");
        assert_eq!((lines.last_run, lines.unread.of_others, lines.unread.is_cut), (0, 0, false), "{dialect:?}");
    }
}

#[test]
fn a_log_names_how_it_differs_from_the_course() {
    for dialect in Dialect::ALL {
        let (expected, step): (&[&str], _) = match dialect {
            Dialect::Course | Dialect::Windows => (&[], 1_000_000),
            Dialect::NoBrackets => (&["times as 2026-11-21 11:59:50:"], 1_000_000),
            Dialect::DayFirst => (&["times as 21/11/2026 11:59:50:"], 1_000_000),
            Dialect::HalfDay => (&["times as [Sat, 21 Nov 2026 11:59:50 AM]:"], 1_000_000),
            Dialect::Iso => (&["times as [2026-11-21T11:59:50.000250-05:00]:"], 1),
            Dialect::NoColon => (&["times as [2026-11-21 11:59:50]"], 1_000_000),
            Dialect::NoTime => (&["no times"], 0),
            Dialect::TimeOfDay => (&["times as 11:59:50.125"], 1000),
            Dialect::Unix => (&["times as [1795262390.5]:"], 100_000),
            Dialect::CurlyQuotes => (&["quotes \u{2018} \u{2019}"], 1_000_000),
            Dialect::NoQuotes => (&["no quotes"], 1_000_000),
            Dialect::ByPeer => (&["`from Peer 1003`"], 1_000_000),
            Dialect::Bracketed => (&["`Peer [1002]`"], 1_000_000),
            Dialect::ListBrackets => (&["lists as [1003, 1001]"], 1_000_000),
            Dialect::ListBraces => (&["lists as {1003,1001,}"], 1_000_000),
            Dialect::NoStop => (&["no full stop"], 1_000_000),
            Dialect::Misspelled => (&["`recieved`"], 1_000_000),
            Dialect::DoubledBlanks => (&["doubled blanks"], 1_000_000),
            Dialect::NoIndex => (&["`have` without an index"], 1_000_000),
            Dialect::NoCount => (&["`downloaded` without a count"], 1_000_000),
            Dialect::CountApart => (&["counts in lines of their own"], 1_000_000),
            Dialect::Twice => (&["lines twice"], 1_000_000),
            Dialect::PythonLogging => {
                (&["times as 2026-11-21 11:59:50,123", "a logger's prefix, `- peer - INFO -`"], 1000)
            }
            Dialect::Log4j => {
                (&["times as 2026-11-21 11:59:50,123", "a logger's prefix, `[main] INFO  peer.Log -`"], 1000)
            }
            Dialect::JavaTwoLines => (&["times in lines of their own", "a logger's prefix, `INFO:`"], 1_000_000),
            Dialect::Colours => (&["colours"], 1_000_000),
        };
        let look = read_text(&dialect.write(OWN, &history())).look;
        assert_eq!(look.differences, expected, "{dialect:?}");
        assert_eq!(look.clock_step_micros, (step > 0).then_some(step), "{dialect:?}");
    }
}

#[test]
fn a_log_of_two_runs_says_where_the_last_one_begins() {
    for dialect in [Dialect::Course, Dialect::ByPeer, Dialect::CountApart] {
        let once = dialect.write(OWN, &history());
        let count = read_text(&once).entries.len();
        assert_eq!(read_text(&once.repeat(2)).last_run, count, "{dialect:?}");
        assert_eq!(read_text(&once.repeat(3)).last_run, 2 * count, "{dialect:?}");
    }
    let seeder = "Peer 1002 is connected from Peer 1003.\nPeer 1002 is connected from Peer 1004.\n\
                  Peer 1002 received the 'interested' message from 1003.\n";
    assert_eq!(read_text(&seeder.repeat(2)).last_run, 3, "a seeder has no counts");
    let resumed = history().into_iter().map(|(second, kind, numbers)| match kind {
        Kind::Downloaded => (second, kind, vec![numbers[0] + 1, numbers[1], numbers[2] + 2]),
        _ => (second, kind, numbers),
    });
    let resumed = Dialect::Course.write(OWN, &resumed.collect::<Vec<_>>());
    assert_eq!(read_text(&(Dialect::Course.write(OWN, &history()) + &resumed)).last_run, 0, "it goes on");
}

#[test]
fn a_log_that_grows_tells_the_same_as_the_whole_one() {
    for dialect in Dialect::ALL {
        let log = dialect.write(OWN, &history());
        let whole = read_text(&log);
        for size in [1, 7, 100] {
            let (mut reader, mut kept) = (LogReader::new("log", OWN, 20, usize::MAX), None);
            for part in log.as_bytes().chunks(size) {
                reader.grow(&mut kept, part);
            }
            let lines = kept.expect("it was read");
            assert_eq!((&lines.entries, &lines.look), (&whole.entries, &whole.look), "{dialect:?}");
            assert_eq!((lines.line_count, lines.byte_count), (whole.line_count, whole.byte_count), "{dialect:?}");
        }
    }
}

#[test]
fn a_number_at_the_end_of_a_log_that_grows_may_be_cut_and_does_not_count() {
    let (mut reader, mut kept) = (LogReader::new("log", OWN, 20, usize::MAX), None);
    reader.grow(&mut kept, b"Peer 1002 is choked by 1001.\nPeer 1002 is unchoked by 10");
    assert_eq!(kept.as_ref().map(|lines| lines.entries.len()), Some(1));
    reader.grow(&mut kept, b"03.\n");
    assert_eq!(kept.expect("it was read").entries[1].event, Event::UnchokedBy(1003));
}

#[test]
fn a_time_of_day_goes_on_past_midnight() {
    let lines = read_text("23:59:59 Peer 1002 is choked by 1001.\n00:00:01 Peer 1002 is unchoked by 1001.\n");
    let at: Vec<_> = lines.entries.iter().map(|entry| entry.at.0 / 1_000_000).collect();
    assert_eq!(at, [86_399, 86_401]);
}

#[test]
fn what_is_not_understood_is_counted_and_shown() {
    let long = "x".repeat(200);
    let mut bytes = format!("\x01{long}\nPeer 1003 is choked by 1001.\n\n").into_bytes();
    bytes.extend(b"\xff\xfe\nthree\nfour\nPeer 1002 is choked by 1001");
    let history = read("log", &*bytes, OWN, 20, usize::MAX).expect("memory can be read");
    assert_eq!((history.unread.lines, history.unread.of_others, history.line_count), (4, 1, 7));
    let shown: Vec<_> = history.unread.first.iter().map(|(line, text)| (*line, text.chars().count())).collect();
    assert_eq!(shown, [(1, 100), (4, 2), (5, 5)]);
    assert!(history.unread.first[0].1.starts_with("\\u{1}xx"));
    assert_eq!(history.entries.len(), 1, "the last line has no line feed");
}

#[test]
fn a_log_without_end_is_cut_and_its_lines_still_counted() {
    let log = Dialect::Course.write(OWN, &history()).repeat(10);
    let lines = read("log", log.as_bytes(), OWN, 20, 50).expect("memory can be read");
    assert!(lines.unread.is_cut && lines.entries.len() <= 50 && lines.entries.len() > 30);
    assert_eq!(lines.line_count, log.lines().count() as u64);
    let list = format!("Peer 1002 has the preferred neighbors {}7.\n", "7,".repeat(60));
    let lines = read("log", list.repeat(2).as_bytes(), OWN, 20, 50).expect("memory can be read");
    assert!(lines.unread.is_cut && lines.lists.len() <= 1, "lists count too");
}

#[test]
fn a_fault_of_reading_is_given_on() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    assert_eq!(
        read("log", Broken, OWN, 20, usize::MAX).map(drop).map_err(|error| error.to_string()),
        Err("the disk is gone".into())
    );
}

#[test]
fn an_entry_takes_32_bytes() {
    assert_eq!(size_of::<Entry>(), 32);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(
        bytes: Vec<u8>,
        words in "([0-9]{1,4}|[:/., -]|Nov|Sat|AM|PM|Z|\\+|Peer 1002 |has|is|received|have|interested|unchoked by|from|piece|\\[|\\]|\\x1b\\[|\\n|\\PC){0,40}",
    ) {
        read("log", &*bytes, OWN, 20, usize::MAX)?;
        read_text(&words);
    }

    #[test]
    fn a_line_whose_form_is_known_is_read_as_any_other(
        dialect in 0..Dialect::ALL.len(),
        lines in prop::collection::vec((0..90_000_u32, 0..11_usize, [0..4_u32, 0..4, 0..4]), 0..40),
        others in prop::collection::vec((0..40_usize, "(\\[|)(2026-11-21 |)(12:00:0[0-9]|1795262390|)( |: |)(Peer 100[1-3] (is|has) ?(choked by 100[1-3]|downloaded)|waiting until |all |[0-9]{1,4}|\\PC{0,9})"), 0..6),
    ) {
        let happened = |(second, kind, numbers): &(u32, usize, _)| anything(*second, Kind::ALL[*kind], *numbers);
        let history: Vec<_> = lines.iter().map(happened).collect();
        // Many times, or each line would be looked at as one of the first.
        let log = Dialect::ALL[dialect].write(OWN, &history).repeat(12);
        let mut mixed: Vec<&str> = log.split_inclusive('\n').collect();
        for (place, other) in &others {
            mixed.insert((*place).min(mixed.len()), other);
            mixed.push(other);
        }
        let log = mixed.concat();
        let expected = read_word_by_word("log", log.as_bytes(), OWN, 20)?;
        prop_assert_eq!(format!("{:?}", read_text(&log)), format!("{expected:?}"));
    }
}

#[test]
fn only_lines_of_entries_tell_the_step_of_the_clock() {
    let entry = "[2026-11-21 10:00:05]: Peer 1002 is choked by 1001.\n";
    let debug = "[2026-11-21 10:00:05.123]: waiting for 1001\n";
    for log in [entry.to_owned(), [debug, entry].concat(), [entry, debug, entry, debug].concat()] {
        assert_eq!(read_text(&log).look.clock_step_micros, Some(1_000_000), "{log}");
    }
    let exact = entry.replace("05]", "05.5]");
    assert_eq!(read_text(&[entry, &exact].concat()).look.clock_step_micros, Some(100_000));
}
