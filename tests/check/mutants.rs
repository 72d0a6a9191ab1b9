//! Every mutant of `peer.py` is found, and named as what it is; every correct variant passes.
//!
//! `mutants.txt` is the table: a line a mutant, with the name of its mistake and the cases that find it, then the names of other
//! mistakes that follow from it. A case behind a `+` only runs beside: it may show what another one tells, and no other
//! mistake. By default only these cases run. `CHECK_MUTANTS=all` runs all cases for each mutant, which takes
//! about half an hour, and allows no failure that the table does not explain. `CHECK_MUTANTS=name,name` does so for some, and
//! `CHECK_MUTANTS=3/10` for the third of ten parts. `scripts/mutants.sh` calls the test so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::{env, fs, thread};

use serde_json::Value;

use crate::support::left_out::find_command;

const SWARM: &str = env!("CARGO_BIN_EXE_swarm");
const OURS: &str = concat!(env!("CARGO_BIN_EXE_peer_process"), " {id}");
/// Runs of the tester at the same time, with a few cases each, and with all cases.
const AT_A_TIME: usize = 8;
const AT_A_TIME_WITH_ALL: usize = 2;

/// A line of the table.
#[derive(Debug)]
struct Row {
    mutant: String,
    mistake: String,
    cases: Vec<String>,
    follows: Vec<String>,
}

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check")
}

fn table() -> Vec<Row> {
    let text = fs::read_to_string(dir().join("mutants.txt")).expect("the table");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let words = |text: &str| text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    lines
        .map(|line| {
            let columns: Vec<_> = line.split_whitespace().collect();
            let [mutant, mistake, cases, follows @ ..] = columns.as_slice() else { panic!("{line}") };
            let follows = follows.first().map_or_else(Vec::new, |names| words(names));
            Row { mutant: (*mutant).to_owned(), mistake: (*mistake).to_owned(), cases: words(cases), follows }
        })
        .collect()
}

/// Runs the tester, and returns its report.
fn check(command: &str, more: &[&str]) -> Value {
    let project = tempfile::tempdir().expect("a directory");
    let output = Command::new(SWARM)
        .args(["check", "--command", command, "--json", "-"])
        .args(more)
        .current_dir(project.path())
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    let told = || String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{command}: {error}: {}", told()))
}

/// Returns the interpreter itself: a wrapper before it may take longer than the peer.
fn python() -> Option<String> {
    let output = find_command("python3")?.args(["-c", "import sys; print(sys.executable)"]).output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn peer(python: &str, option: &str, name: &str) -> String {
    let peer = dir().join("peer.py");
    let peer = peer.to_str().expect("a path in UTF-8");
    // It needs no packages, and the search for them takes longer than its own start. It is compiled once for all.
    let compiled = concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled");
    let peer = format!("{python} -S -X pycache_prefix={compiled} {peer} {{id}}");
    if name.is_empty() { peer } else { format!("{peer} {option} {name}") }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn cases(report: &Value) -> &[Value] {
    report["cases"].as_array().map_or(&[], Vec::as_slice)
}

fn mistakes(case: &Value) -> BTreeSet<&str> {
    case["findings"].as_array().into_iter().flatten().map(|finding| text(finding, "mistake")).collect()
}

/// Returns what is wrong with a report on a mutant.
fn faults(row: &Row, report: &Value, all: bool) -> Vec<String> {
    let mut faults = Vec::new();
    for address in row.cases.iter().filter(|address| !address.starts_with('+')) {
        let case = cases(report).iter().find(|case| text(case, "address") == address);
        let Some(case) = case else {
            faults.push(format!("{}: there is no case {address}", row.mutant));
            continue;
        };
        let is_told = matches!(text(case, "verdict"), "fail" | "warn");
        if !is_told || !mistakes(case).contains(row.mistake.as_str()) {
            let (verdict, named) = (text(case, "verdict"), mistakes(case));
            faults.push(format!("{}: {address} gives {verdict} {named:?}, not {}", row.mutant, row.mistake));
        }
    }
    let is_explained = |name: &str| name == row.mistake || row.follows.iter().any(|follows| follows == name);
    // What only runs beside is there to say nothing else.
    let is_beside = |case: &Value| row.cases.iter().any(|own| own.strip_prefix('+') == Some(text(case, "address")));
    let is_failure = |case: &&Value| match text(case, "verdict") {
        "fail" => all || is_beside(case),
        "warn" => is_beside(case),
        _ => false,
    };
    let failing = cases(report).iter().filter(is_failure);
    for case in failing.filter(|case| mistakes(case).into_iter().any(|name| !is_explained(name))) {
        let address = text(case, "address");
        if !row.cases.iter().any(|own| own == address) {
            faults.push(format!("{}: {address} fails with {:?}", row.mutant, mistakes(case)));
        }
    }
    faults
}

/// Returns the rows that `CHECK_MUTANTS` chooses: all, a part such as 3/10, or those with these names.
fn chosen<'a>(rows: &'a [Row], choice: &str) -> Vec<&'a Row> {
    if choice == "all" {
        return rows.iter().collect();
    }
    if let Some((part, parts)) = choice.split_once('/') {
        let number =
            |text: &str| text.parse::<usize>().unwrap_or_else(|error| panic!("CHECK_MUTANTS={choice}: {error}"));
        let (part, parts) = (number(part), number(parts));
        assert!((1..=parts).contains(&part), "CHECK_MUTANTS={choice}: there is no part {part} of {parts}");
        return rows.iter().skip(part - 1).step_by(parts).collect();
    }
    let named = |name| rows.iter().find(|row| row.mutant == name);
    choice.split(',').map(|name| named(name).unwrap_or_else(|| panic!("no mutant has the name '{name}'"))).collect()
}

