//! `scripts/test.sh` and `scripts/set_up.sh`: what they install, what they say, and when they ask nobody.
//!
//! Each machine here is a PATH with a few programs of the real one; those that the tests need, apt-get and sudo are played.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

#[path = "support/left_out.rs"]
#[allow(dead_code, reason = "other test crates use the rest of it")]
mod left_out;

use left_out::{PROGRAMS, find, locate};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test.sh");
/// What the scripts themselves need.
const TOOLS: [&str; 9] = ["awk", "cat", "chmod", "cut", "dirname", "env", "tr", "true", "uname"];
/// Notes how it was called, and ends with a status that nothing else has.
const CARGO: &str = "echo \"cargo $*\"; exit 7";
/// Installs tcsh, and nothing else; asks for nothing only where it is told so.
const APT_GET: &str = "echo \"apt-get $* ${DEBIAN_FRONTEND:-dialog}\"
    case \" $* \" in *' install '*' tcsh '*) echo >BIN/tcsh; chmod +x BIN/tcsh ;; esac";
const BROKEN_APT_GET: &str = "echo broken; exit 100";
/// Lets in who asks for nothing.
const OPEN_SUDO: &str = "[ \"$1\" = -n ] || exit 1; shift; BECAME_ROOT=1 exec \"$@\"";
const CLOSED_SUDO: &str = "echo 'a password is required' >&2; exit 1";

const LEFT_OUT: &str = "set_up.sh: This leaves out: one test of tests/ssh.\n";

/// A machine with all that is needed.
struct Machine(TempDir);

impl Machine {
    /// `None` if the scripts cannot run on the real one, which is told.
    fn new() -> Option<Self> {
        let bash = find("bash")?;
        let machine = Self(TempDir::new().expect("a directory"));
        for (program, _) in PROGRAMS {
            machine.has(program, "exit 1");
        }
        fs::remove_file(machine.path("bash")).expect("it was made");
        symlink(bash, machine.path("bash")).expect("a link");
        for tool in TOOLS {
            symlink(locate(tool).expect("every machine has it"), machine.path(tool)).expect("a link");
        }
        machine.has("cc", "exit 1");
        machine.has("cargo", CARGO);
        machine.has("id", "echo 0");
        Some(machine)
    }

    fn path(&self, program: &str) -> PathBuf {
        self.0.path().join(program)
    }

    /// Lets it have a program.
    fn has(&self, program: &str, body: &str) {
        let bin = self.0.path().to_str().expect("plain names");
        let bash = self.path("bash");
        fs::write(self.path(program), format!("#!{}\n{}\n", bash.display(), body.replace("BIN", bin))).expect("a file");
        fs::set_permissions(self.path(program), Permissions::from_mode(0o755)).expect("it is ours");
    }

    fn lacks(&self, program: &str) {
        fs::remove_file(self.path(program)).expect("it was made");
    }

    /// Asserts how the script ends there and what it says; what the others say is on stdout and stderr too.
    fn check(&self, words: &str, status: i32, stdout: &str, stderr: &str) {
        let mut command = Command::new(SCRIPT);
        command.args(words.split_whitespace()).current_dir(self.0.path()).stdin(Stdio::null());
        command.env("PATH", self.0.path()).env_remove("DEBIAN_FRONTEND");
        let Output { status: ended, stdout: out, stderr: err } = command.output().expect("a shell");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        assert_eq!((ended.code(), &*text(out), &*text(err)), (Some(status), stdout, stderr));
    }
}

/// What is said of a machine that lacks tcsh and cannot get it; the tests run all the same.
fn check_lack(arrange: impl Fn(&Machine), before: &str, reason: &str) {
    let Some(machine) = Machine::new() else { return };
    machine.lacks("tcsh");
    arrange(&machine);
    let said = format!("{before}set_up.sh: cannot install tcsh: {reason}.\n{LEFT_OUT}");
    machine.check("", 7, "cargo test --locked\n", &said);
}

