//! `World`: what it holds, how it is made and started, and what is left of it at its end.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use peer_process::protocol::layout::{FileLayout, PieceIndex};
use peer_process::protocol::peer_id::PeerId;
use peer_process::protocol::piece_set::PieceSet;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::env::{Env, Stop};
use super::links::Links;
use super::names;
use super::places::{self, Port};
use super::printed::Printed;
use super::process::Process;
use crate::check::facts::Facts;
use crate::check::habits::Habits;
use crate::check::history::{History, What};
use crate::check::judge::{Blame, Judge, Violation};
use crate::check::plan::{Nb, Plan};
use crate::check::verdict::Finding;
use crate::files::project;
use crate::ports::is_listened_at;

/// The name of the file that the swarms of the tester share.
pub const FILE_NAME: &str = "check.dat";

/// Number of strangers whose IDs are known.
const STRANGERS: usize = 2;
/// Maximum number of ports that are tried for one neighbor.
const MOST_TRIES: u32 = 10;

/// A peer and its neighbors.
pub struct World<'a> {
    pub(super) env: &'a Env,
    pub(super) plan: Plan,
    pub(super) layout: FileLayout,
    pub(super) file: Vec<u8>,
    pub(super) dir: PathBuf,
    /// What each neighbor does by itself, and the pieces that it has by now.
    pub(super) habits: Vec<Habits>,
    pub(super) has: Vec<PieceSet>,
    pub(super) links: Links,
    pub(super) process: Option<Process>,
    /// The last look at whether the process has ended is not older than this.
    pub(super) looked_at: Instant,
    pub(super) started_at: Instant,
    pub(super) life_at: Option<Duration>,
    pub(super) port: Port,
    pub(super) facts: Facts,
    pub(super) history: History,
    pub(super) judge: Judge,
    pub(super) violations: Vec<Violation>,
    pub(super) findings: Vec<Finding>,
    /// Pieces that are to be sent later: when, by whom, and which.
    pub(super) due: Vec<(Instant, Nb, PieceIndex)>,
    /// How late the tester was at worst.
    pub(super) late: Duration,
    /// What the tester did last, in words.
    pub(super) doing: String,
    /// To whom and to what an early end of the process belongs, if not to the usual cases.
    pub(super) exit_blame: Option<Blame>,
    /// Whether the tester has asked it to end.
    pub(super) is_told_to_end: bool,
    /// Whether the judge's word counts.
    pub(super) is_judged: bool,
    pub(super) rng: StdRng,
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
    /// The place and the error of a traceback that it printed, if it went on after that.
    pub traceback: Vec<String>,
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
        project::supply(&self.env.project, &self.dir)?;
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

    /// Returns the ports at which the process listens, where the system shows them.
    pub fn ports(&self) -> BTreeSet<u16> {
        self.process.as_ref().map(Process::ports).unwrap_or_default()
    }

    /// Reports whether somebody listens at the port of the peer's line, at any address, as far as the system shows that. It may
    /// be somebody else, and a peer in another network namespace is not seen.
    pub(super) fn is_listening(&self) -> bool {
        is_listened_at(self.port.number)
    }

    /// Returns the port of the peer's line.
    pub const fn port(&self) -> u16 {
        self.port.number
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
        // What it prints from now on is about its end by the tester.
        let traceback = if self.has_ended() { Vec::new() } else { self.printed().traceback() };
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
                .map(|event| names::line(event, &self.plan, self.env.first_id))
                .collect(),
            was_killed,
            went_to_background: self.process.as_ref().is_some_and(Process::went_to_background),
            printed: self.process.as_ref().map(|process| process.printed().last_lines(10)).unwrap_or_default(),
            traceback,
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
    // The project may have a file of this name that is protected.
    _ = fs::remove_file(path);
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
