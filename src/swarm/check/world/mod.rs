//! `World`: the peer that is checked as a process, and all its neighbors, which the tester plays on sockets of its own.
//!
//! One thread runs a world: it waits for sockets, and lets its neighbors act, the judge judge and the case ask. So nothing in a
//! world happens at the same time as anything else. `links` has the sockets, `waits` what cases wait for.

mod links;
mod parts;
mod places;
mod process;
mod waits;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result};
use peer_process::protocol::layout::{FileLayout, PieceIndex};
use peer_process::protocol::message::Message;
use peer_process::protocol::peer_id::PeerId;
use peer_process::protocol::piece_set::PieceSet;
use rand::SeedableRng;
use rand::rngs::StdRng;

use self::links::Links;
use self::places::Port;
pub use self::process::{Printed, Process};
pub use self::waits::{Wait, secs};
use super::facts::Facts;
use super::habits::{self, Deed, Habits};
use super::history::{History, Said, What};
use super::judge::{Blame, Judge, Violation};
use super::mistakes::Mistake;
use super::plan::{Nb, Plan};
use super::verdict::{Finding, Level};

/// The name of the file that the swarms of the tester share.
pub const FILE_NAME: &str = "check.dat";

/// Number of strangers whose IDs are known.
const STRANGERS: usize = 2;
/// Maximum number of ports that are tried for one neighbor.
const MOST_TRIES: u32 = 10;

/// What all worlds of a run have in common.
pub struct Env {
    /// The command with {id}, {dir} and {port}.
    pub command: String,
    /// The directory whose content the peer's directory gets.
    pub project: PathBuf,
    /// How long to wait for what should come soon.
    pub patience: Duration,
    /// How long a peer may take from its start to its first sign on the network.
    pub start_patience: Duration,
    /// The ID in the first line of `PeerInfo.cfg`.
    pub first_id: u32,
    /// The host in each line, and what it means.
    pub host: String,
    pub addresses: Vec<std::net::IpAddr>,
    /// Where the peer listens, if not at the port of its line.
    pub port: Option<u16>,
    /// Where both configuration files are put beside the peer's directory.
    pub config_dir: Option<PathBuf>,
    /// Where the file is put beside `peer_ID/` and `ID/`, with {id}.
    pub file_dir: Option<String>,
    /// Where the log is looked for.
    pub log_pattern: Option<crate::logs::LogPattern>,
    /// The signal that ends the run, or 0.
    pub signal: Arc<AtomicUsize>,
}

/// Why a case does not go on.
#[derive(Debug)]
pub enum Stop {
    /// The peer failed.
    Failed(Box<Finding>),
    /// The tester failed.
    Tester(Error),
    /// A signal ends the run.
    Interrupted,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Tester(error)
    }
}

/// A peer and its neighbors.
pub struct World<'a> {
    env: &'a Env,
    plan: Plan,
    layout: FileLayout,
    file: Vec<u8>,
    dir: PathBuf,
    /// What each neighbor does by itself, and the pieces that it has by now.
    habits: Vec<Habits>,
    has: Vec<PieceSet>,
    links: Links,
    process: Option<Process>,
    /// The last look at whether the process has ended is not older than this.
    looked_at: Instant,
    started_at: Instant,
    life_at: Option<Duration>,
    port: Port,
    facts: Facts,
    history: History,
    judge: Judge,
    violations: Vec<Violation>,
    findings: Vec<Finding>,
    /// Pieces that are to be sent later: when, by whom, and which.
    due: Vec<(Instant, Nb, PieceIndex)>,
    /// How late the tester was at worst.
    late: Duration,
    /// What the tester did last, in words.
    doing: String,
    may_end: bool,
    /// To whom and to what an early end of the process belongs, if not to the usual cases.
    exit_blame: Option<Blame>,
    /// Whether the tester has asked it to end.
    is_told_to_end: bool,
    /// Whether the judge's word counts.
    is_judged: bool,
    rng: StdRng,
}

/// What is left of a world.
pub struct Remains {
    /// What no correct peer does.
    pub violations: Vec<Violation>,
    /// What the case found and went on.
    pub findings: Vec<Finding>,
    /// How late the tester was at worst.
    pub late: Duration,
    /// Time from the start of the process to its first sign on the network.
    pub life_at: Option<Duration>,
    /// Everything that happened, one event a line.
    pub trace: Vec<String>,
    /// Whether the peer had to be killed.
    pub was_killed: bool,
    /// Whether the command ended while what it had started went on.
    pub went_to_background: bool,
    /// The last lines that the peer printed.
    pub printed: Vec<String>,
}

