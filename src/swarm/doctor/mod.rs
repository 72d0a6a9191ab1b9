//! `swarm doctor`: what will keep a swarm from working, before anything is started.
//!
//! - [`finding`], `remedies`: what is said, and what to do about it;
//! - [`here`]: what this machine sees for itself; [`meet`]: what machines see of each other.

pub mod finding;
mod remedies;

pub mod here;

pub mod meet;

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Serialize;

use self::finding::{Finding, has_fault, lines, summary};
use self::meet::Met;
use crate::cli::DoctorArgs;
use crate::out::{FAILED, print, say, signal_status, terminal_width};

/// The report for programs.
#[derive(Serialize)]
struct Report<'a> {
    here: &'a [Finding],
    #[serde(skip_serializing_if = "Option::is_none")]
    meet: Option<&'a Met>,
}

/// Examines this machine, meets the others if that is wanted, and prints what was found.
///
/// # Errors
/// For a wrong usage.
pub fn run(args: &DoctorArgs) -> Result<ExitCode> {
    let examined = here::examine(&args.dir.dir, &args.here)?;
    let width = is_terminal().then(|| usize::from(terminal_width()));
    let show = |findings: &[Finding]| lines(findings, width).iter().try_for_each(|line| print(line));
    if !args.json {
        show(&examined.findings)?;
    }
    let others = examined.lines.iter().any(|line| !line.is_own);
    let met = match args.meet {
        true if examined.lines.is_empty() => {
            say("without a valid PeerInfo.cfg there is nobody to meet");
            None
        }
        true if !others => {
            say("all lines are this machine's, so there is nobody to meet");
            None
        }
        true => Some(meet::meet(&examined, args.patience)?),
        false => None,
    };
    let mut all = examined.findings.clone();
    all.extend(met.iter().flat_map(|met| met.findings.clone()));
    if args.json {
        let report = Report { here: &examined.findings, meet: met.as_ref() };
        print(&serde_json::to_string_pretty(&report).context("cannot write JSON")?)?;
    } else {
        if let Some(met) = &met {
            print("")?;
            met.table.iter().try_for_each(|line| print(line))?;
            show(&met.findings)?;
        }
        print("")?;
        print(&summary(&all))?;
    }
    Ok(match met.and_then(|met| met.stopped) {
        Some(stopped) => signal_status(stopped.0),
        None => ExitCode::from(if has_fault(&all) { FAILED } else { 0 }),
    })
}

fn is_terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stdout().is_terminal()
}
