//! `Follower`: reads the logs and event files of a directory as they grow.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use super::times::FILES;
use crate::grade::load::{Opened, name_in};
use crate::history::{Event, Lines, PeerRecord, Record};
use crate::logs::{self, EventReader, Found, LogReader, Named};
use crate::swarm_dir::SwarmDir;

/// Maximum number of entries of all files together, and of entries and lists of one. The whole replay has more, when all is over.
const MOST_ENTRIES: usize = 2_000_000;
/// Number of bytes that are read at once.
const CHUNK: usize = 256 * 1024;
/// Number of bytes at the start of a file, and before the place up to which it was read, by which it is known again.
const KNOWN: usize = 256;
/// Number of looks after which the files are looked for again. A missing one is looked for each time.
const LOOKS: u32 = 4;
/// Time without a new line after which a run in which all have the file is over.
const QUIET: Duration = Duration::from_secs(2);
/// The same for any run, and its unchoking interval.
const LONG_QUIET: Duration = Duration::from_secs(10);

/// What a look has found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Looked {
    /// Whether anything is new.
    pub has_more: bool,
    /// Whether a file has begun again, so that what was read of it is void.
    pub begins: bool,
    /// Whether somebody has written, also what is not read any more because it is too much.
    pub is_written: bool,
}

/// The files of a swarm, as far as they were read.
#[derive(Debug)]
pub struct Follower {
    dir: SwarmDir,
    named: Named,
    /// What they tell.
    pub record: Record,
    files: Vec<[Option<Followed>; FILES]>,
    looks: u32,
    /// Maximum number of entries of all files together.
    most: usize,
    /// When somebody wrote the last time.
    grew: Instant,
}

/// A file that is followed.
#[derive(Debug)]
struct Followed {
    path: PathBuf,
    is_events: bool,
    /// Its reader, once it was opened.
    reader: Option<Reader>,
    /// The file itself: its device and number there.
    identity: Option<(u64, u64)>,
    /// When it was written, and its length then.
    seen: Option<(SystemTime, u64)>,
    /// Number of bytes that were read, and the first and the last of them.
    len: u64,
    start: Vec<u8>,
    end: Vec<u8>,
}

/// How its lines are read.
#[derive(Debug)]
enum Reader {
    Log(Box<LogReader>),
    Events(Box<EventReader>),
}

impl Follower {
    /// Begins to follow, with nothing read.
    pub fn new(Opened { dir, plan, named }: Opened) -> Self {
        let peer = |id, has_file| PeerRecord { id, has_file, log: None, events: None };
        let peers: Vec<_> = dir.peers.iter().map(|info| peer(info.id.number(), info.has_file)).collect();
        let files = peers.iter().map(|_| [None, None]).collect();
        let record = Record { plan, peers };
        Self { dir, named, record, files, looks: 0, most: MOST_ENTRIES, grew: Instant::now() }
    }

    /// Returns the swarm's directory.
    pub fn dir(&self) -> &SwarmDir {
        &self.dir
    }

    /// Returns the names of the files, with all that were found.
    pub fn named(&self) -> Named {
        let mut named = self.named.clone();
        for (peer, files) in self.record.peers.iter().zip(&self.files) {
            for (file, paths) in files.iter().zip([&mut named.logs, &mut named.events]) {
                paths.extend(file.iter().map(|file| (peer.id, file.path.clone())));
            }
        }
        named
    }

    /// Reads what is new.
    pub fn look(&mut self) -> Looked {
        let mut looked = Looked::default();
        let is_missing = self.files.iter().any(|files| files[0].is_none());
        if is_missing || self.looks.is_multiple_of(LOOKS) {
            self.find(&mut looked);
        }
        let is_first = self.looks == 0;
        self.looks = self.looks.wrapping_add(1);
        let mut room = self.most.saturating_sub(self.entry_count());
        let piece_count = self.record.plan.piece_count;
        let mut youngest = None;
        for (peer, files) in self.record.peers.iter_mut().zip(&mut self.files) {
            let id = peer.id;
            for (file, lines) in files.iter_mut().zip([&mut peer.log, &mut peer.events]) {
                let Some(file) = file else { continue };
                let own = file.look(&self.dir, lines, (id, piece_count), &mut room);
                looked.has_more |= own.has_more;
                looked.begins |= own.begins;
                looked.is_written |= own.is_written;
                youngest = youngest.max(file.seen.map(|(written, _)| written));
            }
        }
        looked.is_written |= looked.has_more;
        if looked.is_written {
            // Files that were complete before are quiet since they were written.
            let age = youngest.filter(|_| is_first).and_then(|written| written.elapsed().ok()).unwrap_or_default();
            self.grew = Instant::now().checked_sub(age).unwrap_or_else(Instant::now);
        }
        looked
    }

    /// Reports whether the run seems to be over: nobody writes any more.
    pub fn is_over(&self) -> bool {
        let quiet = self.grew.elapsed();
        let long = LONG_QUIET + Duration::from_secs(self.record.plan.unchoking_interval_secs.into());
        self.entry_count() > 0 && (quiet >= long || quiet >= QUIET && is_complete(&self.record))
    }

    fn entry_count(&self) -> usize {
        let count = |lines: &Option<Lines>| lines.as_ref().map_or(0, |lines| lines.entries.len());
        self.record.peers.iter().map(|peer| count(&peer.log) + count(&peer.events)).sum()
    }