#[test]
fn where_nothing_is_missing_nothing_is_said_and_cargo_has_the_arguments_and_the_last_word() {
    let Some(machine) = Machine::new() else { return };
    machine.has("apt-get", APT_GET);
    machine.check("--test ssh names", 7, "cargo test --locked --test ssh names\n", "");
}

#[test]
fn what_is_missing_is_installed_by_root_and_nothing_is_asked() {
    let Some(machine) = Machine::new() else { return };
    machine.lacks("tcsh");
    machine.has("apt-get", APT_GET);
    let options = "-qq -o DPkg::Lock::Timeout=60";
    let said = format!(
        "set_up.sh: installing tcsh with apt-get\napt-get {options} update noninteractive\n\
         apt-get {options} install -y --no-install-recommends tcsh noninteractive\n"
    );
    machine.check("", 7, "cargo test --locked\n", &said);

    machine.lacks("tcsh");
    machine.has("id", "echo 1000");
    machine.has("sudo", OPEN_SUDO);
    machine.has("apt-get", &format!("[ -n \"$BECAME_ROOT\" ] || exit 1\n{APT_GET}"));
    machine.check("", 7, "cargo test --locked\n", &said);
}

#[test]
fn one_package_that_cannot_be_had_keeps_no_other_away() {
    let Some(machine) = Machine::new() else { return };
    machine.lacks("tcsh");
    machine.lacks("python3");
    machine.has("apt-get", &format!("case $* in *python3*) exit 100 ;; *update*) exit 100 ;; esac\n{APT_GET}"));
    let said = "set_up.sh: installing python3 tcsh with apt-get\n\
        apt-get -qq -o DPkg::Lock::Timeout=60 install -y --no-install-recommends tcsh noninteractive\n\
        set_up.sh: cannot install python3: apt-get has failed.\n\
        set_up.sh: This leaves out: tests/foreign and a part of tests/swarm_cli.\n";
    machine.check("", 7, "cargo test --locked\n", said);
}

#[test]
fn what_cannot_be_installed_is_said_in_a_sentence_and_what_is_left_out_in_another() {
    check_lack(|_| {}, "", "this machine has no apt-get");
    let failed = "set_up.sh: installing tcsh with apt-get\nbroken\nbroken\n";
    check_lack(|machine| machine.has("apt-get", BROKEN_APT_GET), failed, "apt-get has failed");
    let no_rights = "that takes root, or a sudo that asks for no password";
    let somebody = |machine: &Machine| {
        machine.has("apt-get", APT_GET);
        machine.has("id", "echo 1000");
    };
    check_lack(somebody, "", no_rights);
    check_lack(
        |machine| {
            somebody(machine);
            machine.has("sudo", CLOSED_SUDO);
        },
        "",
        no_rights,
    );
}

#[test]
fn a_machine_that_cannot_build_is_told_what_it_needs() {
    let Some(machine) = Machine::new() else { return };
    machine.lacks("cc");
    let said = "set_up.sh: cannot install cc: this machine has no apt-get.\n\
        set_up.sh: This leaves out: the build itself.\n\
        test.sh: there is no C compiler named cc; install gcc or clang, which the build needs\n";
    machine.check("", 2, "", said);

    let Some(machine) = Machine::new() else { return };
    machine.lacks("cargo");
    machine.check("", 2, "", "test.sh: there is no cargo; install Rust from https://www.rust-lang.org/tools/install\n");
}

#[test]
fn its_help_fits_a_terminal_and_runs_nothing() {
    if find("bash").is_none() {
        return;
    }
    let Output { status, stdout, .. } = Command::new(SCRIPT).arg("--help").output().expect("a shell");
    let help = String::from_utf8(stdout).expect("text");
    assert!(status.success() && help.starts_with("Usage: scripts/test.sh "), "{help}");
    assert!(help.lines().all(|line| line.len() <= 80), "{help}");
}
