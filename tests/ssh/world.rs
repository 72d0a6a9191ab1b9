//! `World`: a machine with `swarm` and a swarm's directory `sw`, some hosts that are reached by ssh, and the keys for it.
//! Nothing that was started in it outlives it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, iter};

use tempfile::TempDir;

use crate::host::{Host, kill_all};
use crate::support::left_out::{find, find_command};
use crate::support::process::wait_until;

pub const SWARM: &str = env!("CARGO_BIN_EXE_swarm");
/// Starts our own program where it is, for tests that are not about sending it: it is large.
pub const IN_PLACE: [&str; 2] = ["--peer-command", concat!(env!("CARGO_BIN_EXE_peer_process"), " {id}")];
/// The swarm's directory, here and there.
pub const DIR: &str = "sw";
/// In 62 pieces.
pub const FILE_SIZE: usize = 1_000_000;

/// All of it.
pub struct World {
    // Before the directory, which they are in.
    pub hosts: Vec<Host>,
    pub port: u16,
    /// What ssh is told.
    pub options: BTreeMap<&'static str, String>,
    root: TempDir,
}

impl World {
    /// This many hosts; each has one peer, in order, and the first one's has the file.
    ///
    /// `None` if this machine lacks a program of OpenSSH, which is told: then the test that asks for it is left out.
    pub fn new(host_count: usize) -> Option<Self> {
        let (ssh, _) = (find("ssh")?, find("ssh-keygen")?);
        let root = TempDir::new().expect("a directory");
        let path = |name: &str| root.path().join(name);
        for name in ["tmp", "bin"] {
            fs::create_dir(path(name)).expect("a directory");
        }
        make_key(&path("key"));
        make_key(&path("host_key"));
        // Whatever the person who runs this has set for ssh does not count here. A shared connection that nobody ends stays
        // forever, so that no test passes because it waited for long enough.
        let config = path("ssh_config");
        fs::write(&config, "").expect("a file");
        let ssh = format!("#!/bin/sh\nexec {} -F {} -o ControlPersist=yes \"$@\"\n", ssh.display(), config.display());
        fs::write(path("bin/ssh"), ssh).expect("a file");
        fs::set_permissions(path("bin/ssh"), Permissions::from_mode(0o755)).expect("it is ours");
        let port = free_port();
        let host = |place| Host::new(&path(&format!("host{place}")), port, &path("host_key"), &path("key.pub"));
        let hosts = (1..=host_count).map(host).collect::<Option<Vec<_>>>()?;
        let text = |name| path(name).display().to_string();
        let options = [
            ("IdentitiesOnly", "yes".into()),
            ("IdentityFile", text("key")),
            ("Port", port.to_string()),
            ("UserKnownHostsFile", text("known_hosts")),
        ];
        let world = Self { hosts, port, options: options.into(), root };
        world.know_hosts("known_hosts", "host_key");
        let names: Vec<_> = world.hosts.iter().map(|host| host.address.to_string()).collect();
        let hosts = names.join(",");
        let size = FILE_SIZE.to_string();
        let init =
            ["init", DIR, "--hosts", &hosts, "--port", "6001", "--size", &size, "--piece-size", "16KiB", "-m", "1"];
        world.run(&init).assert_status(0);
        Some(world)
    }

    /// A file beside the hosts' directories.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A file of the swarm's directory here.
    pub fn here(&self, name: &str) -> PathBuf {
        self.path(DIR).join(name)
    }

    /// A file of the swarm's directory on a host.
    pub fn there(&self, host: usize, name: &str) -> PathBuf {
        self.hosts[host].home(DIR).join(name)
    }

    /// Writes a file in which this is the key of all hosts.
    pub fn know_hosts(&self, name: &str, key: &str) {
        let public = fs::read_to_string(self.path(&format!("{key}.pub"))).expect("a file");
        let line = |host: &Host| format!("[{}]:{} {public}", host.address, self.port);
        fs::write(self.path(name), self.hosts.iter().map(line).collect::<Vec<_>>().concat()).expect("a file");
    }

