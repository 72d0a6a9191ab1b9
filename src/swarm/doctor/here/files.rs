//! The two configuration files and the manifest: whether they are valid, and what they mean, in four words. Pure but for reading.

use std::fs;
use std::path::Path;

use peer_process::config::{COMMON, Common, PEER_INFO, PeerInfo, parse_common, parse_peer_info};
use peer_process::output::console::counted;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::finding::Finding;
use crate::meaning;
use crate::phrase::phrase;

/// The SHA-256 of what the files mean, or of the manifest's bytes. What has no file, or no valid one, has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Digests {
    /// Of `Common.cfg`.
    pub common: Option<[u8; 32]>,
    /// Of `PeerInfo.cfg`.
    pub peers: Option<[u8; 32]>,
    /// Of `FileName.meta.json`.
    pub manifest: Option<[u8; 32]>,
}

/// What the files of a directory say.
#[derive(Debug, Default)]
pub struct Files {
    /// The content of `Common.cfg`, if it is valid.
    pub common: Option<Common>,
    /// The lines of `PeerInfo.cfg`, if it is valid.
    pub peers: Option<Vec<PeerInfo>>,
    /// Their digests.
    pub digests: Digests,
    /// What is to be said of them.
    pub findings: Vec<Finding>,
}

/// Reads the files of a swarm's directory.
pub fn examine(dir: &Path) -> Files {
    let mut files = Files::default();
    match read(dir, COMMON) {
        Err(fault) => files.findings.push(fault),
        Ok(text) => match parse_common(&text) {
            Err(error) => files.findings.push(Finding::fault(COMMON, format!("{error:#}"))),
            Ok(common) => {
                let digest = meaning::of_common(&common);
                let layout = common.layout;
                let says = format!(
                    "k {}, p {} s, m {} s; {} with {}, {}",
                    common.preferred_count,
                    common.unchoking_interval_secs,
                    common.optimistic_interval_secs,
                    common.file_name,
                    counted(layout.file_size(), "byte"),
                    counted(layout.piece_count(), "piece"),
                );
                files.findings.push(valid(COMMON, &says, &digest, &text));
                let unknown = common.warnings.iter().map(|warning| Finding::warning(COMMON, warning.clone()));
                files.findings.extend(unknown);
                files.digests.common = Some(digest);
                files.common = Some(common);
            }
        },
    }
    match read(dir, PEER_INFO) {
        Err(fault) => files.findings.push(fault),
        Ok(text) => match parse_peer_info(&text) {
            Err(error) => files.findings.push(Finding::fault(PEER_INFO, format!("{error:#}"))),
            Ok(peers) => {
                let digest = meaning::of_peers(&peers);
                let seeders = peers.iter().filter(|peer| peer.has_file).count();
                let says = format!("{}, {} with the file", counted(peers.len(), "peer"), seeders);
                files.findings.push(valid(PEER_INFO, &says, &digest, &text));
                if seeders == 0 {
                    let fault = Finding::fault(PEER_INFO, "no peer starts with the file");
                    files.findings.push(fault.with("give one peer a 1 in the last column"));
                }
                files.digests.peers = Some(digest);
                files.peers = Some(peers);
            }
        },
    }
    if let Some(common) = &files.common {
        let name = format!("{}.meta.json", common.file_name);
        if let Ok(bytes) = fs::read(dir.join(&name)) {
            let digest = Sha256::digest(&bytes).into();
            files.findings.push(Finding::ok("manifest", format!("{name}; in words: {}", phrase(&digest))));
            files.digests.manifest = Some(digest);
        }
    }
    files
}

fn read(dir: &Path, name: &str) -> Result<String, Finding> {
    let path = dir.join(name);
    let bytes = fs::read(&path).map_err(|error| {
        let fault = Finding::fault(name, format!("cannot read {}: {error}", path.display()));
        fault.with("name the swarm's directory, or make one with `swarm init`")
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        let fault = Finding::fault(name, format!("byte {place} is not UTF-8 text"));
        fault.with("save the file as UTF-8: Notepad and PowerShell can write UTF-16")
    })
}

fn valid(name: &str, says: &str, digest: &[u8; 32], text: &str) -> Finding {
    let says = format!("{says}; in words: {}", phrase(digest));
    match traps(text).as_slice() {
        [] => Finding::ok(name, says),
        traps => {
            let finding = Finding::warning(name, format!("{says}. It has {}", traps.join(", ")));
            finding
                .with("our peer reads it, but others may not; save it without them if peers of other authors take part")
        }
    }
}

