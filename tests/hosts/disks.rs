//! Disks on which `swarm start` cannot write: the sentence says which file and why, on this machine and, whichever shell `sh` is
//! there, on another one. An `ssh` of the test plays that one.
//!
//! Each test has a disk in memory, in a mount namespace of its own. That needs root and `unshare`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::left_out::{find, with_own_mounts};

const SWARM: &str = env!("CARGO_BIN_EXE_swarm");
const COMMON: &str = "NumberOfPreferredNeighbors 1\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\nFileName file\n\
                      FileSize 4\nPieceSize 4\n";

/// Runs what follows as somebody else than root.
const NOBODY: &str = "setpriv --reuid 65534 --regid 65534 --clear-groups";

/// Makes the disk with these options of tmpfs, copies the swarm there, spoils the disk, and starts the swarm by a command.
///
/// Another machine gets the swarm's files first, and its disk is spoiled when the run begins.
const SCRIPT: &str = r#"
    set -e
    mkdir disk
    mount -t tmpfs -o "$1" none disk
    cp -r made/. disk
    dir=made SPOIL=$2
    case $4,$3 in
        here,*) eval "$2" && dir=disk ;;
        there,?*) chown -R 65534 made disk ;;
    esac
    PATH=$PWD/programs:$PATH
    export SPOIL
    exec $3 ./swarm start --detach --peer-command "true {id}" --remote-dir "$PWD/disk" "$dir"
"#;

/// Runs on this machine what is for another one. The script of each request is its stdin.
const SSH: &str = r#"#!/bin/sh
    for last; do :; done
    case " $* " in *' -G '* | *' -O '*) exit 0 ;; esac
    case $last in "exec 'sh'") ;; *) exec sh -c "$last" ;; esac
    script=$(cat)
    case $script in *'mark= begun='*) eval "$SPOIL" ;; esac
    printf '%s\n' "$script" | sh
"#;

/// The disk is made so that nothing can be written as long as this test's sentence says.
struct Disk {
    options: &'static str,
    spoil: &'static str,
    /// Who starts the swarm.
    by: &'static str,
    /// What the other machine's `rm` does before it deletes anything.
    rm: &'static str,
    /// What else is on the disk.
    file: Option<&'static str>,
}

const DISK: Disk = Disk { options: "size=1m,mode=755", spoil: ":", by: "", rm: ":", file: None };

impl Disk {
    /// Asserts which file cannot be written, and why, by the last sentence of `swarm start` for this machine.
    fn check_here(&self, expected: &str) {
        self.check_with(Path::new("/bin/sh"), "here", expected);
    }

    /// The same for another machine, with the shell of this one and with bash.
    fn check_there(&self, expected: &str) {
        self.check_with(Path::new("/bin/sh"), "there", expected);
        if let Some(bash) = find("bash") {
            self.check_with(&bash, "there", expected);
        }
    }

