//! `Common.cfg` and `PeerInfo.cfg` (protocol A1): tolerant of form, strict about meaning.
//!
//! [`parse_common`] and [`parse_peer_info`] are pure; [`load`] reads the two files and checks this peer's own file against
//! them. Each error is one sentence with file, line and value, and is reported before anything is created.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::protocol::layout::{FileLayout, LayoutError};
use crate::protocol::peer_id::PeerId;
use crate::system::names;

/// The name of the file with the settings of all peers.
pub const COMMON: &str = "Common.cfg";
/// The name of the file with a line for each peer.
pub const PEER_INFO: &str = "PeerInfo.cfg";
/// The hint of a peer that does not find its configuration.
pub(super) const HERE: &str = "start in the directory that holds the file, or name that directory with -C";
/// Maximum number of items that a sentence lists.
const MOST_LISTED: usize = 10;

/// The settings in `Common.cfg`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Common {
    /// `NumberOfPreferredNeighbors` (k); with 0 only the optimistically unchoked neighbor is unchoked.
    pub preferred_count: u32,
    /// `UnchokingInterval` (p), in seconds, 1 or more.
    pub unchoking_interval_secs: u32,
    /// `OptimisticUnchokingInterval` (m), in seconds, 1 or more.
    pub optimistic_interval_secs: u32,
    /// `FileName`: a plain name, not a path.
    pub file_name: String,
    /// `FileSize` and `PieceSize`.
    pub layout: FileLayout,
    /// One sentence for each key that the course does not define, and for a name that a file cannot have on Windows.
    pub warnings: Vec<String>,
    file_size_line: usize,
}

/// A line of `PeerInfo.cfg`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerInfo {
    /// The first column.
    pub id: PeerId,
    /// The second column: a name or an address.
    pub host: String,
    /// The third column: the TCP port on which the peer listens.
    pub port: u16,
    /// The last column: whether the peer starts with the complete file.
    pub has_file: bool,
    pub(super) line: Option<usize>,
}

/// Both files, as read by one of the peers.
#[derive(Clone, Debug)]
pub struct Config {
    /// The directory that holds the two files, the log, and the peers' directories.
    pub dir: PathBuf,
    /// The settings in `Common.cfg`.
    pub common: Common,
    /// The lines of `PeerInfo.cfg`, in the order of starting.
    pub peers: Vec<PeerInfo>,
    /// Index in `peers` of this peer's own line.
    pub own: usize,
}

impl PeerInfo {
    /// Returns the number of the line in the file, from 1. A peer has no line if
    /// the command line says where it listens, or that it has the file.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl Config {
    /// Returns this peer's line.
    #[must_use]
    pub fn own(&self) -> &PeerInfo {
        &self.peers[self.own]
    }

    /// Returns the peers before this one, which it dials (A3).
    #[must_use]
    pub fn earlier(&self) -> &[PeerInfo] {
        &self.peers[..self.own]
    }

    /// Returns all peers but this one.
    pub fn neighbors(&self) -> impl Iterator<Item = &PeerInfo> {
        self.peers.iter().filter(|peer| peer.id != self.own().id)
    }

    /// Returns `peer_<id>`, where this peer keeps its file (A2).
    #[must_use]
    pub fn peer_dir(&self) -> PathBuf {
        self.dir_of(self.own().id)
    }

    /// Returns the directory of another peer's file, if that peer runs in the same directory.
    #[must_use]
    pub fn dir_of(&self, id: PeerId) -> PathBuf {
        self.dir.join(format!("peer_{id}"))
    }

    /// Returns the path of `log_peer_<id>.log` (A2).
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.dir.join(format!("log_peer_{}.log", self.own().id))
    }
}

