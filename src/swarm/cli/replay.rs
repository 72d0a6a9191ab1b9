//! The command line of `swarm replay`.

use std::path::PathBuf;

use clap::Args;
use peer_process::cli::paragraphs;

use super::grade::assigned;
use super::values::DirArgs;

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
    /// Read PATH as the log of peer ID: 1002=out/second.log. A relative path is relative to DIR; may be repeated
    #[arg(long = "log", value_name = "ID=PATH", value_parser = assigned)]
    pub logs: Vec<(u32, PathBuf)>,
    /// Read PATH as the event file of peer ID; may be repeated
    #[arg(long = "events", value_name = "ID=PATH", value_parser = assigned)]
    pub events: Vec<(u32, PathBuf)>,
}
