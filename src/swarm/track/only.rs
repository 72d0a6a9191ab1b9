//! `--only`: the swarms in these directories, by their hashes.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use peer_process::config;
use peer_process::discovery::identity::{InfoHash, Swarm};
use peer_process::disk::manifest::{ENDING, Manifest};

/// Returns the swarms in these directories with their names. `names` are those that their peers get by `--swarm`.
///
/// A directory needs no `PeerInfo.cfg`: the peers of a tracker may have none.
///
/// # Errors
/// One sentence for the first directory that has no swarm, or one whose manifest disagrees with `Common.cfg`.
pub fn hashes(dirs: &[PathBuf], names: &[String]) -> Result<HashMap<InfoHash, String>> {
    let mut hashes = HashMap::new();
    for dir in dirs {
        for name in [None].into_iter().chain(names.iter().map(|name| Some(name.as_str()))) {
            let (info_hash, title) = hash(dir, name)?;
            hashes.insert(info_hash, title);
        }
    }
    Ok(hashes)
}

/// Returns a line for each swarm with its name and its hash, sorted by name.
pub fn told(names: &HashMap<InfoHash, String>) -> Vec<String> {
    let mut lines: Vec<_> = names.iter().map(|(hash, name)| format!("it serves {name}: {hash}")).collect();
    lines.sort();
    lines
}

/// Returns the hash of the swarm in this directory whose peers have this name, and its title.
///
/// # Errors
/// As [`hashes`].
pub fn hash(dir: &Path, name: Option<&str>) -> Result<(InfoHash, String)> {
    let path = dir.join("Common.cfg");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let common = config::parse_common(&text).with_context(|| format!("in {}", dir.display()))?;
    let path = dir.join(format!("{}{ENDING}", common.file_name));
    // A link to nothing counts as existing, as it does for the peers.
    let manifest = path.symlink_metadata().is_ok().then(|| Manifest::read(&path)).transpose()?;
    if let Some(manifest) = &manifest {
        let is_same = manifest.layout() == common.layout && manifest.file_name() == common.file_name;
        ensure!(is_same, "{}: the manifest is not of the file in Common.cfg", path.display());
    }
    let swarm = Swarm::new(&common.file_name, common.layout, manifest.as_ref(), name);
    let info_hash = swarm.info_hash().with_context(|| format!("in {}", dir.display()))?;
    let title = name.map_or_else(|| common.file_name.clone(), |name| format!("{}, {name}", common.file_name));
    Ok((info_hash, title))
}
