//! The command line of `swarm`: its subcommands and their options, with the words that `--help`, the man pages and the
//! shells' completions show.

mod check;
mod doctor;
mod grade;
mod invite;
mod meta;
mod replay;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use peer_process::cli::{RATE, SECS, SIZE, UNITS, number, paragraphs, rate};
use peer_process::limits::Rate;

pub use self::check::{CheckArgs, FIRST_ID, HOST, START_TIMEOUT, TIMEOUT};
pub use self::doctor::DoctorArgs;
pub use self::grade::{GradeArgs, GradeFormat};
pub use self::invite::{InviteArgs, JoinArgs};
pub use self::meta::{
    HashName, Meta, MetaArgs, MetaCreateArgs, MetaExportArgs, MetaImportArgs, MetaShowArgs, MetaVerifyArgs,
};
pub use self::replay::ReplayArgs;
pub use self::values::{DirArgs, Ids};
use self::values::{USUAL_PLACE, ids, seconds};

/// Maximum number of peers. Each is connected to each other one: 1000 peers have half a million connections.
pub const MOST_PEERS: u32 = 1000;
/// Maximum number of seconds between two announces: a day.
pub const MOST_INTERVAL_SECS: u32 = 86_400;

/// Runs all peers of a swarm, on this machine and over ssh.
///
/// A swarm is a directory with Common.cfg and PeerInfo.cfg. `swarm init` makes one, `swarm start` runs it.
#[derive(Debug, Parser)]
#[command(
    name = "swarm",
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 all is well, 1 something failed or differs, 2 wrong usage or configuration, \
    130 or 143 stopped by SIGINT or SIGTERM."
)]
pub struct Cli {
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a swarm: both configuration files, the peers' directories and the file
    Init(InitArgs),
    /// Give the two files to the other machines in this network, which `swarm join`; each takes a line of PeerInfo.cfg
    Invite(InviteArgs),
    /// Take a line of PeerInfo.cfg, and get the files from the machine that runs `swarm invite`
    Join(JoinArgs),
    /// Start all peers, show their progress, wait until they exit, and compare the copies
    Start(StartArgs),
    /// Show how the peers are doing now
    Status(ReportArgs),
    /// Stop the running peers and nothing else
    Stop(StopArgs),
    /// List what a run left: logs, unfinished files and downloaded copies; with --yes, delete it
    Clean(CleanArgs),
    /// Compare all copies with the seeder's file
    Verify(ReportArgs),
    /// Make, show and check manifests, which list a hash for each piece, also from and to .torrent files
    Meta(MetaArgs),
    /// Run a tracker, by which peers of our swarms and other programs find each other
    Track(TrackArgs),
    /// Look for what will keep a swarm from working, before anything is started; with --meet, also between machines
    Doctor(DoctorArgs),
    /// Test anybody's peer: play all its neighbors, and say by name what is wrong
    Check(CheckArgs),
    /// Judge a run by its logs, of anybody's peers: the rubric with the lines that show each item, and what is violated
    Grade(GradeArgs),
    /// Make a page from the logs of any peers on which one can move through the run
    Replay(ReplayArgs),
    /// Print completions for a shell, or write man pages; for both programs
    Generate(GenerateArgs),
}

/// The way to other hosts. `start` remembers these options for the other subcommands.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Other hosts")]
pub struct RemoteArgs {
    /// Without ssh: only the peers whose host is this machine, or those with these IDs. The others are somebody else's. The other
    /// subcommands remember it until the next start without it
    #[arg(long, value_name = "ID,...", require_equals = true, value_parser = ids("--here"),
        conflicts_with_all = ["user", "ssh_options", "remote_dir"])]
    #[expect(clippy::option_option, reason = "clap's way to distinguish an option without a value from no option")]
    pub here: Option<Option<Ids>>,
    /// Log in as user NAME
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Pass this option to `ssh -o`, such as Port=2222 or `IdentityFile=~/.ssh/course`; may be repeated
    #[arg(long = "ssh-option", value_name = "OPTION")]
    pub ssh_options: Vec<String>,
    /// The directory on the host. A relative path is in the home directory [default: the name of DIR]
    #[arg(long, value_name = "DIR")]
    pub remote_dir: Option<String>,
    /// Use DIR although it belongs to another user. That user controls its content
    #[arg(long)]
    pub trust_dir: bool,
}

