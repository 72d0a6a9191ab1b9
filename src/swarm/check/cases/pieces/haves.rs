//! Haves: which, when, to whom, and what those of neighbors change.

use std::time::Duration;

use peer_process::protocol::message::Message;

use crate::check::cases::steps::{self, REQUESTS};
use crate::check::judge::SETTLED;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan};
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Level::{Must, Should};
use crate::check::world::{Stop, Wait, World};
use crate::rubric::Item;

const EARLIER: Nb = Nb(0);
const LATER: Nb = Nb(1);
const THIRD: Nb = Nb(2);
/// How long the tester looks for what the judge misses after [`SETTLED`].
const JUDGED: Duration = SETTLED.saturating_add(Duration::from_millis(100));

pub static CASES: &[Case] = &[
    case(
        "pieces/have-to-all",
        ("A5", Item::I3b, Must),
        "After each piece the peer sends have to all connected neighbors: the sender, those that lack the piece and those that have it.",
        &["start/listens", "handshake/bytes", "interest/interested", "requests/starts"],
        have_to_all,
    ),
    case(
        "pieces/have-after-piece",
        ("A5", Item::I3b, Must),
        "A have comes only after the piece has come.",
        REQUESTS,
        have_after_piece,
    ),
    case(
        "pieces/have-once",
        ("A5", Item::I3b, Should),
        "Each piece is announced once to a neighbor.",
        REQUESTS,
        have_once,
    ),
    case(
        "pieces/last-have",
        ("A9", Item::I3b, Must),
        "The piece that completes the file is announced to all, as each other one.",
        &["pieces/have-to-all"],
        last_have,
    ),
    case(
        "pieces/counts-haves",
        ("A6", Item::I3f, Must),
        "A have counts: the peer requests the piece, also of a neighbor that had nothing for it for a while.",
        &["interest/by-have", "requests/starts", "requests/after-have"],
        counts_haves,
    ),
];

/// Starts the peer, uploads these pieces to it from the first neighbor, and looks until the others have heard of all.
fn upload(world: &mut World, numbers: &[u32], hearers: &[Nb]) -> Result<(), Stop> {
    let count = numbers.len();
    steps::serves(world, EARLIER, numbers.iter().copied());
    // It waits until all are there: a neighbor that comes later need not hear of an earlier piece.
    world.habits(EARLIER).unchokes = false;
    steps::start_and_meet(world)?;
    steps::wanted(world, EARLIER)?;
    world.doing(format!("uploaded the pieces {numbers:?} from the first neighbor"));
    world.say(EARLIER, Message::Unchoke);
    let wait = Wait::to_see(format!("requests for {count} pieces")).from(EARLIER);
    world.until(&wait, |world| (world.facts().given.len() >= count).then_some(()))?;
    world.look_for(JUDGED, |world| steps::all_told(world, hearers)).map(drop)
}

fn have_to_all(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        // All stand in the first byte of the bitfield: others ask whether a peer reads the next one.
        let numbers = [1, 3, 4, 6];
        steps::only_greets(world, LATER, []);
        steps::only_greets(world, THIRD, numbers);
        upload(world, &numbers, &[EARLIER, LATER, THIRD])
    })
}

fn have_after_piece(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        steps::only_greets(world, LATER, []);
        let numbers = [1, 4, 6];
        let has = world.plan().pieces(numbers);
        steps::serves(world, EARLIER, numbers);
        world.habits(EARLIER).serves_after = Some(Duration::from_millis(100));
        steps::start_and_meet(world)?;
        world.doing("answered each request after 100 ms, and watched for haves before that");
        let wait = Wait::to_see("requests for 3 pieces").from(EARLIER);
        world.until(&wait, |world| has.iter().all(|piece| world.facts().can_have.contains(piece)).then_some(()))
    })
}

fn have_once(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        steps::only_greets(world, LATER, []);
        upload(world, &[1, 3, 4, 6], &[EARLIER, LATER])?;
        world.watch(Duration::from_millis(200))
    })
}

fn last_have(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2).with_pieces(3, 256), |world| {
        steps::only_greets(world, LATER, [0]);
        steps::only_greets(world, THIRD, [0, 1, 2]);
        upload(world, &[0, 1, 2], &[EARLIER, LATER, THIRD])
    })
}

fn counts_haves(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        let nb = LATER;
        steps::only_greets(world, nb, []);
        world.start()?;
        world.meet(nb)?;
        world.doing("announced piece 4 by a have, and unchoked the peer when it was interested");
        let (first, second) = (steps::piece_of(world, 4), steps::piece_of(world, 6));
        steps::announce_alone(world, nb, first)?;
        steps::interest(world, nb, true, Wait::to_see("interested").or(&mistakes::HAVE_IGNORED))?;
        world.say(nb, Message::Unchoke);
        steps::request(world, nb, 0, 4, Wait::to_see("a request for piece 4").or(&mistakes::HAVE_IGNORED))?;
        world.doing("uploaded piece 4, and announced piece 6 while the peer was unchoked and had nothing to request");
        world.say(nb, Message::Piece(first));
        steps::told(world, nb, first, Wait::to_see("a have for piece 4"))?;
        world.announce(nb, second);
        steps::request(world, nb, 0, 6, Wait::to_see("a request for piece 6").or(&mistakes::NOT_AFTER_HAVE))
    })
}