    /// `swarm`, about to run beside the swarm's directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Path::new(SWARM), arguments)
    }

    /// The same for another copy of it.
    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(iter::once(self.path("bin")).chain(env::split_paths(&path)));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.root.path()).env("PATH", path.expect("no colons"));
        // So what it leaves in the temporary directory is found.
        command.env("TMPDIR", self.path("tmp")).env_remove("SSH_AUTH_SOCK").env_remove("SSH_ASKPASS");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `swarm` to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(arguments))
    }

    /// The words of `swarm start sw`, with what it needs to reach the hosts; later commands need not be told.
    pub fn start_words(&self, more: &[&str]) -> Vec<String> {
        let options = self.options.iter().flat_map(|(name, value)| ["--ssh-option".into(), format!("{name}={value}")]);
        let info = fs::read_to_string(self.here("PeerInfo.cfg")).unwrap_or_default();
        let lacks_seeder = (!info.contains(" 1\n")).then(|| "--no-seeder-yet".to_owned());
        ["start", DIR]
            .map(Into::into)
            .into_iter()
            .chain(lacks_seeder)
            .chain(options)
            .chain(more.iter().map(|&word| word.into()))
            .collect()
    }

    /// `swarm start sw`, about to run.
    pub fn start_command(&self, more: &[&str]) -> Command {
        self.command(&self.start_words(more).iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Runs `swarm start sw` to its end.
    pub fn start(&self, more: &[&str]) -> Outcome {
        Outcome::of(&mut self.start_command(more))
    }

    /// Takes the file from the only peer that has it: none will end by itself.
    pub fn nobody_has_the_file(&self) {
        let text = fs::read_to_string(self.here("PeerInfo.cfg")).expect("a file");
        fs::write(self.here("PeerInfo.cfg"), text.replace(" 1\n", " 0\n")).expect("a file");
    }

    /// The processes that work below the hosts' and the swarm's directory or name one in their command line, but for sshd.
    pub fn processes(&self) -> Vec<(u32, String)> {
        let name = self.root.path().to_str().expect("plain names");
        let ours = |pid: u32| {
            let process = PathBuf::from(format!("/proc/{pid}"));
            let command = fs::read(process.join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            let works_here = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(name));
            ((works_here || command.contains(name)) && !command.contains("sshd_config")).then_some((pid, command))
        };
        let all = fs::read_dir("/proc").expect("this is Linux").filter_map(Result::ok);
        all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(ours).collect()
    }

    /// Makes a command for peers: that which has the file does nothing before [`World::open_gate`].
    ///
    /// So nobody has the whole file, and all run, until then.
    pub fn gate(&self) -> String {
        let wait = "[ $1 != 1001 ] || until [ -e ../gate ]; do sleep 0.05; done";
        let script = format!("{wait}\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_peer_process"));
        for host in &self.hosts {
            fs::write(host.home("gate.sh"), &script).expect("a file");
        }
        "sh ../gate.sh {id}".into()
    }

    /// Lets the peer that has the file begin.
    pub fn open_gate(&self) {
        fs::write(self.hosts[0].home("gate"), "").expect("a file");
    }

    /// Waits until a peer's log, on its host, has this.
    pub fn wait_for_log(&self, host: usize, part: &str) {
        let path = self.there(host, &format!("log_peer_{}.log", 1001 + host));
        let has = || fs::read_to_string(&path).is_ok_and(|log| log.contains(part));
        wait_until(&format!("'{part}' in {}", path.display()), has);
    }

    /// Asserts that no ssh runs, though peers may.
    pub fn assert_no_ssh(&self) {
        let is_ssh = |command: &str| command.contains("[mux]") || command.contains("ControlPath");
        wait_until("the end of ssh", || !self.processes().iter().any(|(_, command)| is_ssh(command)));
    }

    /// Asserts that no peer runs, no shell, and no ssh; what was told to end may need a moment for it.
    pub fn assert_no_process(&self) {
        wait_until("the end of all processes", || self.processes().is_empty());
    }

    /// Asserts that nothing is left in the temporary directory.
    pub fn assert_no_sockets(&self) {
        let left: Vec<_> = fs::read_dir(self.path("tmp")).expect("a directory").collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Twice: what waits for a peer notes its end.
        for _ in 0..2 {
            kill_all(self.processes().into_iter().map(|(pid, _)| pid).collect());
        }
    }
}

/// How a `swarm` ended, and what it said.
#[derive(Debug)]
pub struct Outcome {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn of(command: &mut Command) -> Self {
        Self::of_output(command.output().expect("it starts"))
    }

    pub fn of_output(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("it is text");
        Self { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    pub fn assert_status(&self, status: i32) {
        assert_eq!(self.status, Some(status), "{}\n{}", self.stdout, self.stderr);
    }

    /// One column of the table on stdout, which may have sentences below it.
    pub fn column(&self, name: &str) -> Vec<&str> {
        let mut lines = self.stdout.lines();
        let place = lines.next().and_then(|heading| cells(heading).position(|cell| cell == name));
        let place = place.unwrap_or_else(|| panic!("no {name} in {self:?}"));
        let is_row = |line: &&str| cells(line).next().is_some_and(|cell| cell.parse::<u32>().is_ok());
        lines.filter(is_row).map(|line| cells(line).nth(place).expect("a cell")).collect()
    }
}

/// Cells are parted by two blanks or more.
fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty())
}

/// Makes a key without a passphrase, and its public half beside it.
pub fn make_key(path: &Path) {
    let mut command = find_command("ssh-keygen").expect("each world has found it");
    let words = ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"].map(OsString::from);
    let status = command.args(words).arg(path).stdin(Stdio::null()).status().expect("it can be run");
    assert!(status.success(), "ssh-keygen: {status}");
}

/// A port that nobody has at any address of this machine.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}
