//! `Suite`: runs the cases, several at a time. Then it repeats alone those that a slow machine may have disturbed.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::num::NonZero;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Error, Result, anyhow};

use super::raw::{self, Raw};
use super::resolve;
use super::stage::{Case, Stage};
use super::world::{Env, Stop};

/// Cases for each core at the same time, unless the command line says otherwise: nearly all of their time is waiting.
const JOBS_A_CORE: usize = 5;

/// Runs cases.
pub struct Suite<'a> {
    /// What all worlds have in common.
    pub env: &'a Env,
    /// Where the cases get their directories.
    pub dir: &'a Path,
    /// Whether the directories stay.
    pub keeps: bool,
    /// Maximum number of cases at the same time.
    pub jobs: usize,
    /// The seed of all random choices.
    pub seed: u64,
}

impl Suite<'_> {
    /// Runs the cases, and returns what they left, in their order. If a signal ends the run, those that were not done are missing.
    ///
    /// `began` and `ended` are told of each run of a case.
    ///
    /// # Errors
    /// When the tester itself fails, such as on a full disk.
    pub fn run(
        &self,
        cases: &[&'static Case],
        began: &(dyn Fn(&'static str) + Sync),
        ended: &(dyn Fn(&'static str) + Sync),
    ) -> Result<Vec<Raw>> {
        // What takes long must not begin last.
        let (long, short): (Vec<_>, Vec<_>) = cases.iter().copied().partition(|case| case.is_long);
        let queue: Mutex<VecDeque<&'static Case>> = Mutex::new(long.into_iter().chain(short).collect());
        let done: Mutex<BTreeMap<&'static str, Raw>> = Mutex::default();
        let trouble: Mutex<Option<Error>> = Mutex::default();
        let work = || {
            loop {
                let next = lock(&queue).pop_front();
                let Some(case) = next else { return };
                began(case.clause.address);
                match self.run_case(case, 1) {
                    Ok(Some(raw)) => drop(lock(&done).insert(case.clause.address, raw)),
                    Ok(None) => lock(&queue).clear(),
                    Err(error) => {
                        lock(&queue).clear();
                        lock(&trouble).get_or_insert(error);
                    }
                }
                ended(case.clause.address);
            }
        };
        thread::scope(|scope| -> Result<()> {
            for number in 0..self.jobs.clamp(1, cases.len().max(1)) {
                let name = format!("case-{number}");
                thread::Builder::new().name(name).spawn_scoped(scope, work).context("cannot start a thread")?;
            }
            Ok(())
        })?;
        if let Some(error) = lock(&trouble).take() {
            return Err(error);
        }
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut raws: Vec<Raw> = cases.iter().filter_map(|case| done.remove(case.clause.address)).collect();
        self.repeat(&mut raws, began, ended)?;
        Ok(raws)
    }

    /// Runs cases alone, one after the other, if the machine may be to blame for what they left. A right peer on a loaded machine
    /// may pause for longer than any time that is allowed.
    fn repeat(
        &self,
        raws: &mut [Raw],
        began: &(dyn Fn(&'static str) + Sync),
        ended: &(dyn Fn(&'static str) + Sync),
    ) -> Result<()> {
        let were_alone = self.jobs.min(raws.len()) <= 1;
        let doubtful = |raws: &[Raw]| raw::doubtful(raws).or_else(|| resolve::doubtful(raws).filter(|_| !were_alone));
        while let Some(place) = doubtful(raws) {
            let case = raws[place].case;
            began(case.clause.address);
            let again = self.run_case(case, raws[place].runs + 1)?;
            ended(case.clause.address);
            let Some(again) = again else { break };
            raws[place].settle(again);
        }
        Ok(())
    }

    /// Runs a case once; `None` if a signal came.
    fn run_case(&self, case: &'static Case, run: u32) -> Result<Option<Raw>> {
        let dir = self.dir_of(case, run);
        let began = Instant::now();
        let seed = self.seed.wrapping_add(u64::from(run) << 32).wrapping_add(hash(case.clause.address));
        let mut stage = Stage::new(self.env, dir.clone(), seed);
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| (case.run)(&mut stage)));
        if !self.keeps {
            // What the peer still holds open or has protected may stay; the whole is removed at the end once more.
            _ = fs::remove_dir_all(&dir);
        }
        let stopped = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(Stop::Failed(finding))) => Some(finding),
            Ok(Err(Stop::Interrupted)) => return Ok(None),
            Ok(Err(Stop::Tester(error))) => return Err(error.context(format!("case {}", case.clause.address))),
            Err(_) => return Err(anyhow!("case {} failed by a fault of the tester", case.clause.address)),
        };
        Ok(Some(Raw {
            case,
            stopped,
            findings: stage.findings,
            violations: stage.violations,
            hindered_by: stage.hindered_by,
            took: began.elapsed(),
            late: stage.late,
            start_times: stage.start_times,
            trace: stage.trace,
            run,
            runs: run,
            unconfirmed: Vec::new(),
            was_killed: stage.was_killed,
            went_to_background: stage.went_to_background,
            printed: stage.printed,
            traceback: stage.traceback,
        }))
    }

    /// Returns the directory of a case.
    pub fn dir_of(&self, case: &Case, run: u32) -> PathBuf {
        self.dir.join(name_of(case, run))
    }
}

/// Returns the number of cases at the same time that suits this machine.
pub fn usual_jobs() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get) * JOBS_A_CORE
}

/// Returns the name of a case's directory.
pub fn name_of(case: &Case, run: u32) -> String {
    let name = case.clause.address.replace('/', "-");
    if run == 1 { name } else { format!("{name}.{run}") }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a number that depends on the whole address.
fn hash(address: &str) -> u64 {
    address.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
