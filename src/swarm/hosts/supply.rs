//! The files that another machine needs before it can start a peer. These are the two configuration files, the manifest if
//! there is one, our program and, for seeders, the file, all in the swarm's directory.
//!
//! `swarm.sent` on that machine lists the sent files with their sizes and times. A file is not sent again while both are the
//! same.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, anyhow, bail};
use peer_process::config::{COMMON, PEER_INFO};

use super::builds::build_for;
use super::host::{Host, Place};
use super::peer_command::{PeerCommand, What};
use super::remote::{Job, Remote};
use crate::swarm_dir::SwarmDir;

/// Our program's name in the swarm's directory on other machines.
const REMOTE_PROGRAM: &str = "./peer_process";

/// The program that is started as a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Program {
    /// Our own program, at this path here. It is sent to the other machines.
    Ours(PathBuf),
    /// A command for a shell, which must work on each machine, with `{id}` for the peer's ID.
    Command(String),
}

impl Program {
    /// Returns the command that starts this peer on this host.
    ///
    /// # Errors
    /// When the program's path is not UTF-8 text.
    pub fn command(&self, host: &Host, id: &str, options: &[String]) -> Result<PeerCommand> {
        let ours = |path: &str| What::Program(path.to_owned(), [&[id.to_owned()], options].concat());
        let what = match self {
            Self::Ours(path) if host.is_here() => {
                ours(path.to_str().ok_or_else(|| anyhow!("the path of the program is not UTF-8 text"))?)
            }
            Self::Ours(_) => ours(REMOTE_PROGRAM),
            Self::Command(command) => What::Line(command.replace("{id}", id), options.to_vec()),
        };
        Ok(PeerCommand { dir: None, what })
    }
}

impl Host {
    /// Sends the missing files to another machine. `told` receives a file's name and the length of each part that was sent,
    /// and may stop the sending with an error.
    ///
    /// # Errors
    /// When the host cannot be reached, has no room, or is of another kind than our program. Also when a seeder's file is
    /// neither there nor here.
    pub fn supply(
        &self,
        swarm: &SwarmDir,
        program: &Program,
        told: &mut dyn FnMut(&str, u64) -> Result<()>,
    ) -> Result<()> {
        let Place::There(there) = &self.place else { return Ok(()) };
        let (kind, sent) = self.prepare(there, swarm)?;
        for name in [COMMON, PEER_INFO] {
            self.send(there, (&swarm.path_of(name), name, "644"), &sent, told)?;
        }
        let name = swarm.manifest_name();
        let path = swarm.path_of(&name);
        if path.exists() {
            self.send(there, (&path, &name, "644"), &sent, told)?;
        } else if !self.list(std::slice::from_ref(&name))?.is_empty() {
            // It belongs to another file of that name. With it, the peers there would refuse this file's pieces.
            self.remove(&[(name, None)].into())?;
        }
        for peer in swarm.peers.iter().filter(|peer| peer.has_file && self.peers.contains(&peer.id)) {
            let name = swarm.copy_name(peer.id);
            let path = swarm.path_of(&name);
            if path.exists() {
                self.send(there, (&path, &name, "644"), &sent, told)?;
            } else if self.list(std::slice::from_ref(&name))?.is_empty() {
                bail!(
                    "peer {} starts with the file, but {name} is missing both on {} and here",
                    peer.id,
                    self.called()
                );
            }
        }
        if let Program::Ours(path) = program {
            let path = &build_for(&kind, path);
            check_kind(&kind, path).with_context(|| self.called())?;
            self.send(there, (path, REMOTE_PROGRAM, "755"), &sent, told)?;
            self.named(there.run(Job::Try, &[REMOTE_PROGRAM]))?;
        }
        Ok(())
    }

