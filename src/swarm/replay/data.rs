//! `encode`: the entries of a record as chunks, which the page decodes (`page/decode.js`).
//!
//! A chunk is the length of its header (four bytes, little-endian), the header as JSON, and the columns one after the other:
//!
//! | column | for each | as |
//! |---|---|---|
//! | times | entry | microseconds since the entry before, at first since the header's `start` |
//! | peers | entry | the peer's place in the record |
//! | codes | entry | one byte: [`code_of`], with [`OF_EVENTS`] for an event file |
//! | neighbors | entry | 0 for none, the neighbor's place + 1, or number of peers + 1 + the ID of a stranger |
//! | numbers | entry with a piece or number | 0 for none, or the number + 1 |
//! | lines | entry | lines since the entry before of the same file |
//! | counts | `Downloaded`, `Count` | the count, less the one before of the same peer |
//! | lists | `Preferred`, `PreferredTick` | the length, then neighbors as above |
//!
//! All are unsigned LEB128; counts are zigzag. Each chunk decodes alone, so that a running swarm can send further ones.

use std::collections::BTreeMap;

use serde::Serialize;

use super::times::{FILES, Times};
use crate::history::{Entry, Event, Kind, Lines, Message, NO_NUMBER, PeerRecord, Record};

/// Marks the code of an entry from an event file.
pub const OF_EVENTS: u8 = 0x80;
/// Maximum number of entries of a chunk.
const MOST_ENTRIES: usize = 1 << 18;

/// How far a record was encoded: for each peer the number of entries of both files.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Cursor(Vec<[usize; FILES]>);

/// A chunk, as the page takes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chunk(pub Vec<u8>);

/// The header of a chunk.
#[derive(Serialize)]
struct Header {
    /// Number of entries.
    entries: usize,
    /// Microseconds from the record's origin; what the first entry's time counts from.
    start: i64,
    /// Number of bytes of each column.
    columns: [usize; 8],
}

/// Encodes what came after the cursor, at most [`MOST_ENTRIES`] a chunk, and moves the cursor. `origin` is the moment that
/// the page calls zero.
pub fn encode(record: &Record, times: &Times, origin: i64, from: &mut Cursor) -> Vec<Chunk> {
    from.0.resize(record.peers.len(), [0; FILES]);
    let mut order = Vec::new();
    for (peer, places) in from.0.iter_mut().enumerate() {
        for (file, place) in places.iter_mut().enumerate() {
            let Some(lines) = file_of(&record.peers[peer], file) else { continue };
            let at = &times.peers[peer][file].0;
            // What has no time yet comes later.
            let new = (*place).max(lines.last_run)..at.len().min(lines.entries.len());
            let is_shown = |number: &usize| file == 0 || adds(&record.peers[peer], &lines.entries[*number].event);
            *place = new.end;
            order.extend(new.filter(is_shown).map(|number| (at[number], short(peer), short(file), short(number))));
        }
    }
    // Files are in the order of their lines already, so the sort only merges them, and keeps that order.
    order.sort_by_key(|(at, ..)| *at);
    let ids: BTreeMap<u32, usize> = record.peers.iter().enumerate().map(|(place, peer)| (peer.id, place)).collect();
    order.chunks(MOST_ENTRIES).map(|order| chunk(record, &ids, origin, order)).collect()
}

/// Returns a peer's log, or its event file.
pub fn file_of(peer: &PeerRecord, file: usize) -> Option<&Lines> {
    [&peer.log, &peer.events][file].as_ref()
}

/// Reports whether the page shows this event of an event file: beside a log, only what the log has no words for.
pub fn adds(peer: &PeerRecord, event: &Event) -> bool {
    let is_beyond = matches!(
        event,
        Event::Handshake { .. }
            | Event::Message { .. }
            | Event::Closed { .. }
            | Event::PreferredTick(_)
            | Event::OptimisticTick(_)
    );
    is_beyond || peer.log.as_ref().is_none_or(|log| log.entries.is_empty())
}

/// An index that fits: a record has fewer entries.
fn short(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than 2^32 entries")
}

