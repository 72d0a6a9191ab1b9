//! No test leaves itself out in silence: `tests/support/left_out.rs` decides, and `scripts/set_up.sh` installs what it asks for.

use std::fs;
use std::path::Path;

use crate::check;
use crate::imports::texts_below;

#[path = "../support/left_out.rs"]
#[allow(dead_code, reason = "here it is only looked at")]
mod left_out;

use left_out::{PROGRAMS, SKIP_NOTHING, verdict};

/// What a test must not tell by itself, for it would pass then.
const LEFT_OUT_WORDS: [&str; 3] = ["left out", "not tested", "skipped"];
/// The programs that every Unix has; others are asked of `left_out`, which says so if a machine lacks them.
const EVERYWHERE: [&str; 6] = ["sh", "/bin/sh", "chmod", "cp", "mkfifo", "sleep"];
/// The only condition by which the tests of a platform may be compiled out.
const PLATFORM: &str = "cfg(target_os = ";

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
        if path.ends_with("support/left_out.rs") || path.ends_with("tidy/skips.rs") {
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
    let ways = ["#[ignore", ", ignore)", "cfg_attr(", SKIP_NOTHING];
    let leaves = line.contains("cfg!(") && line.contains("return");
    tells || condition || leaves || ways.iter().any(|way| line.contains(way))
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
    for line in [
        "#![cfg(not(without_sshd))]",
        "    #[ignore]",
        "#[cfg_attr(unix, ignore)]",
        "if cfg!(unix) { return }",
        r#"eprintln!("skipped: there is no ssh");"#,
    ] {
        assert!(leaves_itself_out(line), "{line}");
    }
    assert!(!leaves_itself_out(r#"#![cfg(target_os = "linux")]"#));
}
