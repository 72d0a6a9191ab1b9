//! Piece messages: who gets which, with which bytes, in both directions; the last one and files of odd sizes.

use std::time::Duration;

use peer_process::protocol::message::Message;

use crate::check::cases::steps::{self, TRADES, UNCHOKES};
use crate::check::mistakes::{self, Mistake};
use crate::check::plan::{Nb, Plan};
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Level::Must;
use crate::check::world::{Stop, Wait, World};
use crate::rubric::Item;

const EARLIER: Nb = Nb(0);
const LATER: Nb = Nb(1);
/// A peer that sends what it must not send does so within this time.
const WATCHED: Duration = Duration::from_millis(300);

pub static CASES: &[Case] = &[
    case(
        "pieces/serves",
        ("A7", Item::I3e, Must),
        "Each request of an unchoked neighbor is answered with that piece.",
        UNCHOKES,
        serves,
    ),
    case(
        "pieces/content",
        ("A1", Item::I3e, Must),
        "Piece i has the bytes of the file from i * PieceSize on.",
        &["pieces/serves"],
        content,
    ),
    case(
        "pieces/header",
        ("A5", Item::I3e, Must),
        "A piece message has the 4-byte index before the bytes, and its length counts type, index and bytes.",
        &["pieces/serves"],
        header,
    ),
    case(
        "pieces/only-requested",
        ("A5", Item::I3e, Must),
        "A piece is sent only in answer to a request, once for each.",
        &["pieces/serves"],
        only_requested,
    ),
    case(
        "pieces/last-sent",
        ("A1", Item::I3e, Must),
        "The last piece is sent with just the bytes that are left of the file, and others are sent after it.",
        &["pieces/serves"],
        last_sent,
    ),
    case(
        "pieces/last-received",
        ("A1", Item::I3e, Must),
        "The last piece is requested, and taken with just the bytes that are left of the file; the peer goes on after it.",
        &["interest/interested", "requests/starts", "pieces/have-to-all"],
        last_received,
    ),
    case(
        "pieces/serves-before-complete",
        ("A3", Item::I1c, Must),
        "A peer serves the pieces that it has before its file is complete.",
        &["pieces/serves", "pieces/last-sent", "requests/starts", "pieces/have-to-all"],
        serves_before_complete,
    ),
    case(
        "pieces/one-byte-last",
        ("A1", Item::I3e, Must),
        "The last piece may have one byte: it is downloaded and served.",
        &["pieces/last-received", "pieces/last-sent", "pieces/last-have", "choking/unchokes"],
        one_byte_last,
    ),
    case(
        "pieces/single-piece-file",
        ("A1", Item::I3e, Must),
        "A file may be shorter than one piece: it is downloaded and served.",
        &["pieces/last-received", "pieces/last-sent", "pieces/last-have", "choking/unchokes"],
        single_piece_file,
    ),
    case(
        "pieces/exact-multiple",
        ("A1", Item::I3e, Must),
        "If FileSize is a multiple of PieceSize, the last piece is a whole one, and no piece follows it.",
        TRADES,
        exact_multiple,
    ),
];

/// Asks for all pieces but the last one, about which others ask.
fn serves(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 2), |world| {
        for nb in [EARLIER, LATER, Nb(2)] {
            steps::only_greets(world, nb, []);
        }
        world.start()?;
        for nb in [EARLIER, LATER] {
            world.meet(nb)?;
            world.say(nb, Message::Interested);
        }
        for nb in [EARLIER, LATER] {
            steps::unchoked(world, nb)?;
        }
        world.doing("requested the pieces 0 to 9 as two neighbors, one after the other");
        for number in 0..10 {
            for nb in [EARLIER, LATER] {
                let (mark, piece) = (world.history().mark(), steps::piece_of(world, number));
                world.say(nb, Message::Request(piece));
                let wait = Wait::to_see(format!("piece {number}")).or(&mistakes::NOT_SERVED);
                steps::served(world, nb, mark, number, wait)?;
            }
        }
        Ok(())
    })
}

/// Lets a neighbor download the file from a seeder. What does not come is asked about by `pieces/serves`.
fn download(world: &mut World) -> Result<(), Stop> {
    steps::only_greets(world, EARLIER, []);
    world.start()?;
    world.doing("let a neighbor download the file");
    world.meet(LATER)?;
    let patience = world.env().patience;
    world.look_for(patience, |world| world.has(LATER).is_full() || world.facts().of(LATER).is_broken).map(drop)
}

fn content(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1).with_pieces(9, 3001), download)
}

fn header(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), download)
}

