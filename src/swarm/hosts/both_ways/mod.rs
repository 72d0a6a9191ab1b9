//! Each request both ways on the same directory: by the scripts in this machine's shell, and by `local`. The answers, the files
//! and the sentences are the same.

#![cfg(unix)]

mod deleting;
mod files;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use peer_process::protocol::peer_id::PeerId;
use tempfile::TempDir;

use super::local::Local;
use super::obstacle::Owned;
use super::remote::{Remote, Shell};

/// One directory, and the two ways to it.
struct Both {
    dir: TempDir,
    local: Local,
    remote: Remote,
}

impl Both {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().canonicalize().expect("it is there");
        let remote = Remote { shell: Shell::Here, dir: path.to_str().expect("text").to_owned() };
        Self { dir, local: Local::new(path), remote }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file, which is this many seconds old.
    fn write(&self, name: &str, bytes: &[u8], age_secs: u64) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
        let mut file = File::create(path).expect("a file");
        file.write_all(bytes).expect("there is room");
        file.set_modified(SystemTime::now() - Duration::from_secs(age_secs)).expect("it is ours");
    }

    fn link(&self, target: &str, name: &str) {
        symlink(target, self.path().join(name)).expect("a link");
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    /// All below the directory, with the content of files and the targets of links.
    fn all(&self) -> BTreeMap<String, String> {
        let (mut found, mut folders) = (BTreeMap::new(), vec![self.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a directory").flatten() {
                let path = entry.path();
                let name = path.strip_prefix(self.path()).expect("below it").display().to_string();
                if path.is_symlink() {
                    found.insert(name, format!("-> {}", fs::read_link(&path).expect("a link").display()));
                } else if path.is_dir() {
                    folders.push(path);
                } else {
                    found.insert(name, String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned());
                }
            }
        }
        found
    }
}

/// Asserts that both ways have answered the same, and returns that.
#[track_caller]
fn same<T: Debug>(local: Result<T>, remote: Result<T>) -> T {
    let [local_text, remote_text] = [format!("{local:#?}"), format!("{remote:#?}")];
    // It is not needed any more.
    drop(remote);
    assert_eq!(local_text, remote_text);
    local.expect("an answer")
}

fn peer(number: u32) -> PeerId {
    PeerId::new(number).expect("positive")
}

fn owned(files: &[(&str, Option<u32>)]) -> Owned {
    files.iter().map(|(name, owner)| ((*name).to_owned(), owner.map(peer))).collect()
}

fn sentence<T: Debug>(answer: Result<T>) -> String {
    format!("{:#}", answer.expect_err("refused"))
}
