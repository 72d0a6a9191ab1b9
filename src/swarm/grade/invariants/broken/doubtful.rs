//! Histories that accuse nobody: logs that lack lines, lines that changed places, coarse clocks, and peers that came back.

use super::*;

#[test]
fn a_log_that_was_not_read_to_its_end_violates_nothing() {
    let whole = History::new().done();
    for peer in 0..whole.peers.len() {
        let count = whole.peers[peer].log.as_ref().expect("a log").entries.len();
        for kept in 0..count {
            let mut record = whole.clone();
            let log = record.peers[peer].log.as_mut().expect("a log");
            log.entries.truncate(kept);
            log.unread.is_cut = true;
            let found = violations(&record).violated;
            assert_eq!(found, [], "{kept} of {count} lines of peer {peer}");
        }
    }
}

#[test]
fn a_log_that_lacks_its_last_lines_violates_nothing() {
    // As after `kill -9` and nothing else: the reader has seen all that is there.
    let whole = History::new().done();
    for peer in 0..whole.peers.len() {
        let count = whole.peers[peer].log.as_ref().expect("a log").entries.len();
        for kept in 0..count {
            let mut record = whole.clone();
            record.peers[peer].log.as_mut().expect("a log").entries.truncate(kept);
            let found = violations(&record).violated;
            // A peer that ends too early leaves the same log.
            let others = found.iter().filter(|group| group.rule.name != "ends-early");
            assert_eq!(others.count(), 0, "{kept} of {count} lines of peer {peer}: {found:#?}");
        }
    }
}

#[test]
fn a_log_that_ends_before_others_hear_its_peer_is_cut_off_and_no_early_end() {
    let mut history = History::new();
    // The third one has its last piece from the second one, long behind the end of that one's log.
    ends_early(&mut history, SECOND);
    let found = violations(&history.done());
    assert!(!found.violated.iter().any(|group| group.rule.name == "ends-early"), "{found:#?}");
    let unclear = found.unclear.iter().find(|group| group.rule.name == "ends-early").expect("it is unclear");
    let what = &unclear.first[0].what;
    assert!(what.ends_with("it seems to be cut off: 1003 hears from 1002 after its last line"), "{what}");
}

#[test]
fn a_log_without_any_line_of_interest_does_not_tell_who_was_interested() {
    let mut history = History::new();
    history.add(SEEDER, 6.0, Event::Optimistic(SECOND));
    history.remove(SEEDER, |event| matches!(event, Event::Interested(_)));
    let found = violations(&history.done());
    assert_eq!(found.violated, []);
    for name in ["preferred-not-interested", "optimistic-not-interested"] {
        let group = found.unclear.iter().find(|group| group.rule.name == name).expect(name);
        let what = &group.first[0].what;
        assert!(what.contains("the log of 1001 has no 'interested' line at all"), "{name}: {what}");
    }
}

#[test]
fn lines_that_changed_places_in_a_moment_are_unclear() {
    let cases: [(&str, Break); 6] = [
        ("preferred-not-interested", |h| {
            h.change(SEEDER, |entry| {
                if entry.event == Event::Interested(SECOND) {
                    entry.at.0 += 110_000;
                }
            });
        }),
        ("optimistic-not-interested", |h| {
            h.add(SECOND, 1.19, Event::Optimistic(THIRD));
            h.remove(SECOND, |event| matches!(event, Event::Preferred(_)));
        }),
        ("optimistic-was-unchoked", |h| {
            h.add(SEEDER, 3.0, Event::Optimistic(THIRD));
            h.prefers(SEEDER, 3.01, &[SECOND]);
            h.record.plan.unchoking_interval_secs = 3;
        }),
        ("count-jumps", |h| {
            h.change(SECOND, |entry| {
                let Event::Downloaded { index, count, .. } = &mut entry.event else { return };
                match index {
                    0 => (*count, entry.at.0) = (2, entry.at.0 + 950_000),
                    1 => *count = 1,
                    _ => {}
                }
            });
        }),
        ("count-at-end", |h| {
            h.change(SECOND, |entry| {
                if entry.event == Event::Complete {
                    entry.at.0 -= 10_000;
                }
            });
        }),
        ("served-while-choked", |h| {
            h.change(SECOND, |entry| {
                if entry.event == Event::UnchokedBy(SEEDER) {
                    entry.at.0 += 850_000;
                }
            });
        }),
    ];
    for (name, change) in cases {
        let mut history = History::new();
        change(&mut history);
        let (violated, unclear) = names(history);
        assert_eq!((violated.as_slice(), unclear.contains(&name)), (&[][..], true), "{name}: {unclear:?}");
    }
}