/// Returns a host without the brackets that may surround an IPv6 address.
#[must_use]
pub fn plain_host(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Reports whether a host is `localhost`, perhaps with the dot that ends a fully qualified name.
#[must_use]
pub fn is_localhost(host: &str) -> bool {
    host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case("localhost")
}

/// Reports whether two hosts are the same in any spelling; other names of the same machine are not recognised.
fn is_same_host(one: &str, other: &str) -> bool {
    let (one, other) = (plain_host(one), plain_host(other));
    one.eq_ignore_ascii_case(other) || (is_localhost(one) && is_localhost(other))
}

/// Reads and checks both files in `dir` for the peer `own`, and checks its file if the last column is 1.
///
/// # Errors
/// One sentence for the first fault. Nothing is created or written.
pub fn load(dir: &Path, own: PeerId) -> Result<Config> {
    let (common, peers) = read_both(dir, HERE)?;
    let place = peers.iter().position(|peer| peer.id == own);
    let own = place.ok_or_else(|| {
        let listed = first_of(peers.iter().map(|peer| peer.id));
        anyhow!("{PEER_INFO}: peer '{own}' is not listed; the listed peers are {listed}")
    })?;
    let config = Config { dir: dir.to_owned(), common, peers, own };
    if config.own().has_file {
        check_seed(&config)?;
    }
    Ok(config)
}

/// Reads both files in `dir`, for `swarm`, which is not one of the peers.
///
/// # Errors
/// One sentence for the first fault.
pub fn read(dir: &Path) -> Result<(Common, Vec<PeerInfo>)> {
    read_both(dir, "name the swarm's directory, or make one with `swarm init`")
}

fn read_both(dir: &Path, hint: &str) -> Result<(Common, Vec<PeerInfo>)> {
    Ok((parse_common(&read_text(dir, COMMON, hint)?)?, parse_peer_info(&read_text(dir, PEER_INFO, hint)?)?))
}

/// Reads a file in `dir`; if it is missing in the current directory, the error ends with the hint.
pub(super) fn read_text(dir: &Path, name: &str, hint: &str) -> Result<String> {
    let path = dir.join(name);
    let bytes = fs::read(&path).map_err(|error| {
        let here = dir == Path::new(".") && error.kind() == io::ErrorKind::NotFound;
        let hint = if here { format!("; {hint}") } else { String::new() };
        anyhow!("cannot read {}: {error}{hint}", path.display())
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = bytes[..=error.valid_up_to()].split(|&byte| byte == b'\n').count();
        anyhow!("{name} line {line}: byte 0x{:02x} is not UTF-8 text", bytes[error.valid_up_to()])
    })?;
    Ok(text.to_owned())
}

/// Parses the text of `Common.cfg`: one `Key value` per line, keys in any order.
///
/// # Errors
/// For a missing or repeated key, and for a value that is malformed or out of its range.
pub fn parse_common(text: &str) -> Result<Common> {
    const KEYS: [&str; 6] = [
        "NumberOfPreferredNeighbors",
        "UnchokingInterval",
        "OptimisticUnchokingInterval",
        "FileName",
        "FileSize",
        "PieceSize",
    ];
    let mut values: BTreeMap<&str, Value> = BTreeMap::new();
    let mut unknown = Vec::new();
    for (line, content) in lines(text) {
        let (key, value) = content.split_once(char::is_whitespace).unwrap_or((content, ""));
        if !KEYS.contains(&key) {
            unknown.push((line, key));
        } else if let Some(first) = values.insert(key, Value { file: COMMON, line, what: key, text: value.trim() }) {
            bail!("{COMMON} line {line}: {key} was already given in line {}", first.line);
        }
    }
    let value = |key| {
        let found = values.get(key).copied();
        found.ok_or_else(|| anyhow!("{COMMON}: key {key} is missing{}", misspelt(&unknown)))
    };
    let preferred_count = value("NumberOfPreferredNeighbors")?.number(0..=u32::MAX)?;
    let unchoking_interval_secs = value("UnchokingInterval")?.number(1..=u32::MAX)?;
    let optimistic_interval_secs = value("OptimisticUnchokingInterval")?.number(1..=u32::MAX)?;
    let file_name = value("FileName")?;
    let of_name = check_file_name(file_name.line, file_name.text)?;
    let file_size = value("FileSize")?;
    let piece_size = value("PieceSize")?;
    let layout = FileLayout::new(
        file_size.number(0..=FileLayout::MAX_FILE_SIZE)?,
        piece_size.number(1..=FileLayout::MAX_PIECE_SIZE)?,
    )
    .map_err(|error| match error {
        LayoutError::TooManyPieces(count) => anyhow!(
            "{COMMON} line {}: PieceSize '{}' cuts {} bytes into {count} pieces, more than the {} that a 4-byte index \
             can count",
            piece_size.line,
            piece_size.text,
            file_size.text,
            u32::MAX
        ),
        LayoutError::FileTooLong | LayoutError::PieceSizeOutOfRange => unreachable!("both sizes were found in range"),
    })?;
    Ok(Common {
        preferred_count,
        unchoking_interval_secs,
        optimistic_interval_secs,
        file_name: file_name.text.to_owned(),
        layout,
        warnings: unknown
            .iter()
            .map(|(line, key)| format!("{COMMON} line {line}: unknown key '{key}' is ignored"))
            .chain(of_name)
            .collect(),
        file_size_line: file_size.line,
    })
}

/// If a key is missing, returns the unknown keys, one of which may be a misspelling of it.
fn misspelt(unknown: &[(usize, &str)]) -> String {
    if unknown.is_empty() {
        return String::new();
    }
    let places = unknown.iter().map(|(line, key)| format!("line {line} has the unknown key '{key}'"));
    format!(" ({})", first_of(places))
}

/// Lists the first few items, and how many more there are.
fn first_of<T: Display>(items: impl ExactSizeIterator<Item = T>) -> String {
    let more = items.len().saturating_sub(MOST_LISTED);
    let listed = items.take(MOST_LISTED).map(|item| item.to_string()).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{listed} and {more} more") } else { listed }
}

/// Checks that the file stays in the peer's directory and that a file can have this name. Returns a warning if it cannot on
/// Windows.
fn check_file_name(line: usize, name: &str) -> Result<Option<String>> {
    ensure!(!name.is_empty(), "{COMMON} line {line}: FileName '' is empty");
    let plain = !name.contains(['/', '\\', '\0']) && name != "." && name != "..";
    ensure!(
        plain,
        "{COMMON} line {line}: FileName '{name}' is not a plain file name; the file must stay in the peer's directory"
    );
    let Some(trouble) = names::trouble(name) else { return Ok(None) };
    ensure!(!cfg!(windows), "{COMMON} line {line}: FileName '{name}' {trouble}");
    Ok(Some(format!("{COMMON} line {line}: FileName '{name}' {trouble}, so no peer runs there")))
}

/// Parses the text of `PeerInfo.cfg`: `<peer ID> <host> <port> <1|0>` per line, in the order of starting.
///
/// # Errors
/// For a malformed line, a value out of its range, a repeated ID, a repeated host and port, and if no peer is listed.
pub fn parse_peer_info(text: &str) -> Result<Vec<PeerInfo>> {
    let mut peers: Vec<PeerInfo> = Vec::new();
    for (line, content) in lines(text) {
        ensure!(
            !content.starts_with('#'),
            "{PEER_INFO} line {line}: '{content}' starts with '#', but the format has no comments"
        );
        let columns: Vec<_> = content.split_whitespace().collect();
        let &[id, host, port, has_file] = columns.as_slice() else {
            bail!(
                "{PEER_INFO} line {line}: '{content}' has {} column{} instead of the 4 of \
                 '<peer ID> <host> <port> <1 or 0>'",
                columns.len(),
                if columns.len() == 1 { "" } else { "s" }
            );
        };
        let value = |what, text| Value { file: PEER_INFO, line, what, text };
        let id = value("peer ID", id).number(1..=u32::MAX)?;
        let port = value("port", port).number(1..=u16::MAX)?;
        let has_file = match has_file {
            "1" => true,
            "0" => false,
            other => bail!("{PEER_INFO} line {line}: last column '{other}' is neither 1 nor 0"),
        };
        let peer = PeerInfo {
            id: PeerId::new(id).expect("the range was checked"),
            host: host.to_owned(),
            port,
            has_file,
            line: Some(line),
        };
        for other in &peers {
            let first = other.line.expect("it was read from a line");
            ensure!(other.id != peer.id, "{PEER_INFO} line {line}: peer ID '{id}' was already given in line {first}");
            let same_place = is_same_host(&other.host, host) && other.port == peer.port;
            ensure!(!same_place, "{PEER_INFO} line {line}: '{host} {port}' was already given in line {first}");
        }
        peers.push(peer);
    }
    ensure!(!peers.is_empty(), "{PEER_INFO}: no peer is listed");
    Ok(peers)
}

/// Returns the lines that are not blank, trimmed, with their numbers from 1. A byte-order mark is dropped.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1..).zip(text.lines()).map(|(line, content)| (line, content.trim())).filter(|(_, content)| !content.is_empty())
}

