//! The whole `Peer`: arbitrary events in arbitrary order, impossible ones included, and the rules after each of them.

use peer_process::peer::{Allowances, Ending, Event, Membership, Opener, Origin, Peer, Select, Setup};
use peer_process::protocol::layout::{FileLayout, PieceIndex};
use peer_process::protocol::message::Message;
use peer_process::protocol::peer_id::PeerId;
use peer_process::protocol::piece_set::PieceSet;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::input::Input;
use super::ledger::Ledger;
use super::open::{event_of_members, opened};
use super::rules;

/// Number of events that shows as much as more would, and keeps the fuzzer quick; fewer where there are thousands of pieces.
const MOST_EVENTS: usize = 500;
const MOST_EVENTS_OF_MANY_PIECES: usize = 100;
/// The byte of `AllowanceCame`, which no input had in an event's place before there were limits.
const ALLOWANCE: u8 = 252;

/// The first bytes choose the peer, the others its events.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let setup = setup(&mut input);
    let seed = input.byte();
    let select = [Select::Rarest, Select::Sequential].get(usize::from(seed) % 8).copied();
    // This is newer than the corpus, where few inputs have such a seed.
    let (allowances, opens) =
        if (192..224).contains(&seed) { allowances(&mut input) } else { (Allowances::default(), false) };
    let setup = Setup { select: select.unwrap_or_default(), allowances, ..setup };
    let setup = if seed >= 224 || opens { opened(&mut input, setup) } else { setup };
    let mut peer = Peer::new(setup.clone(), StdRng::seed_from_u64(seed.into()));
    let mut ledger = Ledger::new(&setup);
    let mut event = Event::Started;
    let mut actions = Vec::new();
    let many = setup.pieces.layout().piece_count() > 1000;
    for number in 0..if many { MOST_EVENTS_OF_MANY_PIECES } else { MOST_EVENTS } {
        if let Event::MessageReceived { from, message: Message::Piece(piece) } = event {
            assert_eq!(peer.welcome(from, piece), ledger.welcome(from, piece), "piece {piece} from {from}");
        }
        peer.handle(event.clone(), &mut actions);
        if let Err(fault) = rules::check(&mut ledger, &event, &actions, &peer) {
            panic!("event {number}, {event:?}, gives {actions:?}: {fault}");
        }
        actions.clear();
        if input.is_empty() {
            break;
        }
        event = next_event(&mut input, &setup, &ledger);
    }
}

/// IDs of no neighbor have the number after the last.
fn id(number: u32) -> PeerId {
    PeerId::new(1001 + number).expect("a positive number")
}

fn setup(input: &mut Input) -> Setup {
    let neighbors: Vec<_> = (0..=input.below(6)).map(id).collect();
    let preferred_count = input.below(4) as usize;
    let piece_count = match input.byte() {
        count @ 0..200 => u64::from(count % 20),
        // More than the pieces of a word, and more than the pieces of a block for the random choice.
        count @ 200..240 => 60 + u64::from(count % 10),
        count => 4090 + u64::from(count % 10),
    };
    // The last piece is shorter.
    let layout = FileLayout::new((piece_count * 2).saturating_sub(1), 2).expect("small sizes");
    let has_file = Setup::new(neighbors, layout, true, preferred_count);
    let complete_neighbors = input.byte();
    let listed = (0..).zip(&has_file.neighbors);
    let complete_neighbors =
        listed.filter(|(place, _)| complete_neighbors >> place & 1 == 1).map(|(_, &id)| id).collect();
    let (pieces, file_completed) = match input.byte() % 4 {
        0 => (PieceSet::empty(layout), false),
        1 => (PieceSet::full(layout), true),
        // Killed between the last piece and the rename, or on the way there.
        2 => (PieceSet::full(layout), false),
        _ => (some_pieces(input, layout), false),
    };
    Setup { pieces, file_completed, complete_neighbors, ..has_file }
}

/// For all, for each, for both; or for none, without effect. Also whether the swarm is an open one.
fn allowances(input: &mut Input) -> (Allowances, bool) {
    let limits = input.byte();
    let mut limit = |place: u8| (limits >> place & 1 == 1).then(|| byte_count(input));
    (Allowances { all: limit(0), each: limit(1) }, limits & 4 != 0)
}

