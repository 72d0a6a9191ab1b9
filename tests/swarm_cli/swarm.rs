//! `Swarm`: a directory with a small swarm in it. None of the processes that work there outlives it.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

use crate::running::Running;
use crate::support::process::wait_until;
use crate::support::signal::signal;
use crate::{Outcome, Place, command};

pub const PEER_PROCESS: &str = env!("CARGO_BIN_EXE_peer_process");
pub const FILE_SIZE: usize = 100_001;
pub const PIECE_COUNT: u64 = 7;

/// The bytes that all shall have.
pub fn content() -> Vec<u8> {
    (0..FILE_SIZE).map(|place| u8::try_from(place * place % 251).expect("it is below 251")).collect()
}

/// A port that nobody has, and that no other test of this run gets; below those that outgoing connections have.
pub fn free_port() -> u16 {
    static COUNT: AtomicU16 = AtomicU16::new(0);
    // Two runs of the tests at a time differ in the process ID. With nextest each test is a process, and the IDs of two may be
    // neighbors: no test has more than this many peers.
    let start = std::process::id() % 9000 * 37;
    loop {
        let place = start + u32::from(COUNT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(10_000 + place % 9000).expect("it is below 19000");
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}

/// A directory with a swarm on this machine.
pub struct Swarm {
    pub place: Place,
    /// Its peers, in the order of `PeerInfo.cfg`.
    pub ids: Vec<u32>,
}

impl Swarm {
    /// The peers in the order of `PeerInfo.cfg`, as in `1002 1001* 1003`: those with a star start with the file.
    pub fn new(peers: &str) -> Self {
        let peer = |word: &str| (word.trim_end_matches('*').parse().expect("an ID"), word.ends_with('*'));
        let peers: Vec<(u32, bool)> = peers.split(' ').map(peer).collect();
        let swarm = Self { place: Place::new(), ids: peers.iter().map(|(id, _)| *id).collect() };
        let common = format!(
            "NumberOfPreferredNeighbors 3\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\n\
             FileName file.bin\nFileSize {FILE_SIZE}\nPieceSize 16384\n"
        );
        swarm.place.write("Common.cfg", common.as_bytes());
        let line = |(id, has_file): &(u32, bool)| format!("{id} localhost {} {}\n", free_port(), u8::from(*has_file));
        swarm.place.write("PeerInfo.cfg", peers.iter().map(line).collect::<String>().as_bytes());
        for (id, _) in peers.iter().filter(|(_, has_file)| *has_file) {
            fs::create_dir(swarm.place.path(&format!("peer_{id}"))).expect("it is new");
            swarm.place.write(&copy_of(*id), &content());
        }
        swarm
    }

    /// Runs a line of words to its end.
    pub fn run(&self, line: &str) -> Outcome {
        self.start(line).end()
    }

    /// Starts a line of words.
    pub fn start(&self, line: &str) -> Running {
        self.start_with(line, &[])
    }

    /// The same, with words that have blanks behind it.
    pub fn start_with(&self, line: &str, more: &[&str]) -> Running {
        let lacks_seeder = !self.text("PeerInfo.cfg").contains(" 1\n");
        // Tests without a seeder mean it: their peers do not end by themselves.
        let wanted = (line.starts_with("start") && lacks_seeder).then_some("--no-seeder-yet");
        let mut words: Vec<_> = line.split(' ').collect();
        words.splice(1..1, wanted);
        words.extend(more);
        Running::start(command(self.place.0.path(), &words))
    }

    /// Starts the peers by a script in which `$1` is the peer's ID, and `$ours` our own program.
    pub fn start_by(&self, line: &str, body: &str) -> Running {
        self.place.write("peer.sh", format!("ours='{PEER_PROCESS}'\n{body}\n").as_bytes());
        self.start_with(line, &["--peer-command", "sh peer.sh {id}"])
    }

    /// A file that may not be there yet.
    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.place.path(name)).unwrap_or_default()
    }

    pub fn log(&self, id: u32) -> String {
        self.text(&format!("log_peer_{id}.log"))
    }

    /// What a peer has said.
    pub fn said(&self, id: u32) -> String {
        self.text(&format!("peer_{id}.err"))
    }

    /// Asserts that all have the same file.
    pub fn assert_copies(&self) {
        for id in &self.ids {
            assert!(self.place.read(&copy_of(*id)) == content(), "the file of {id} differs");
        }
    }

    /// The process that was recorded for a peer: its ID, and what tells it from a later one with the same.
    pub fn recorded(&self, id: u32) -> Option<(String, String)> {
        let record = self.text(&format!("peer_{id}.pid"));
        let mut words = record.lines().next()?.split(' ').map(str::to_owned);
        Some((words.next()?, words.next()?))
    }

    /// Whether the recorded process is still the same and runs.
    pub fn is_alive(&self, id: u32) -> bool {
        self.recorded(id).is_some_and(|(pid, started)| {
            let ticks = start_ticks(&pid);
            ticks.is_some_and(|ticks| started.split('@').next() == Some(ticks.as_str()))
        })
    }

    pub fn wait_for_alive(&self, ids: &[u32]) {
        for id in ids {
            wait_until(&format!("the start of {id}"), || self.is_alive(*id));
        }
    }

    /// Waits until a peer's log has this in it.
    pub fn wait_for_log(&self, id: u32, part: &str) {
        wait_until(&format!("'{part}' in the log of {id}"), || self.log(id).contains(part));
    }

    /// Gives a signal to a peer that surely runs.
    pub fn kill(&self, id: u32, signal: &str) {
        assert!(self.is_alive(id), "{id} runs");
        kill(signal, &self.recorded(id).expect("it was started").0);
    }

    /// The processes that work in this directory, each with its command.
    pub fn processes(&self) -> Vec<(String, String)> {
        // A peer behind a tap works below it.
        let works_here =
            |process: &Path| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(self.place.0.path()));
        let shown = |process: PathBuf| {
            let command = fs::read(process.join("cmdline")).unwrap_or_default();
            let pid = process.file_name().expect("a name").to_string_lossy().into_owned();
            (pid, String::from_utf8_lossy(&command).replace('\0', " "))
        };
        let all = fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        all.filter(|process| works_here(process)).map(shown).collect()
    }

    /// Asserts that no peer is left; what only watched one may need a moment for its own end.
    pub fn assert_no_process(&self) {
        for id in &self.ids {
            assert!(!self.is_alive(*id), "{id} still runs");
        }
        wait_until("the end of all processes", || self.processes().is_empty());
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        // A test that has failed may have left some; those that end before they are killed are no trouble.
        for (pid, _) in self.processes() {
            _ = signal(pid.parse().expect("a process ID"), "KILL");
        }
    }
}

/// Where a peer has its file.
pub fn copy_of(id: u32) -> String {
    format!("peer_{id}/file.bin")
}

/// When a process was started, in ticks since the machine was; `None` if it has ended.
pub fn start_ticks(pid: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may have blanks.
    let words: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    (!["Z", "X"].contains(&words[0])).then(|| words[19].to_owned())
}

pub fn kill(name: &str, pid: &str) {
    assert!(signal(pid.parse().expect("a process ID"), name), "{pid} runs");
}
