//! `Case` and `Stage`: a case of the tester, and what it works with while it runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::judge::Violation;
use super::plan::Plan;
use super::verdict::{Clause, Finding, Level};
use super::world::{Env, Remains, Stop, World};
use crate::rubric::Item;

/// A case: a clause, and how to find out.
pub struct Case {
    /// The clause that it asks about.
    pub clause: Clause,
    /// The cases without which its question cannot be reached. If it fails and one of them fails, it is unclear.
    pub needs: &'static [&'static str],
    /// Whether it measures times. It is repeated alone if the tester was too late.
    pub measures: bool,
    /// Whether it takes so long that it should start before the others.
    pub is_long: bool,
    /// What it does.
    pub run: fn(&mut Stage<'_>) -> Result<(), Stop>,
}

/// Returns a case.
pub const fn case(
    address: &'static str,
    (section, item, level): (&'static str, Item, Level),
    text: &'static str,
    needs: &'static [&'static str],
    run: fn(&mut Stage<'_>) -> Result<(), Stop>,
) -> Case {
    Case { clause: Clause { address, section, item, level, text }, needs, measures: false, is_long: false, run }
}

impl Case {
    /// Says that the case measures times.
    pub const fn measured(mut self) -> Self {
        self.measures = true;
        self
    }

    /// Says that the case takes several seconds, so that it starts before the others.
    pub const fn long(mut self) -> Self {
        self.is_long = true;
        self
    }
}

/// What a case works with while it runs.
pub struct Stage<'a> {
    env: &'a Env,
    /// The directory of the case; each world has one below it.
    dir: PathBuf,
    worlds: u32,
    seed: u64,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What no correct peer does, in any world of the case.
    pub violations: Vec<Violation>,
    /// The case that asks what this one takes for granted, if that was not so here.
    pub hindered_by: Option<&'static str>,
    /// How late the tester was at worst.
    pub late: Duration,
    /// Times from a start to the first sign on the network.
    pub start_times: Vec<Duration>,
    /// Everything that happened.
    pub trace: Vec<String>,
    /// Whether a peer had to be killed.
    pub was_killed: bool,
    /// Whether the command ended while what it had started went on.
    pub went_to_background: bool,
    /// The last lines that the last peer printed.
    pub printed: Vec<String>,
    /// The place and the error of the last traceback that a peer printed and survived.
    pub traceback: Vec<String>,
}

impl<'a> Stage<'a> {
    /// Returns a stage in this directory, which is made when it is needed.
    pub fn new(env: &'a Env, dir: PathBuf, seed: u64) -> Self {
        Self {
            env,
            dir,
            worlds: 0,
            seed,
            findings: Vec::new(),
            violations: Vec::new(),
            hindered_by: None,
            late: Duration::ZERO,
            start_times: Vec::new(),
            trace: Vec::new(),
            was_killed: false,
            went_to_background: false,
            printed: Vec::new(),
            traceback: Vec::new(),
        }
    }

    /// Makes a world, lets `act` act in it, and ends everything that runs in it.
    ///
    /// # Errors
    /// What `act` returns, or that the world cannot be made.
    pub fn run<T>(&mut self, plan: Plan, act: impl FnOnce(&mut World<'a>) -> Result<T, Stop>) -> Result<T, Stop> {
        self.worlds += 1;
        let dir = self.dir.join(self.worlds.to_string());
        make_dir(&dir)?;
        let mut world = World::new(self.env, plan, &dir, self.seed.wrapping_add(u64::from(self.worlds)))?;
        let outcome = act(&mut world);
        self.take(world.end(outcome.is_ok()));
        outcome
    }

    fn take(&mut self, remains: Remains) {
        self.findings.extend(remains.findings);
        self.violations.extend(remains.violations);
        self.late = self.late.max(remains.late);
        self.start_times.extend(remains.life_at);
        if self.worlds > 1 {
            self.trace.push(format!("---- world {} ----", self.worlds));
        }
        self.trace.extend(remains.trace);
        self.was_killed |= remains.was_killed;
        self.went_to_background |= remains.went_to_background;
        self.printed = remains.printed;
        if !remains.traceback.is_empty() {
            self.traceback = remains.traceback;
        }
    }
}

fn make_dir(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))
}
