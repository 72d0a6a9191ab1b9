//! `Host`: a machine that is reached by ssh, played by a real sshd on a loopback address, with a home directory of its own.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::address::fresh_address;
use crate::support::left_out::find;
use crate::support::process::wait_until;
use crate::support::signal::signal;

/// Where sshd of root goes for what it does not trust; Debian makes it when the service starts.
const RUN_DIR: &str = "/run/sshd";

/// One host; nobody can log in after it is dropped.
pub struct Host {
    pub address: Ipv4Addr,
    dir: PathBuf,
    /// Where sshd is.
    program: PathBuf,
    /// `None` while nobody can log in.
    sshd: Option<Child>,
}

impl Host {
    /// A host that keeps all it has in `dir`, has the host key `host_key` there, and lets in who is in `authorized`.
    ///
    /// `None` if this machine lacks sshd, which is told.
    pub fn new(dir: &Path, port: u16, host_key: &Path, authorized: &Path) -> Option<Self> {
        let address = fresh_address();
        let mut host = Self { address, dir: dir.to_owned(), program: find("sshd")?, sshd: None };
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
        Some(host)
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
        _ = signal(sshd.id(), "STOP");
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
        let mut command = Command::new(&self.program);
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

/// Ends processes that may have ended by now.
pub fn kill_all(pids: Vec<u32>) {
    for pid in pids {
        _ = signal(pid, "KILL");
    }
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