/// A few bytes, up to several pieces; or more than will ever be needed, up to the greatest number.
fn byte_count(input: &mut Input) -> u64 {
    match input.byte() {
        few @ 0..240 => u64::from(few % 12),
        many @ 240..248 => 100 * u64::from(many - 239),
        248..250 => u32::MAX.into(),
        250..252 => i64::MAX.unsigned_abs(),
        252 => i64::MAX.unsigned_abs() + 1,
        _ => u64::MAX,
    }
}

fn some_pieces(input: &mut Input, layout: FileLayout) -> PieceSet {
    let mut set = PieceSet::empty(layout);
    let pattern = input.short();
    match pattern {
        0 => {}
        0xffff => set = PieceSet::full(layout),
        _ => layout.pieces().filter(|piece| pattern >> (piece.number() % 16) & 1 == 1).for_each(|piece| {
            set.insert(piece);
        }),
    }
    set
}

fn next_event(input: &mut Input, setup: &Setup, ledger: &Ledger) -> Event {
    let layout = setup.pieces.layout();
    let Allowances { all, each } = setup.allowances;
    let is_open = setup.membership != Membership::Listed;
    // In an open swarm, some join that are not known at the start.
    let others = if is_open { 4 } else { 1 };
    let others = u32::try_from(setup.neighbors.len()).expect("few") + others;
    // The last ones are newer than the corpus; most peers know nothing of limits.
    let kind = match input.byte() {
        byte @ 168..216 if is_open => {
            return event_of_members(byte, id(input.below(others)));
        }
        216..240 if all.or(each).is_some() => ALLOWANCE,
        byte @ 0..240 => byte % 24,
        byte => byte,
    };
    let neighbor = id(input.below(others));
    let received = |message| Event::MessageReceived { from: neighbor, message };
    let mut any_piece = || layout.piece(input.below(layout.piece_count().max(1)));
    match kind {
        0 | 1 => {
            let opened_by = if input.flag() { Opener::Us } else { Opener::Them };
            let origin = if opened_by == Opener::Us { Origin::LISTED } else { Origin(1) };
            Event::NeighborConnected { neighbor, opened_by, origin }
        }
        2 => Event::NeighborLost { neighbor, ending: if input.flag() { Ending::Closed } else { Ending::Broken } },
        3 => received(Message::Choke),
        4 | 5 => received(Message::Unchoke),
        6 | 7 => received(Message::Interested),
        8 => received(Message::NotInterested),
        9 | 10 => received(any_piece().map_or(Message::Interested, Message::Have)),
        11 | 12 => received(Message::Bitfield(Box::new(some_pieces(input, layout)))),
        13 => received(any_piece().map_or(Message::Unchoke, Message::Request)),
        14 => received(any_piece().map_or(Message::Choke, Message::Piece)),
        // The event if the neighbor did its part, or does so too late.
        15..=17 => received(nth(&ledger.owed_by(neighbor), input).map_or(Message::Unchoke, Message::Piece)),
        18 | 19 => nth(&ledger.saving(), input).map_or(Event::FileCompleted, |piece| Event::PieceSaved { piece }),
        20 => match any_piece() {
            Some(piece) if input.flag() => Event::PieceSaved { piece },
            _ if input.flag() => Event::FileCompleted,
            _ => Event::Started,
        },
        21 => Event::PreferredTick,
        22 => Event::OptimisticTick,
        240..=247 => nth(&ledger.saving(), input).map_or(Event::Started, |piece| Event::PieceWrong { piece }),
        ALLOWANCE => Event::AllowanceCame { of_all: byte_count(input), of_each: byte_count(input) },
        248..=250 => Event::PauseOver { neighbor, origin: Origin((kind % 3).into()) },
        251 | 253 => Event::NeighborConnected { neighbor, opened_by: Opener::Them, origin: Origin(2) },
        254 => Event::ContestOver { neighbor, number: u32::from(input.byte() % 4) },
        255 => Event::SecondPassed,
        _ => Event::RequestTimedOut { neighbor },
    }
}

fn nth(pieces: &[PieceIndex], input: &mut Input) -> Option<PieceIndex> {
    let count = u32::try_from(pieces.len()).expect("few");
    (count > 0).then(|| pieces[input.below(count) as usize])
}