/// Returns what a file has that our peer reads and a peer of another author may stumble over.
fn traps(text: &str) -> Vec<&'static str> {
    let lines = || text.split_terminator('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let mut traps = Vec::new();
    let mut add = |is_there: bool, what| traps.extend(is_there.then_some(what));
    add(text.starts_with('\u{feff}'), "a byte-order mark");
    add(text.contains("\r\n"), "line ends of Windows (CRLF)");
    add(lines().any(|line| line.ends_with([' ', '\t']) && !line.trim().is_empty()), "blanks at the ends of lines");
    add(lines().any(|line| line.trim().is_empty()), "empty lines");
    traps
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::doctor::finding::{Verdict, has_fault};

    const GOOD: &str = "NumberOfPreferredNeighbors 2\nUnchokingInterval 5\nOptimisticUnchokingInterval 15\n\
        FileName a.dat\nFileSize 100\nPieceSize 30\n";
    const PEERS: &str = "1001 lab1 6001 1\n1002 lab2 6001 0\n";

    fn of(common: &str, peers: &str) -> Files {
        let dir = TempDir::new().expect("a directory");
        fs::write(dir.path().join(COMMON), common).expect("a file");
        fs::write(dir.path().join(PEER_INFO), peers).expect("a file");
        examine(dir.path())
    }

    #[test]
    fn two_copies_that_mean_the_same_have_the_same_words() {
        let plain = of(GOOD, PEERS);
        assert!(plain.findings.iter().all(|finding| finding.verdict == Verdict::Ok), "{:?}", plain.findings);
        assert!(plain.findings[0].says.starts_with("k 2, p 5 s, m 15 s; a.dat with 100 bytes, 4 pieces; in words: "));
        assert!(plain.findings[1].says.starts_with("2 peers, 1 with the file; in words: "));
        let mut lines: Vec<_> = GOOD.lines().collect();
        lines.reverse();
        for (common, peers) in [
            (GOOD.replace('\n', "\r\n"), PEERS.replace('\n', " \r\n")),
            (format!("\u{feff}{GOOD}\n\nOther 7\n"), PEERS.replace(' ', "\t").replace("lab1", "LAB1")),
            (lines.join("\n"), format!("\n{PEERS}")),
        ] {
            assert_eq!(of(&common, &peers).digests, plain.digests, "{common:?} {peers:?}");
        }
    }

    #[test]
    fn two_copies_that_differ_in_any_value_have_other_words() {
        let digests = of(GOOD, PEERS).digests;
        for (from, to) in
            [("Neighbors 2", "Neighbors 3"), ("l 5", "l 6"), ("15", "16"), ("a.dat", "A.dat"), ("30", "31")]
        {
            assert_ne!(of(&GOOD.replace(from, to), PEERS).digests.common, digests.common, "{to}");
        }
        for (from, to) in [("lab2", "lab3"), ("6001 0", "6002 0"), (" 0", " 1"), ("1002", "1003")] {
            assert_ne!(of(GOOD, &PEERS.replace(from, to)).digests.peers, digests.peers, "{to}");
        }
        let swapped = "1002 lab2 6001 0\n1001 lab1 6001 1\n";
        assert_ne!(of(GOOD, swapped).digests.peers, digests.peers);
    }

    #[test]
    fn what_others_may_stumble_over_is_a_warning() {
        for (text, expected) in [
            ("a b\n", &[][..]),
            ("a b", &[]),
            ("a b\r\n", &["line ends of Windows (CRLF)"]),
            ("a b \nc\n", &["blanks at the ends of lines"]),
            ("a\n\nb\n", &["empty lines"]),
            ("\u{feff}a\n \n", &["a byte-order mark", "empty lines"]),
        ] {
            assert_eq!(traps(text), expected, "{text:?}");
        }
    }

    #[test]
    fn each_file_has_its_own_fault() {
        let files = of("FileName x\n", "1001 lab1 6001 0\n");
        assert!(files.common.is_none() && files.digests.common.is_none() && files.peers.is_some());
        let faults: Vec<_> = files.findings.iter().filter(|finding| finding.verdict == Verdict::Fault).collect();
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].says.starts_with("Common.cfg: key NumberOfPreferredNeighbors is missing"), "{faults:?}");
        assert_eq!(faults[1].says, "no peer starts with the file");
        let dir = TempDir::new().expect("a directory");
        fs::write(dir.path().join(COMMON), b"F\xff").expect("a file");
        let files = examine(dir.path());
        assert!(has_fault(&files.findings) && files.findings[0].says == "byte 1 is not UTF-8 text");
        assert!(files.findings[1].says.starts_with("cannot read "), "{:?}", files.findings);
    }
}