/// Moves the seeder's first choice behind the unchokes that it leads to.
fn choice_is_written_late(history: &mut History, micros: i64) {
    history.change(SEEDER, |entry| {
        if let Event::Preferred(_) = entry.event {
            entry.at.0 += micros;
        }
    });
}

#[test]
fn a_choice_may_be_written_a_little_behind_its_unchoke_and_not_long_behind_it() {
    for (micros, violated, unclear) in [
        (40_000, &[][..], &["unchoked-not-chosen"][..]),
        (900_000, &[], &["unchoked-not-chosen"]),
        (3_000_000, &["unchoked-not-chosen"], &[]),
    ] {
        let mut history = History::new();
        choice_is_written_late(&mut history, micros);
        let (is_violated, is_unclear) = names(history);
        assert_eq!((&is_violated[..], &is_unclear[..]), (violated, unclear), "{micros}");
    }
}

#[test]
fn a_second_choice_that_is_written_late_is_not_taken_for_the_first_one() {
    for (written, violated) in [(20.24, &[][..]), (25.2, &["unchoked-not-chosen"])] {
        let mut history = History::new();
        history.prefers(SEEDER, 5.2, &[]);
        history.add(SECOND, 5.2, Event::ChokedBy(SEEDER));
        history.add(THIRD, 5.2, Event::ChokedBy(SEEDER));
        history.add(SEEDER, 20.0, Event::Interested(SECOND));
        history.add(SECOND, 20.2, Event::UnchokedBy(SEEDER));
        history.prefers(SEEDER, written, &[SECOND]);
        history.add(SEEDER, 26.0, Event::NotInterested(SECOND));
        history.add(SECOND, 26.0, Event::NotInterested(SEEDER));
        let (found, unclear) = names(history);
        let is_it = |name: &&&str| **name == "unchoked-not-chosen";
        let found: Vec<_> = found.iter().filter(is_it).copied().collect();
        assert_eq!(found, violated, "{written}: {unclear:?}");
    }
}

#[test]
fn whole_seconds_and_clocks_that_go_back_accuse_nobody() {
    let mut history = History::new();
    for id in [SEEDER, SECOND, THIRD] {
        history.lines(id).look.clock_step_micros = Some(1_000_000);
        history.change(id, |entry| entry.at.0 -= entry.at.0.rem_euclid(1_000_000));
    }
    // 20 ms before the next second, and told in that.
    history.add(SEEDER, 5.0, Event::NotInterested(SECOND));
    history.prefers(SEEDER, 6.0, &[SECOND]);
    let (violated, unclear) = names(history);
    assert_eq!(violated, <[&str; 0]>::default());
    assert!(unclear.contains(&"preferred-not-interested"), "{unclear:?}");

    let mut history = History::new();
    history.prefers(SEEDER, 5.2, &[SECOND]);
    let mut record = history.done();
    let log = record.peers[0].log.as_mut().expect("a log");
    let last = log.entries.iter_mut().rev().find(|entry| matches!(entry.event, Event::Preferred(_)));
    last.expect("two lists").at.0 -= 3_600_000_000;
    let found = violations(&record);
    assert!(!found.violated.iter().any(|group| group.rule.name == "preferred-off-interval"), "{found:#?}");
}

#[test]
fn an_old_connection_may_end_behind_the_start_of_the_new_one() {
    let mut history = History::new();
    let shakes = [Event::Handshake { neighbor: SECOND, sent: false }, Event::ConnectedFrom(SECOND)];
    let old = [Event::Closed { neighbor: SECOND, in_order: false }, message(Kind::Have)];
    with_events(&mut history, SEEDER, &[&shakes[..], &shakes, &old].concat());
    assert_eq!(names(history), (vec![], vec![]));
}

#[test]
fn of_a_peer_that_came_back_no_line_is_certainly_missing() {
    for name in NEED_WHOLE_LOGS {
        assert!(RULES.iter().any(|rule| rule.name == name), "{name} is no rule");
    }
    let mut history = History::new();
    history.remove(SEEDER, |event| event == Event::ConnectedFrom(THIRD));
    history.add(SECOND, 4.5, Event::Makes(SEEDER));
    history.add(SEEDER, 4.5, Event::ConnectedFrom(SECOND));
    assert_eq!(names(history), (vec![], vec!["makes-without-connected-from"]));
}
