//! A sheet for the tests of the reports.

use crate::grade::sheet::{Breach, ClockRow, CopyRow, ItemRow, Line, LogRow, RuleRow, Sheet};

/// Returns a sheet with an item of each kind.
pub fn sheet() -> Sheet {
    let line = |text: &str| Line { peer: 1002, file: "log_peer_1002.log".into(), number: 7, text: text.into() };
    let item = |item, text, status, points, of, note: &str| {
        let evidence =
            if status == "not visible in a log" { vec![] } else { vec![line("[t]: Peer 1002 \u{1b}[31mhas")] };
        ItemRow { item, text, status, points, of, note: note.into(), evidence }
    };
    let breach =
        Breach { peer: 1002, what: "1002 counts 5 pieces after 3".into(), lines: vec![line("[t]: Peer 1002 has")] };
    Sheet {
        dir: "groups/a".into(),
        fault: None,
        points: Some(18.0),
        visible_points: Some(23.0),
        rubric: vec![
            item("1a", "reads both files", "not visible in a log", 0.0, 35.0 / 3.0, "`swarm check` asks for it"),
            item("2c", "interested and not interested", "shown", 18.0, 18.0, ""),
            item("3e", "piece", "violated", 0.0, 5.0, "count-jumps"),
        ],
        violated: vec![RuleRow {
            name: "count-jumps",
            item: "3e",
            means: "It rises by one.",
            count: 3,
            first: vec![breach],
        }],
        unclear: vec![],
        logs: vec![LogRow {
            peer: 1002,
            file: "log_peer_1002.log".into(),
            kind: "log",
            lines: 12,
            understood: 10,
            judged: 9,
            unread: 2,
            first_unread: vec![(1, "=== log ===".into())],
            of_others: 0,
            differences: vec!["no full stop".into()],
            is_cut: false,
            last_run: None,
        }],
        missing_logs: vec![1003],
        clocks: vec![
            ClockRow { peer: 1002, than: 1001, least: 0.5, most: 1.5 },
            ClockRow { peer: 1003, than: 1001, least: -0.5, most: 1.5 },
        ],
        notes: vec![],
        copies: vec![CopyRow { peer: 1001, state: "original" }],
    }
}
