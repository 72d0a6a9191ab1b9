//! The command line of `swarm meta`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use peer_process::cli::{SIZE, UNITS, paragraphs};

/// `swarm meta`.
#[derive(Debug, Args)]
pub struct MetaArgs {
    #[command(subcommand)]
    pub what: Meta,
}

/// The subcommands of `swarm meta`.
#[derive(Debug, Subcommand)]
pub enum Meta {
    /// Hash a file and write its manifest, FILE.meta.json
    Create(MetaCreateArgs),
    /// Show a manifest without the hashes of its pieces
    Show(MetaShowArgs),
    /// Compare a file with its manifest, and list the wrong pieces
    Verify(MetaVerifyArgs),
    /// Make a manifest from a .torrent file, and show the matching lines of Common.cfg
    Import(MetaImportArgs),
    /// Make a .torrent file from a manifest
    Export(MetaExportArgs),
}

/// `swarm meta create`.
#[derive(Debug, Args)]
#[command(after_help = paragraphs(&[SIZE, UNITS]))]
pub struct MetaCreateArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The size of a piece, as in Common.cfg, or auto for about 1500 pieces [default: auto]
    #[arg(long, value_name = "SIZE")]
    pub piece_size: Option<String>,
    /// The kind of the hashes
    #[arg(long, value_enum, value_name = "KIND", default_value_t = HashName::Sha256)]
    pub hash: HashName,
    /// The URL of a tracker, for programs that use one
    #[arg(long, value_name = "URL")]
    pub tracker_url: Option<String>,
    /// Overwrite an existing manifest
    #[arg(long)]
    pub force: bool,
    /// Write the manifest to PATH [default: FILE.meta.json]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
}

/// The values of `--hash`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum HashName {
    /// SHA-256
    Sha256,
    /// SHA-1, for programs that support nothing else. It finds damage but not every forgery
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
    /// Print the result as JSON
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
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// `swarm meta import`.
#[derive(Debug, Args)]
pub struct MetaImportArgs {
    /// The .torrent file, version 1 or hybrid, of a single file
    #[arg(value_name = "FILE.torrent")]
    pub torrent: PathBuf,
    /// Write the manifest to PATH [default: FileName.meta.json here, or beside the Common.cfg of --common]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Put `FileName`, `FileSize` and `PieceSize` into this Common.cfg. If it is missing, it is made
    #[arg(long, value_name = "PATH")]
    pub common: Option<PathBuf>,
    /// Overwrite an existing manifest, and other values in Common.cfg
    #[arg(long)]
    pub force: bool,
}

/// `swarm meta export`.
#[derive(Debug, Args)]
pub struct MetaExportArgs {
    /// The manifest
    #[arg(value_name = "FILE.meta.json")]
    pub manifest: PathBuf,
    /// The file. A manifest without SHA-1 needs it; one with SHA-1 is compared with it [default: `FileName` beside the manifest,
    /// if it is needed]
    #[arg(long, value_name = "PATH")]
    pub file: Option<PathBuf>,
    /// The URL of a tracker; may be repeated [default: that of the manifest, if any]
    #[arg(long = "tracker", value_name = "URL")]
    pub trackers: Vec<String>,
    /// Write the .torrent to PATH [default: FileName.torrent beside the manifest]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}
