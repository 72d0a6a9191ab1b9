//! `Host`: a machine that is reached by ssh, played by a real sshd on a loopback address, with a home directory of its own.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, iter};

use crate::support::process::wait_until;
use crate::support::relay::fresh_address;

/// Where it is when it is not in the PATH: usually not in that of an ordinary user.
const SBIN: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];
/// Where sshd of root goes for what it does not trust; Debian makes it when the service starts.
const RUN_DIR: &str = "/run/sshd";

/// One host; nobody can log in after it is dropped.
pub struct Host {
    pub address: Ipv4Addr,
    dir: PathBuf,
    /// `None` while nobody can log in.
    sshd: Option<Child>,
}

impl Host {
    /// A host that keeps all it has in `dir`, has the host key `host_key` there, and lets in who is in `authorized`.
    pub fn new(dir: &Path, port: u16, host_key: &Path, authorized: &Path) -> Self {
        let address = other_address();
        let mut host = Self { address, dir: dir.to_owned(), sshd: None };
        fs::create_dir_all(host.home("")).expect("a directory");
        host.log_in_with("");
        // The login shell does not read its start files: they are those of the person who runs this.
        let config = format!(
            "Port {port}\nListenAddress {address}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n\
             SetEnv SHLVL=1\nForceCommand exec /bin/sh {}\n",
            host_key.display(),
            authorized.display(),
            host.dir.join("login").display()
        );
        fs::write(host.dir.join("sshd_config"), config).expect("a file");
        host.come_back();
        host
    }

    /// A file in the home directory.
    pub fn home(&self, name: &str) -> PathBuf {
        self.dir.join("home").join(name)
    }

    /// Every command that comes by ssh runs in the home directory, after these lines for a shell.
    pub fn log_in_with(&self, lines: &str) {
        let home = self.home("");
        let script = format!(
            "cd {0} && HOME={0} && export HOME || exit\n{lines}\neval \"$SSH_ORIGINAL_COMMAND\"\n",
            home.display()
        );
        fs::write(self.dir.join("login"), script).expect("a file");
    }

    /// Starts its sshd again with one more line of configuration.
    pub fn configure(&mut self, line: &str) {
        self.go_away();
        let path = self.dir.join("sshd_config");
        let config = fs::read_to_string(&path).expect("a file");
        fs::write(path, format!("{config}{line}\n")).expect("a file");
        self.come_back();
    }

    /// How many connections were let in.
    pub fn logins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    /// Breaks the connections that there are; others can be made.
    pub fn cut(&self) {
        let sshd = self.sshd.as_ref().expect("it is there");
        kill_all(below(sshd.id()));
    }

    /// Breaks the connections that there are and takes no others; what runs there goes on.
    pub fn go_away(&mut self) {
        let Some(mut sshd) = self.sshd.take() else { return };
        // Stopped, it starts no more sessions that would not be found.
        signal(sshd.id(), "STOP");
        kill_all(below(sshd.id()));
        // It has not been waited for, so the number is still its own.
        _ = sshd.kill();
        _ = sshd.wait();
    }

    /// Takes connections again.
    pub fn come_back(&mut self) {
        if fs::metadata(&self.dir).expect("it is ours").uid() == 0 {
            fs::create_dir_all(RUN_DIR).expect("root may do this");
        }
        let before = self.log().matches("Server listening").count();
        let log = File::options().append(true).create(true).open(self.dir.join("sshd.log")).expect("a file");
        let mut command = Command::new(program("sshd", "openssh-server"));
        command.args(["-D", "-e", "-f"]).arg(self.dir.join("sshd_config")).current_dir(&self.dir);
        let sshd = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("sshd can be run");
        self.sshd = Some(sshd);
        wait_until("sshd listening", || {
            let ended = self.sshd.as_mut().is_none_or(|sshd| sshd.try_wait().expect("a child").is_some());
            assert!(!ended, "sshd has ended: {}", self.log());
            self.log().matches("Server listening").count() > before
        });
    }

    /// What sshd has said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("sshd.log")).unwrap_or_default()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.go_away();
    }
}

/// The path of a program that the tests cannot do without; which package has it is said if it is not there.
pub fn program(name: &str, package: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(SBIN.map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("there is no {name} on this machine: install it with apt-get install {package}"))
}

/// Gives a signal to a process that may have ended by now.
fn signal(pid: u32, name: &str) {
    _ = Command::new("kill").args(["-s", name, &pid.to_string()]).stderr(Stdio::null()).status();
}

/// Ends processes that may have ended by now.
pub fn kill_all(pids: Vec<u32>) {
    for pid in pids {
        signal(pid, "KILL");
    }
}

/// An address that `swarm` takes for another machine.
fn other_address() -> Ipv4Addr {
    iter::repeat_with(fresh_address).find(|address| *address != Ipv4Addr::LOCALHOST).expect("there is no end")
}

/// The processes of sshd that descend from this one: one or two for each connection.
fn below(ancestor: u32) -> Vec<u32> {
    let is_sshd = |(_, name, _): &(u32, String, u32)| name.starts_with("sshd");
    let all: Vec<_> = processes().filter(is_sshd).collect();
    let mut found = vec![ancestor];
    let mut place = 0;
    while let Some(&parent) = found.get(place) {
        found.extend(all.iter().filter(|(.., of)| *of == parent).map(|(pid, ..)| *pid));
        place += 1;
    }
    found.split_off(1)
}

/// Each process: its ID, its name, its parent's ID.
fn processes() -> impl Iterator<Item = (u32, String, u32)> {
    let facts = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
        let parent = rest.split(' ').nth(1)?.parse().ok()?;
        Some((pid, name.to_owned(), parent))
    };
    let all = fs::read_dir("/proc").expect("this is Linux").filter_map(Result::ok);
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(facts)
}
