//! `write`: a record as Chrome trace events, which Perfetto and `chrome://tracing` open.
//!
//! Peers are processes and their neighbors threads. A piece is a complete event: it lasts from its request until it was
//! downloaded. It does not begin before the neighbor's last piece ended, because the events of a thread may not overlap.
//! Without an event file, it begins at that piece or at the unchoke. All else are instant events.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use serde_json::{Value, json};

use super::data::{adds, file_of};
use super::times::{FILES, Times};
use crate::history::{Event, Kind, Message, NO_NUMBER, PeerRecord, Record};

/// The thread for what a peer does without a neighbor.
const OWN: u32 = 0;

/// What a peer's events mean for the next ones.
#[derive(Default)]
struct Open {
    /// When the next piece of a neighbor can have begun, in microseconds.
    since: BTreeMap<u32, i64>,
    /// When the last piece of a neighbor ended.
    ended: HashMap<u32, i64>,
    /// When a piece was requested.
    requested: HashMap<(u32, u32), i64>,
    /// Number of lines that tell a piece from a neighbor: as many messages say the same.
    told: HashMap<(u32, u32), u32>,
}

impl Open {
    /// Returns an event that lasts until now, when a piece has come.
    fn piece(&mut self, peer: u32, (from, index): (u32, u32), at: i64, mut args: Value) -> Value {
        let requested = self.requested.remove(&(from, index));
        let start = requested.or_else(|| self.since.get(&from).copied()).unwrap_or(at);
        let ended = self.ended.insert(from, at).unwrap_or(i64::MIN);
        let start = start.max(ended).min(at);
        self.since.insert(from, at);
        args["is_requested"] = json!(requested.is_some());
        args["since_request"] = json!(requested.map(|requested| at - requested));
        let name = format!("piece{}", numbered(index));
        json!({"ph": "X", "name": name, "pid": peer, "tid": from, "ts": start, "dur": at - start, "args": args})
    }
}

