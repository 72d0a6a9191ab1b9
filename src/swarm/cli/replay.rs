//! The command line of `swarm replay`.

use std::path::PathBuf;

use clap::Args;

use super::DirArgs;

/// `swarm replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    pub dir: DirArgs,
    /// Write the page to FILE
    #[arg(short, long, value_name = "FILE", default_value = "replay.html")]
    pub output: PathBuf,
    /// Write Chrome trace events to FILE too. Perfetto and `chrome://tracing` open it
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Read the log of peer ID from PATH; may be repeated [default: `log_peer_ID.log` and other names that `swarm status` knows]
    #[arg(long = "log", value_name = "ID=PATH")]
    pub logs: Vec<String>,
}
