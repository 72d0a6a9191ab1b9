//! The rules of the layers, checked by reading the source: who may import whom, and what the pure layers never name.

use std::fs;
use std::path::Path;

mod imports;
mod on_purpose;
mod skips;
mod words;

use imports::{Crate, Source, is_below, texts_below};

/// The rooms in reading order: each may import those before it.
const ORDER: &[&str] =
    &["system", "protocol", "bencode", "config", "peer", "disk", "limits", "discovery", "output", "cli", "net"];
/// The roots of the library and of the programs, which are in no room.
const ROOTS: [&str; 3] = ["", "main", "peerProcess"];
/// Imports that the order would allow and the design does not.
const FORBIDDEN_IMPORTS: &[(&str, &str)] = &[
    ("peer", "protocol::wire"),
    ("peer", "config"),
    ("bencode", "protocol"),
    ("disk", "peer"),
    ("limits", "peer"),
    ("limits", "disk"),
    ("discovery", "peer"),
    ("discovery", "config"),
    ("discovery", "protocol::wire"),
    ("discovery", "limits"),
    ("net::sending", "net::shared"),
    ("net::sending", "net::state"),
    ("net::telling", "net::shared"),
    ("net::telling", "net::state"),
];
/// The same for the rooms and files of the tool beside it, `swarm`.
const SWARM_ORDER: &[&str] = &[
    "fault",
    "phrase",
    "meaning",
    "ports",
    "words",
    "out",
    "cli",
    "swarm_dir",
    "files",
    "rubric",
    "history",
    "logs",
    "grade",
    "http",
    "replay",
    "hosts",
    "copies",
    "track",
    "tap",
    "run",
    "setup",
    "invite",
    "check",
    "doctor",
    "generate",
];
/// The same for it.
const SWARM_FORBIDDEN_IMPORTS: &[(&str, &str)] = &[
    ("setup", "run"),
    ("setup", "track"),
    ("tap", "hosts"),
    ("tap", "copies"),
    ("tap", "track"),
    ("track", "hosts"),
    ("track", "copies"),
    ("check", "run"),
    ("check", "setup"),
    ("check", "track"),
    ("check::report", "check::world"),
    ("check::report", "check::suite"),
    ("logs", "out"),
    ("logs", "cli"),
    ("logs", "files"),
];
/// All that `swarm` takes from the crate: it runs peers as processes, no matter whose they are, and `check` plays their neighbors.
const SWARM_IMPORTS: &[&str] = &[
    "bencode",
    "cli",
    "config",
    "output::console",
    // What the tap writes is what a peer writes with --events.
    "output::events",
    "disk::hashing",
    "disk::journal",
    "discovery::identity",
    "discovery::tracker",
    "limits",
    "disk::lock",
    "disk::manifest",
    "system",
    // The tester speaks the protocol itself.
    "protocol",
    "output::stderr",
];
/// What a module must not name, and the modules that may.
const RESERVED: &[(&str, &[&str])] = &[
    ("std::net", &["net", "discovery", "system::sockets"]),
    (
        "std::sync",
        &[
            "net",
            "system",
            "discovery::bell",
            "discovery::tracker::run",
            "discovery::lan::run",
            "output::event_log",
            "output::stderr",
            "output::console",
            "output::events",
            "disk::journal",
            "disk::hashing",
            "disk::storage",
        ],
    ),
    ("std::thread", &["net", "output::stderr", "disk::hashing", "system::replacing", "system::signals"]),
    (
        "std::time",
        &[
            "net",
            "system",
            "discovery",
            "output::stderr",
            "output::console",
            "limits",
            "output::events",
            "output::progress_json",
            "main",
        ],
    ),
    (
        "std::fs",
        &[
            "config",
            "system",
            "disk::hashing",
            "disk::manifest",
            "disk::links",
            "disk::lock",
            "disk::journal",
            "disk::storage",
            "output::event_log",
            "output::events",
            "output::progress_json",
        ],
    ),
    ("thread::sleep", &[]),
    // Who writes there may have to wait for its reader.
    ("io::stderr(),", &[]),
    ("DrawTarget::stderr", &[]),
    ("println!", &[]),
    (".unwrap()", &[]),
];
/// The same for the modules of `swarm`.
const SWARM_RESERVED: &[(&str, &[&str])] = &[
    (
        "std::net",
        &[
            "ports",
            "hosts",
            "http",
            "replay::serve",
            "setup::init",
            "setup::places",
            "invite",
            "track",
            "tap",
            "check::world",
            "doctor",
        ],
    ),
    ("process::Command", &["hosts", "check::world"]),
    (
        "std::thread",
        &[
            "hosts",
            "http",
            "replay::serve",
            "run::watch",
            "invite",
            "track",
            "tap",
            "check::world",
            "check::suite",
            "doctor",
        ],
    ),
    ("io::stderr(),", &[]),
    ("DrawTarget::stderr", &[]),
    ("thread::sleep", &[]),
    ("println!", &[]),
    (".unwrap()", &[]),
];
/// A file beyond this has outgrown its reader.
const MOST_LINES: usize = 400;

/// The files of the library and of `peer_process`, or of `swarm`.
fn sources(of_swarm: bool) -> Crate {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let swarm = root.join("swarm");
    let texts = texts_below(&root).into_iter().filter(|(path, _)| path.starts_with(&swarm) == of_swarm);
    let root = if of_swarm { swarm.join("main.rs") } else { root.join("lib.rs") };
    Crate::new(texts.map(|(path, text)| Source::new(&root, path, text)).collect())
}

