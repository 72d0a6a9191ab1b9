//! What `swarm` is told: its subcommands and their options, with the words that `--help`, the man page and the shells'
//! completions show.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use peer_process::limits::Rate;

/// Runs all peers of a swarm, on this machine and over ssh.
///
/// A swarm is a directory with Common.cfg and PeerInfo.cfg. `swarm init` makes one, `swarm start` runs it.
#[derive(Debug, Parser)]
#[command(
    name = "swarm",
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 all is well, 1 something failed or differs, 2 usage or configuration, \
    130/143 ended by SIGINT/SIGTERM."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a swarm: both configuration files, the peers' directories and the file
    Init(InitArgs),
    /// Start all peers, show their progress, wait for their end, and compare the copies
    Start(StartArgs),
    /// Show the peers as they are now
    Status(ReportArgs),
    /// Stop the peers that are running
    Stop(StopArgs),
    /// List what a run left: logs, unfinished files and downloaded copies; with --yes, delete it
    Clean(CleanArgs),
    /// Compare all copies with the seeder's file
    Verify(ReportArgs),
    /// Make, show and check manifests, which list a hash for each piece
    Meta(MetaArgs),
    /// Print a shell's completions or the man pages
    #[command(hide = true)]
    Generate(GenerateArgs),
}

/// The directory that every subcommand takes.
#[derive(Debug, Args)]
pub struct DirArgs {
    /// The swarm's directory
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub dir: PathBuf,
}

/// How hosts that are not this machine are reached; what `start` was told is remembered for the others.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Other hosts")]
pub struct RemoteArgs {
    /// Log in as user NAME
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Pass this option to ssh -o: Port=2222, `IdentityFile=~/.ssh/course`; may be repeated
    #[arg(long = "ssh-option", value_name = "OPTION")]
    pub ssh_options: Vec<String>,
    /// The directory on the host, in the home directory unless absolute [default: the name of DIR]
    #[arg(long, value_name = "DIR")]
    pub remote_dir: Option<String>,
    /// Use DIR although it belongs to another user, who controls its content
    #[arg(long)]
    pub trust_dir: bool,
}

/// `swarm init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    #[command(flatten)]
    pub dir: DirArgs,
    /// Start from one of the course's configurations; other options change it
    #[arg(long, value_enum)]
    pub preset: Option<Preset>,
    /// The number of peers [default: 6, or one for each of --hosts]
    #[arg(long, value_name = "N")]
    pub peers: Option<u32>,
    /// The number of peers that start with the file; they come first [default: 1]
    #[arg(long, value_name = "M")]
    pub seeders: Option<u32>,
    /// Share this file. It is linked if possible, otherwise copied
    #[arg(long, value_name = "PATH", conflicts_with = "size")]
    pub file: Option<PathBuf>,
    /// Share this many random bytes: 24MB, 64KiB, 1000000 [default: 24MB]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub size: Option<String>,
    /// The size of a piece: 16KiB, 32768, or auto for about 1500 pieces [default: auto]
    #[arg(long, value_name = "SIZE")]
    pub piece_size: Option<String>,
    /// `NumberOfPreferredNeighbors` [default: 3]
    #[arg(short = 'k', value_name = "N")]
    pub preferred_count: Option<u32>,
    /// `UnchokingInterval`, in seconds [default: 1]
    #[arg(short = 'p', value_name = "SECS")]
    pub unchoking_interval_secs: Option<u32>,
    /// `OptimisticUnchokingInterval`, in seconds [default: 2]
    #[arg(short = 'm', value_name = "SECS")]
    pub optimistic_interval_secs: Option<u32>,
    /// The hosts of the peers, in order [default: all on localhost]
    #[arg(long, value_name = "HOST,...", value_delimiter = ',')]
    pub hosts: Vec<String>,
    /// The port of the first peer; the next ports follow [default: free ports here, 6001 elsewhere]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Write the manifest `FileName.meta.json` too, by which peers check every piece
    #[arg(long)]
    pub meta: bool,
    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,
}

/// The course's three configurations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Preset {
    /// The example of the course's text: 6 peers, 10000232 bytes in pieces of 32768
    Spec,
    /// 9 peers, two of which start with the file, 2167705 bytes in pieces of 16384
    Small,
    /// 6 peers, 24301474 bytes in pieces of 16384
    Large,
}

