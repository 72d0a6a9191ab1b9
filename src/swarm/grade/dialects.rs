//! One true run, written in each dialect: the judgment is the same in all. And what is no run at all is judged without a panic.

use proptest::prelude::*;

use super::invariants::violations;
use super::rubric::{self, Copies, Judged};
use super::story::Story;
use crate::history::{Event, PeerRecord, Plan, Record};
use crate::logs::{Dialect, Happened, Kind, agree, anything, read};
use crate::rubric::Item;

const PEERS: [u32; 3] = [1001, 1002, 1003];
const PIECES: u32 = 4;
/// The second of the day at which the run begins: a minute before noon.
const START: u32 = 11 * 3600 + 59 * 60;

/// The seeder 1001 gives two pieces to each leecher, and the leechers give each other the rest.
fn run() -> Vec<(u32, Happened)> {
    let mut run = Vec::new();
    let mut add = |own: u32, second: u32, kind: Kind, numbers: &[u32]| {
        run.push((own, (START + second, kind, numbers.to_vec())));
    };
    for (later, earlier) in [(1002, 1001), (1003, 1001), (1003, 1002)] {
        add(later, 0, Kind::Makes, &[earlier]);
        add(earlier, 0, Kind::ConnectedFrom, &[later]);
    }
    for leecher in [1002, 1003] {
        add(1001, 1, Kind::Interested, &[leecher]);
        add(leecher, 1, Kind::NotInterested, &[1001]);
    }
    add(1001, 5, Kind::Preferred, &[1003, 1002]);
    let pairs = [(1002, 1003, [0, 1]), (1003, 1002, [2, 3])];
    for (own, other, pieces) in pairs {
        add(own, 5, Kind::UnchokedBy, &[1001]);
        for (piece, count) in pieces.into_iter().zip(1..) {
            add(own, 5 + count, Kind::Downloaded, &[piece, 1001, count]);
            add(other, 5 + count, Kind::Have, &[own, piece]);
            add(1001, 5 + count, Kind::Have, &[own, piece]);
        }
    }
    for (own, other, _) in pairs {
        add(own, 8, Kind::Interested, &[other]);
        add(own, 10, Kind::Preferred, &[other]);
        add(own, 10, Kind::UnchokedBy, &[other]);
    }
    add(1001, 10, Kind::Preferred, &[1002]);
    add(1003, 10, Kind::ChokedBy, &[1001]);
    for (own, other, pieces) in [(1002, 1003, [2, 3]), (1003, 1002, [0, 1])] {
        for (piece, count) in pieces.into_iter().zip(3..) {
            add(own, 8 + count, Kind::Downloaded, &[piece, other, count]);
            add(other, 8 + count, Kind::Have, &[own, piece]);
            add(1001, 8 + count, Kind::Have, &[own, piece]);
        }
    }
    for (own, other, _) in pairs {
        add(own, 12, Kind::Complete, &[]);
        add(own, 13, Kind::NotInterested, &[other]);
        add(1001, 13, Kind::NotInterested, &[own]);
    }
    run
}

fn of(own: u32, run: &[(u32, Happened)]) -> Vec<Happened> {
    run.iter().filter(|(peer, _)| *peer == own).map(|(_, happened)| happened.clone()).collect()
}

/// Reads the log of each peer, which `log` writes.
fn record(log: impl Fn(u32) -> Vec<u8>) -> Record {
    let (preferred_count, unchoking_interval_secs, optimistic_interval_secs) = (2, 5, 15);
    let (piece_count, piece_size, file_size) = (PIECES, 1000, u64::from(PIECES) * 1000);
    let plan =
        Plan { preferred_count, unchoking_interval_secs, optimistic_interval_secs, piece_count, piece_size, file_size };
    let peer = |id: u32| {
        let lines = read("log", &*log(id), id, PIECES, usize::MAX).expect("memory can be read");
        PeerRecord { id, has_file: id == PEERS[0], log: Some(lines), events: None }
    };
    let mut peers: Vec<_> = PEERS.map(peer).into();
    let mut logs: Vec<_> = peers.iter_mut().filter_map(|peer| Some((peer.id, peer.log.as_mut()?))).collect();
    agree(&mut logs);
    Record { plan, peers }
}

fn judged(record: &Record) -> Vec<Judged> {
    rubric::judge(record, &Story::of(record), &violations(record), Copies::NotHere)
}

/// Returns the facts: the status of each item, its note, and the events that show it.
fn facts(record: &Record) -> Vec<(&'static str, &'static str, String, Vec<String>)> {
    let fact = |item: &Judged| {
        let told = item.evidence.iter().map(|(peer, _, line)| {
            let own = record.peers.iter().find(|own| own.id == *peer).and_then(|own| own.log.as_ref());
            let log = own.expect("a log");
            let entry = log.entries.iter().find(|entry| entry.line == *line).expect("an entry");
            // Some dialects leave a count out.
            let event = match entry.event {
                Event::Preferred(list) => format!("Preferred {:?}", log.lists[list as usize]),
                event => format!("{event:?}"),
            };
            format!("{peer} {}", event.split(", count").next().unwrap_or_default())
        });
        (item.item.name(), item.status.words(), item.note.clone(), told.collect())
    };
    judged(record).iter().map(fact).collect()
}

