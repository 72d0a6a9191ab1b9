//! `contrib/p2pfilesharing.lua` in Debian's tshark, on captures that the tests write themselves from bytes of `protocol::wire`.

#[path = "../support/left_out.rs"]
#[allow(dead_code, reason = "other test crates use the rest of it")]
mod left_out;

mod capture;
mod faults;
mod fields;
mod random;
mod shark;
mod streams;

use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::message::Message;
use peer_process::protocol::peer_id::PeerId;
use peer_process::protocol::piece_set::PieceSet;
use peer_process::protocol::wire::{Handshake, encode};

/// The columns as tshark names them for `-e`.
const INFO: &str = "_ws.col.Info";
const PROTOCOL: &str = "_ws.col.Protocol";

/// 20 pieces of 1000 bytes, the last of 500.
fn layout() -> FileLayout {
    FileLayout::new(19_500, 1000).expect("20 pieces")
}

fn handshake(id: u32) -> Vec<u8> {
    Handshake::of(PeerId::new(id).expect("not 0")).to_bytes().to_vec()
}

/// A message's bytes, those of a piece included.
fn bytes(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(message, layout(), &mut bytes);
    if let Message::Piece(piece) = message {
        bytes.extend((0..layout().piece_len(*piece)).map(|place| (place * 7 + 3).to_le_bytes()[0]));
    }
    bytes
}

fn have(number: u32) -> Vec<u8> {
    bytes(&Message::Have(layout().piece(number).expect("a piece")))
}

fn request(number: u32) -> Vec<u8> {
    bytes(&Message::Request(layout().piece(number).expect("a piece")))
}

fn piece(number: u32) -> Vec<u8> {
    bytes(&Message::Piece(layout().piece(number).expect("a piece")))
}

fn bitfield(pieces: &[u32]) -> Vec<u8> {
    let mut set = PieceSet::empty(layout());
    for number in pieces {
        set.insert(layout().piece(*number).expect("a piece"));
    }
    bytes(&Message::Bitfield(Box::new(set)))
}
