//! The bitfield (A5), in both directions.

use std::time::Duration;

use peer_process::protocol::message::Message;

use super::steps::{self, REQUESTS, TALKS};
use crate::check::habits::Habits;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan};
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Level::{Must, Should};
use crate::check::world::{Stop, Wait, World};
use crate::rubric::Item;

const EARLIER: Nb = Nb(0);
const LATER: Nb = Nb(1);

/// A peer that heeds nothing does not mind the bitfield either.
const HEEDS: &[&str] =
    &["start/listens", "handshake/bytes", "interest/interested", "choking/unchokes", "interest/by-have"];

pub static CASES: &[Case] = &[
    case(
        "bitfield/first",
        ("A5", Item::I2b, Must),
        "The bitfield comes only as the first message after the handshake, and once.",
        TALKS,
        first,
    ),
    case(
        "bitfield/sent-by-seeder",
        ("A5", Item::I2b, Must),
        "A peer that has pieces sends a bitfield to each neighbor, the called and the calling ones.",
        TALKS,
        sent_by_seeder,
    ),
    case(
        "bitfield/encoding",
        ("A5", Item::I2b, Must),
        "The bitfield has one bit a piece, piece 0 in the high bit of the first byte. It says what the peer has at that moment; spare bits are zero.",
        &["bitfield/sent-by-seeder", "interest/by-have", "requests/starts", "pieces/have-to-all"],
        encoding,
    ),
    case(
        "bitfield/left-out",
        ("A5", Item::I2b, Must),
        "A neighbor without pieces may leave its bitfield out: it is served, and its haves count.",
        HEEDS,
        left_out,
    ),
    case(
        "bitfield/empty-ours",
        ("A5", Item::I2b, Must),
        "A neighbor without pieces may send a bitfield of zeros: it is served, and its haves count.",
        HEEDS,
        empty_ours,
    ),
    case(
        "bitfield/partial-ours",
        ("A5", Item::I2b, Must),
        "Of a neighbor with some pieces exactly those are requested, also if their number in all is no multiple of 8.",
        REQUESTS,
        partial_ours,
    ),
    case(
        "bitfield/full-ours",
        ("A5", Item::I2b, Must),
        "Of a neighbor with a full bitfield all pieces are requested.",
        &["interest/interested", "requests/starts", "requests/next-after-piece", "pieces/last-received"],
        full_ours,
    ),
    case(
        "bitfield/own-later",
        ("A5", Item::I2b, Must),
        "Bitfield and later haves together tell a late neighbor of each piece, also of those that come while it connects.",
        &["start/listens", "handshake/bytes", "requests/starts", "bitfield/sent-by-seeder", "pieces/have-to-all"],
        own_later,
    ),
    case(
        "bitfield/spare-bits-of-ours",
        ("B", Item::Beside, Should),
        "A bitfield whose spare bits are set harms no other connection; it may end its own.",
        &["interest/by-have", "requests/starts"],
        spare_bits_of_ours,
    ),
];

fn first(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), |world| {
        steps::only_greets(world, EARLIER, []);
        steps::only_greets(world, LATER, [1]);
        steps::start_and_meet(world)?;
        world.doing("watched for other bitfields than the first message");
        // Peers that repeat it do so each second.
        world.watch(Duration::from_millis(1100))
    })
}

fn sent_by_seeder(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), |world| {
        steps::only_greets(world, EARLIER, []);
        steps::only_greets(world, LATER, []);
        steps::start_and_meet(world)?;
        for nb in [EARLIER, LATER] {
            wait_for_bitfield(world, nb)?;
        }
        Ok(())
    })
}

fn wait_for_bitfield(world: &mut World, nb: Nb) -> Result<(), Stop> {
    let wait = Wait::to_see("a bitfield").from(nb).or(&mistakes::NO_BITFIELD);
    world.until(&wait, |world| world.facts().of(nb).bitfield_came.then_some(()))
}

fn encoding(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), |world| {
        steps::only_greets(world, LATER, []);
        world.start()?;
        world.meet(LATER)?;
        world.doing("waited for the bitfield of a peer that has all 11 pieces");
        wait_for_bitfield(world, LATER)
    })?;
    stage.run(Plan::leecher(1, 1), |world| {
        let numbers = [0, 2, 3];
        // A peer that misreads bitfields gets the pieces, too.
        steps::serves(world, EARLIER, []);
        world.start()?;
        world.meet(EARLIER)?;
        world.doing("announced and uploaded the pieces 0, 2 and 3 of 11");
        for number in numbers {
            let piece = steps::piece_of(world, number);
            world.announce(EARLIER, piece);
        }
        for number in numbers {
            let piece = steps::piece_of(world, number);
            steps::told(world, EARLIER, piece, Wait::to_see(format!("a have for piece {number}")))?;
        }
        steps::only_greets(world, LATER, []);
        world.meet(LATER)?;
        world.doing("called the peer, which had announced the pieces 0, 2 and 3");
        wait_for_bitfield(world, LATER)?;
        let between = world.facts().of(LATER);
        let missing: Vec<String> = numbers
            .into_iter()
            .filter(|&number| !between.they_have.contains(steps::piece_of(world, number)))
            .map(|number| number.to_string())
            .collect();
        if !missing.is_empty() && !world.has_violation("bitfield/encoding") {
            let came = format!("a bitfield without {}", missing.join(", "));
            let mut finding = world.finding(Must, "a bitfield with the pieces 0, 2 and 3", came);
            finding.mistake = Some(&mistakes::WRONG_BITFIELD);
            world.add(finding);
        }
        Ok(())
    })
}

