//! `swarm stop`: stops the running peers and nothing else. It signals a process only if the swarm recorded it and it is still
//! the same process.

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::StopArgs;
use crate::hosts::interrupts::Interrupts;
use crate::hosts::running::stop_all;
use crate::hosts::settings::Settings;
use crate::hosts::with_tip;
use crate::out::{FAILED, named, print, say};

/// Carries out `swarm stop`.
///
/// # Errors
/// When the swarm cannot be read.
pub fn stop(args: &StopArgs) -> Result<ExitCode> {
    let (_, hosts) = Settings::open(&args.dir.dir, &args.remote)?;
    let _interrupts = Interrupts::watch(&hosts, "not all peers may have been stopped")?;
    let results = hosts.each(stop_all);
    let mut status = ExitCode::SUCCESS;
    let (mut stopped, mut left) = (Vec::new(), Vec::new());
    for (host, result) in hosts.all.iter().zip(results) {
        match result {
            Ok((ended, rest)) => {
                stopped.extend(ended);
                left.extend(rest);
            }
            Err(error) => {
                status = ExitCode::from(FAILED);
                say(&format!("{} may still run: {}", named(&host.peers), with_tip(&error)));
            }
        }
    }
    if !left.is_empty() {
        status = ExitCode::from(FAILED);
        say(&format!("{} did not exit even after SIGKILL", named(&left)));
    }
    if !stopped.is_empty() {
        print(&format!("stopped {}", named(&stopped)))?;
    } else if status == ExitCode::SUCCESS {
        print("no peer was running")?;
    }
    Ok(status)
}