    /// Makes the directories; returns the machine's kind and the list of the files that were sent.
    fn prepare(&self, there: &Remote, swarm: &SwarmDir) -> Result<(String, BTreeMap<String, String>)> {
        let ids: Vec<_> = self.peers.iter().map(ToString::to_string).collect();
        let read = |name: &str| {
            let path = swarm.path_of(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let ours = [there.dir.clone(), read(COMMON)?, read(PEER_INFO)?];
        let words: Vec<_> = ours.iter().chain(&ids).map(String::as_str).collect();
        let told = self.named(there.shell.run(&Job::Prepare.script(".", &words)))?;
        let told = String::from_utf8_lossy(&told).into_owned();
        let mut lines = told.lines();
        let kind = lines.next().unwrap_or_default().to_owned();
        // The last line of a name counts.
        let note = |line: &str| line.splitn(3, ' ').nth(2).map(|name| (name.to_owned(), line.to_owned()));
        Ok((kind, lines.filter_map(note).collect()))
    }

    fn send(
        &self,
        there: &Remote,
        (path, name, mode): (&Path, &str, &str),
        sent: &BTreeMap<String, String>,
        told: &mut dyn FnMut(&str, u64) -> Result<()>,
    ) -> Result<()> {
        let trouble = || format!("cannot read {}", path.display());
        let mut file = File::open(path).with_context(trouble)?;
        let facts = file.metadata().with_context(trouble)?;
        let time = facts.modified().with_context(trouble)?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let note = format!("{} {} {name}", facts.len(), time.as_nanos());
        let is_there = || Ok::<_, anyhow::Error>(self.list(&[name.to_owned()])?.get(name) == Some(&facts.len()));
        if sent.get(name) == Some(&note) && is_there()? {
            return Ok(());
        }
        let own_name = format!("{}-{}.sent", process::id(), self.peers[0]);
        let mut told_of = |count| told(name, count);
        there
            .send((name, mode, &note, &own_name), &mut file, &mut told_of)
            .with_context(|| format!("{}: {name} was not copied", self.called()))
    }
}

/// Refuses a machine that our program was not built for. An unknown kind is accepted, because only a try can show it.
fn check_kind(kind: &str, program: &Path) -> Result<()> {
    let mut head = [0; 20];
    // An unreadable file is reported when it is sent.
    if File::open(program).and_then(|mut file| file.read_exact(&mut head)).is_err() {
        return Ok(());
    }
    let (system, machine) = kind.split_once(' ').unwrap_or((kind, ""));
    if let Some(built_for) = machine_of(&head)
        && !built_for.is_empty()
        && !is_same_machine(machine, built_for)
    {
        bail!(
            "it is {system} {machine}, but {} is built for {built_for}; build it there and name it with --peer-command",
            fs::canonicalize(program).unwrap_or_else(|_| program.to_owned()).display()
        );
    }
    Ok(())
}

/// Returns the machine that the head of an ELF file names, in the words of Linux's `uname -m`.
fn machine_of(head: &[u8; 20]) -> Option<&'static str> {
    let bytes = [head[18], head[19]];
    let number = match head[5] {
        _ if head[..4] != *b"\x7fELF" => return None,
        2 => u16::from_be_bytes(bytes),
        _ => u16::from_le_bytes(bytes),
    };
    Some(match number {
        3 => "i686",
        21 => "ppc64",
        22 => "s390x",
        40 => "armv7l",
        62 => "x86_64",
        183 => "aarch64",
        243 => "riscv64",
        _ => return None,
    })
}

fn is_same_machine(told: &str, built_for: &str) -> bool {
    let same = [["x86_64", "amd64"], ["aarch64", "arm64"], ["ppc64", "ppc64le"]];
    let is_arm = |name: &str| name.starts_with("armv") || name == "arm";
    told == built_for
        || same.iter().any(|names| names.contains(&told) && names.contains(&built_for))
        || (is_arm(told) && is_arm(built_for))
        // An x86_64 machine runs both.
        || (told == "x86_64" && built_for == "i686")
        || (told.starts_with('i') && told.ends_with("86") && built_for == "i686")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_of_another_kind_is_told_by_the_programs_head() {
        let head = |magic: &[u8; 4], order: u8, machine: [u8; 2]| {
            let mut head = [0; 20];
            head[..4].copy_from_slice(magic);
            head[5] = order;
            head[18..].copy_from_slice(&machine);
            head
        };
        assert_eq!(machine_of(&head(b"\x7fELF", 1, [62, 0])), Some("x86_64"));
        assert_eq!(machine_of(&head(b"\x7fELF", 1, [183, 0])), Some("aarch64"));
        assert_eq!(machine_of(&head(b"\x7fELF", 2, [0, 22])), Some("s390x"));
        assert_eq!(machine_of(&head(b"\x7fELF", 1, [1, 1])), None);
        assert_eq!(machine_of(&head(b"#!/b", 1, [62, 0])), None, "a script");
        let check = |told, built_for, expected| assert_eq!(is_same_machine(told, built_for), expected, "{told}");
        check("x86_64", "x86_64", true);
        check("amd64", "x86_64", true);
        check("arm64", "aarch64", true);
        check("armv6l", "armv7l", true);
        check("x86_64", "i686", true);
        check("i386", "i686", true);
        check("aarch64", "x86_64", false);
        check("x86_64", "aarch64", false);
        check("i686", "x86_64", false);
    }
}