impl<'a> World<'a> {
    /// Writes everything that the peer needs into `dir`, and binds the neighbors' ports. The process is not started.
    ///
    /// # Errors
    /// When files cannot be written or no port is free.
    pub fn new(env: &'a Env, plan: Plan, dir: &Path, seed: u64) -> Result<Self> {
        let mut rng = StdRng::seed_from_u64(seed);
        let (layout, file, own) = (plan.layout(), plan.file(), plan.own_id(env.first_id));
        let mut links = Links::new(layout)?;
        let port = env.port.map_or_else(|| places::free_port(&mut rng), |number| Ok(Port::given(number)))?;
        for nb in (0..plan.neighbors()).map(Nb) {
            let listens = plan.earlier_are_up || !plan.is_earlier(nb);
            let port = places::free_port(&mut rng)?;
            links.add_neighbor(port);
            if listens {
                // Who does not claim its ports may have taken this one.
                let mut tries = 0;
                while let Err(error) = links.listen(nb, &env.addresses) {
                    tries += 1;
                    if tries == MOST_TRIES {
                        return Err(error);
                    }
                    links.move_to(nb, places::free_port(&mut rng)?);
                }
            }
        }
        let empty = PieceSet::empty(layout);
        let has: Vec<_> = (0..plan.neighbors())
            .map(|nb| if plan.seeders.contains(&Nb(nb)) { PieceSet::full(layout) } else { empty.clone() })
            .collect();
        let habits = has.iter().map(|has| Habits::all(has.clone())).collect();
        let world = Self {
            facts: Facts::new(layout, plan.neighbors(), plan.has_file),
            judge: Judge::new(own, plan.k, plan.neighbors(), plan.earlier).knowing(
                (0..plan.neighbors() + STRANGERS).map(|nb| plan.id(env.first_id, Nb(nb)).number()).collect(),
                plan.has_ids_descending,
            ),
            layout,
            file,
            dir: dir.to_owned(),
            habits,
            has,
            links,
            process: None,
            looked_at: Instant::now(),
            started_at: Instant::now(),
            life_at: None,
            port,
            history: History::default(),
            violations: Vec::new(),
            findings: Vec::new(),
            due: Vec::new(),
            late: Duration::ZERO,
            doing: "started the peer".to_owned(),
            may_end: false,
            exit_blame: None,
            is_told_to_end: false,
            is_judged: true,
            rng,
            env,
            plan,
        };
        world.furnish()?;
        Ok(world)
    }

    fn furnish(&self) -> Result<()> {
        places::supply(&self.env.project, &self.dir)?;
        let common = self.plan.common_cfg(FILE_NAME);
        let port_of = |nb: Option<Nb>| nb.map_or(self.port.number, |nb| self.links.port(nb));
        let peers = self.plan.peer_info_cfg(self.env.first_id, &self.env.host, port_of);
        let mut dirs = vec![self.dir.clone()];
        dirs.extend(self.env.config_dir.as_ref().map(|dir| self.dir.join(dir)));
        for dir in dirs {
            // The project's own directory of this name must not be written to.
            unlink(&dir)?;
            fs::create_dir_all(&dir)?;
            write(&dir.join("Common.cfg"), common.as_bytes())?;
            write(&dir.join("PeerInfo.cfg"), peers.as_bytes())?;
        }
        for dir in self.peer_dirs() {
            unlink(&dir)?;
            fs::create_dir_all(&dir)?;
            if self.plan.has_file {
                write(&dir.join(FILE_NAME), &self.file)?;
            }
        }
        Ok(())
    }

    /// Returns the directories where peers keep their file: `peer_ID/`, then the other places.
    pub fn peer_dirs(&self) -> Vec<PathBuf> {
        let id = self.own_id();
        let mut dirs = vec![self.dir.join(format!("peer_{id}")), self.dir.join(id.to_string())];
        dirs.extend(self.env.file_dir.as_ref().map(|dir| self.dir.join(dir.replace("{id}", &id.to_string()))));
        dirs
    }

    /// Starts the process.
    ///
    /// # Errors
    /// When the system cannot.
    pub fn start(&mut self) -> Result<(), Stop> {
        let (id, dir) = (self.own_id().to_string(), self.dir.to_string_lossy().into_owned());
        let command = self
            .env
            .command
            .replace("{id}", &id)
            .replace("{dir}", &dir)
            .replace("{port}", &self.port.number.to_string());
        let mark = format!("{}.{}", std::process::id(), dir);
        self.started_at = Instant::now();
        self.life_at = None;
        self.process = Some(Process::start(&command, &self.dir, mark).context("cannot start the shell")?);
        self.emit(What::Started);
        Ok(())
    }