/// `swarm start`.
#[derive(Debug, Args)]
pub struct StartArgs {
    #[command(flatten)]
    pub dir: DirArgs,
    /// How to start a peer, with {id} for its ID: "java peerProcess {id}" [default: the `peer_process` beside this program]
    #[arg(long, value_name = "COMMAND")]
    pub peer_command: Option<String>,
    /// Where a peer writes its log, if `swarm` does not find it by itself, with {id} for its ID, * for any run of characters but /
    /// and ? for one: "out/peer{id}-*.txt". By itself it finds `log_peer_ID.log`, with the ID in brackets, too, or a date behind it,
    /// here and in log/, logs/ and `peer_ID`/; remembered for the other subcommands, until an empty one is given
    #[arg(long, value_name = "PATTERN")]
    pub log_pattern: Option<String>,
    /// Pause between one peer's start and the next one's
    #[arg(long, value_name = "SECS", default_value_t = 0.0, hide_default_value = true, allow_negative_numbers = true,
        value_parser = seconds)]
    pub stagger: f64,
    /// Stop peers that have not ended after SECS seconds
    #[arg(long, value_name = "SECS", allow_negative_numbers = true, value_parser = seconds)]
    pub timeout: Option<f64>,
    /// Start the peers and return; `swarm status` and `swarm stop` find them
    #[arg(long, conflicts_with_all = ["timeout", "keep_going"])]
    pub detach: bool,
    /// If a peer fails, leave the others running
    #[arg(long)]
    pub keep_going: bool,
    /// Make a random file of `FileSize` bytes for each seeder that has none
    #[arg(long)]
    pub make_file: bool,
    /// Start although no peer has the file; start a seeder by hand later
    #[arg(long)]
    pub no_seeder_yet: bool,
    /// Limit every peer so that choking can be watched: a seeder sends RATE bytes of pieces a second (200k, 5M), the i-th of n
    /// leechers i/n of it [default RATE: one with which a run lasts about ten unchoking intervals]
    #[arg(long, value_name = "RATE", require_equals = true)]
    #[expect(clippy::option_option, reason = "clap's way to tell an option without a value from none")]
    pub demo_rate: Option<Option<Rate>>,
    /// Print the final table as JSON
    #[arg(long)]
    pub json: bool,
    /// Options for each peer, with {id} for its ID: -- --seed 7 --progress-json {id}.json
    #[arg(last = true, value_name = "PEER_OPTION")]
    pub peer_options: Vec<String>,
    #[command(flatten)]
    pub remote: RemoteArgs,
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "this is not a number of seconds".to_owned())
}

/// `swarm status` and `swarm verify`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    pub dir: DirArgs,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// `swarm stop`.
#[derive(Debug, Args)]
pub struct StopArgs {
    #[command(flatten)]
    pub dir: DirArgs,
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// `swarm clean`.
#[derive(Debug, Args)]
pub struct CleanArgs {
    #[command(flatten)]
    pub dir: DirArgs,
    /// Delete what is listed
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// `swarm meta`.
#[derive(Debug, Args)]
pub struct MetaArgs {
    #[command(subcommand)]
    pub what: Meta,
}

/// What is done with a manifest.
#[derive(Debug, Subcommand)]
pub enum Meta {
    /// Hash a file and write its manifest, FILE.meta.json
    Create(MetaCreateArgs),
    /// Show a manifest without the hashes of its pieces
    Show(MetaShowArgs),
    /// Compare a file with its manifest, and list the wrong pieces
    Verify(MetaVerifyArgs),
}

/// `swarm meta create`.
#[derive(Debug, Args)]
pub struct MetaCreateArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The size of a piece, as in Common.cfg: 16KiB, 32768, or auto for about 1500 pieces [default: auto]
    #[arg(long, value_name = "SIZE")]
    pub piece_size: Option<String>,
    /// The kind of the hashes
    #[arg(long, value_enum, value_name = "KIND", default_value_t = HashName::Sha256)]
    pub hash: HashName,
    /// The URL of a tracker, for programs that ask one
    #[arg(long, value_name = "URL")]
    pub tracker_url: Option<String>,
    /// Overwrite an existing manifest
    #[arg(long)]
    pub force: bool,
    /// Write it there [default: FILE.meta.json]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
}

/// What `--hash` takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum HashName {
    /// SHA-256
    Sha256,
    /// SHA-1, for programs that know no other; it finds damage, but not every forgery
    Sha1,
    /// BLAKE3, the fastest
    Blake3,
}

/// `swarm meta show`.
#[derive(Debug, Args)]
pub struct MetaShowArgs {
    /// The manifest
    #[arg(value_name = "FILE.meta.json")]
    pub manifest: PathBuf,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// `swarm meta verify`.
#[derive(Debug, Args)]
pub struct MetaVerifyArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The manifest [default: FILE.meta.json]
    #[arg(long, value_name = "PATH")]
    pub manifest: Option<PathBuf>,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// `swarm generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    #[command(subcommand)]
    pub what: Generated,
}

/// What can be generated.
#[derive(Debug, Subcommand)]
pub enum Generated {
    /// A shell's completions, on stdout
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// The man pages, one for each subcommand, into a directory
    Man {
        /// Where to
        dir: PathBuf,
    },
}