/// A value in a file, and its place.
#[derive(Clone, Copy)]
struct Value<'a> {
    file: &'a str,
    line: usize,
    what: &'a str,
    text: &'a str,
}

impl Value<'_> {
    fn number<T: FromStr + PartialOrd + Display>(&self, range: RangeInclusive<T>) -> Result<T> {
        let Self { file, line, what, text } = self;
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            bail!("{file} line {line}: {what} '{text}' is not a whole number");
        }
        // Digits that the type cannot hold are negative or overflow: both are out of range.
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            anyhow!("{file} line {line}: {what} '{text}' is not a number from {} to {}", range.start(), range.end())
        })
    }
}

/// Checks that a seeder's file exists with exactly `FileSize` bytes (B).
pub(super) fn check_seed(config: &Config) -> Result<()> {
    let (own, common) = (config.own(), &config.common);
    let path = config.peer_dir().join(&common.file_name);
    let shown = path.display();
    let promise = || match own.line {
        Some(line) => format!("{PEER_INFO} line {line} says that peer {} has the file, but", own.id),
        None => format!("peer {} is to start with the file (--has-file), but", own.id),
    };
    // The metadata come first: opening a pipe might block forever.
    let metadata = fs::metadata(&path).with_context(|| format!("{} {shown} cannot be found", promise()))?;
    ensure!(metadata.is_file(), "{} {shown} is not a file", promise());
    let file = File::open(&path).with_context(|| format!("{} {shown} cannot be opened", promise()))?;
    let (expected, found) = (common.layout.file_size(), metadata.len());
    if expected == found {
        return Ok(());
    }
    let line_feeds = count_line_feeds(file).with_context(|| format!("cannot read {shown}"))?;
    let hint = if expected.abs_diff(found) == line_feeds {
        "; the difference is exactly its number of line feeds, so a checkout has probably converted its line endings"
    } else {
        ""
    };
    let bytes = if found == 1 { "byte" } else { "bytes" };
    bail!("{COMMON} line {}: FileSize is '{expected}', but {shown} has {found} {bytes}{hint}", common.file_size_line)
}

fn count_line_feeds(mut file: File) -> io::Result<u64> {
    let mut buffer = vec![0; 64 * 1024];
    let mut count = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(count),
            read => count += buffer[..read].iter().map(|&byte| u64::from(byte == b'\n')).sum::<u64>(),
        }
    }
}
