//! A peer of an open swarm: `PeerInfo.cfg` may be missing, or may not list it.

use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::files::{
    COMMON, Config, HERE, PEER_INFO, PeerInfo, check_seed, parse_common, parse_peer_info, plain_host, read_text,
};
use crate::protocol::peer_id::PeerId;

/// The host of a peer that listens on all addresses of its machine, of both families.
pub const EVERYWHERE: &str = "0.0.0.0";

/// What the command line says of a peer, in place of a line of `PeerInfo.cfg`.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Newcomer {
    /// `--listen`: where it listens.
    pub listen: Option<Listen>,
    /// `--has-file`: whether it starts with the complete file.
    pub has_file: bool,
}

/// The value of `--listen`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listen {
    /// A name or an address, without brackets. All addresses of this machine if it was left out.
    pub host: String,
    /// The TCP port; 0 stands for any free one.
    pub port: u16,
}

impl Listen {
    /// Parses `PORT`, `HOST:PORT` or `[ADDRESS]:PORT`.
    ///
    /// # Errors
    /// In one sentence, if it is something else.
    pub fn parse(text: &str) -> Result<Self> {
        ensure!(!(text.starts_with('[') && text.ends_with(']')), "'{text}': the port is missing, as in {text}:6001");
        let (host, port) = text.rsplit_once(':').unwrap_or((EVERYWHERE, text));
        ensure!(!text.is_empty(), "'': the port is missing");
        let is_host = port.starts_with(|c: char| c.is_alphabetic()) || port.contains('.');
        ensure!(text.contains(':') || !is_host, "'{text}': the port is missing, as in {text}:6001");
        ensure!(!port.is_empty(), "'{text}': the port is missing, as in {text}6001");
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
        let Some(port) = port.parse().ok().filter(|_| is_number) else {
            bail!("'{text}': '{port}' is not a port from 0 to 65535");
        };
        let plain = plain_host(host);
        ensure!(plain != host || !host.contains(':'), "'{text}': an IPv6 address stands in brackets, as in [::1]:6001");
        ensure!(!plain.is_empty(), "'{text}': the host is missing");
        ensure!(!plain.contains(char::is_whitespace), "'{text}': a host has no blanks");
        Ok(Self { host: plain.to_owned(), port })
    }
}

/// Reads and checks `Common.cfg` in `dir`, and `PeerInfo.cfg` if it exists, for the peer `own` of an open swarm. If no line lists
/// this peer, it is like one whose line comes last: it dials all that are listed.
///
/// # Errors
/// One sentence for the first fault. Nothing is created or written.
pub fn load_open(dir: &Path, own: PeerId, newcomer: &Newcomer) -> Result<Config> {
    let common = parse_common(&read_text(dir, COMMON, HERE)?)?;
    let mut peers = match dir.join(PEER_INFO).try_exists() {
        Ok(false) => Vec::new(),
        // Reading it tells any other trouble.
        Ok(true) | Err(_) => parse_peer_info(&read_text(dir, PEER_INFO, HERE)?)?,
    };
    let place = peers.iter().position(|peer| peer.id == own).unwrap_or_else(|| {
        let host = EVERYWHERE.to_owned();
        peers.push(PeerInfo { id: own, host, port: 0, has_file: false, line: None });
        peers.len() - 1
    });
    if let Some(Listen { host, port }) = &newcomer.listen {
        (peers[place].host, peers[place].port, peers[place].line) = (host.clone(), *port, None);
    }
    if newcomer.has_file {
        (peers[place].has_file, peers[place].line) = (true, None);
    }
    let config = Config { dir: dir.to_owned(), common, peers, own: place };
    if config.own().has_file {
        check_seed(&config)?;
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn what_listen_takes() {
        let parsed =
            |text: &str| Listen::parse(text).map(|Listen { host, port }| (host, port)).map_err(|e| e.to_string());
        let right = |host: &str, port| Ok((host.to_owned(), port));
        assert_eq!(parsed("6001"), right("0.0.0.0", 6001));
        assert_eq!(parsed("0"), right("0.0.0.0", 0));
        assert_eq!(parsed("10.0.0.1:6001"), right("10.0.0.1", 6001));
        assert_eq!(parsed("lab:0"), right("lab", 0));
        assert_eq!(parsed("[::1]:6001"), right("::1", 6001));
        for (text, because) in [
            ("", "the port is missing"),
            ("lab", "'lab': the port is missing, as in lab:6001"),
            ("10.0.0.1", "the port is missing, as in 10.0.0.1:6001"),
            ("lab:", "the port is missing, as in lab:6001"),
            ("lab:65536", "'65536' is not a port"),
            ("lab:+1", "'+1' is not a port"),
            ("::1:6001", "an IPv6 address stands in brackets"),
            (":6001", "the host is missing"),
            ("[::1]", "the port is missing, as in [::1]:6001"),
            ("no host:6001", "a host has no blanks"),
        ] {
            assert!(parsed(text).expect_err(text).contains(because), "{text}");
        }
    }

    const PLAIN: &str = "NumberOfPreferredNeighbors 1\nUnchokingInterval 5\nOptimisticUnchokingInterval 5\nFileName f\n\
                         FileSize 3\nPieceSize 1\n";

    fn id(number: u32) -> PeerId {
        PeerId::new(number).expect("a positive number")
    }

    #[test]
    fn a_peer_that_no_line_lists_dials_all_that_are_listed() {
        let dir = TempDir::new().expect("a directory");
        fs::write(dir.path().join(COMMON), PLAIN).expect("a file");
        let alone = load_open(dir.path(), id(7), &Newcomer::default()).expect("Common.cfg is enough");
        assert_eq!((alone.peers.len(), alone.own().port, alone.own().host.as_str()), (1, 0, EVERYWHERE));
        fs::write(dir.path().join(PEER_INFO), "1 a 6001 1\n2 b 6002 0\n").expect("a file");
        let newcomer = Newcomer { listen: Some(Listen { host: "c".into(), port: 6003 }), has_file: false };
        let third = load_open(dir.path(), id(7), &newcomer).expect("it may join");
        assert_eq!(third.earlier().iter().map(|peer| peer.id).collect::<Vec<_>>(), [id(1), id(2)]);
        assert_eq!((third.own().host.as_str(), third.own().port), ("c", 6003));
        let listed = load_open(dir.path(), id(2), &Newcomer::default()).expect("it is listed");
        assert_eq!((listed.own().host.as_str(), listed.own().port, listed.earlier().len()), ("b", 6002, 1));
    }

    #[test]
    fn a_newcomer_that_says_it_has_the_file_must_have_it() {
        let dir = TempDir::new().expect("a directory");
        fs::write(dir.path().join(COMMON), PLAIN).expect("a file");
        let newcomer = Newcomer { has_file: true, ..Newcomer::default() };
        let error = load_open(dir.path(), id(7), &newcomer).expect_err("there is no file").to_string();
        assert!(error.starts_with("peer 7 is to start with the file (--has-file), but "), "{error}");
        fs::create_dir(dir.path().join("peer_7")).expect("a directory");
        fs::write(dir.path().join("peer_7/f"), "abc").expect("a file");
        assert!(load_open(dir.path(), id(7), &newcomer).expect("it is there").own().has_file);
    }
}
