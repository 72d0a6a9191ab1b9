//! The command line of `swarm doctor`.

use std::time::Duration;

use clap::Args;
use peer_process::cli::{SECS, number, paragraphs};

use super::values::{DirArgs, seconds};

/// `swarm doctor`.
#[derive(Debug, Args)]
#[command(after_help = paragraphs(&[
    SECS,
    "Exit status: 0 no fault was found, 1 a fault was found, 2 wrong usage, 130 or 143 stopped by SIGINT or SIGTERM.",
]))]
pub struct DoctorArgs {
    #[command(flatten)]
    pub dir: DirArgs,
    /// Take the lines of these peers for this machine's, whatever their hosts mean. A laptop behind a router needs it
    #[arg(long, value_name = "ID,...", value_delimiter = ',', value_parser = number("--here", 1..=u32::MAX))]
    pub here: Vec<u32>,
    /// Meet the other machines, where `swarm doctor --meet` must run at the same time. Listen on the ports of this machine's
    /// lines, call the others', and show who reaches whom
    #[arg(long)]
    pub meet: bool,
    /// With --meet, end after SECS seconds even if somebody is missing
    #[arg(long = "for", value_name = "SECS", default_value = "120", allow_negative_numbers = true, requires = "meet",
        value_parser = seconds("--for"))]
    pub patience: Duration,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}
