//! A fact as a line of JSON, written by hand: most lines are a few words and numbers, and there may be thousands a second.

use super::fact::{Fact, Moment, Source, Start};
use crate::protocol::layout::FileLayout;
use crate::protocol::message::Message;
use crate::protocol::peer_id::PeerId;

/// The start of each event file.
pub const FIRST_KEY: &[u8] = b"{\"version\":";

/// Appends the first line.
pub fn write_start(start: &Start, at: Moment, out: &mut Vec<u8>) {
    out.extend_from_slice(FIRST_KEY);
    out.extend_from_slice(b"1,");
    head("start", at, out);
    number("peer", start.peer.number(), out);
    let (source, program) = match start.source {
        Source::Peer => ("peer", "peer_process"),
        Source::Tap => ("tap", "swarm"),
    };
    key("source", out);
    text(source, out);
    key("program", out);
    text(&format!("{program} {}", env!("CARGO_PKG_VERSION")), out);
    let layout = start.layout;
    for (name, value) in [
        ("piece_count", layout.piece_count().into()),
        ("piece_size", layout.piece_size().into()),
        ("file_size", layout.file_size()),
        ("preferred_neighbors", start.preferred_count.into()),
        ("unchoking_interval", start.unchoking_interval_secs.into()),
        ("optimistic_unchoking_interval", start.optimistic_interval_secs.into()),
    ] {
        number(name, value, out);
    }
    flag("has_file", start.has_file, out);
    start.pieces.iter().for_each(|pieces| number("pieces", *pieces, out));
    end(out);
}

/// Appends the line that says how many events are missing here.
pub fn write_lost(count: u64, at: Moment, out: &mut Vec<u8>) {
    out.push(b'{');
    head("lost", at, out);
    number("count", count, out);
    end(out);
}

/// Appends the last line.
pub fn write_end(status: u8, at: Moment, out: &mut Vec<u8>) {
    out.push(b'{');
    head("end", at, out);
    number("status", status, out);
    end(out);
}

/// Appends the line of a fact.
pub fn write_fact(fact: &Fact, at: Moment, layout: FileLayout, out: &mut Vec<u8>) {
    out.push(b'{');
    match fact {
        Fact::Handshake { connection, sent, peer } => {
            head("handshake", at, out);
            number("connection", *connection, out);
            flag("sent", *sent, out);
            number("peer", *peer, out);
        }
        Fact::WrongHandshake { connection, sent, bytes } => {
            head("handshake", at, out);
            number("connection", *connection, out);
            flag("sent", *sent, out);
            hex("bytes", bytes, out);
        }
        Fact::Connected { connection, dialed, neighbor, address } => {
            head("connected", at, out);
            number("connection", *connection, out);
            flag("dialed", *dialed, out);
            number("neighbor", neighbor.number(), out);
            key("address", out);
            match address {
                Some(address) => text(address, out),
                None => out.extend_from_slice(b"null"),
            }
        }
        Fact::Message { connection, neighbor, sent, message } => {
            of_message(*connection, *neighbor, *sent, at, out);
            write_message(message, layout, out);
        }
        Fact::Other { connection, neighbor, sent, number: kind, length } => {
            of_message(*connection, *neighbor, *sent, at, out);
            kind_of("other", out);
            number("number", *kind, out);
            number("length", *length, out);
        }
        Fact::Closed { connection, neighbor, in_order, reason } => {
            head("closed", at, out);
            number("connection", *connection, out);
            optional("neighbor", *neighbor, out);
            flag("in_order", *in_order, out);
            key("reason", out);
            text(reason, out);
        }
        Fact::Preferred { neighbors, candidates } => {
            head("preferred", at, out);
            flag("tick", candidates.is_some(), out);
            list("neighbors", neighbors, out, |neighbor, out| digits(neighbor.number(), out));
            list("candidates", candidates.as_deref().unwrap_or_default(), out, |(peer, bytes), out| {
                out.extend_from_slice(b"{\"peer\":");
                digits(peer.number(), out);
                number("bytes", *bytes, out);
                out.push(b'}');
            });
        }
        Fact::Optimistic { neighbor, kept, candidates } => {
            head("optimistic", at, out);
            flag("tick", candidates.is_some(), out);
            optional("neighbor", *neighbor, out);
            optional("kept", *kept, out);
            list("candidates", candidates.as_deref().unwrap_or_default(), out, |peer, out| digits(peer.number(), out));
        }
        Fact::Piece { piece, from, pieces } => {
            head("piece", at, out);
            number("piece", piece.number(), out);
            number("from", from.number(), out);
            number("pieces", *pieces, out);
        }
        Fact::Complete => head("complete", at, out),
        Fact::Undecoded { connection, sent, bytes, length, reason } => {
            head("undecoded", at, out);
            number("connection", *connection, out);
            flag("sent", *sent, out);
            hex("bytes", bytes, out);
            number("length", *length, out);
            key("reason", out);
            text(reason, out);
        }
    }
    end(out);
}

fn of_message(connection: u32, neighbor: PeerId, sent: bool, at: Moment, out: &mut Vec<u8>) {
    head("message", at, out);
    number("connection", connection, out);
    number("neighbor", neighbor.number(), out);
    flag("sent", sent, out);
}

fn write_message(message: &Message, layout: FileLayout, out: &mut Vec<u8>) {
    match message {
        Message::Choke => kind_of("choke", out),
        Message::Unchoke => kind_of("unchoke", out),
        Message::Interested => kind_of("interested", out),
        Message::NotInterested => kind_of("not_interested", out),
        Message::Have(piece) => {
            kind_of("have", out);
            number("piece", piece.number(), out);
        }
        Message::Request(piece) => {
            kind_of("request", out);
            number("piece", piece.number(), out);
        }
        Message::Piece(piece) => {
            kind_of("piece", out);
            number("piece", piece.number(), out);
            number("length", layout.piece_len(*piece), out);
        }
        Message::Bitfield(set) => {
            kind_of("bitfield", out);
            number("pieces", set.count(), out);
            let mut bytes = Vec::new();
            set.write_bitfield(&mut bytes);
            hex("bits", &bytes, out);
        }
    }
}