/// All files.
fn all_sources() -> impl Iterator<Item = Source> {
    [false, true].into_iter().flat_map(|of_swarm| sources(of_swarm).sources)
}

fn check(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn rooms_import_only_those_before_them() {
    let mut faults = Vec::new();
    for (files, order) in [(sources(false), ORDER), (sources(true), SWARM_ORDER)] {
        let place = |source: &Source| order.iter().position(|listed| is_below(&source.module, listed));
        for source in files.sources.iter().filter(|source| !ROOTS.contains(&&*source.module.join("::"))) {
            let own = place(source);
            assert!(own.is_some(), "{} is in no room: give it a place in the order", source.path.display());
            for (line, target) in files.imports(source) {
                if place(target).is_none_or(|place| Some(place) > own) {
                    let to = target.module.join("::");
                    faults.push(format!("{}:{line}: {} imports {to}", source.path.display(), source.module.join("::")));
                }
            }
        }
    }
    check(&faults);
}

#[test]
fn some_rooms_stay_apart_though_the_order_would_allow_it() {
    let mut faults = Vec::new();
    for (files, forbidden) in [(sources(false), FORBIDDEN_IMPORTS), (sources(true), SWARM_FORBIDDEN_IMPORTS)] {
        for source in &files.sources {
            for (line, target) in files.imports(source) {
                for (from, to) in forbidden {
                    if is_below(&source.module, from) && is_below(&target.module, to) {
                        faults.push(format!("{}:{line}: {from} imports {to}", source.path.display()));
                    }
                }
            }
        }
    }
    check(&faults);
}

#[test]
fn files_of_a_folder_do_not_import_each_other_in_a_circle() {
    let circles: Vec<_> = [false, true].into_iter().flat_map(|of_swarm| sources(of_swarm).circles()).collect();
    check(&circles);
}

#[test]
fn swarm_takes_little_from_the_crate() {
    let mut faults = Vec::new();
    for source in sources(true).sources {
        for (line, path) in source.paths.iter().filter(|(_, path)| path[0] == "peer_process") {
            if !SWARM_IMPORTS.iter().any(|listed| is_below(&path[1..], listed)) {
                faults.push(format!("{}:{line}: swarm imports {}", source.path.display(), path.join("::")));
            }
        }
    }
    check(&faults);
}

#[test]
fn only_the_modules_meant_for_it_touch_the_outside() {
    let mut faults = Vec::new();
    for (files, reserved) in [(sources(false), RESERVED), (sources(true), SWARM_RESERVED)] {
        for source in files.sources {
            // Paths are compared as they lead, so that a tree or an alias hides none; the rest is text.
            let paths = source.paths.iter().map(|(number, path)| (*number, path.join("::")));
            let lines = source.code().into_iter().map(|(number, line)| (number, line.to_owned()));
            for (number, named) in paths.chain(lines) {
                for (name, allowed) in reserved {
                    if named.contains(name) && source.entry(allowed).is_none() {
                        let module = source.module.join("::");
                        faults.push(format!("{}:{number}: {module} names {name}", source.path.display()));
                    }
                }
            }
        }
    }
    check(&faults);
}

#[test]
fn every_file_says_what_it_owns_and_stays_readable() {
    let mut faults = Vec::new();
    for source in all_sources() {
        if !source.text.starts_with("//! ") {
            faults.push(format!("{} does not start with what it owns", source.path.display()));
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, text) in ["src", "tests", "benches"].iter().flat_map(|folder| texts_below(&root.join(folder))) {
        if text.lines().count() > MOST_LINES {
            faults.push(format!("{} has more than {MOST_LINES} lines", path.display()));
        }
    }
    check(&faults);
}

/// The documents at the root and in `docs`, each with its name and text.
fn documents() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = [root.to_owned(), root.join("docs")].into_iter().flat_map(|dir| fs::read_dir(dir).expect("a folder"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let document = |path: std::path::PathBuf| {
        let text = fs::read_to_string(&path).expect("a document");
        (path.display().to_string(), text)
    };
    paths.map(document).collect()
}

#[test]
fn no_banned_word_stands_in_the_source_or_the_documents() {
    let sources = all_sources().map(|source| (source.path.display().to_string(), source.text));
    let mut faults = Vec::new();
    for (name, text) in sources.chain(documents()) {
        faults.extend(words::banned(&text).into_iter().map(|phrase| format!("{name}: '{phrase}'")));
    }
    check(&faults);
    assert_eq!(
        words::banned("/// It takes so\n/// many bytes; Whoever asks, maybe it is a nonet."),
        ["so many", "whoever"]
    );
}

#[test]
fn every_section_of_the_protocol_that_is_cited_stands_in_the_document() {
    let documents = documents();
    let (_, protocol) = documents.iter().find(|(name, _)| name.ends_with("docs/protocol.md")).expect("the protocol");
    let known = words::sections(protocol);
    let (mut faults, mut found) = (Vec::new(), 0);
    for source in all_sources() {
        for section in words::cited(&words::comments(&source.text)) {
            found += 1;
            if !known.contains(&section) {
                faults.push(format!("{}: section {section} is not there", source.path.display()));
            }
        }
    }
    check(&faults);
    assert!(found > 50, "{found} sections were found");
    assert_eq!(
        words::cited("/// Ends (protocol A9). See (A5, C) and (protocol A5 to A8, B); not (a)."),
        ["A9", "A5", "C", "A5", "A8", "B"]
    );
    assert_eq!(words::cited(&words::comments("/// Ends (protocol\n/// A9).\nf(B);")), ["A9"]);
    assert!(!known.contains("A11"));
}