    fn check_with(&self, shell: &Path, way: &str, expected: &str) {
        let Some(mut start) = with_own_mounts(SCRIPT) else { return };
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path();
        let write = |name: &str, text: &str| {
            let path = path.join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
            fs::write(path, text).expect("a file");
        };
        let (host, called) =
            if way == "here" { ("localhost", "this machine") } else { ("127.0.0.2", "host 127.0.0.2") };
        write("made/Common.cfg", COMMON);
        write("made/PeerInfo.cfg", &format!("1001 {host} 6001 1\n"));
        write("made/peer_1001/file", "1234");
        self.file.inspect(|name| write(&format!("made/{name}"), "some bytes"));
        write("programs/rm", &format!("#!/bin/sh\n{}\nPATH=${{PATH#*:}}\nexec rm \"$@\"\n", self.rm));
        write("programs/ssh", SSH);
        symlink(shell, path.join("programs/sh")).expect("it is new");
        // By another process: what this one writes may be open, for a moment, in what another test starts. Then it is "busy".
        assert!(succeeds(Command::new("cp").args([SWARM, "swarm"]).current_dir(path)), "it can be copied");
        let open = ["755", ".", "programs/rm", "programs/ssh"];
        assert!(succeeds(Command::new("chmod").args(open).current_dir(path)), "they are ours");

        start.args(["sh", self.options, self.spoil, self.by, way]).current_dir(path);
        let Output { status, stderr, .. } = start.output().expect("it starts");
        let said = String::from_utf8_lossy(&stderr);
        let last = said.lines().last().unwrap_or_default();
        let sentence = format!("{called}: cannot write there: cannot create {expected}");
        assert!(
            status.code() == Some(1) && last.ends_with(&sentence),
            "{}, {sentence}: {status}, {said}",
            shell.display()
        );
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

#[test]
fn the_record_of_a_peer_on_a_full_disk() {
    let spoil = "cat /dev/zero >disk/filler 2>/dev/null || :";
    let disk = Disk { spoil, ..DISK };
    disk.check_here("peer_1001.pid: No space left on device");
    disk.check_there("peer_1001.pid: No space left on device");
}

#[test]
fn the_note_of_a_run_s_beginning_on_a_full_disk() {
    let spoil = "cat /dev/zero >disk/filler 2>/dev/null || :";
    // What is noted of it has to be written.
    let disk = Disk { spoil, file: Some("logs/log_peer_1001.log"), ..DISK };
    disk.check_here("swarm.begun: No space left on device");
    disk.check_there("swarm.begun: No space left on device");
}

/// Seen: the shell's own status 2, for the redirection of a special builtin failed.
#[test]
fn what_a_peer_says_where_no_further_file_can_be_made() {
    // More can: the note of the run's beginning and, in the swarm's directory on this machine, the lock.
    let fill = "count=0; while true 2>/dev/null >disk/filler$count; do count=$((count + 1)); done; rm disk/filler0";
    let both = "count=0; while true 2>/dev/null >disk/filler$count; do count=$((count + 1)); done; rm disk/filler[01]";
    let disk = Disk { options: "size=1m,nr_inodes=40,mode=755", spoil: fill, ..DISK };
    disk.check_there("peer_1001.err: No space left on device");
    Disk { spoil: both, ..disk }.check_here("peer_1001.err: No space left on device");
}

#[test]
fn the_note_of_a_run_s_beginning_on_a_read_only_disk() {
    let disk = Disk { spoil: "mount -o remount,ro disk", ..DISK };
    disk.check_here("swarm.begun: Read-only file system");
    disk.check_there("swarm.begun: Read-only file system");
}

#[test]
fn a_directory_in_which_only_its_owner_may_write() {
    let disk = Disk { by: NOBODY, ..DISK };
    disk.check_here("swarm.begun: Permission denied");
}

/// Seen with bash: a lock that cannot be read was taken for one that is held.
#[test]
fn a_lock_that_cannot_be_read_is_not_told_as_held() {
    let disk = Disk { spoil: "install -m 600 /dev/null disk/peer_1001.lock", by: NOBODY, ..DISK };
    disk.check_here("swarm.begun: Permission denied");
}

#[test]
fn what_a_peer_says_in_a_directory_in_which_only_its_owner_may_write_from_then_on() {
    let rm = "case $* in *peer_1001.err*) chmod 555 . ;; esac";
    let disk = Disk { by: NOBODY, rm, ..DISK };
    disk.check_there("peer_1001.err: Permission denied");
}

/// As in `/tmp`: there everybody may make files, and nobody may replace those of others.
#[test]
fn what_a_peer_says_where_a_file_of_that_name_is_another_user_s() {
    let disk = Disk { options: "size=1m,mode=1777", spoil: "echo >disk/peer_1001.err", by: NOBODY, ..DISK };
    disk.check_here("peer_1001.err: Operation not permitted");
}
