//! The command line of `swarm grade`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use peer_process::cli::paragraphs;

/// `swarm grade`.
#[derive(Debug, Args)]
#[command(after_help = paragraphs(&[
    "Exit status: 0 no violation, 1 an invariant is violated or a copy differs, 2 wrong usage, no configuration or nothing understood. Of several DIRs, \
     one without a configuration makes it 2, even if another has a violation.",
]))]
pub struct GradeArgs {
    /// The directories, each with Common.cfg, PeerInfo.cfg and the logs of a run
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub dirs: Vec<PathBuf>,
    /// The form of the report. csv has a line for each DIR
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    pub format: GradeFormat,
    /// Read PATH as the log of peer ID: 1002=out/second.log. A relative path is relative to DIR. May be repeated, for
    /// one DIR only
    #[arg(long = "log", value_name = "ID=PATH", value_parser = assigned)]
    pub logs: Vec<(u32, PathBuf)>,
    /// Read PATH as the event file of peer ID. A relative path is relative to DIR. May be repeated, for one DIR only
    #[arg(long = "events", value_name = "ID=PATH", value_parser = assigned)]
    pub events: Vec<(u32, PathBuf)>,
}

/// The forms of the report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum GradeFormat {
    /// For people: the script of a demonstration
    Text,
    /// All that is known
    Json,
    /// A line for each directory
    Csv,
    /// A test for each item of the rubric
    Junit,
    /// `results.json` of a Gradescope autograder
    Gradescope,
    /// The Common Test Report Format
    Ctrf,
}

/// Reads `ID=PATH`.
pub(super) fn assigned(text: &str) -> Result<(u32, PathBuf), String> {
    let fault = || format!("'{text}' is not a peer's ID, an equals sign and a path");
    let (id, path) = text.split_once('=').ok_or_else(fault)?;
    let id = id.parse().ok().filter(|id| *id > 0).ok_or_else(fault)?;
    if path.is_empty() { Err(fault()) } else { Ok((id, path.into())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_given_to_a_peer() {
        assert_eq!(assigned("1002=a=b"), Ok((1002, "a=b".into())));
        for text in ["1002", "=a", "x=a", "0=a", "1002="] {
            assert!(assigned(text).is_err_and(|fault| fault.contains(text)), "{text}");
        }
    }
}
