//! The command line of `swarm replay`.

use std::path::PathBuf;

use clap::Args;
use peer_process::cli::paragraphs;

use super::grade::assigned;
use super::values::{DirArgs, USUAL_PLACE};

/// `swarm replay`.
#[derive(Debug, Args)]
#[command(after_help = paragraphs(&[
    "Exit status: 0 the page is made, whether or not the run is right, 1 a file cannot be made, 2 wrong usage or no \
    configuration.",
]))]
pub struct ReplayArgs {
    #[command(flatten)]
    pub dir: DirArgs,
    /// Write the page to FILE
    #[arg(short, long, value_name = "FILE", default_value = "replay.html")]
    pub output: PathBuf,
    /// Write Chrome trace events to FILE too. Perfetto and other viewers open it
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Write no file, but serve the page, live while the swarm runs, until Ctrl-C. Without HOST:PORT it listens on a free port that only
    /// this machine reaches
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, require_equals = true, default_missing_value = USUAL_PLACE,
        conflicts_with_all = ["output", "trace"])]
    pub serve: Option<String>,
    /// Read PATH as the log of peer ID: 1002=out/second.log. A relative path is relative to DIR; may be repeated
    #[arg(long = "log", value_name = "ID=PATH", value_parser = assigned)]
    pub logs: Vec<(u32, PathBuf)>,
    /// Read PATH as the event file of peer ID; may be repeated
    #[arg(long = "events", value_name = "ID=PATH", value_parser = assigned)]
    pub events: Vec<(u32, PathBuf)>,
}
