//! The rules of the layers, checked by reading the source: who may import whom, and what the pure layers never name.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules in reading order: each may import those before it.
const ORDER: [&str; 12] = [
    "peer_id",
    "layout",
    "piece_set",
    "message",
    "config",
    "wire",
    "peer",
    "journal",
    "storage",
    "event_log",
    "console",
    "net",
];
/// Imports that the order would allow and the design does not.
const FORBIDDEN_IMPORTS: [(&str, &str); 2] = [("peer", "wire"), ("peer", "config")];
/// What a module must not name, and the modules that may.
const RESERVED: [(&str, &[&str]); 7] = [
    ("std::net", &["net"]),
    ("std::sync", &["net", "event_log", "console", "journal"]),
    ("std::thread", &["net"]),
    ("std::time", &["net", "console", "main"]),
    ("std::fs", &["config", "journal", "storage", "event_log"]),
    ("println!", &[]),
    (".unwrap()", &[]),
];
/// A file beyond this has outgrown its reader.
const MOST_LINES: usize = 400;

struct Source {
    path: PathBuf,
    /// The module of the list above that it belongs to, or `main` or `lib`.
    module: String,
    text: String,
}

impl Source {
    /// The code without its unit tests and comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = (1..).zip(self.text.lines()).take_while(|(_, line)| *line != "#[cfg(test)]");
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut found, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(&root).expect("below the root").to_str().expect("plain names").to_owned();
            let module = inside.split(['/', '.']).next().expect("a first part").to_owned();
            let text = fs::read_to_string(&path).expect("source text");
            found.push(Source { path, module, text });
        }
    }
    assert!(found.len() > ORDER.len(), "the source was found");
    found
}

/// The top-level modules that a line of code names, with a path from the crate's root.
fn imports(line: &str) -> impl Iterator<Item = &str> {
    let after_crate = line.split("crate::").skip(1).chain(line.split("peer_process::").skip(1));
    after_crate.filter_map(|path| path.split(|c: char| !c.is_alphanumeric() && c != '_').next())
}

fn check(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn imports_go_up_the_list_only() {
    let place = |module: &str| ORDER.iter().position(|listed| *listed == module);
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| !["main", "lib"].contains(&source.module.as_str())) {
        let own = place(&source.module);
        assert!(own.is_some(), "{} is a new module: give it a place in the order", source.path.display());
        for (number, line) in source.code() {
            for import in imports(line).filter(|import| *import != source.module) {
                let forbidden = FORBIDDEN_IMPORTS.contains(&(source.module.as_str(), import));
                if forbidden || place(import).is_none_or(|place| Some(place) > own) {
                    faults.push(format!("{}:{number}: {} imports {import}", source.path.display(), source.module));
                }
            }
        }
    }
    check(&faults);
}

#[test]
fn only_the_modules_meant_for_it_touch_the_outside() {
    let mut faults = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            for (name, allowed) in RESERVED {
                if line.contains(name) && !allowed.contains(&source.module.as_str()) {
                    faults.push(format!("{}:{number}: {} names {name}", source.path.display(), source.module));
                }
            }
        }
    }
    check(&faults);
}

#[test]
fn every_file_says_what_it_owns_and_stays_readable() {
    let mut faults = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//! ") {
            faults.push(format!("{} does not start with what it owns", source.path.display()));
        }
        if source.text.lines().count() > MOST_LINES {
            faults.push(format!("{} has more than {MOST_LINES} lines", source.path.display()));
        }
    }
    check(&faults);
}

#[test]
fn the_checks_see_what_they_look_for() {
    let found: Vec<_> = imports("use crate::wire::{FrameReader}; let x = crate::net::run; use std::io;").collect();
    assert_eq!(found, ["wire", "net"]);
}
