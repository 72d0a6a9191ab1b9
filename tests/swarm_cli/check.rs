//! `swarm check`: its list of cases and what it refuses before anything runs.

use std::fs;
use std::path::Path;

use crate::Place;

/// The rows between the two markers in the document, each as its cells.
fn documented() -> Vec<Vec<String>> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/check.md");
    let document = fs::read_to_string(document).expect("a document");
    let (_, rest) = document.split_once("<!-- cases -->\n").expect("the first marker");
    let (table, _) = rest.split_once("<!-- end of cases -->").expect("the second marker");
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
    let rows: Vec<Vec<String>> = table.lines().map(cells).collect();
    assert_eq!(rows[0], ["address", "section", "level", "clause"]);
    rows[2..].to_vec()
}

/// A row of the list, as its cells: two blanks stand between them.
fn cells(line: &str) -> Vec<String> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(Into::into).collect()
}

#[test]
fn the_document_lists_the_cases_as_the_program_does() {
    let list = Place::new().run_line("check --list").success();
    let listed: Vec<_> = list.lines().filter(|line| !line.is_empty()).map(cells).collect();
    let row = |row: &Vec<String>| format!("| {} |", row.join(" | "));
    let rows = listed.iter().map(row).collect::<Vec<_>>().join("\n");
    assert_eq!(documented(), listed, "docs/check.md has other cases than these:\n{rows}");
}

#[test]
fn a_wrong_choice_of_cases_is_one_sentence() {
    let place = Place::new();
    let check = |line: &str, part: &str| {
        let sentence = place.run_line(line).sentence(2);
        assert!(sentence.starts_with(part), "{sentence}");
    };
    check("check --list --only no/such", "--only 'no/such' is neither a case nor a group");
    check("check --command true --skip nosuch/", "--skip 'nosuch/' is neither a case nor a group");
    check("check", "the following required arguments were not provided");
    check("check --command true --timeout x", "--timeout 'x' is not a number of seconds from 0 to ");
    check("check --command true --jobs 0", "--jobs '0' is not a number from 1 to ");
    check("check --command true --json - --junit -", "--json and --junit cannot both write to stdout");
}