fn left_out(stage: &mut Stage) -> Result<(), Stop> {
    goes_on(stage, false, "left its empty bitfield out")
}

fn empty_ours(stage: &mut Stage) -> Result<(), Stop> {
    goes_on(stage, true, "sent an empty bitfield")
}

/// Is served by the peer, and lets it count a have, with or without an empty bitfield.
fn goes_on(stage: &mut Stage, sends_bitfield: bool, did: &str) -> Result<(), Stop> {
    let mistake = if sends_bitfield { &mistakes::BITFIELD_MISREAD } else { &mistakes::BITFIELD_NEEDED };
    stage.run(Plan::leecher(1, 1), |world| {
        let has = world.plan().pieces([]);
        world.behave(LATER, Habits { sends_bitfield, ..Habits::greets(has) });
        world.start()?;
        world.meet(LATER)?;
        world.doing(format!("{did}, and announced piece 4"));
        let piece = steps::piece_of(world, 4);
        world.announce(LATER, piece);
        steps::interest(world, LATER, true, Wait::to_see("interested").or(mistake))
    })?;
    stage.run(Plan::seeder(1, 1), |world| {
        let has = world.plan().pieces([]);
        world.behave(LATER, Habits { sends_bitfield, ..Habits::greets(has) });
        world.start()?;
        world.meet(LATER)?;
        world.doing(format!("{did}, and said interested"));
        world.say(LATER, Message::Interested);
        let wait = Wait::to_see("unchoke").from(LATER).or(mistake);
        world.until(&wait, |world| (!world.facts().of(LATER).they_choke).then_some(()))?;
        world.doing("requested piece 6");
        let (mark, piece) = (world.history().mark(), steps::piece_of(world, 6));
        world.say(LATER, Message::Request(piece));
        steps::served(world, LATER, mark, 6, Wait::to_see("piece 6").or(mistake))
    })
}

fn partial_ours(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| takes(world, &[1, 4, 9]))
}

fn full_ours(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| takes(world, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))
}

/// Waits until the peer has requested each of these pieces of a neighbor that has them.
fn takes(world: &mut World, numbers: &[u32]) -> Result<(), Stop> {
    steps::serves(world, LATER, numbers.iter().copied());
    steps::only_greets(world, EARLIER, []);
    world.start()?;
    world.meet(LATER)?;
    world.doing(format!(
        "sent a bitfield with the pieces {numbers:?} of 11, and unchoked the peer when it was interested"
    ));
    steps::interest(world, LATER, true, Wait::to_see("interested").or(&mistakes::BITFIELD_MISREAD))?;
    for &number in numbers {
        let wait = Wait::to_see(format!("a request for piece {number}")).or(&mistakes::BITFIELD_MISREAD);
        steps::request(world, LATER, 0, number, wait)?;
    }
    Ok(())
}

fn own_later(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        let numbers = 0..10;
        steps::serves(world, EARLIER, numbers.clone());
        world.habits(EARLIER).serves_after = Some(Duration::from_millis(15));
        steps::only_greets(world, LATER, []);
        world.start()?;
        world.meet(EARLIER)?;
        let wait = Wait::to_see("requests for pieces").from(EARLIER);
        world.until(&wait, |world| (world.facts().given.len() >= 2).then_some(()))?;
        world.doing("called the peer while it got the pieces 0 to 9 from another neighbor");
        world.meet(LATER)?;
        for number in numbers {
            let piece = steps::piece_of(world, number);
            let wait = Wait::to_see(format!("piece {number} in the bitfield or a have for it"));
            steps::told(world, LATER, piece, wait.or(&mistakes::HAVE_GAP))?;
        }
        Ok(())
    })
}

fn spare_bits_of_ours(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        let has = world.plan().pieces([]);
        world.exit_belongs_to("bitfield/spare-bits-of-ours");
        world.behave(LATER, Habits { sends_bitfield: false, ..Habits::greets(has) });
        steps::serves(world, EARLIER, [2]);
        world.start()?;
        world.meet(LATER)?;
        world.meet(EARLIER)?;
        world.doing("sent a bitfield whose spare bits are set; then another neighbor announced piece 5");
        world.say_raw(LATER, &[0, 0, 0, 3, 5, 0, 0b0001_1111], "a bitfield with all spare bits set");
        let wait = |what: &str| Wait::to_see(what).or(&mistakes::DIES_ON_BAD_BYTES).should();
        steps::request(world, EARLIER, 0, 2, wait("a request for piece 2"))?;
        let (mark, piece) = (world.history().mark(), steps::piece_of(world, 5));
        world.announce(EARLIER, piece);
        steps::request(world, EARLIER, mark, 5, wait("a request for piece 5"))
    })
}