fn broken(record: &Record) -> Vec<&'static str> {
    let found = violations(record);
    found.violated.iter().chain(&found.unclear).map(|group| group.rule.name).collect()
}

#[test]
fn a_true_run_is_judged_the_same_in_every_dialect() {
    let run = run();
    let course = record(|id| Dialect::Course.write(id, &of(id, &run)).into_bytes());
    let expected = facts(&course);
    let status = |item: Item| expected.iter().find(|fact| fact.0 == item.name()).map(|fact| fact.1);
    for item in Item::ALL.into_iter().filter(|item| *item != Item::Beside) {
        let expected = match item {
            Item::I1a | Item::I2a | Item::I2b | Item::I3a => "not visible in a log",
            // Nobody is optimistically unchoked in a run that short.
            Item::I2e => "not shown",
            _ => "shown",
        };
        assert_eq!(status(item), Some(expected), "{item:?}");
    }
    for dialect in Dialect::ALL {
        let record = record(|id| dialect.write(id, &of(id, &run)).into_bytes());
        assert_eq!(broken(&record), <[&str; 0]>::default(), "{dialect:?}");
        let mut facts = facts(&record);
        if dialect == Dialect::NoIndex {
            // Such a `have` does not tell which download it announces.
            let own = facts.iter_mut().find(|fact| fact.0 == Item::I3b.name()).expect("the item");
            assert_eq!(own.1, "not shown");
            *own = expected.iter().find(|fact| fact.0 == own.0).expect("the item").clone();
            let own = facts.iter_mut().find(|fact| fact.0 == Item::I3f.name()).expect("the item");
            assert_eq!(own.1, "shown");
            *own = expected.iter().find(|fact| fact.0 == own.0).expect("the item").clone();
        }
        assert_eq!(facts, expected, "{dialect:?}");
    }
}

#[test]
fn a_broken_run_is_found_in_every_dialect() {
    let mut run = run();
    let repeated = run.iter().position(|(own, happened)| *own == 1002 && happened.1 == Kind::Downloaded);
    // The second peer downloads its first piece once more, instead of its second one.
    let first = repeated.expect("a download");
    let second = first + 3;
    assert_eq!((run[second].0, run[second].1.1), (1002, Kind::Downloaded));
    run[second].1.2[0] = run[first].1.2[0];
    for dialect in Dialect::ALL {
        let record = record(|id| dialect.write(id, &of(id, &run)).into_bytes());
        let found = violations(&record);
        let names: Vec<_> = found.violated.iter().map(|group| group.rule.name).collect();
        assert!(names.contains(&"index-twice"), "{dialect:?}: {names:?}");
    }
}

#[test]
fn of_an_appended_log_only_the_last_run_is_judged() {
    let run = run();
    let expected = facts(&record(|id| Dialect::Course.write(id, &of(id, &run)).into_bytes()));
    for dialect in [Dialect::Course, Dialect::ByPeer, Dialect::NoTime] {
        let record = record(|id| {
            let earlier = of(id, &run).into_iter().map(|(second, kind, numbers)| (second - 3600, kind, numbers));
            let earlier = dialect.write(id, &earlier.collect::<Vec<_>>());
            (earlier + &dialect.write(id, &of(id, &run))).into_bytes()
        });
        assert_eq!(broken(&record), <[&str; 0]>::default(), "{dialect:?}");
        let facts = facts(&record);
        assert_eq!(facts.len(), expected.len());
        for (fact, expected) in facts.iter().zip(&expected) {
            assert_eq!((fact.0, fact.1, &fact.3), (expected.0, expected.1, &expected.3), "{dialect:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_judged_without_a_panic(logs: [Vec<u8>; 3]) {
        judged(&record(|id| logs[(id - PEERS[0]) as usize].clone()));
    }

    #[test]
    fn any_order_of_lines_is_judged_without_a_panic(
        dialect in 0..Dialect::ALL.len(),
        lines in prop::collection::vec((0..3_usize, 0..90_000_u32, 0..11_usize, [0..5_u32, 0..5, 0..5]), 0..60),
    ) {
        let happened = |(own, second, kind, numbers): &(usize, u32, usize, _)| {
            (PEERS[*own], anything(*second, Kind::ALL[*kind], *numbers))
        };
        let run: Vec<_> = lines.iter().map(happened).collect();
        let record = record(|id| Dialect::ALL[dialect].write(id, &of(id, &run)).into_bytes());
        judged(&record);
    }
}