    /// Returns the time since the start of the process.
    pub fn now(&self) -> Duration {
        self.started_at.elapsed()
    }

    /// Returns the plan.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the pieces of the file.
    pub const fn layout(&self) -> FileLayout {
        self.layout
    }

    /// Returns the bytes of the file.
    pub fn file(&self) -> &[u8] {
        &self.file
    }

    /// Returns the directory of the peer.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns what all worlds have in common.
    pub const fn env(&self) -> &Env {
        self.env
    }

    /// Returns the peer's ID.
    pub fn own_id(&self) -> PeerId {
        self.plan.own_id(self.env.first_id)
    }

    /// Returns the ID of a neighbor that has a line.
    pub fn id(&self, nb: Nb) -> PeerId {
        self.plan.id(self.env.first_id, nb)
    }

    /// Returns what is true between the peer and its neighbors.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Returns what happened.
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// Returns what a neighbor does by itself, to change it.
    pub fn habits(&mut self, nb: Nb) -> &mut Habits {
        &mut self.habits[nb.0]
    }

    /// Lets a neighbor do only this by itself, and have the pieces that come with it.
    pub fn behave(&mut self, nb: Nb, habits: Habits) {
        self.has[nb.0] = habits.has.clone();
        self.habits[nb.0] = habits;
    }

    /// Returns the pieces that a neighbor has by now.
    pub fn has(&self, nb: Nb) -> &PieceSet {
        &self.has[nb.0]
    }

    /// Returns the world's random numbers.
    pub const fn rng(&mut self) -> &mut StdRng {
        &mut self.rng
    }

    /// Says what the tester does now, for reports; it continues `The tester`.
    pub fn doing(&mut self, what: impl Into<String>) {
        self.doing = what.into();
        self.emit(What::Note(self.doing.clone()));
    }

    /// Allows the process to end from here on.
    pub const fn may_end(&mut self) {
        self.may_end = true;
    }

    /// Lets an early end of the process belong to this case.
    pub const fn exit_belongs_to(&mut self, owner: &'static str) {
        self.exit_blame = Some(Blame { owner, level: Level::Must, mistake: None });
    }

    /// Lets an early end of the process belong to this case, with this mistake.
    pub const fn exit_means(&mut self, owner: &'static str, level: Level, mistake: &'static Mistake) {
        self.exit_blame = Some(Blame { owner, level, mistake: Some(mistake) });
    }

    /// Lets the peer believe that it has this piece, though it was not sent to it as it is.
    pub fn excuse(&mut self, piece: PieceIndex) {
        self.judge.excuse(piece);
    }

    /// Lets only the case judge this world.
    pub const fn judges_nothing(&mut self) {
        self.is_judged = false;
    }

    /// Adds a finding; the case goes on.
    pub fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Reports whether something was seen in this world that belongs to this case.
    pub fn has_violation(&self, owner: &str) -> bool {
        self.violations.iter().any(|violation| violation.owner == owner)
    }

    /// Returns whether the process has ended.
    pub fn has_ended(&self) -> bool {
        self.process.is_some() && !self.facts.runs
    }

    /// Returns what the process has printed.
    pub fn printed(&self) -> Printed {
        self.process.as_ref().map(Process::printed).unwrap_or_default()
    }

    /// Asks the peer to end. How it does is not judged.
    pub fn ask_to_end(&mut self) {
        self.is_told_to_end = true;
        if let Some(process) = &self.process {
            process.ask_peer_to_end();
        }
    }

    /// Sends a message.
    pub fn say(&mut self, nb: Nb, message: Message) {
        let bytes = self.bytes_of(&message);
        self.links.send(nb, &bytes);
        self.emit(What::Said(nb, Said::Message(message)));
    }

    /// Sends the handshake of this neighbor.
    pub fn greet(&mut self, nb: Nb) {
        let id = self.id(nb);
        self.links.send(nb, &peer_process::protocol::wire::Handshake::of(id).to_bytes());
        self.emit(What::Said(nb, Said::Handshake));
    }

    /// Sends bytes that are no message, or parts of one; `what` says what they are.
    pub fn say_raw(&mut self, nb: Nb, bytes: &[u8], what: &'static str) {
        self.links.send(nb, bytes);
        self.emit(What::Said(nb, Said::Raw(what, bytes.len())));
    }

    /// Records that what was sent as raw bytes means this.
    pub fn meant(&mut self, nb: Nb, said: Said) {
        self.emit(What::Said(nb, said));
    }

