//! Steps that several groups of cases take.

use std::time::Duration;

use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::message::Message;

use crate::check::habits::Habits;
use crate::check::mistakes;
use crate::check::plan::{Nb, piece};
use crate::check::world::{Stop, Wait, World};

/// What each case needs that talks to the peer at all.
pub const TALKS: &[&str] = &["start/listens", "handshake/bytes"];
/// What cases need in which the peer must unchoke a neighbor.
pub const UNCHOKES: &[&str] = &["start/listens", "handshake/bytes", "choking/unchokes"];
/// What cases need in which the peer must request a piece.
pub const REQUESTS: &[&str] = &[
    "start/listens",
    "handshake/bytes",
    "interest/interested",
    "interest/by-have",
    "requests/starts",
    "requests/next-after-piece",
    "requests/after-have",
];
/// What cases need in which the peer must request, unchoke and serve.
pub const TRADES: &[&str] = &[
    "start/listens",
    "handshake/bytes",
    "interest/interested",
    "interest/by-have",
    "requests/starts",
    "requests/next-after-piece",
    "requests/after-have",
    "choking/unchokes",
];

/// A neighbor that has these pieces, tells of them, and does no more than serve the requests of the peer, which it unchokes.
pub fn serves(world: &mut World, nb: Nb, pieces: impl IntoIterator<Item = u32>) {
    let has = world.plan().pieces(pieces);
    world.behave(nb, Habits { unchokes: true, serves_after: Some(Duration::ZERO), ..Habits::greets(has) });
}

/// A neighbor that has these pieces, tells of them, and does nothing else.
pub fn only_greets(world: &mut World, nb: Nb, pieces: impl IntoIterator<Item = u32>) {
    let has = world.plan().pieces(pieces);
    world.behave(nb, Habits::greets(has));
}

/// Returns the piece of this number.
pub fn piece_of(world: &World, number: u32) -> PieceIndex {
    piece(world.layout(), number)
}

/// Starts the peer, and waits until it has shaken hands with all neighbors: first with those that it calls.
pub fn start_and_meet(world: &mut World) -> Result<(), Stop> {
    world.start()?;
    for nb in (0..world.plan().neighbors()).map(Nb) {
        world.meet(nb)?;
    }
    Ok(())
}

/// Announces a piece when the peer has answered the bitfield: whether it hears a have that comes together with it is another
/// question. Not every peer answers an empty one.
pub fn announce_alone(world: &mut World, nb: Nb, piece: PieceIndex) -> Result<(), Stop> {
    let patience = world.env().patience / 4;
    world.look_for(patience, |world| world.facts().of(nb).they_are_interested.is_some())?;
    world.announce(nb, piece);
    Ok(())
}

/// Waits until the peer's last word to a neighbor is `interested` or `not interested`.
pub fn interest(world: &mut World, nb: Nb, is_interested: bool, wait: Wait) -> Result<(), Stop> {
    world.until(&wait.from(nb), |world| (world.facts().of(nb).they_are_interested == Some(is_interested)).then_some(()))
}

/// Waits until the peer wants pieces of this neighbor.
pub fn wanted(world: &mut World, nb: Nb) -> Result<(), Stop> {
    interest(world, nb, true, Wait::to_see("interested").or(&mistakes::NEVER_INTERESTED))
}

/// Waits until the peer has unchoked a neighbor.
pub fn unchoked(world: &mut World, nb: Nb) -> Result<(), Stop> {
    world.until(&Wait::to_see("unchoke").from(nb), |world| (!world.facts().of(nb).they_choke).then_some(()))
}

/// Waits until the peer has requested this piece of a neighbor, after a mark.
pub fn request(world: &mut World, nb: Nb, mark: usize, number: u32, wait: Wait) -> Result<(), Stop> {
    let wanted = Message::Request(piece_of(world, number));
    world.hear(nb, mark, wait, |message| *message == wanted).map(drop)
}

/// Waits until the peer has requested any piece of a neighbor, after a mark, and returns which.
pub fn any_request(world: &mut World, nb: Nb, mark: usize, wait: Wait) -> Result<PieceIndex, Stop> {
    world.until(&wait.from(nb), |world| {
        world.history().messages(nb, mark).find_map(|(_, message)| match message {
            Message::Request(piece) => Some(*piece),
            _ => None,
        })
    })
}

/// Waits until the peer has told a neighbor that it has this piece.
pub fn told(world: &mut World, nb: Nb, piece: PieceIndex, wait: Wait) -> Result<(), Stop> {
    world.until(&wait.from(nb), |world| world.facts().of(nb).they_have.contains(piece).then_some(()))
}

/// Waits until a neighbor has got this piece from the peer.
pub fn served(world: &mut World, nb: Nb, mark: usize, number: u32, wait: Wait) -> Result<(), Stop> {
    let wanted = Message::Piece(piece_of(world, number));
    world.hear(nb, mark, wait, |message| *message == wanted).map(drop)
}

/// Waits until a neighbor has all pieces of the file.
#[expect(clippy::needless_pass_by_value, reason = "the callers make it for this, as for the other waits")]
pub fn has_all(world: &mut World, nb: Nb, wait: Wait) -> Result<(), Stop> {
    world.until(&wait, |world| world.has(nb).is_full().then_some(()))
}

/// Reports whether the peer has told all these neighbors of all that was sent to it.
pub fn all_told(world: &World, neighbors: &[Nb]) -> bool {
    let facts = world.facts();
    neighbors.iter().all(|&nb| facts.given.iter().all(|(piece, _, _)| facts.of(nb).they_have.contains(*piece)))
}
