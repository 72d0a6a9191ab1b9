//! `--help`: it fits a terminal, and the pages in `docs/` leave no option out.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

const PEER_PROCESS: &str = env!("CARGO_BIN_EXE_peer_process");
const SWARM: &str = env!("CARGO_BIN_EXE_swarm");
/// Of a terminal as it opens.
const COLUMNS: usize = 80;

fn help(program: &str, words: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(words).arg("--help").env("COLUMNS", COLUMNS.to_string());
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The help of both programs and of all their subcommands, each with its words.
fn all_helps() -> Vec<(String, String)> {
    let mut helps = vec![("peer_process".into(), help(PEER_PROCESS, &[]))];
    add_helps(&mut helps, &mut Vec::new());
    helps
}

fn add_helps(helps: &mut Vec<(String, String)>, words: &mut Vec<String>) {
    let text = help(SWARM, &words.iter().map(String::as_str).collect::<Vec<_>>());
    for name in subcommands(&text) {
        words.push(name);
        add_helps(helps, words);
        words.pop();
    }
    helps.push((["swarm".to_owned()].iter().chain(&*words).cloned().collect::<Vec<_>>().join(" "), text));
}

/// The subcommands that a help lists, but for `help` itself.
fn subcommands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(Into::into).collect()
}

/// The long options that a help lists.
fn options(help: &str) -> BTreeSet<String> {
    // What is farther to the right is an explanation.
    let is_option = |line: &&str| line.trim_start().starts_with('-') && line.len() - line.trim_start().len() <= 6;
    let lines = help.lines().filter(is_option).map(str::trim_start);
    let words = lines.flat_map(|line| line.split([' ', ',', '=', '[', '.']));
    words.filter(|word| word.starts_with("--") && word.len() > 2).map(Into::into).collect()
}

#[test]
fn every_help_fits_a_terminal_of_80_columns() {
    let helps = all_helps();
    // So that it is noticed if the subcommands are not found any more.
    assert!(helps.iter().any(|(name, _)| name == "swarm meta create"), "{:?}", helps.len());
    for (name, text) in helps {
        for line in text.lines() {
            assert!(line.chars().count() <= COLUMNS, "{name}: {line}");
        }
    }
}

#[test]
fn the_help_of_check_has_no_marks_of_documents() {
    let text = help(SWARM, &["check"]);
    assert!(text.contains("as JUnit XML") && !text.contains('`'), "{text}");
}

/// The explanations stand below the options, in the same words everywhere, and only where they are needed.
#[test]
fn sizes_rates_and_seconds_are_explained_wherever_an_option_takes_one() {
    let mut explained = 0;
    for (name, text) in all_helps() {
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let takes = |value: &str| words.contains(&format!("<{value}>"));
        for (value, sentence) in [
            ("SECS", "SECS is a number of seconds."),
            ("SIZE", "SIZE is a whole number of bytes, with or without a unit: 1000000, 64KiB, 24MB."),
            ("RATE", "RATE is a whole number of bytes a second, with or without a unit: 1000000, 200k, 5M."),
        ] {
            assert_eq!(words.contains(sentence), takes(value), "{value} in {name}: {text}");
            explained += usize::from(takes(value));
        }
        let units = "The units k, M, G and T are decimal, and Ki, Mi, Gi and Ti are binary: 1k is 1000, 1Ki is 1024.";
        assert_eq!(words.contains(units), takes("SIZE") || takes("RATE"), "{name}: {text}");
    }
    // Of `peer_process` two, of `swarm init` two, of `start` two, of `check`, `doctor` and `meta create` one.
    assert_eq!(explained, 9);
}

#[test]
fn the_documents_have_every_option() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let read = |name: &str| fs::read_to_string(docs.join(name)).expect("a document");
    let (of_peer, of_swarm) = (
        read("peer_process.md") + &read("membership.md"),
        read("swarm.md")
            + &read("hosts.md")
            + &read("integrity.md")
            + &read("invite.md")
            + &read("tracker.md")
            + &read("check.md")
            + &read("doctor.md")
            + &read("grade.md")
            + &read("replay.md"),
    );
    for (name, text) in all_helps() {
        let page = if name == "peer_process" { &of_peer } else { &of_swarm };
        let found = options(&text);
        assert!(found.contains("--help"), "{name}: {found:?}");
        let missing: Vec<_> = found.iter().filter(|option| !page.contains(option.as_str())).collect();
        assert!(missing.is_empty(), "docs do not have {missing:?} of {name}");
    }
}