    /// Looks for the files.
    fn find(&mut self, looked: &mut Looked) {
        let ids: Vec<u32> = self.record.peers.iter().map(|peer| peer.id).collect();
        let mut found: BTreeMap<u32, Found> = logs::find(&self.dir.path, &ids, &self.named);
        for (peer, files) in self.record.peers.iter_mut().zip(&mut self.files) {
            let Found { log, events, .. } = found.remove(&peer.id).unwrap_or_default();
            let new = [log, events].map(|file| file.map(|(path, _)| path));
            let lines = [&mut peer.log, &mut peer.events];
            for (place, ((file, path), lines)) in files.iter_mut().zip(new).zip(lines).enumerate() {
                if file.as_ref().map(|file| &file.path) == path.as_ref() {
                    continue;
                }
                looked.begins |= lines.take().is_some();
                looked.has_more = true;
                *file = path.map(|path| Followed::new(path, place > 0));
            }
        }
    }
}

/// Reports whether each peer that does not start with the file says that it has it.
fn is_complete(record: &Record) -> bool {
    let all = record.plan.piece_count;
    let tells = |event: &Event| match *event {
        Event::Complete => true,
        Event::Downloaded { count, .. } | Event::Count(count) => count == all,
        _ => false,
    };
    let of_last_run = |lines: &Lines| lines.entries[lines.last_run..].iter().rev().any(|entry| tells(&entry.event));
    let has_all = |peer: &PeerRecord| peer.has_file || [&peer.log, &peer.events].into_iter().flatten().any(of_last_run);
    record.peers.iter().all(has_all)
}

impl Followed {
    fn new(path: PathBuf, is_events: bool) -> Self {
        Self { path, is_events, reader: None, identity: None, seen: None, len: 0, start: Vec::new(), end: Vec::new() }
    }

    /// Reads what is new into `lines`, at most about `room` entries.
    fn look(&mut self, dir: &SwarmDir, lines: &mut Option<Lines>, of: (u32, u32), room: &mut usize) -> Looked {
        let mut looked = Looked::default();
        // A FIFO would wait for its writer, so only files are opened. One that has gone may come again.
        let Ok(metadata) = fs::metadata(&self.path) else {
            looked.begins = lines.take().is_some();
            looked.has_more = looked.begins;
            (self.identity, self.seen) = (None, None);
            return looked;
        };
        let seen = metadata.modified().ok().map(|written| (written, metadata.len()));
        let is_same = self.identity == Some(identity(&metadata));
        if !metadata.is_file() || is_same && self.seen == seen {
            return looked;
        }
        let Ok(file) = File::open(&self.path) else { return looked };
        if !is_same || metadata.len() < self.len || !self.is_as_before(&file) {
            looked.begins = lines.take().is_some();
            looked.has_more = true;
            self.begin(&name_in(dir, &self.path), of);
            self.identity = Some(identity(&metadata));
        }
        let read = self.read(&file, lines, room);
        // What cannot be read now may be read at the next look.
        self.seen = seen.filter(|_| read.is_ok());
        looked.is_written = read.is_ok();
        looked.has_more |= read.unwrap_or_default();
        looked
    }

    fn begin(&mut self, name: &str, (id, piece_count): (u32, u32)) {
        self.reader = Some(if self.is_events {
            Reader::Events(Box::new(EventReader::new(name, MOST_ENTRIES)))
        } else {
            Reader::Log(Box::new(LogReader::new(name, id, piece_count, MOST_ENTRIES)))
        });
        (self.len, self.start, self.end) = (0, Vec::new(), Vec::new());
    }

    /// Reports whether the first and the last bytes are those that were read: the file may have been emptied and written again. Logs
    /// without times often begin with the same lines.
    fn is_as_before(&self, file: &File) -> bool {
        [(&self.start, 0), (&self.end, self.len - self.end.len() as u64)].into_iter().all(|(known, at)| {
            let mut bytes = vec![0; known.len()];
            file.read_exact_at(&mut bytes, at).is_ok() && bytes == *known
        })
    }

    fn read(&mut self, file: &File, lines: &mut Option<Lines>, room: &mut usize) -> io::Result<bool> {
        let before = self.len;
        let mut chunk = vec![0; CHUNK];
        loop {
            let had = lines.as_ref().map_or(0, |lines| lines.entries.len());
            if *room == 0 {
                if let Some(lines) = lines {
                    lines.unread.is_cut = true;
                }
                return Ok(self.len > before);
            }
            let count = file.read_at(&mut chunk, self.len)?;
            if count == 0 {
                return Ok(self.len > before);
            }
            let bytes = &chunk[..count];
            self.start.extend(&bytes[..count.min(KNOWN.saturating_sub(self.start.len()))]);
            self.end.extend(&bytes[count.saturating_sub(KNOWN)..]);
            self.end.drain(..self.end.len().saturating_sub(KNOWN));
            self.len += count as u64;
            match &mut self.reader {
                Some(Reader::Log(reader)) => reader.grow(lines, bytes),
                Some(Reader::Events(reader)) => reader.grow(lines, bytes),
                None => {}
            }
            *room = room.saturating_sub(lines.as_ref().map_or(0, |lines| lines.entries.len()).saturating_sub(had));
        }
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests;