/// `swarm init`.
#[derive(Debug, Args)]
#[command(after_help = paragraphs(&[SIZE, UNITS, SECS]))]
pub struct InitArgs {
    #[command(flatten)]
    pub dir: DirArgs,
    /// Start from one of the course's configurations; other options override it
    #[arg(long, value_enum)]
    pub preset: Option<Preset>,
    /// The number of peers [default: 6, or one for each of --hosts]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number("--peers", 1..=MOST_PEERS))]
    pub peers: Option<u32>,
    /// The number of peers that start with the file; they come first [default: 1]
    #[arg(long, value_name = "M", allow_negative_numbers = true, value_parser = number("--seeders", 0..=MOST_PEERS))]
    pub seeders: Option<u32>,
    /// Share this file. It is linked if possible, otherwise copied
    #[arg(long, value_name = "PATH", conflicts_with = "size")]
    pub file: Option<PathBuf>,
    /// Share this many random bytes [default: 24MB]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub size: Option<String>,
    /// The size of a piece, or auto for about 1500 pieces [default: auto]
    #[arg(long, value_name = "SIZE")]
    pub piece_size: Option<String>,
    /// `NumberOfPreferredNeighbors` [default: 3]
    #[arg(short = 'k', value_name = "N", allow_negative_numbers = true, value_parser = number("-k", 0..=u32::MAX))]
    pub preferred_count: Option<u32>,
    /// `UnchokingInterval` [default: 1]
    #[arg(short = 'p', value_name = "SECS", allow_negative_numbers = true, value_parser = number("-p", 1..=u32::MAX))]
    pub unchoking_interval_secs: Option<u32>,
    /// `OptimisticUnchokingInterval` [default: 2]
    #[arg(short = 'm', value_name = "SECS", allow_negative_numbers = true, value_parser = number("-m", 1..=u32::MAX))]
    pub optimistic_interval_secs: Option<u32>,
    /// The hosts of the peers, in order [default: all on localhost]
    #[arg(long, value_name = "HOST,...", value_delimiter = ',')]
    pub hosts: Vec<String>,
    /// Make only the directories of the peers whose host is this machine, or of those with these IDs. The file is made only for
    /// seeders among them. Do the same on the other machines, or copy both configuration files there
    #[arg(long, value_name = "ID,...", require_equals = true, value_parser = ids("--here"), requires = "hosts")]
    #[expect(clippy::option_option, reason = "clap's way to distinguish an option without a value from no option")]
    pub here: Option<Option<Ids>>,
    /// The port of the first peer; the next ports follow [default: free ports here, 6001 elsewhere]
    #[arg(long, value_name = "PORT", allow_negative_numbers = true, value_parser = number("--port", 1..=u16::MAX))]
    pub port: Option<u16>,
    /// Write the manifest `FileName.meta.json` too. Peers check every piece by it
    #[arg(long)]
    pub meta: bool,
    /// Let the peers find others by a tracker too. `swarm start --track` runs it at HOST:PORT, which all peers must reach
    /// [default: 127.0.0.1:6969]
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, require_equals = true,
        default_missing_value = "127.0.0.1:6969")]
    pub tracker: Option<String>,
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
#[command(after_help = paragraphs(&[SECS, RATE, UNITS]))]
pub struct StartArgs {
    #[command(flatten)]
    pub dir: DirArgs,
    /// The command that starts a peer, with {id} for its ID: "java peerProcess {id}" [default: the `peer_process` beside this
    /// program]
    #[arg(long, value_name = "COMMAND")]
    pub peer_command: Option<String>,
    /// Look for a peer's log here too, with {id} for its ID: "out/peer{id}-*.txt". * matches any characters but /, and ? matches one.
    /// `swarm` finds `log_peer_ID.log` without it, also with the ID in brackets or a date behind it, here and in log/, logs/ and
    /// `peer_ID`/. The other subcommands use the pattern too, until you give an empty one
    #[arg(long, value_name = "PATTERN")]
    pub log_pattern: Option<String>,
    /// Pause for SECS seconds, such as 0.5, between the starts of two peers
    #[arg(long, value_name = "SECS", default_value = "0", hide_default_value = true, allow_negative_numbers = true,
        value_parser = seconds("--stagger"))]
    pub stagger: Duration,
    /// Stop peers that have not exited after SECS seconds
    #[arg(long, value_name = "SECS", allow_negative_numbers = true, value_parser = seconds("--timeout"))]
    pub timeout: Option<Duration>,
    /// Start the peers and return; `swarm status` and `swarm stop` find them
    #[arg(long, conflicts_with_all = ["timeout", "keep_going"])]
    pub detach: bool,
    /// If a peer fails, leave the others running
    #[arg(long)]
    pub keep_going: bool,
    /// Make a random file of `FileSize` bytes for each seeder that has none
    #[arg(long)]
    pub make_file: bool,
    /// Start although no peer has the file. Start a seeder by hand later
    #[arg(long)]
    pub no_seeder_yet: bool,
    /// Limit every peer, to slow the swarm down so that you can watch choking. A seeder sends RATE bytes of pieces a second. The
    /// first of n leechers sends 1/n of that, the second 2/n, and so on. Without RATE a run lasts about ten unchoking intervals
    #[arg(long, value_name = "RATE", require_equals = true, value_parser = rate("--demo-rate"))]
    #[expect(clippy::option_option, reason = "clap's way to distinguish an option without a value from no option")]
    pub demo_rate: Option<Option<Rate>>,
    /// Run a tracker for this swarm until all peers have exited, and let them use it. It listens where `swarm init --tracker` said
    #[arg(long, conflicts_with = "detach")]
    pub track: bool,
    /// Run a relay between the peers, all on this machine, that writes all messages to `events_ID.jsonl`. It works with peers of
    /// any author. Each peer runs in `swarm.tap/ID/`, a directory with the files of this one
    #[arg(long, conflicts_with = "detach")]
    pub tap: bool,
    /// Serve a page that shows the run live, and leave replay.html in DIR at the end. Without HOST:PORT it listens on a free port that
    /// only this machine reaches
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, require_equals = true, default_missing_value = USUAL_PLACE,
        conflicts_with = "detach")]
    pub web: Option<String>,
    /// Print the final table as JSON
    #[arg(long)]
    pub json: bool,
    /// Options for each peer, with {id} for its ID: -- --seed 7 --progress-json {id}.json
    #[arg(last = true, value_name = "PEER_OPTION")]
    pub peer_options: Vec<String>,
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// `swarm status` and `swarm verify`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    pub dir: DirArgs,
    /// Print the result as JSON
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