fn head(event: &str, at: Moment, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"event\":\"");
    out.extend_from_slice(event.as_bytes());
    out.push(b'"');
    key("time", out);
    seconds(at.wall_micros, out);
    key("mono", out);
    seconds(at.mono_micros, out);
}

fn kind_of(name: &str, out: &mut Vec<u8>) {
    key("type", out);
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.push(b'"');
}

fn key(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn number(name: &str, value: impl Into<u64>, out: &mut Vec<u8>) {
    key(name, out);
    digits(value, out);
}

fn flag(name: &str, value: bool, out: &mut Vec<u8>) {
    key(name, out);
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

fn hex(name: &str, bytes: &[u8], out: &mut Vec<u8>) {
    key(name, out);
    out.push(b'"');
    for byte in bytes {
        let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
        out.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    out.push(b'"');
}

fn optional(name: &str, peer: Option<PeerId>, out: &mut Vec<u8>) {
    key(name, out);
    match peer {
        Some(peer) => digits(peer.number(), out),
        None => out.extend_from_slice(b"null"),
    }
}

fn list<T>(name: &str, items: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    key(name, out);
    out.push(b'[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}

/// Appends microseconds as seconds with six places.
fn seconds(micros: u64, out: &mut Vec<u8>) {
    digits(micros / 1_000_000, out);
    out.push(b'.');
    let mut part = micros % 1_000_000;
    let mut places = [b'0'; 6];
    for place in places.iter_mut().rev() {
        *place += last_digit(part);
        part /= 10;
    }
    out.extend_from_slice(&places);
}

fn digits(value: impl Into<u64>, out: &mut Vec<u8>) {
    let mut value = value.into();
    let mut places = [0; 20];
    let mut first = places.len();
    loop {
        first -= 1;
        places[first] = b'0' + last_digit(value);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&places[first..]);
}

fn last_digit(value: u64) -> u8 {
    u8::try_from(value % 10).expect("a digit")
}

fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"}\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::piece_set::PieceSet;

    const AT: Moment = Moment { wall_micros: 1_764_364_953_000_456, mono_micros: 12_000_007 };

    fn line(fact: &Fact) -> String {
        let layout = FileLayout::new(35, 10).expect("a layout");
        let mut out = Vec::new();
        write_fact(fact, AT, layout, &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn lines_are_as_the_documentation_shows_them() {
        let layout = FileLayout::new(35, 10).expect("a layout");
        let (id, piece) = (|number| PeerId::new(number).expect("positive"), layout.piece(3).expect("four"));
        let message = |message| Fact::Message { connection: 7, neighbor: id(1002), sent: true, message };
        let head = |event: &str| format!("{{\"event\":\"{event}\",\"time\":1764364953.000456,\"mono\":12.000007");
        let of_message = format!("{},\"connection\":7,\"neighbor\":1002,\"sent\":true,\"type\":", head("message"));
        for (fact, expected) in [
            (message(Message::NotInterested), format!("{of_message}\"not_interested\"}}\n")),
            (message(Message::Have(piece)), format!("{of_message}\"have\",\"piece\":3}}\n")),
            (message(Message::Piece(piece)), format!("{of_message}\"piece\",\"piece\":3,\"length\":5}}\n")),
            (
                message(Message::Bitfield(Box::new(PieceSet::full(layout)))),
                format!("{of_message}\"bitfield\",\"pieces\":4,\"bits\":\"f0\"}}\n"),
            ),
            (
                Fact::Preferred { neighbors: vec![id(3)], candidates: Some(vec![(id(3), u64::MAX), (id(4), 0)]) },
                format!(
                    "{},\"tick\":true,\"neighbors\":[3],\"candidates\":[{{\"peer\":3,\"bytes\":18446744073709551615}},\
                     {{\"peer\":4,\"bytes\":0}}]}}\n",
                    head("preferred")
                ),
            ),
            (
                Fact::Optimistic { neighbor: None, kept: Some(id(4)), candidates: Some(Vec::new()) },
                format!("{},\"tick\":true,\"neighbor\":null,\"kept\":4,\"candidates\":[]}}\n", head("optimistic")),
            ),
            (
                Fact::Closed { connection: 7, neighbor: None, in_order: false, reason: "a \"b\"\n".into() },
                format!(
                    "{},\"connection\":7,\"neighbor\":null,\"in_order\":false,\"reason\":\"a \\\"b\\\"\\n\"}}\n",
                    head("closed")
                ),
            ),
            (Fact::Complete, format!("{}}}\n", head("complete"))),
            (
                Fact::Undecoded {
                    connection: 7,
                    sent: true,
                    bytes: Box::new([0, 171]),
                    length: 9,
                    reason: "it is \"x\"".into(),
                },
                format!(
                    "{},\"connection\":7,\"sent\":true,\"bytes\":\"00ab\",\"length\":9,\"reason\":\"it is \\\"x\\\"\"}}\n",
                    head("undecoded")
                ),
            ),
            (
                Fact::WrongHandshake { connection: 7, sent: false, bytes: Box::new([255]) },
                format!("{},\"connection\":7,\"sent\":false,\"bytes\":\"ff\"}}\n", head("handshake")),
            ),
        ] {
            assert_eq!(line(&fact), expected);
        }
    }
}
