//! A machine without OpenSSH: these tests say that they are left out, and pass only where that is allowed.

use std::env;
use std::process::{Command, Output};

use crate::support::left_out::SKIP_NOTHING;

/// Runs another test of these, on a machine without any program; the tests of sshd look for ssh first.
fn run(skip_nothing: bool) -> Output {
    let mut command = Command::new(env::current_exe().expect("this program has a path"));
    command.args(["runs::three_hosts_get_all_they_need_and_what_they_wrote_comes_home", "--exact", "--test-threads=2"]);
    command.env("PATH", "/not/there").env_remove(SKIP_NOTHING);
    if skip_nothing {
        command.env(SKIP_NOTHING, "1");
    }
    command.output().expect("it starts")
}

#[test]
fn a_test_that_is_left_out_passes_and_its_note_is_seen() {
    let Output { status, stdout, stderr } = run(false);
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
    let reason = "there is no ssh on this machine; Debian has it in openssh-client";
    assert!(stderr.ends_with(&format!("left out: {reason}\n")) && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn a_test_that_cannot_run_fails_where_none_may_be_left_out() {
    let Output { status, stdout, .. } = run(true);
    let stdout = String::from_utf8_lossy(&stdout);
    assert!(!status.success() && stdout.contains("this test cannot run here: there is no ssh"), "{stdout}");
}
