//! The command line of `peer_process`, which `swarm generate` describes too.
//!
//! Both programs share the explanations of values in `--help`, and the sentence for an error of the command line. This module
//! prints nothing.

mod values;

#[cfg(feature = "discovery")]
mod open;

use std::env;
use std::error::Error as _;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, ValueEnum};

#[cfg(feature = "discovery")]
pub use self::open::OpenArguments;
pub use self::values::{number, rate};
use crate::limits::Rate;

/// The program's own name, and the name that the course gives it. Both are the same program.
pub const NAMES: [&str; 2] = ["peer_process", "peerProcess"];

/// Explains `SECS` in every `--help` that takes one.
pub const SECS: &str = "SECS is a number of seconds.";
/// Explains `SIZE`.
pub const SIZE: &str = "SIZE is a whole number of bytes, with or without a unit: 1000000, 64KiB, 24MB.";
/// Explains `RATE`.
pub const RATE: &str = "RATE is a whole number of bytes a second, with or without a unit: 1000000, 200k, 5M.";
/// Explains the units of a [`SIZE`] or [`RATE`].
pub const UNITS: &str =
    "The units k, M, G and T are decimal, and Ki, Mi, Gi and Ti are binary: 1k is 1000, 1Ki is 1024.";
/// The exit statuses of `peer_process`.
const STATUSES: &str = "Exit status: 0 every peer has the file, 1 a fault while running, 2 wrong usage or configuration, \
    or an ID that is taken, 3 gave up waiting (--peer-timeout), 130 or 143 stopped by SIGINT or SIGTERM.";

/// Shares a file with the peers listed in PeerInfo.cfg, and exits when all of them have it.
///
/// Run it in the directory that holds Common.cfg and PeerInfo.cfg.
#[cfg_attr(
    feature = "discovery",
    doc = "With --tracker or --lan the swarm is open: members come and go, and no PeerInfo.cfg is needed. See the options below \
           \"Members that no file lists\"."
)]
#[derive(Debug, Parser)]
#[command(name = NAMES[0], version, after_help = paragraphs(&[SECS, RATE, UNITS, STATUSES]))]
pub struct Arguments {
    /// The ID of this peer's line in PeerInfo.cfg
    #[arg(value_name = "PEER_ID", allow_negative_numbers = true, value_parser = number("peer ID", 1..=u32::MAX))]
    pub id: u32,
    /// Work in this directory [default: the current one]
    #[arg(short = 'C', long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub dir: PathBuf,
    /// Trace every message on stderr. Given twice, trace timers and failed calls too
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Show errors only
    #[arg(short, long)]
    pub quiet: bool,
    /// Request a piece from another neighbor if it has not arrived after SECS seconds. If a neighbor is usually faster, wait
    /// only four times its usual time, but at least 3 seconds
    #[arg(long, value_name = "SECS", default_value_t = 30, allow_negative_numbers = true,
        value_parser = number("--request-timeout", 1..=u32::MAX))]
    pub request_timeout: u32,
    /// Exit with status 3 if peers stay missing for SECS seconds. Connected peers that do nothing although something is due
    /// count as missing
    #[cfg_attr(feature = "discovery", doc = "(with --forever, only until the file is complete)")]
    /// [default: wait forever]
    #[arg(long, value_name = "SECS", allow_negative_numbers = true, value_parser = number("--peer-timeout", 1..=u32::MAX))]
    pub peer_timeout: Option<u32>,
    /// Which piece to request from a neighbor
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Selection::Random)]
    pub select: Selection,
    /// When to give a free slot to an interested neighbor
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Unchoking::Spec)]
    pub unchoke: Unchoking,
    /// Send at most RATE bytes of pieces a second to all neighbors together
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = rate("--upload-limit"))]
    pub upload_limit: Option<Rate>,
    /// Send at most RATE bytes of pieces a second to each neighbor
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = rate("--upload-limit-per-neighbor"))]
    pub upload_limit_per_neighbor: Option<Rate>,
    /// Request at most RATE bytes of pieces a second from all neighbors together
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = rate("--download-limit"))]
    pub download_limit: Option<Rate>,
    /// Request at most RATE bytes of pieces a second from each neighbor
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, value_parser = rate("--download-limit-per-neighbor"))]
    pub download_limit_per_neighbor: Option<Rate>,
    /// Check every piece against this manifest, which `swarm meta create` writes. The default is `FileName.meta.json` beside
    /// Common.cfg, if it exists
    #[arg(long, value_name = "PATH")]
    pub manifest: Option<PathBuf>,
    /// Seed without checking the file against the manifest first
    #[arg(long)]
    pub no_verify: bool,
    /// Write a line of JSON to this file each second: pieces, rates, neighbors
    #[arg(long, value_name = "PATH")]
    pub progress_json: Option<PathBuf>,
    /// Write everything that happens to this file, as lines of JSON: messages both ways, connections, choices
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Discard what an interrupted run left, and start over
    #[arg(long)]
    pub fresh: bool,
    /// Make all random choices reproducible, with this random seed
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number("--seed", 0..=u64::MAX))]
    pub seed: Option<u64>,
    /// The options for swarms whose members no file lists.
    #[cfg(feature = "discovery")]
    #[command(flatten)]
    pub open: OpenArguments,
}

