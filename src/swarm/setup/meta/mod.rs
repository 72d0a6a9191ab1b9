//! `swarm meta`: manifests, and the `.torrent` files that they are made from and turned into.
//!
//! Modules in reading order:
//!
//! - `mistaken` says what a file is that is not what was wanted;
//! - `manifests` makes manifests, shows them, and compares files with them;
//! - `torrent` reads and writes `.torrent` files, in memory only;
//! - `common` puts the keys of the file into `Common.cfg`;
//! - `exchange` carries out `swarm meta import` and `swarm meta export`.

mod mistaken;

mod manifests;

mod common;
mod torrent;

mod exchange;

use std::process::ExitCode;

use anyhow::Result;

pub use self::manifests::{check_count, make};
use crate::cli::Meta;

/// Carries out `swarm meta`.
///
/// # Errors
/// One sentence for the fault.
pub fn run(what: &Meta) -> Result<ExitCode> {
    match what {
        Meta::Create(args) => manifests::create(args),
        Meta::Show(args) => manifests::show(args),
        Meta::Verify(args) => manifests::verify(args),
        Meta::Import(args) => exchange::import(args),
        Meta::Export(args) => exchange::export(args),
    }
}