fn only_requested(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), |world| {
        steps::only_greets(world, LATER, []);
        world.start()?;
        world.meet(LATER)?;
        world.say(LATER, Message::Interested);
        steps::unchoked(world, LATER)?;
        world.doing("requested piece 4, and then nothing");
        let (mark, piece) = (world.history().mark(), steps::piece_of(world, 4));
        world.say(LATER, Message::Request(piece));
        steps::served(world, LATER, mark, 4, Wait::to_see("piece 4").or(&mistakes::NOT_SERVED))?;
        world.watch(WATCHED)
    })
}

fn last_sent(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), |world| {
        steps::only_greets(world, LATER, []);
        world.start()?;
        world.meet(LATER)?;
        world.say(LATER, Message::Interested);
        steps::unchoked(world, LATER)?;
        world.doing("requested piece 10, the last one, which has 100 bytes of 256");
        let (mark, piece) = (world.history().mark(), steps::piece_of(world, 10));
        world.say(LATER, Message::Request(piece));
        steps::served(world, LATER, mark, 10, Wait::to_see("piece 10").or(&mistakes::NOT_SERVED))?;
        world.doing("requested piece 3 after piece 10, the last one");
        let (mark, piece) = (world.history().mark(), steps::piece_of(world, 3));
        world.say(LATER, Message::Request(piece));
        steps::served(world, LATER, mark, 3, Wait::to_see("piece 3").or(&mistakes::STOPS_AFTER_LAST))
    })
}

fn last_received(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        steps::serves(world, LATER, [10]);
        world.start()?;
        world.meet(LATER)?;
        world.doing("offered piece 10, the last one, which has 100 bytes of 256");
        let wait = |what: &str, mistake| Wait::to_see(what).or(mistake);
        steps::request(world, LATER, 0, 10, wait("interested and a request for piece 10", &mistakes::ROUNDED_DOWN))?;
        let last = steps::piece_of(world, 10);
        world.doing("uploaded piece 10, the last one, which has 100 bytes of 256, and announced piece 1");
        let (mark, piece) = (world.history().mark(), steps::piece_of(world, 1));
        world.announce(LATER, piece);
        steps::request(world, LATER, mark, 1, wait("a request for piece 1", &mistakes::WAITS_FOR_FULL_LAST))?;
        steps::told(world, LATER, last, Wait::to_see("a have for piece 10").or(&mistakes::WAITS_FOR_FULL_LAST))
    })
}

fn serves_before_complete(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        let numbers = [0, 3, 5, 10];
        steps::serves(world, EARLIER, numbers);
        world.start()?;
        world.meet(LATER)?;
        world.doing("uploaded four pieces of 11, and let another neighbor download them");
        let wait = Wait::to_see("the pieces 0, 3, 5 and 10, as they are requested").from(LATER);
        let wanted = world.plan().pieces(numbers);
        world.until(&wait.or(&mistakes::NOT_SERVED), |world| (*world.has(LATER) == wanted).then_some(()))
    })
}

/// Lets the peer download the file from one neighbor, and another one download it from the peer.
fn pass_on(stage: &mut Stage, plan: Plan, which: &str, mistake: &'static Mistake) -> Result<(), Stop> {
    stage.run(plan.with_seeder(EARLIER), |world| {
        world.start()?;
        world.meet(LATER)?;
        world.doing(format!("offered {which} to the peer"));
        let wait = Wait::to_see("requests for all pieces").or(mistake);
        world.until(&wait, |world| world.facts().can_have.is_full().then_some(()))?;
        world.doing(format!("let another neighbor download {which} from the peer"));
        steps::has_all(world, LATER, Wait::to_see("all pieces, each announced and served").or(mistake))
    })
}

fn one_byte_last(stage: &mut Stage) -> Result<(), Stop> {
    let plan = Plan { file_size: 4 * 256 + 1, ..Plan::leecher(1, 1) };
    pass_on(stage, plan, "a file whose last piece has one byte", &mistakes::COUNT_WRONG)
}

fn single_piece_file(stage: &mut Stage) -> Result<(), Stop> {
    let plan = Plan { file_size: 100, ..Plan::leecher(1, 1) };
    pass_on(stage, plan, "a file of one piece with 100 bytes of 256", &mistakes::COUNT_WRONG)
}

fn exact_multiple(stage: &mut Stage) -> Result<(), Stop> {
    let plan = Plan { file_size: 8 * 256, ..Plan::leecher(1, 1) };
    pass_on(stage, plan, "a file of 8 whole pieces", &mistakes::COUNT_WRONG)
}