impl Arguments {
    /// Reads the command line of this process. Help, version and errors have the name by which it was called.
    ///
    /// # Errors
    /// If the command line is wrong, or asks for the help or the version.
    pub fn of_process() -> Result<Self, clap::Error> {
        let mut command = Self::command().name(called());
        let mut matches = command.try_get_matches_from_mut(env::args_os())?;
        Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))?.checked()
    }

    /// Returns these arguments if they fit each other.
    ///
    /// # Errors
    /// If an option needs `--tracker`, or one of `--tracker` and `--lan`. clap's own sentence for that does not name the option.
    pub fn checked(self) -> Result<Self, clap::Error> {
        #[cfg(feature = "discovery")]
        if let Some((last, others)) = self.open.useless().split_last() {
            let need = if others.is_empty() {
                format!("{last} needs")
            } else {
                format!("{} and {last} need", others.join(", "))
            };
            let sentence = format!("{need} --tracker or --lan");
            return Err(Self::command().error(ErrorKind::MissingRequiredArgument, sentence));
        }
        #[cfg(feature = "discovery")]
        if self.open.announces_to_nobody() {
            let sentence = "--announce-host needs --tracker";
            return Err(Self::command().error(ErrorKind::MissingRequiredArgument, sentence));
        }
        Ok(self)
    }
}

/// The values of `--select`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Selection {
    /// Any piece, all equally likely. This is the course's rule
    Random,
    /// A piece that the fewest connected neighbors have
    Rarest,
    /// The first missing piece, so that the file fills from its start
    Sequential,
}

/// The values of `--unchoke`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Unchoking {
    /// At the next tick. This is the course's rule
    Spec,
    /// As soon as a neighbor is interested
    Eager,
}

/// Returns the one of [`NAMES`] by which this process was called, and the first one if it was another name.
#[must_use]
pub fn called() -> &'static str {
    called_in(env::args_os().next().unwrap_or_default().as_os_str())
}

/// Does so for the first word of a command line, which may be a path and end with `.exe`.
fn called_in(word: &OsStr) -> &'static str {
    let stem = Path::new(word).file_stem();
    NAMES.into_iter().find(|name| stem.is_some_and(|stem| stem == *name)).unwrap_or(NAMES[0])
}

/// Joins the paragraphs below the options in a `--help`.
#[must_use]
pub fn paragraphs(paragraphs: &[&str]) -> String {
    paragraphs.join("\n\n")
}

