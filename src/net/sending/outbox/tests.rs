//! The bounds of the messages that wait for a neighbor, and what a choke takes back.

use std::net::{Ipv4Addr, TcpListener, TcpStream};

use tempfile::TempDir;

use super::*;
use crate::disk::storage::PieceStore;
use crate::net::figures::Tally;

fn layout() -> FileLayout {
    FileLayout::new(1000, 10).expect("a layout")
}

fn piece(number: u32) -> Message {
    Message::Piece(layout().piece(number).expect("there are 100"))
}

fn outbox() -> Outbox {
    let dir = TempDir::new().expect("a directory");
    let store = PieceStore::create(dir.path(), "f", layout()).expect("an empty directory");
    let source = Source { store: Arc::new(store), tally: Arc::new(Tally::new()) };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let socket = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
    Outbox::new(PeerId::new(1002).expect("it is positive"), Arc::new(Stream::new(socket)), source, None)
}

/// Reports whether another request may be read.
fn has_room(outbox: &Outbox) -> bool {
    outbox.wait_for_room(Duration::ZERO)
}

/// A choked neighbor gets no pieces (protocol A7).
#[test]
fn a_choke_takes_back_the_pieces_that_wait_and_later_ones_wait_behind_it() {
    let outbox = outbox();
    outbox.push(Message::Unchoke, false);
    (0..3).for_each(|number| _ = outbox.push(piece(number), false));
    assert_eq!(outbox.lock().pieces.len(), 3);
    outbox.push(Message::Choke, false);
    assert!(outbox.lock().pieces.is_empty());
    outbox.push(Message::Unchoke, false);
    outbox.push(piece(3), false);
    let queue = outbox.lock();
    assert_eq!(queue.pieces.iter().map(|piece| Message::Piece(*piece)).collect::<Vec<_>>(), [piece(3)]);
    assert_eq!(queue.messages, [Message::Unchoke, Message::Choke, Message::Unchoke]);
}

#[test]
fn no_other_message_takes_back_a_piece() {
    let outbox = outbox();
    outbox.push(piece(0), false);
    let have = Message::Have(layout().piece(1).expect("there are 100"));
    for message in [Message::Unchoke, Message::Interested, Message::NotInterested, have] {
        outbox.push(message, false);
    }
    assert_eq!(outbox.lock().pieces.len(), 1);
}

#[test]
fn a_neighbor_with_64_requests_is_not_read_from_until_a_piece_has_left_or_a_choke_takes_them_back() {
    let outbox = outbox();
    for number in 0..64 {
        assert!(has_room(&outbox), "{number} pieces wait");
        outbox.push(piece(number), false);
    }
    assert!(!has_room(&outbox));
    let pen = outbox.wait_for_pen().expect("there is something to write");
    assert!(has_room(&outbox), "the pen holds one");
    outbox.push(piece(64), false);
    assert!(!has_room(&outbox));
    outbox.push(Message::Choke, false);
    assert!(has_room(&outbox));
    drop(pen);
}

#[test]
fn a_closed_outbox_always_has_room() {
    let outbox = outbox();
    (0..64).for_each(|number| _ = outbox.push(piece(number), false));
    assert!(!has_room(&outbox));
    outbox.close();
    assert!(has_room(&outbox));
}

#[test]
fn at_most_262144_messages_wait() {
    let outbox = outbox();
    for number in 0..262_144 {
        assert_ne!(outbox.push(Message::Interested, true), Pushed::Full, "{number} messages wait");
    }
    assert_eq!(outbox.push(Message::Interested, true), Pushed::Full);
    assert_eq!(outbox.push(Message::Choke, false), Pushed::Full);
    assert_eq!(outbox.lock().messages.len(), 262_144);
    outbox.abort();
    assert_eq!(outbox.push(Message::Interested, true), Pushed::Queued, "nothing is sent any more");
    assert!(outbox.lock().messages.is_empty());
}