fn chunk(record: &Record, ids: &BTreeMap<u32, usize>, origin: i64, order: &[(i64, u32, u32, u32)]) -> Chunk {
    let start = order.first().map_or(origin, |(at, ..)| *at);
    let mut columns: [Vec<u8>; 8] = Default::default();
    let [times, peers, codes, neighbors, numbers, own_lines, counts, lists] = &mut columns;
    let mut last_at = start;
    let mut last_lines = vec![[0; FILES]; record.peers.len()];
    let mut last_counts = vec![0; record.peers.len()];
    let place = |id: u32| match ids.get(&id) {
        _ if id == NO_NUMBER => 0,
        Some(place) => *place as u64 + 1,
        None => ids.len() as u64 + 1 + u64::from(id),
    };
    for &(at, peer, file, number) in order {
        let (own, file) = (peer as usize, file as usize);
        let lines = file_of(&record.peers[own], file).expect("it has entries");
        let Entry { line, event, .. } = lines.entries[number as usize];
        put(times, at.abs_diff(last_at));
        last_at = at;
        put(peers, u64::from(peer));
        let (code, neighbor) = code_of(&event);
        codes.push(code | if file == 0 { 0 } else { OF_EVENTS });
        put(neighbors, place(neighbor));
        if let Some(number) = number_of(&event) {
            put(numbers, u64::from(number.wrapping_add(1)));
        }
        let last_line: &mut u32 = &mut last_lines[own][file];
        put(own_lines, u64::from(line.saturating_sub(*last_line)));
        *last_line = line;
        if let Event::Downloaded { count, .. } | Event::Count(count) = event {
            put_signed(counts, i64::from(count) - last_counts[own]);
            last_counts[own] = i64::from(count);
        }
        if let Event::Preferred(list) | Event::PreferredTick(list) = event {
            let list = lines.lists.get(list as usize).map_or(&[][..], |list| list);
            put(lists, list.len() as u64);
            for id in list {
                put(lists, place(*id));
            }
        }
    }
    let header = Header { entries: order.len(), start: start - origin, columns: columns.each_ref().map(Vec::len) };
    let header = serde_json::to_vec(&header).expect("numbers only");
    let mut bytes = short(header.len()).to_le_bytes().to_vec();
    bytes.extend(header);
    for column in &columns {
        bytes.extend(column);
    }
    Chunk(bytes)
}

/// Returns the number of an event's sort, as `page/decode.js` knows it, and its neighbor.
pub fn code_of(event: &Event) -> (u8, u32) {
    match *event {
        Event::Makes(id) => (0, id),
        Event::ConnectedFrom(id) => (1, id),
        Event::ConnectedWith(id) => (2, id),
        Event::Preferred(_) => (3, NO_NUMBER),
        Event::Optimistic(id) => (4, id),
        Event::UnchokedBy(id) => (5, id),
        Event::ChokedBy(id) => (6, id),
        Event::Have { from, .. } => (7, from),
        Event::Interested(id) => (8, id),
        Event::NotInterested(id) => (9, id),
        Event::Downloaded { from, .. } => (10, from),
        Event::Count(_) => (11, NO_NUMBER),
        Event::Complete => (12, NO_NUMBER),
        Event::Handshake { neighbor, sent } => (13 + u8::from(sent), neighbor),
        Event::Closed { neighbor, in_order } => (15 + u8::from(in_order), neighbor),
        Event::PreferredTick(_) => (17, NO_NUMBER),
        Event::OptimisticTick(id) => (18, id),
        Event::Message { neighbor, sent, message } => (32 + 2 * wire_type(message.kind) + u8::from(sent), neighbor),
    }
}

/// Returns the type's number on the wire (protocol A5); 8 for all above 7.
fn wire_type(kind: Kind) -> u8 {
    match kind {
        Kind::Choke => 0,
        Kind::Unchoke => 1,
        Kind::Interested => 2,
        Kind::NotInterested => 3,
        Kind::Have => 4,
        Kind::Bitfield => 5,
        Kind::Request => 6,
        Kind::Piece => 7,
        Kind::Other => 8,
    }
}

/// Returns the piece or number of an event that can have one.
fn number_of(event: &Event) -> Option<u32> {
    match *event {
        Event::Have { index, .. } | Event::Downloaded { index, .. } => Some(index),
        Event::Message { message: Message { number, .. }, .. } => Some(number),
        _ => None,
    }
}

/// Appends a number as unsigned LEB128: seven bits a byte, the lowest first.
fn put(column: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        column.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    column.push(number.to_le_bytes()[0]);
}

