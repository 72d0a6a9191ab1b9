//! `swarm check`: its list of cases and what it refuses before anything runs.

use std::fs;
use std::path::Path;

use crate::support::left_out::find_command;
use crate::{Outcome, Place};

/// A command that starts our own peer.
const OURS: &str = concat!(env!("CARGO_BIN_EXE_peer_process"), " {id}");
/// Reads a report as XML and prints the names of its elements.
const XML_READER: &str = "import sys, xml.etree.ElementTree as tree
print(*(element.tag for element in tree.parse(sys.argv[1]).iter()))";

/// The document.
fn document() -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/check.md");
    fs::read_to_string(document).expect("a document")
}

/// The rows between the two markers in the document, each as its cells.
fn documented() -> Vec<Vec<String>> {
    let document = document();
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
fn the_document_counts_the_cases_of_each_group() {
    let list = Place::new().run_line("check --list").success();
    let groups: Vec<&str> = list.lines().filter_map(|line| Some(line.split_once('/')?.0)).collect();
    let document = document();
    assert!(document.contains(&format!("There are {} cases.", groups.len())), "{} cases", groups.len());
    let (_, rest) = document.split_once("| group | cases | what they ask about |\n|---|---|---|\n").expect("a table");
    let (table, _) = rest.split_once("\n\n").expect("the end of the table");
    let counted =
        groups.chunk_by(|one, next| one == next).map(|group| format!("| `{}` | {} | ", group[0], group.len()));
    let counted: Vec<String> = counted.collect();
    assert!(
        table.lines().count() == counted.len()
            && table.lines().zip(&counted).all(|(row, begin)| row.starts_with(begin)),
        "docs/check.md has other groups than these: {counted:#?}"
    );
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
    check("check --command true --html no/such.html", "--html 'no/such.html' is in a directory that does not exist");
    check("check --command true --html .", "--html '.' is not the name of a file");
}

/// The address of the first case.
fn first_case(place: &Place) -> String {
    let list = place.run_line("check --list").success();
    list.split_whitespace().next().expect("there is a case").to_owned()
}

#[test]
fn a_report_for_programs_takes_stdout_alone() {
    let place = Place::new();
    let case = first_case(&place);
    let files = ["--json", "-", "--junit", "report.xml", "--html", "report.html", "--trace"];
    let outcome = place.run(&[&["check", "--command", OURS, "--only", &case][..], &files].concat());
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let json: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON and nothing else");
    assert_eq!((&json["version"], &json["exit_status"]), (&1.into(), &0.into()));
    assert_eq!((&json["cases"][0]["address"], &json["cases"][0]["verdict"]), (&case.into(), &"pass".into()));
    let last = outcome.stderr.lines().last().expect("a line");
    assert!(last.starts_with("swarm: 1 case in ") && last.ends_with("Exit status 0: no case fails."), "{outcome:?}");
    assert!(place.read("report.html").starts_with(b"<!DOCTYPE html>"));
    let Some(mut python) = find_command("python3") else { return };
    python.args(["-c", XML_READER, "report.xml"]).current_dir(place.0.path());
    let elements = Outcome::of(python).success();
    assert_eq!(elements.trim(), "testsuites testsuite properties property property testcase");
}

#[test]
fn the_report_for_people_ends_with_the_exit_status() {
    let place = Place::new();
    let case = first_case(&place);
    let outcome = place.run(&["check", "--command", OURS, "--only", &case, "--strict"]);
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""), "{outcome:?}");
    assert!(outcome.stdout.starts_with("item  what"), "{outcome:?}");
    assert!(outcome.stdout.contains("Of what 1 of 1") && outcome.stdout.contains("Only all cases"), "{outcome:?}");
    assert!(
        outcome.stdout.ends_with("0 fail, 0 warn, 0 unclear, 1 pass. Exit status 0: no case fails.\n"),
        "{outcome:?}"
    );
}

#[test]
fn the_report_for_people_comes_even_if_a_file_cannot_be_written() {
    let place = Place::new();
    let case = first_case(&place);
    // A file that cannot be replaced: the directory that holds it is not there any more when the run ends.
    place.write("setup.sh", b"rmdir away");
    std::fs::create_dir(place.path("away")).expect("a directory");
    let words = ["check", "--command", OURS, "--setup", "sh setup.sh", "--only", &case, "--html", "away/report.html"];
    let outcome = place.run(&words);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.stdout.ends_with("Exit status 0: no case fails.\n"), "{outcome:?}");
    let last = outcome.stderr.lines().last().expect("a line");
    assert_eq!(last, "swarm: cannot make away/report.html: No such file or directory (os error 2)");
}
