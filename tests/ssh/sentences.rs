//! Each way in which a host cannot be used is told in one line that names it, and nothing is started.

use std::fs::{self, Permissions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;
use std::thread;

use crate::world::{DIR, Outcome, SWARM, World, make_key};

const PEER_PROCESS: &str = env!("CARGO_BIN_EXE_peer_process");
/// What is typed to reach the host as `swarm` does.
const TYPED: &str = "-o IdentitiesOnly=yes -i ROOT/key -o Port=PORT -o UserKnownHostsFile=ROOT/known_hosts HOST";

/// What is said where nobody answers on ssh.
const TIP: &str = "; `swarm start --here` on each machine needs no ssh";

/// Asserts that what `arrange` makes of a world with one host ends with this line.
///
/// `HOST`, `PORT` and `ROOT` stand for the host, its port and the directory that all is in.
fn check(sentence: &str, arrange: impl FnOnce(&mut World) -> Command) {
    let Some(mut world) = World::new(1) else { return };
    let outcome = Outcome::of(&mut arrange(&mut world));
    let host = world.hosts[0].address.to_string();
    let root = world.path("");
    let root = root.to_str().expect("text").trim_end_matches('/');
    let said = outcome.stderr.replace(root, "ROOT").replace(&host, "HOST").replace(&world.port.to_string(), "PORT");
    assert_eq!((said, outcome.status), (format!("swarm: {sentence}\n"), Some(1)), "{outcome:?}");
    assert_eq!(outcome.stdout, "");
    assert!(!world.here("swarm.json").exists() && !world.there(0, "peer_1001.pid").exists());
    world.assert_no_process();
    world.assert_no_sockets();
}

/// The same when ssh itself is told something else.
fn check_option(sentence: &str, option: &'static str, value: &str) {
    check(sentence, |world| {
        for name in ["other_key", "other_host_key"] {
            make_key(&world.path(name));
        }
        world.know_hosts("other_hosts", "other_host_key");
        world.options.insert(option, value.replace("ROOT/", world.path("").to_str().expect("text")));
        world.start_command(&[])
    });
}

#[test]
fn keys_and_host_keys() {
    let typed = TYPED.replace("ROOT/key", "ROOT/other_key");
    check_option(
        &format!(
            "host HOST: it accepts none of our keys; make it accept one with: ssh-copy-id {typed}; if your key has a \
             passphrase, unlock it with: ssh-add"
        ),
        "IdentityFile",
        "ROOT/other_key",
    );
    let typed = TYPED.replace("known_hosts", "nowhere");
    check_option(
        &format!("host HOST: its host key is unknown here; log in once by hand and accept it: ssh {typed}"),
        "UserKnownHostsFile",
        "ROOT/nowhere",
    );
    check_option(
        "host HOST: its host key has changed; if that is right, remove the old key: \
         line 1 of ROOT/other_hosts",
        "UserKnownHostsFile",
        "ROOT/other_hosts",
    );
    check("host HOST: ssh refuses a key that others may read; make it private with: chmod 600 ROOT/key", |world| {
        fs::set_permissions(world.path("key"), Permissions::from_mode(0o644)).expect("it is ours");
        world.start_command(&[])
    });
}

#[test]
fn hosts_that_cannot_be_reached() {
    let refused = "host HOST: it does not listen for ssh: is sshd running there, on this port?";
    check(&format!("{refused}{TIP}"), |world| {
        world.hosts[0].go_away();
        world.start_command(&[])
    });
    let unknown = "its name is unknown here: is the spelling right, and does the name service answer?";
    check(&format!("host no-such-host.invalid: {unknown}{TIP}"), |world| {
        let text = fs::read_to_string(world.here("PeerInfo.cfg")).expect("a file");
        let text = text.replace(&world.hosts[0].address.to_string(), "no-such-host.invalid");
        fs::write(world.here("PeerInfo.cfg"), text).expect("a file");
        world.start_command(&[])
    });
    check_option("host HOST: ssh says: command-line: line 0: Bad configuration option: nonsense", "Nonsense", "1");
    check(&format!("host HOST: this machine has no ssh: install OpenSSH's client{TIP}"), |world| {
        let mut command = world.start_command(&[]);
        command.env("PATH", world.path("tmp"));
        command
    });
}

/// It may be a sshd that is full, so this takes a while.
fn what_answers_is_not_sshd(greeting: &'static str) {
    let sentences = "HOST:PORT accepts no more logins at the moment; trying again\n\
        swarm: host HOST: sshd does not answer there, or it accepts no more connections at the moment";
    check(&format!("{sentences}{TIP}"), |world| {
        world.hosts[0].go_away();
        let listener = TcpListener::bind((world.hosts[0].address, world.port)).expect("its address");
        thread::spawn(move || {
            // Who may be refused only for now calls again.
            for mut client in listener.incoming().flatten() {
                // It may be gone.
                _ = client.write_all(greeting.as_bytes());
            }
        });
        world.start_command(&[])
    });
}

#[test]
fn a_host_where_something_ends_all_connections() {
    what_answers_is_not_sshd("");
}

#[test]
fn a_host_where_something_else_listens() {
    what_answers_is_not_sshd("HTTP/1.0 400 Bad Request\r\n\r\n");
}

#[test]
fn directories_that_cannot_be_used() {
    let no_parent =
        "the parent of the swarm's directory does not exist; make it there, or name another with --remote-dir";
    check(&format!("host HOST: {no_parent}"), |world| world.start_command(&["--remote-dir", "not/there"]));
    check("host HOST: cannot write there: mkdir: cannot create directory './taken': File exists", |world| {
        fs::write(world.hosts[0].home("taken"), "").expect("a file");
        world.start_command(&["--remote-dir", "taken"])
    });
    check("host HOST: cannot write there: mkdir: cannot create directory 'peer_1001': File exists", |world| {
        fs::create_dir(world.hosts[0].home(DIR)).expect("a directory");
        fs::write(world.there(0, "peer_1001"), "").expect("a file");
        world.start_command(&[])
    });
    let not_ours = "a directory of that name exists, with a configuration or a program that is not from here; \
                    name another with --remote-dir";
    for name in ["Common.cfg", "PeerInfo.cfg", "peer_process"] {
        check(&format!("host HOST: {not_ours}"), |world| {
            fs::create_dir(world.hosts[0].home(DIR)).expect("a directory");
            fs::write(world.there(0, name), "somebody's own").expect("a file");
            world.start_command(&[])
        });
    }
    // Root may write everywhere.
    let is_root = fs::metadata("/proc/self").expect("this is Linux").uid() == 0;
    let (denied, reason) =
        if is_root { ("/proc/sw", "No such file or directory") } else { ("/sw", "Permission denied") };
    check(&format!("host HOST: cannot write there: mkdir: cannot create directory '{denied}': {reason}"), |world| {
        world.start_command(&["--remote-dir", denied])
    });
}

#[test]
fn files_that_are_not_there_or_of_no_use() {
    check("peer 1001 starts with the file, but peer_1001/file.dat is missing both on host HOST and here", |world| {
        fs::remove_file(world.here("peer_1001/file.dat")).expect("it was made");
        world.start_command(&[])
    });
    let (own, other) =
        if cfg!(target_arch = "aarch64") { ("aarch64", "x86_64") } else { (std::env::consts::ARCH, "aarch64") };
    let number = if other == "x86_64" { 62 } else { 183 };
    check(
        &format!(
            "host HOST: it is Linux {own}, but ROOT/other/peer_process is built for {other}; build it there and name it \
             with --peer-command"
        ),
        |world| start_with_program_for(world, number),
    );
    // The number of a machine that nobody knows: only trying tells.
    check("host HOST: our program does not run there: ./peer_process: Exec format error", |world| {
        start_with_program_for(world, 0x7777)
    });
}

/// `swarm` beside a program whose head says that it was built for this kind of machine.
fn start_with_program_for(world: &World, machine: u16) -> Command {
    let folder = world.path("other");
    fs::create_dir(&folder).expect("a directory");
    let swarm = folder.join("swarm");
    fs::hard_link(SWARM, &swarm).or_else(|_| fs::copy(SWARM, &swarm).map(drop)).expect("a copy");
    let mut program = fs::read(PEER_PROCESS).expect("it was built");
    program[18..20].copy_from_slice(&machine.to_le_bytes());
    fs::write(folder.join("peer_process"), program).expect("a file");
    let words = world.start_words(&[]);
    world.command_of(&swarm, &words.iter().map(String::as_str).collect::<Vec<_>>())
}