/// `swarm track`.
#[derive(Debug, Args)]
pub struct TrackArgs {
    /// Listen on this address or name of this machine. An IPv6 address needs brackets. Port 0 stands for any free port
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:6969")]
    pub listen: String,
    /// Serve only the swarms in these directories, each with a Common.cfg [default: any swarm]
    #[arg(long, value_name = "SWARM_DIR", num_args = 1..)]
    pub only: Vec<PathBuf>,
    /// With --only, serve also the swarms whose peers run with --swarm NAME; may be repeated
    #[arg(long = "swarm", value_name = "NAME", requires = "only")]
    pub names: Vec<String>,
    /// The number of seconds after which peers announce again. After twice that and 10 s, a peer that does not is gone
    #[arg(long = "interval", value_name = "SECONDS", default_value_t = 60, allow_negative_numbers = true,
        value_parser = number("--interval", 1..=MOST_INTERVAL_SECS))]
    pub interval_secs: u32,
}

/// `swarm generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    #[command(subcommand)]
    pub what: Generated,
}

/// The subcommands of `swarm generate`.
#[derive(Debug, Subcommand)]
pub enum Generated {
    /// Print completions for a shell
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
        /// The program to complete
        #[arg(value_enum, value_name = "PROGRAM", default_value_t = Program::Swarm)]
        program: Program,
    },
    /// Write man pages: one for `peer_process`, and one for each subcommand of `swarm`
    Man {
        /// The directory to write them to
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
}

/// The two programs, one of them with both of its names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Program {
    /// The tool that runs a swarm
    Swarm,
    /// One peer
    #[value(name = "peer_process")]
    PeerProcess,
    /// One peer, by the name that the course gives it
    #[value(name = "peerProcess")]
    CourseName,
}
