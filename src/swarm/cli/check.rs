//! The command line of `swarm check`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use peer_process::cli::{SECS, number, paragraphs};

use super::values::seconds;

/// The usual `--timeout`.
pub const TIMEOUT: Duration = Duration::from_secs(3);
/// The usual `--start-timeout`.
pub const START_TIMEOUT: Duration = Duration::from_secs(15);
/// The usual `--first-id`.
pub const FIRST_ID: u32 = 1001;
/// The usual `--host`.
pub const HOST: &str = "localhost";
/// Maximum number of cases at the same time. Each has a peer of its own and some ten connections.
pub const MOST_JOBS: u32 = 64;
/// Highest ID of the first line: all IDs of a case still have four digits.
pub const HIGHEST_FIRST_ID: u32 = 9900;

/// `swarm check`.
#[derive(Debug, Args)]
#[command(after_help = paragraphs(&[
    SECS,
    "Exit status: 0 no case fails (with --strict: nor warns), 1 a case fails or stays unclear, 2 the peer could not be run or \
    wrong usage, 129, 130 or 143 stopped by SIGHUP, SIGINT or SIGTERM.",
]))]
pub struct CheckArgs {
    /// The command that starts the peer, with {id} for its ID: "java peerProcess {id}". {dir} stands for its directory, and
    /// {port} for the port of its line in PeerInfo.cfg
    #[arg(long, value_name = "CMD", required_unless_present = "list")]
    pub command: Option<String>,
    /// Run CMD once in the project's directory before all cases, to compile it: "javac *.java"
    #[arg(long, value_name = "CMD")]
    pub setup: Option<String>,
    /// The directory with the peer's program. Each case gets its content in a fresh directory
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub project: PathBuf,
    /// Run only these cases or groups, such as handshake/bytes or handshake; may be repeated
    #[arg(long, value_name = "CASE,...", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Leave these cases or groups out; may be repeated
    #[arg(long, value_name = "CASE,...", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// List the cases with the clause that each asks for, and run nothing
    #[arg(long)]
    pub list: bool,
    /// Exit with status 1 also if a case warns
    #[arg(long)]
    pub strict: bool,
    /// Wait SECS seconds for what should come soon
    #[arg(long, value_name = "SECS", default_value = "3", allow_negative_numbers = true,
        value_parser = seconds("--timeout"))]
    pub timeout: Duration,
    /// Wait SECS seconds until the peer listens or dials
    #[arg(long, value_name = "SECS", default_value = "15", allow_negative_numbers = true,
        value_parser = seconds("--start-timeout"))]
    pub start_timeout: Duration,
    /// Run N cases at the same time [default: 5 for each core]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number("--jobs", 1..=MOST_JOBS))]
    pub jobs: Option<u32>,
    /// Write the report as JSON to FILE; - is stdout
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the report as JUnit XML to FILE; - is stdout
    #[expect(clippy::doc_markdown, reason = "a name, and the help shows this line as it stands")]
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write the report as one HTML page to FILE; - is stdout
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Keep each case's directory below DIR
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Show all events of the cases, and list those that pass
    #[arg(long)]
    pub trace: bool,
    /// The peer listens on PORT, no matter what PeerInfo.cfg says. Then one case runs at a time
    #[arg(long, value_name = "PORT", allow_negative_numbers = true, value_parser = number("--port", 1..=u16::MAX))]
    pub port: Option<u16>,
    /// The ID of the first line of PeerInfo.cfg; the others follow
    #[arg(long, value_name = "N", default_value_t = FIRST_ID, allow_negative_numbers = true,
        value_parser = number("--first-id", 1..=HIGHEST_FIRST_ID))]
    pub first_id: u32,
    /// The host of all lines of PeerInfo.cfg, a name of this machine
    #[arg(long, value_name = "NAME", default_value = HOST)]
    pub host: String,
    /// Write Common.cfg and PeerInfo.cfg to DIR too, relative to the peer's directory
    #[arg(long, value_name = "DIR")]
    pub config_dir: Option<PathBuf>,
    /// Put the seeder's file into this directory too, with {id} for its ID: "data/{id}"
    #[arg(long, value_name = "PATTERN")]
    pub file_dir: Option<String>,
    /// Look for the peer's log here too, with {id} for its ID: "out/peer{id}-*.txt". * matches any characters but /, and ? matches
    /// one
    #[arg(long, value_name = "PATTERN")]
    pub log_pattern: Option<String>,
}