/// Returns one sentence for a wrong usage, where clap has several lines: the error and the tips, without the usage.
#[must_use]
pub fn sentence(error: &clap::Error) -> String {
    let rendered = match error.source() {
        // A sentence of a value's own parser, such as `number`.
        Some(source) if error.kind() == ErrorKind::ValueValidation => source.to_string(),
        _ => error.to_string(),
    };
    let rest = rendered.trim_start_matches("error: ");
    let mut parts: Vec<_> = rest.split("\n\n").take(1).collect();
    let tips = rest.lines().filter_map(|line| line.trim_start().strip_prefix("tip: "));
    // No argument here is a value that looks like an option, so that tip would lead astray.
    parts.extend(tips.filter(|tip| !tip.contains(" as a value")));
    parts.push("see --help");
    let parts: Vec<_> = parts.iter().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence_of(words: &str) -> String {
        let parsed = Arguments::try_parse_from(words.split(' '));
        sentence(&parsed.err().unwrap_or_else(|| panic!("{words} is right")))
    }

    #[test]
    fn a_process_has_the_name_it_was_called_by_if_that_is_one_of_its_names() {
        for (word, name) in [
            ("peerProcess", "peerProcess"),
            ("./peerProcess", "peerProcess"),
            ("/usr/bin/peerProcess.exe", "peerProcess"),
            ("/usr/bin/peer_process", "peer_process"),
            ("peer_process-linux-x86_64", "peer_process"),
            ("peerProcess/peer", "peer_process"),
            ("", "peer_process"),
        ] {
            assert_eq!(called_in(OsStr::new(word)), name, "{word}");
        }
    }

    #[test]
    fn a_wrong_usage_is_one_sentence_with_the_tips() {
        for (words, expected) in [
            ("peer_process", "the following required arguments were not provided: <PEER_ID>; see --help"),
            (
                "peer_process 1001 --fres",
                "unexpected argument '--fres' found; a similar argument exists: '--fresh'; see --help",
            ),
            (
                "peer_process 1001 --select rare",
                "invalid value 'rare' for '--select <HOW>' [possible values: random, rarest, sequential]; \
                 a similar value exists: 'rarest'; see --help",
            ),
            ("peer_process 1001 --bogus", "unexpected argument '--bogus' found; see --help"),
            ("peer_process 1001 --seed -1", "--seed '-1' is not a number from 0 to 18446744073709551615; see --help"),
            (
                "peer_process 1001 --upload-limit 0",
                "--upload-limit '0' is not a whole number of bytes a second, 1 or more, such as 200k, 5M or 1000000; \
                 see --help",
            ),
        ] {
            assert_eq!(sentence_of(words), expected, "{words}");
        }
    }

    #[cfg(feature = "discovery")]
    #[test]
    fn the_help_begins_with_both_kinds_of_swarms() {
        let help = <Arguments as clap::CommandFactory>::command().render_long_help().to_string();
        let (begin, _) = help.split_once("Usage:").expect("a usage");
        let begin = begin.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            begin.contains("PeerInfo.cfg") && begin.contains("With --tracker or --lan the swarm is open"),
            "{begin}"
        );
        for option in ["--peer-timeout <", "--forever\n"] {
            let (_, of_option) = help.split_once(option).expect(option);
            let of_option = of_option.split("\n\n").next().unwrap_or_default();
            assert!(of_option.contains("--forever") || of_option.contains("--peer-timeout"), "{of_option}");
        }
    }

    #[test]
    fn the_units_are_what_their_explanation_says() {
        for (text, bytes) in [("1000000", 1_000_000), ("200k", 200_000), ("5M", 5_000_000), ("1k", 1000), ("1Ki", 1024)]
        {
            assert_eq!(text.parse::<Rate>().map(Rate::bytes_per_second), Ok(bytes), "{text}");
            assert!([RATE, UNITS].iter().any(|words| words.contains(text)), "{text}");
        }
    }
}