    /// Announces a piece that the neighbor has from now on.
    pub fn announce(&mut self, nb: Nb, piece: PieceIndex) {
        self.has[nb.0].insert(piece);
        self.say(nb, Message::Have(piece));
    }

    /// Keeps what is sent to a neighbor until [`release`](Self::release), so that it leaves in one write.
    pub fn hold(&mut self, nb: Nb) {
        self.links.hold(nb, true);
    }

    /// Sends what was kept.
    pub fn release(&mut self, nb: Nb) {
        self.links.hold(nb, false);
    }

    /// Stops or starts reading what the peer sends to a neighbor.
    pub fn read_from(&mut self, nb: Nb, reads: bool) -> Result<(), Stop> {
        for (nb, happened) in self.links.read_from(nb, reads, &self.file) {
            self.take(nb, happened);
        }
        self.check_signal()
    }

    /// Closes a neighbor's connection in order.
    pub fn close(&mut self, nb: Nb) {
        if self.links.close(nb, false) {
            self.emit(What::Ended(nb, super::history::End::ByUs));
        }
    }

    /// Resets a neighbor's connection.
    pub fn reset(&mut self, nb: Nb) {
        if self.links.close(nb, true) {
            self.emit(What::Ended(nb, super::history::End::ByUs));
        }
    }

    /// Lets a neighbor listen that was not up.
    ///
    /// # Errors
    /// When its port was taken meanwhile.
    pub fn listen(&mut self, nb: Nb) -> Result<(), Stop> {
        Ok(self.links.listen(nb, &self.env.addresses)?)
    }

    /// Adds a stranger, who has no line, with these habits.
    pub fn stranger(&mut self) -> Nb {
        let nb = self.facts.add();
        self.links.add_neighbor(Port::given(0));
        let empty = PieceSet::empty(self.layout);
        self.habits.push(Habits::none(empty.clone()));
        self.has.push(empty);
        nb
    }

    /// Records an event, and lets all see it.
    #[expect(clippy::needless_pass_by_value, reason = "each caller makes it for this")]
    fn emit(&mut self, what: What) {
        let at = self.now();
        self.judge.see(at, &what, &self.facts);
        self.facts.see(at, &what);
        self.history.add(at, what.clone());
        self.collect_violations();
        if let What::Heard(nb, super::history::Heard::Message(Message::Piece(piece), true)) = &what {
            self.has[nb.0].insert(*piece);
        }
        let Some(nb) = what.nb() else { return };
        let deeds = habits::react(&self.habits[nb.0], &self.has[nb.0], nb, &what, &self.facts, &mut self.rng);
        for deed in deeds {
            match deed {
                Deed::Greet => self.greet(nb),
                Deed::Say(message) => self.say(nb, message),
                Deed::Serve(piece, Duration::ZERO) => self.say(nb, Message::Piece(piece)),
                Deed::Serve(piece, after) => self.due.push((Instant::now() + after, nb, piece)),
            }
        }
    }

    fn check_signal(&self) -> Result<(), Stop> {
        if self.env.signal.load(Ordering::Relaxed) == 0 { Ok(()) } else { Err(Stop::Interrupted) }
    }

    /// Ends everything, and returns what is left. Only if the case was done with it, what never came is looked for:
    /// else the case itself tells what it waited for.
    pub fn end(mut self, is_done: bool) -> Remains {
        let at = self.now();
        self.collect_violations();
        if is_done && !self.violations.iter().any(|violation| violation.disrupts) {
            self.judge.finish(at, &self.facts);
        }
        self.collect_violations();
        // The peer's port must be free for the next world, and who closes first holds it for a minute.
        self.links.reset_all();
        let was_killed = self.process.as_mut().is_some_and(Process::end);
        Remains {
            violations: self.violations,
            findings: self.findings,
            late: self.late,
            life_at: self.life_at,
            trace: self
                .history
                .since(0)
                .iter()
                .map(|event| waits::line(event, &self.plan, self.env.first_id))
                .collect(),
            was_killed,
            went_to_background: self.process.as_ref().is_some_and(Process::went_to_background),
            printed: self.process.as_ref().map(|process| process.printed().last_lines(10)).unwrap_or_default(),
        }
    }

    fn collect_violations(&mut self) {
        for mut violation in self.judge.take() {
            if self.is_judged {
                violation.events = self.last_events();
                self.violations.push(violation);
            }
        }
    }
}

/// Removes a link of this name, which leads into the project.
fn unlink(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => {
            fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