/// Writes all entries. Times are microseconds since the first entry.
///
/// # Errors
/// When `out` takes no more.
pub fn write(out: &mut dyn Write, record: &Record, times: &Times) -> io::Result<()> {
    let origin = times.origin();
    write!(out, "{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
    let mut separator = "\n";
    let mut line = |out: &mut dyn Write, value: &Value| {
        out.write_all(separator.as_bytes())?;
        separator = ",\n";
        serde_json::to_writer(out, value).map_err(io::Error::from)
    };
    for (place, peer) in record.peers.iter().enumerate() {
        for value in names(record, place, peer) {
            line(out, &value)?;
        }
        let mut open = Open::default();
        let order = order(peer, &times.peers[place]);
        for &(_, file, number) in &order {
            if let Some(Event::Downloaded { from, index, .. }) =
                file_of(peer, file).map(|lines| lines.entries[number].event)
            {
                *open.told.entry((from, index)).or_default() += 1;
            }
        }
        for (at, file, number) in order {
            let lines = file_of(peer, file).expect("it has entries");
            let entry = lines.entries[number];
            let place = format!("{}:{}", lines.name, entry.line);
            if let Some(value) = value(peer.id, &entry.event, &lines.lists, at - origin, &place, &mut open) {
                line(out, &value)?;
            }
        }
    }
    writeln!(out, "\n]}}")
}

/// Returns the entries of both files of a peer in the order of their times.
fn order(peer: &PeerRecord, times: &[super::times::FileTimes; FILES]) -> Vec<(i64, usize, usize)> {
    let mut order = Vec::new();
    for (file, times) in times.iter().enumerate() {
        let entries = file_of(peer, file).map_or(&[][..], |lines| &lines.entries);
        let shown = entries.iter().enumerate().filter(|(_, entry)| file == 0 || adds(peer, &entry.event));
        order.extend(shown.map(|(number, _)| (times.0[number], file, number)));
    }
    order.sort_by_key(|(at, ..)| *at);
    order
}

/// Returns the names of a peer's process and threads.
fn names(record: &Record, place: usize, peer: &PeerRecord) -> Vec<Value> {
    let name = |kind: &str, thread: u32, args: Value| json!({"ph": "M", "name": kind, "pid": peer.id, "tid": thread, "args": args});
    let words = if peer.has_file { " (seeder)" } else { "" };
    let mut names = vec![
        name("process_name", OWN, json!({"name": format!("peer {}{words}", peer.id)})),
        name("process_sort_index", OWN, json!({"sort_index": place})),
        name("thread_name", OWN, json!({"name": "own"})),
    ];
    for neighbor in record.peers.iter().filter(|neighbor| neighbor.id != peer.id) {
        names.push(name("thread_name", neighbor.id, json!({"name": format!("neighbor {}", neighbor.id)})));
    }
    names
}

/// Returns an event for the trace, or `None` if it only helps later ones.
fn value(peer: u32, event: &Event, lists: &[Box<[u32]>], at: i64, place: &str, open: &mut Open) -> Option<Value> {
    let instant = |name: String, neighbor: u32| {
        let thread = if neighbor == NO_NUMBER { OWN } else { neighbor };
        json!({"ph": "i", "s": "t", "name": name, "pid": peer, "tid": thread, "ts": at, "args": {"line": place}})
    };
    let list = |number: u32| {
        let ids = lists.get(number as usize).map_or(&[][..], |list| list);
        ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    Some(match *event {
        Event::Makes(id) => instant("makes a connection".into(), id),
        Event::ConnectedFrom(id) => instant("is connected from".into(), id),
        Event::ConnectedWith(id) => instant("is connected with".into(), id),
        Event::Preferred(number) => instant(format!("preferred: {}", list(number)), NO_NUMBER),
        Event::PreferredTick(number) => instant(format!("tick, preferred: {}", list(number)), NO_NUMBER),
        Event::Optimistic(id) => instant("optimistic".into(), id),
        Event::OptimisticTick(id) => instant("tick, optimistic".into(), id),
        Event::UnchokedBy(id) => {
            open.since.insert(id, at);
            instant("unchoked".into(), id)
        }
        Event::ChokedBy(id) => instant("choked".into(), id),
        Event::Have { from, index } => instant(format!("have{}", numbered(index)), from),
        Event::Interested(id) => instant("interested".into(), id),
        Event::NotInterested(id) => instant("not interested".into(), id),
        Event::Downloaded { from, index, count } => {
            open.piece(peer, (from, index), at, json!({"line": place, "pieces": known(count)}))
        }
        Event::Count(count) => instant(format!("has{} pieces", numbered(count)), NO_NUMBER),
        Event::Complete => instant("complete".into(), NO_NUMBER),
        Event::Handshake { neighbor, sent } => instant(format!("{} handshake", verb(sent)), neighbor),
        Event::Message { neighbor, sent: true, message: Message { kind: Kind::Request, number } } => {
            open.requested.insert((neighbor, number), at);
            instant(format!("sends request{}", numbered(number)), neighbor)
        }
        Event::Message { neighbor, sent: false, message: Message { kind: Kind::Piece, number } }
            if open.told.get(&(neighbor, number)).is_some_and(|told| *told > 0) =>
        {
            // A line of its own says the same.
            open.told.entry((neighbor, number)).and_modify(|told| *told -= 1);
            return None;
        }
        Event::Message { neighbor, sent: false, message: Message { kind: Kind::Piece, number } }
            if open.requested.contains_key(&(neighbor, number)) =>
        {
            open.piece(peer, (neighbor, number), at, json!({"line": place}))
        }
        Event::Message { neighbor, sent, message } => {
            let kind = format!("{:?}", message.kind).to_lowercase();
            instant(format!("{} {kind}{}", verb(sent), numbered(message.number)), neighbor)
        }
        Event::Closed { neighbor, in_order } => {
            open.requested.retain(|(of, _), _| *of != neighbor);
            instant(if in_order { "closed".into() } else { "closed out of order".to_owned() }, neighbor)
        }
    })
}

fn verb(sent: bool) -> &'static str {
    if sent { "sends" } else { "receives" }
}

fn known(number: u32) -> Option<u32> {
    (number != NO_NUMBER).then_some(number)
}

fn numbered(number: u32) -> String {
    known(number).map_or_else(String::new, |number| format!(" {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Moment;
    use crate::replay::sample::{log, record};

    fn trace(record: &Record) -> Vec<Value> {
        let mut text = Vec::new();
        write(&mut text, record, &Times::of(record, &[])).expect("memory");
        let trace: Value = serde_json::from_slice(&text).expect("JSON");
        trace["traceEvents"].as_array().expect("a list").iter().filter(|value| value["ph"] != "M").cloned().collect()
    }

    #[test]
    fn a_piece_lasts_from_the_unchoke_or_the_piece_before() {
        let piece = |index| Event::Downloaded { from: 1002, index, count: 1 };
        let entries = [
            (Moment(100), Event::Makes(1002)),
            (Moment(200), Event::UnchokedBy(1002)),
            (Moment(450), piece(3)),
            (Moment(500), piece(4)),
        ];
        let pieces: Vec<_> =
            trace(&record(&[Some(log(entries))])).into_iter().filter(|value| value["ph"] == "X").collect();
        let facts: Vec<_> = pieces.iter().map(|value| (&value["name"], &value["ts"], &value["dur"])).collect();
        let expected = [("piece 3", 100, 250), ("piece 4", 350, 50)].map(|(n, t, d)| (json!(n), json!(t), json!(d)));
        assert_eq!(facts, expected.each_ref().map(|(n, t, d)| (n, t, d)));
        assert_eq!((&pieces[0]["pid"], &pieces[0]["tid"]), (&json!(1001), &json!(1002)));
        assert_eq!(pieces[1]["args"]["line"], "log_peer.log:4");
    }

    #[test]
    fn a_request_in_an_event_file_is_the_beginning() {
        let request = Message { kind: Kind::Request, number: 3 };
        let mut record = record(&[Some(log([(Moment(900), Event::Downloaded { from: 1002, index: 3, count: 1 })]))]);
        record.peers[0].events =
            Some(log([(Moment(250), Event::Message { neighbor: 1002, sent: true, message: request })]));
        let trace = trace(&record);
        let piece = trace.iter().find(|value| value["ph"] == "X").expect("a piece");
        assert_eq!((&piece["ts"], &piece["dur"]), (&json!(0), &json!(650)));
    }

    fn message(sent: bool, kind: Kind, number: u32) -> Event {
        Event::Message { neighbor: 1002, sent, message: Message { kind, number } }
    }

    #[test]
    fn pieces_of_a_peer_that_asks_for_several_do_not_overlap() {
        let events = [
            (Moment(100), message(true, Kind::Request, 3)),
            (Moment(110), message(true, Kind::Request, 4)),
            (Moment(300), message(false, Kind::Piece, 3)),
            (Moment(450), message(false, Kind::Piece, 4)),
        ];
        let mut record = record(&[None]);
        record.peers[0].events = Some(log(events));
        let trace = trace(&record);
        let pieces: Vec<_> = trace.iter().filter(|value| value["ph"] == "X").collect();
        let facts: Vec<_> =
            pieces.iter().map(|piece| [&piece["ts"], &piece["dur"], &piece["args"]["since_request"]]).collect();
        // Times count from the first event.
        let expected = [[0, 200, 200], [200, 150, 340]].map(|piece| piece.map(|number| json!(number)));
        assert_eq!(facts, expected.each_ref().map(<[Value; 3]>::each_ref));
    }

    #[test]
    fn a_piece_message_that_no_line_tells_is_shown() {
        let piece = message(false, Kind::Piece, 3);
        let mut record = record(&[Some(log([(Moment(900), Event::Downloaded { from: 1002, index: 3, count: 1 })]))]);
        record.peers[0].events = Some(log([(Moment(890), piece), (Moment(950), piece)]));
        let names: Vec<_> = trace(&record).iter().map(|value| value["name"].clone()).collect();
        assert_eq!(names, ["piece 3", "receives piece 3"]);
    }

    #[test]
    fn each_peer_and_neighbor_has_a_name() {
        let mut text = Vec::new();
        let record = record(&[None, None]);
        write(&mut text, &record, &Times::of(&record, &[])).expect("memory");
        let text = String::from_utf8(text).expect("text");
        assert!(text.contains("peer 1001 (seeder)") && text.contains("neighbor 1002"), "{text}");
    }
}
