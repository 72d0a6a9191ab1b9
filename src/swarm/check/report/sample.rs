//! A made-up run with every kind of outcome, for the tests of all reports. Its peer tries to get into the reports' own language.

use std::time::Duration;

use crate::check::mistakes::{CHOKE_WITHOUT_CHANGE, JAVA_OBJECTS, NO_OPTIMISTIC};
use crate::check::verdict::{Bytes, Clause, Finding, Level, Outcome, Summary, Verdict};
use crate::rubric::Item;

const fn clause(address: &'static str, section: &'static str, item: Item, level: Level, text: &'static str) -> Clause {
    Clause { address, section, item, level, text }
}

static FORMS: Clause =
    clause("start/forms", "A1", Item::I1a, Level::Must, "Both files are read in every form of the course's samples.");
static FIRST: Clause = clause(
    "handshake/first",
    "A4",
    Item::I2a,
    Level::Must,
    "The handshake of 32 bytes comes before anything else, as soon as the connection stands.",
);
static JAVA: Clause = clause(
    "handshake/java",
    "A4",
    Item::I2a,
    Level::Must,
    "The bytes of a handshake come without any frame around them.",
);
static PARTIAL: Clause =
    clause("bitfield/partial", "A5", Item::I2b, Level::Must, "Piece 0 is the high bit of the first byte.");
static OPTIMISTIC: Clause = clause(
    "choking/optimistic",
    "A7",
    Item::I2e,
    Level::Must,
    "Every m seconds one of the choked and interested neighbors is unchoked.",
);
static CHANGES: Clause =
    clause("choking/changes", "B", Item::I2e, Level::Should, "Choke and unchoke are sent only on change.");
static LAST: Clause = clause("pieces/last", "A5", Item::I3e, Level::Must, "The last piece is shorter.");
static DEAD: Clause =
    clause("robustness/dead", "B", Item::Beside, Level::Should, "A neighbor that goes away disturbs no other.");

/// The clauses of the run, in the order of the list of cases.
pub static CLAUSES: [&Clause; 8] = [&FORMS, &FIRST, &JAVA, &PARTIAL, &OPTIMISTIC, &CHANGES, &LAST, &DEAD];

/// Text of a peer that a page, an XML reader or a terminal must not obey.
pub const HOSTILE: &str = "<script>alert(\"1\")</script> ]]> & \x1b[31m\0";

fn outcome(clause: &'static Clause, verdict: Verdict, findings: Vec<Finding>) -> Outcome {
    let took = Duration::from_millis(812);
    let late = Duration::from_millis(3);
    Outcome { clause, verdict, findings, because_of: None, took, late, note: None, kept: None }
}

fn finding(level: Level, done: &str, expected: &str, came: &str) -> Finding {
    Finding::new(level, done, expected, came)
}

fn first() -> Outcome {
    let mut data = vec![0xac, 0xed, 0x00, 0x05, 0x77, 0x20];
    data.extend(*b"P2PFILESHARINGPROJ");
    data.extend([0; 8]);
    let mut right = b"P2PFILESHARINGPROJ".to_vec();
    right.extend([0; 10]);
    right.extend([0, 0, 3, 0xea]);
    let bytes = Bytes {
        data,
        total: 38,
        expected: Some(right),
        decoded: vec!["the mark of a Java object stream".into(), "a block of 32 bytes".into()],
    };
    let events = (1..=7).map(|at| format!("{at}.000 s  event {at}")).collect();
    let finding = Finding {
        bytes: Some(bytes),
        mistake: Some(&JAVA_OBJECTS),
        events,
        ..finding(
            Level::Must,
            "The tester accepted the call of peer 1002 and sent nothing.",
            "A handshake of 32 bytes, within 3 s.",
            "32 bytes that are not a handshake.",
        )
    };
    Outcome { kept: Some("handshake-first".into()), ..outcome(&FIRST, Verdict::Fail, vec![finding]) }
}

fn java() -> Outcome {
    let finding = Finding {
        mistake: Some(&JAVA_OBJECTS),
        ..finding(Level::Must, "The tester dialed.", "A handshake, within 3 s.", "AC ED 00 05, then nothing for 3 s.")
    };
    outcome(&JAVA, Verdict::Fail, vec![finding])
}

fn optimistic() -> Outcome {
    let finding = Finding {
        mistake: Some(&NO_OPTIMISTIC),
        events: vec![HOSTILE.into()],
        ..finding(
            Level::Must,
            "Four neighbors said interested; k is 2.",
            "A third unchoke, within 2 intervals of 2 s.",
            &format!("Two unchokes, and on stderr: {HOSTILE}"),
        )
    };
    let note = Some("It was repeated alone, because the tester was 31 ms late.".into());
    Outcome { note, ..outcome(&OPTIMISTIC, Verdict::Fail, vec![finding]) }
}

fn changes() -> Outcome {
    let chokes = Finding {
        mistake: Some(&CHOKE_WITHOUT_CHANGE),
        ..finding(Level::Should, "A neighbor stayed choked for 3 s.", "No further choke.", "3 chokes.")
    };
    let unnamed = finding(Level::Should, "A neighbor stayed unchoked for 3 s.", "No further unchoke.", "1 unchoke.");
    outcome(&CHANGES, Verdict::Warn, vec![chokes, unnamed])
}

fn unclear(clause: &'static Clause) -> Outcome {
    let finding = finding(Level::Must, "The tester dialed.", "A handshake.", "No handshake that can be understood.");
    Outcome { because_of: Some("handshake/first"), ..outcome(clause, Verdict::Unclear, vec![finding]) }
}

fn summary(outcomes: Vec<Outcome>) -> Summary {
    let count = outcomes.len();
    Summary {
        command: "java -cp <out> peerProcess {id}".into(),
        options: "--project 'my peer'".into(),
        outcomes,
        took: Duration::from_millis(41_234),
        start_time: Some(Duration::from_millis(215)),
        is_cut_short: false,
        chosen: count,
        known: count,
    }
}

/// Returns a run with every kind of outcome.
pub fn all() -> Summary {
    summary(vec![
        outcome(&FORMS, Verdict::Pass, Vec::new()),
        first(),
        java(),
        unclear(&PARTIAL),
        optimistic(),
        changes(),
        unclear(&LAST),
        outcome(&DEAD, Verdict::Pass, Vec::new()),
    ])
}

/// Returns a run of one case a verdict, all about the first clause.
pub fn only(verdicts: &[Verdict]) -> Summary {
    summary(verdicts.iter().map(|verdict| outcome(&FORMS, *verdict, Vec::new())).collect())
}
