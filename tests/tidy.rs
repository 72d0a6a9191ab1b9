//! The rules of the layers, checked by reading the source: who may import whom, and what the pure layers never name.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "support/left_out.rs"]
#[allow(dead_code, reason = "here it is only looked at")]
mod left_out;

use left_out::{PROGRAMS, SKIP_NOTHING, verdict};

/// The modules in reading order: each may import those before it.
const ORDER: [&str; 21] = [
    "peer_id",
    "layout",
    "piece_set",
    "message",
    "units",
    "config",
    "wire",
    "peer",
    "hashing",
    "manifest",
    "links",
    "lock",
    "journal",
    "storage",
    "local_time",
    "event_log",
    "stderr",
    "console",
    "progress_json",
    "limits",
    "net",
];
/// Imports that the order would allow and the design does not.
const FORBIDDEN_IMPORTS: [(&str, &str); 2] = [("peer", "wire"), ("peer", "config")];
/// The same for the modules of the tool beside it, `swarm`.
const SWARM_ORDER: [&str; 41] = [
    "fault",
    "words",
    "cli",
    "swarm_dir",
    "sizes",
    "places",
    "presets",
    "plan",
    "capacity",
    "litter",
    "new_file",
    "made",
    "logs",
    "record",
    "digest",
    "copies",
    "report",
    "table",
    "out",
    "hosts",
    "settings",
    "warnings",
    "watched",
    "choice",
    "live",
    "watch",
    "signals",
    "verify",
    "stop",
    "locks",
    "clean",
    "generate",
    "meta",
    "init",
    "status",
    "seeds",
    "demo_rate",
    "afterword",
    "peer_options",
    "launch",
    "start",
];
/// All that `swarm` takes from the crate: it runs peers as processes, whosever they are.
const SWARM_IMPORTS: [&str; 11] =
    ["config", "console", "hashing", "journal", "layout", "limits", "lock", "manifest", "peer_id", "stderr", "units"];
/// What a module must not name, and the modules that may.
const RESERVED: [(&str, &[&str]); 10] = [
    ("std::net", &["net"]),
    ("std::sync", &["net", "event_log", "stderr", "console", "journal", "hashing", "storage"]),
    ("std::thread", &["net", "stderr", "hashing"]),
    ("std::time", &["net", "stderr", "console", "limits", "progress_json", "main"]),
    (
        "std::fs",
        &["config", "hashing", "manifest", "links", "lock", "journal", "storage", "event_log", "progress_json"],
    ),
    ("thread::sleep", &[]),
    // Who writes there may have to wait for its reader.
    ("io::stderr(),", &[]),
    ("DrawTarget::stderr", &[]),
    ("println!", &[]),
    (".unwrap()", &[]),
];
/// The same for the modules of `swarm`.
const SWARM_RESERVED: [(&str, &[&str]); 8] = [
    ("std::net", &["hosts", "init", "places"]),
    ("process::Command", &["hosts"]),
    ("std::thread", &["hosts", "signals", "watch"]),
    ("io::stderr(),", &[]),
    ("DrawTarget::stderr", &[]),
    ("thread::sleep", &[]),
    ("println!", &[]),
    (".unwrap()", &[]),
];
/// What a test must not tell by itself, for it would pass then.
const LEFT_OUT_WORDS: [&str; 3] = ["left out", "not tested", "skipped"];
/// The programs that every Unix has; others are asked of `left_out`, which says so if a machine lacks them.
const EVERYWHERE: [&str; 5] = ["sh", "/bin/sh", "chmod", "mkfifo", "sleep"];
/// The only condition by which the tests of a platform may be compiled out.
const PLATFORM: &str = "cfg(target_os = ";
/// A file beyond this has outgrown its reader.
const MOST_LINES: usize = 400;

struct Source {
    path: PathBuf,
    /// The module of the lists above that it belongs to, or `main` or `lib`.
    module: String,
    /// Whether it is part of `swarm`.
    of_swarm: bool,
    text: String,
}

impl Source {
    /// The code without its unit tests and comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = (1..).zip(self.text.lines()).take_while(|(_, line)| *line != "#[cfg(test)]");
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// All source files below a folder.
fn texts_below(root: &Path) -> Vec<(PathBuf, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("source text");
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > ORDER.len(), "the source was found");
    found
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let source = |(path, text): (PathBuf, String)| {
        let inside = path.strip_prefix(&root).expect("below the root").to_str().expect("plain names").to_owned();
        let (of_swarm, inside) =
            inside.strip_prefix("swarm/").map_or((false, inside.as_str()), |inside| (true, inside));
        let module = inside.split(['/', '.']).next().expect("a first part").to_owned();
        Source { path, module, of_swarm, text }
    };
    texts_below(&root).into_iter().map(source).collect()
}