/// The same for a number that may be negative.
fn put_signed(column: &mut Vec<u8>, number: i64) {
    put(column, (number << 1 ^ number >> 63).cast_unsigned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Moment;
    use crate::replay::sample::{log, record};

    /// Returns the columns of a chunk, after its header.
    fn columns(chunk: &Chunk) -> (serde_json::Value, Vec<Vec<u8>>) {
        let (len, rest) = chunk.0.split_first_chunk::<4>().expect("a length");
        let (header, mut rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        let header: serde_json::Value = serde_json::from_slice(header).expect("a header");
        let mut columns = Vec::new();
        for len in header["columns"].as_array().expect("a list") {
            let (column, behind) = rest.split_at(usize::try_from(len.as_u64().expect("a length")).expect("short"));
            columns.push(column.to_vec());
            rest = behind;
        }
        assert!(rest.is_empty());
        (header, columns)
    }

    #[test]
    fn a_chunk_has_the_entries_of_all_peers_in_the_order_of_their_times() {
        let one = [
            (Moment(1000), Event::Makes(1002)),
            (Moment(1300), Event::Preferred(0)),
            (Moment(1301), Event::Downloaded { from: 1002, index: 7, count: 1 }),
        ];
        let two = [(Moment(1200), Event::Have { from: 9, index: NO_NUMBER }), (Moment(1301), Event::Complete)];
        let record = record(&[Some(log(one)), Some(log(two))]);
        let chunks = encode(&record, &Times::of(&record, &[]), 900, &mut Cursor::default());
        assert_eq!(chunks.len(), 1);
        let (header, columns) = columns(&chunks[0]);
        assert_eq!((&header["entries"], &header["start"]), (&5.into(), &100.into()));
        // 200 is 72 + 128; 3 peers or more stand for strangers: 9 is 2 + 1 + 9.
        let expected: [&[u8]; 8] = [
            &[0, 200, 1, 100, 1, 0],
            &[0, 1, 0, 0, 1],
            &[0, 7, 3, 10, 12],
            &[2, 12, 0, 2, 0],
            &[0, 8],
            &[1, 1, 1, 1, 1],
            &[2],
            // 1003 is a stranger: 2 + 1 + 1003 is 0x6e + 7 * 0x80.
            &[2, 2, 0x6e | 0x80, 7],
        ];
        assert_eq!(columns, expected);
    }

    #[test]
    fn further_chunks_begin_where_the_last_one_ended() {
        let entry = |at| (Moment(at), Event::Complete);
        let mut record = record(&[Some(log([entry(5)]))]);
        let mut cursor = Cursor::default();
        assert_eq!(encode(&record, &Times::of(&record, &[]), 0, &mut cursor).len(), 1);
        assert_eq!(encode(&record, &Times::of(&record, &[]), 0, &mut cursor), []);
        record.peers[0].log = Some(log([entry(5), entry(9)]));
        let chunks = encode(&record, &Times::of(&record, &[]), 0, &mut cursor);
        let (header, columns) = columns(&chunks[0]);
        assert_eq!((&header["entries"], &header["start"], &columns[5]), (&1.into(), &9.into(), &vec![2]));
    }

    #[test]
    fn an_event_file_adds_to_a_log_only_what_that_has_no_words_for() {
        let events = log([(Moment(1), Event::Complete), (Moment(2), Event::Closed { neighbor: 1002, in_order: true })]);
        let codes = |with_log: bool| {
            let mut record = record(&[with_log.then(|| log([(Moment(1), Event::Complete)]))]);
            record.peers[0].events = Some(events.clone());
            columns(&encode(&record, &Times::of(&record, &[]), 0, &mut Cursor::default())[0]).1[2].clone()
        };
        assert_eq!(codes(true), [12, 0x10 | OF_EVENTS]);
        assert_eq!(codes(false), [0x0c | OF_EVENTS, 0x10 | OF_EVENTS]);
    }

    #[test]
    fn numbers_take_as_many_bytes_as_they_need() {
        let put_all = |numbers: &[i64]| {
            let mut column = Vec::new();
            for number in numbers {
                put_signed(&mut column, *number);
            }
            column
        };
        assert_eq!(put_all(&[0, -1, 1, -64, 64]), [0, 1, 2, 127, 128, 1]);
    }
}