#[test]
fn parts_of_the_table_have_each_mutant_once() {
    let rows = table();
    let names = |choice: &str| chosen(&rows, choice).into_iter().map(|row| row.mutant.clone()).collect::<Vec<_>>();
    let mut parts: Vec<_> = (1..=7).flat_map(|part| names(&format!("{part}/7"))).collect();
    let mut all = names("all");
    parts.sort_unstable();
    all.sort_unstable();
    assert_eq!(parts, all);
    assert_eq!(names("end-never,start-dials-all"), ["end-never", "start-dials-all"]);
}

#[test]
fn each_mutant_is_named_as_what_it_is() {
    let Some(python) = python() else { return };
    let choice = env::var("CHECK_MUTANTS").ok().filter(|choice| !choice.is_empty());
    let all = choice.is_some();
    let rows: Vec<Row> = table();
    let queue =
        Mutex::new(choice.map_or_else(|| rows.iter().collect(), |choice| chosen(&rows, &choice)).into_iter().rev());
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..if all { AT_A_TIME_WITH_ALL } else { AT_A_TIME } {
            scope.spawn(|| {
                loop {
                    let Some(row) = queue.lock().expect("no thread has panicked").next() else { return };
                    let command = peer(&python, "--mutant", &row.mutant);
                    let only = row.cases.join(",").replace('+', "");
                    let report =
                        if all { check(&command, &[]) } else { check(&command, &["--jobs", "4", "--only", &only]) };
                    let faults = faults(row, &report, all);
                    if all {
                        let told = if faults.is_empty() { row.mistake.clone() } else { faults.join("; ") };
                        eprintln!("{:<38} {:<4} {told}", row.mutant, if faults.is_empty() { "ok" } else { "BAD" });
                    }
                    found.lock().expect("no thread has panicked").extend(faults);
                }
            });
        }
    });
    let found = found.into_inner().expect("no thread has panicked");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_table_has_every_mutant_once() {
    let Some(python) = python() else { return };
    let output = Command::new(python).arg(dir().join("peer.py")).arg("--list").output().expect("it starts");
    let list = String::from_utf8(output.stdout).expect("text");
    let (_, wrong) = list.split_once("Wrong variants").expect("the second heading");
    let mut names: Vec<_> = wrong.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    let rows = table();
    let mut listed: Vec<_> = rows.iter().map(|row| row.mutant.as_str()).collect();
    names.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, names);
    assert!(rows.len() >= 45, "{}", rows.len());
}

/// Returns the names of all mistakes, read from where they are declared.
fn names_of_mistakes() -> BTreeSet<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/swarm/check/mistakes");
    let files = fs::read_dir(dir).expect("the directory").map(|entry| entry.expect("an entry").path());
    // A declaration begins with `CONSTANT "its-name"`.
    let name = |line: &str| {
        let (constant, name) = line.trim().strip_suffix('"')?.split_once(" \"")?;
        let is_constant = constant.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        is_constant.then(|| name.to_owned())
    };
    let texts = files.map(|file| fs::read_to_string(file).expect("text"));
    texts.flat_map(|text| text.lines().filter_map(name).collect::<Vec<_>>()).collect()
}

#[test]
fn each_mistake_is_shown_by_a_mutant() {
    let rows = table();
    let shown: BTreeSet<&str> = rows.iter().map(|row| row.mistake.as_str()).collect();
    let names = names_of_mistakes();
    assert!(names.len() > 100, "{names:?}");
    let told = rows.iter().flat_map(|row| row.follows.iter().chain([&row.mistake]));
    let unknown: Vec<_> = told.filter(|name| !names.contains(*name)).collect();
    assert!(unknown.is_empty(), "the table names mistakes that do not exist: {unknown:?}");
    // What may follow from a mistake, no run has to show.
    let missing: Vec<_> = names.iter().filter(|name| !shown.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "no mutant of the table shows these mistakes: {missing:?}");
}

/// Asserts that a peer fails no case, and returns the addresses of those that warn.
fn assert_correct(command: &str) -> Vec<String> {
    let report = check(command, &[]);
    let told: Vec<_> = cases(&report)
        .iter()
        .filter(|case| matches!(text(case, "verdict"), "fail" | "unclear"))
        .map(|case| format!("{} {}: {:#}", text(case, "verdict"), text(case, "address"), case["findings"]))
        .collect();
    assert!(told.is_empty(), "{command}:\n{}", told.join("\n"));
    assert_eq!(report["exit_status"], 0, "{command}: {}", report["reason"]);
    cases(&report)
        .iter()
        .filter(|case| text(case, "verdict") == "warn")
        .map(|case| text(case, "address").to_owned())
        .collect()
}

#[test]
fn our_own_peer_passes_all_without_a_warning() {
    assert_eq!(assert_correct(OURS), [""; 0]);
}

#[test]
fn a_correct_peer_that_differs_in_every_freedom_passes() {
    let Some(python) = python() else { return };
    for name in ["", "all"] {
        assert_correct(&peer(&python, "--free", name));
    }
}
