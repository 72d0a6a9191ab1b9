//! The keeper: a process of this program that waits for one peer and notes its exit in the record.
//!
//! `swarm` may be killed, and `swarm start --detach` returns at once. So the peer is the keeper's child. The keeper outlives the
//! process that has started it.

use std::env;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode, Stdio};

use peer_process::protocol::peer_id::PeerId;

use super::note::Note;
use super::small::{reason, tell};
use super::system;
use crate::out::say;
use crate::swarm_dir::err_name;

/// The word that makes a process of this program a keeper. No person types it.
pub const KEEP: &str = "keep-peer";

/// The words behind it: the peer, the directory in which it runs, and its command.
struct Asked {
    id: PeerId,
    peer_dir: PathBuf,
    words: Vec<OsString>,
}

impl Asked {
    fn read(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let id = PeerId::new(words.next()?.to_str()?.parse().ok()?)?;
        Some(Self { id, peer_dir: words.next()?.into(), words: words.collect() })
    }

    /// Opens the file that takes what the peer prints.
    fn err(&self) -> Stdio {
        let opened = OpenOptions::new().append(true).open(err_name(self.id));
        // Somebody has deleted it. The peer can do without.
        opened.map_or_else(|_| Stdio::null(), Stdio::from)
    }
}

/// Carries out the work of a keeper in the working directory, if this process was started for that.
pub fn asked() -> Option<ExitCode> {
    let mut words = env::args_os().skip(1);
    let first = words.next()?;
    if first == KEEP {
        return Some(Asked::read(words).map_or(ExitCode::FAILURE, |asked| keep(&asked)));
    }
    #[cfg(unix)]
    if first == system::BECOME {
        let become_peer =
            |asked: Asked| system::become_peer(Path::new(""), asked.id, &asked.peer_dir, &asked.words, || asked.err());
        return Some(Asked::read(words).map_or(ExitCode::FAILURE, become_peer));
    }
    None
}

fn keep(asked: &Asked) -> ExitCode {
    let dir = Path::new("");
    let mut kept = match system::spawn(dir, asked.id, &asked.peer_dir, &asked.words, || asked.err()) {
        Ok(kept) => kept,
        Err(why) => {
            tell(&why);
            return ExitCode::FAILURE;
        }
    };
    let noted =
        system::wait(dir, asked.id, &mut kept).and_then(|status| Note::add_exit(dir, asked.id, process::id(), status));
    if let Err(error) = noted {
        // Its stderr is the peer's.
        say(&format!("the exit of peer {} was not noted: {}", asked.id, reason(&error)));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