/// The top-level modules that a line of code names, with a path from the root of this crate.
fn imports<'a>(line: &'a str, root: &'a str) -> impl Iterator<Item = &'a str> {
    line.split(root).skip(1).filter_map(|path| path.split(|c: char| !c.is_alphanumeric() && c != '_').next())
}

fn check(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn imports_go_up_the_list_only() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| !["main", "lib"].contains(&source.module.as_str())) {
        let order = if source.of_swarm { &SWARM_ORDER[..] } else { &ORDER[..] };
        let place = |module: &str| order.iter().position(|listed| *listed == module);
        let own = place(&source.module);
        assert!(own.is_some(), "{} is a new module: give it a place in the order", source.path.display());
        for (number, line) in source.code() {
            for import in imports(line, "crate::").filter(|import| *import != source.module) {
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
fn swarm_takes_little_from_the_crate_and_gives_it_nothing() {
    let mut faults = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            for import in imports(line, "peer_process::") {
                // The peer's own `main` may use all of it.
                if source.of_swarm && !SWARM_IMPORTS.contains(&import) {
                    faults.push(format!("{}:{number}: swarm imports {import}", source.path.display()));
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
        let reserved = if source.of_swarm { &SWARM_RESERVED[..] } else { &RESERVED[..] };
        for (number, line) in source.code() {
            for (name, allowed) in reserved {
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
fn a_test_that_cannot_run_fails_where_none_may_be_left_out() {
    let told = verdict("there is no disk", false);
    assert_eq!(told.as_deref(), Ok("left out: there is no disk"));
    let fault = verdict("there is no disk", true).expect_err("nothing may be left out");
    assert!(fault.contains("there is no disk") && fault.contains(SKIP_NOTHING), "{fault}");
}

#[test]
fn no_test_leaves_itself_out_in_another_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut faults = Vec::new();
    for (path, text) in texts_below(&root) {
        if path.ends_with("support/left_out.rs") || path.ends_with("tidy.rs") {
            continue;
        }
        for (number, line) in (1..).zip(text.lines()) {
            if leaves_itself_out(line) {
                faults.push(format!("{}:{number}: use left_out() for this", path.display()));
            }
            if let Some(program) = foreign_program(line) {
                faults.push(format!("{}:{number}: use left_out::find() for {program}", path.display()));
            }
        }
    }
    check(&faults);
}

#[test]
fn what_tests_may_lack_is_installed_before_they_run() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/set_up.sh");
    let script = fs::read_to_string(script).expect("a script");
    // It is bash that runs the script.
    for (program, package) in PROGRAMS.into_iter().filter(|(program, _)| *program != "bash") {
        let is_listed = |line: &str| line.split_whitespace().take(2).eq([program, package]);
        assert!(script.lines().any(is_listed), "scripts/set_up.sh does not install {package} for {program}");
    }
}

/// Whether a line of a test ends it in a way that only `left_out` may.
fn leaves_itself_out(line: &str) -> bool {
    let tells = ["println!", "stderr()"].iter().any(|way| line.contains(way));
    let tells = tells && LEFT_OUT_WORDS.iter().any(|words| line.contains(words));
    let condition = line.trim_start().starts_with(['#']) && line.contains("cfg(") && !line.contains(PLATFORM);
    tells || condition || line.contains("#[ignore") || line.contains(SKIP_NOTHING)
}

/// The program that a line of a test starts by its name, unless every machine has it.
fn foreign_program(line: &str) -> Option<&str> {
    let name = line.split_once("Command::new(\"")?.1.split('"').next()?;
    (!EVERYWHERE.contains(&name)).then_some(name)
}

#[test]
fn the_checks_see_what_they_look_for() {
    assert_eq!(foreign_program(r#"let mut command = Command::new("python3");"#), Some("python3"));
    assert_eq!(foreign_program(r#"Command::new("sh").arg("-c")"#), None);
    for line in ["#![cfg(not(without_sshd))]", "    #[ignore]", r#"eprintln!("skipped: there is no ssh");"#] {
        assert!(leaves_itself_out(line), "{line}");
    }
    assert!(!leaves_itself_out(r#"#![cfg(target_os = "linux")]"#));
    let found: Vec<_> =
        imports("use crate::wire::{FrameReader}; let x = crate::net::run; use std::io;", "crate::").collect();
    assert_eq!(found, ["wire", "net"]);
    assert_eq!(imports("use peer_process::config::{self};", "peer_process::").collect::<Vec<_>>(), ["config"]);
}
