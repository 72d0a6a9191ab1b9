//! The frames of messages (A5): length, type, payload, however they arrive.

use std::time::Duration;

use peer_process::protocol::message::Message;

use super::common::means;
use super::steps::{self, REQUESTS, TALKS, UNCHOKES};
use crate::check::habits::Habits;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan};
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Level::{Must, Should};
use crate::check::world::{Stop, Wait};
use crate::rubric::Item;

/// The neighbors of `Plan::leecher(1, 1)`: the peer calls the first one, and is called by the second one.
const EARLIER: Nb = Nb(0);
const LATER: Nb = Nb(1);
/// Pause between two parts of a message. The peer's system hands over the first part before the second one comes.
const PAUSE: Duration = Duration::from_millis(3);

/// A slow peer needs this long for 3 MiB, beside others.
const LARGE: Duration = Duration::from_secs(15);

pub static CASES: &[Case] = &[
    case(
        "frames/layout",
        ("A5", Item::I2b, Must),
        "Each message is a length of 4 bytes, a type of 1 byte and a payload. The length counts type and payload; all numbers are big-endian.",
        TALKS,
        layout,
    ),
    case(
        "frames/known-types",
        ("A5", Item::Beside, Should),
        "A peer sends messages of the types 0 to 7 only.",
        TALKS,
        known_types,
    ),
    case(
        "frames/byte-by-byte",
        ("A5", Item::I2b, Must),
        "A message means the same if it arrives byte by byte.",
        REQUESTS,
        byte_by_byte,
    ),
    case(
        "frames/together",
        ("A5", Item::I3f, Must),
        "Several messages in one segment are taken one after the other; none is lost.",
        REQUESTS,
        together,
    ),
    case(
        "frames/have-and-request",
        ("A5", Item::I3f, Must),
        "A have and a request are both understood, in either order, in one segment and in two.",
        UNCHOKES,
        have_and_request,
    ),
    case(
        "frames/split-anywhere",
        ("A5", Item::I3e, Must),
        "A piece is taken whole wherever the stream is cut: in the length, behind the type, in the index, in the bytes.",
        REQUESTS,
        split_anywhere,
    ),
    case(
        "frames/big-pieces",
        ("A1", Item::I3e, Must),
        "PieceSize may be large: pieces of 1 MiB are downloaded and served.",
        &["requests/starts", "choking/unchokes", "pieces/last-received", "pieces/last-sent"],
        big_pieces,
    )
    .long(),
    case(
        "frames/after-ignored",
        ("A5", Item::I3f, Must),
        "A message without effect leaves a peer in step: a have for a piece that it has, a second choke. Our reading asks the \
        same of a request while it chokes.",
        &["interest/by-have", "requests/starts", "pieces/have-to-all", "choking/unchokes"],
        after_ignored,
    ),
];

fn layout(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1).with_seeder(EARLIER), |world| {
        world.start()?;
        world.doing("let one neighbor upload the file, and another one download it");
        world.meet(LATER)?;
        // Each type of message comes on the way. What does not come is asked about by other cases.
        let patience = world.env().patience;
        let has_spoken = |world: &crate::check::world::World| world.has(LATER).is_full();
        world.look_for(patience, |world| has_spoken(world) || is_broken(world)).map(drop)
    })
}

fn is_broken(world: &crate::check::world::World) -> bool {
    world.facts().all().any(|(_, between)| between.is_broken)
}

fn known_types(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1).with_seeder(EARLIER), |world| {
        steps::only_greets(world, LATER, []);
        world.start()?;
        world.meet(LATER)?;
        world.doing("let the peer complete its file, and watched what else it said");
        let patience = world.env().patience;
        world.look_for(patience, |world| world.facts().can_have.is_full() || is_broken(world))?;
        world.watch(Duration::from_millis(250))
    })
}

fn byte_by_byte(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1).with_pieces(11, 16), |world| {
        let nb = LATER;
        let has = world.plan().pieces([3]);
        world.behave(nb, Habits { sends_bitfield: false, ..Habits::greets(has.clone()) });
        world.start()?;
        world.meet(nb)?;
        let wait = |what: &str| Wait::to_see(what).or(&mistakes::ONE_RECV_MESSAGE);
        world.doing("sent a bitfield with piece 3 byte by byte");
        world.say_in_parts(nb, Message::Bitfield(Box::new(has)), 1.., PAUSE)?;
        steps::interest(world, nb, true, wait("interested"))?;
        let mark = world.history().mark();
        world.doing("sent unchoke byte by byte");
        world.say_in_parts(nb, Message::Unchoke, 1.., PAUSE)?;
        steps::request(world, nb, mark, 3, wait("a request for piece 3"))?;
        let piece = steps::piece_of(world, 3);
        world.doing("sent piece 3 byte by byte");
        world.say_in_parts(nb, Message::Piece(piece), 1.., PAUSE)?;
        let mark = world.history().mark();
        world.doing("sent a have for piece 5 byte by byte");
        let next = steps::piece_of(world, 5);
        world.say_in_parts(nb, Message::Have(next), 1.., PAUSE)?;
        steps::request(world, nb, mark, 5, wait("a request for piece 5"))
    })
}

fn together(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        let nb = LATER;
        steps::only_greets(world, nb, [0]);
        world.start()?;
        world.meet(nb)?;
        steps::interest(world, nb, true, Wait::to_see("interested"))?;
        let mark = world.history().mark();
        world.doing("sent two haves, not interested and unchoke in one segment");
        world.hold(nb);
        for number in [4, 7] {
            let piece = steps::piece_of(world, number);
            world.say(nb, Message::Have(piece));
        }
        world.say(nb, Message::NotInterested);
        world.say(nb, Message::Unchoke);
        world.release(nb);
        let wait = |what: &str| Wait::to_see(what).or(&mistakes::ONE_RECV_MESSAGE);
        let first = steps::any_request(world, nb, mark, wait("a request"))?;
        let mark = world.history().mark();
        world.doing(format!("sent a have for piece 9, then the requested piece {first}, in one segment"));
        let more = steps::piece_of(world, 9);
        world.hold(nb);
        world.say(nb, Message::Have(more));
        world.say(nb, Message::Piece(first));
        world.release(nb);
        steps::any_request(world, nb, mark, wait("the next request")).map(drop)
    })
}

fn have_and_request(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), |world| {
        let nb = LATER;
        steps::only_greets(world, nb, []);
        world.start()?;
        world.meet(nb)?;
        world.say(nb, Message::Interested);
        steps::unchoked(world, nb)?;
        // Numbers of the announced and the requested piece, which of both comes first, and whether they come together.
        let turns = [(0, 1, true, true), (2, 3, true, false), (4, 5, false, true), (6, 7, false, false)];
        for (has, wants, have_first, is_together) in turns {
            let mark = world.history().mark();
            let (has_piece, wanted) = (steps::piece_of(world, has), steps::piece_of(world, wants));
            let order = if have_first {
                format!("have {has}, request {wants}")
            } else {
                format!("request {wants}, have {has}")
            };
            world.doing(format!("sent {order} in {}", if is_together { "one segment" } else { "two segments" }));
            let mut messages = [Message::Have(has_piece), Message::Request(wanted)];
            if !have_first {
                messages.reverse();
            }
            if is_together {
                world.hold(nb);
            }
            for message in messages {
                world.say(nb, message);
                world.watch(if is_together { Duration::ZERO } else { PAUSE })?;
            }
            world.release(nb);
            let wait = Wait::to_see(format!("piece {wants}")).or(&mistakes::ONE_RECV_MESSAGE);
            steps::served(world, nb, mark, wants, wait)?;
        }
        Ok(())
    })
}

fn split_anywhere(stage: &mut Stage) -> Result<(), Stop> {
    /// In the length, behind it, behind the type, in the index, behind it, in the bytes, before the last byte.
    const CUTS: [usize; 7] = [2, 4, 5, 7, 9, 100, 9 + 255];
    stage.run(Plan::leecher(1, 1), |world| {
        let nb = LATER;
        steps::only_greets(world, nb, 0..10);
        world.start()?;
        world.meet(nb)?;
        steps::interest(world, nb, true, Wait::to_see("interested"))?;
        let mut mark = world.history().mark();
        world.say(nb, Message::Unchoke);
        for cut in CUTS {
            let wait = Wait::to_see("the next request").or(&mistakes::ONE_RECV_MESSAGE);
            let piece = steps::any_request(world, nb, mark, wait)?;
            mark = world.history().mark();
            world.doing(format!("sent piece {piece} in two parts, the first one of {cut} bytes"));
            world.say_in_parts(nb, Message::Piece(piece), [cut], 5 * PAUSE)?;
            let wait = Wait::to_see(format!("a have for piece {piece}, or the next request"));
            world.until(&wait.from(nb).or(&mistakes::ONE_RECV_MESSAGE), |world| {
                let mut messages = world.history().messages(nb, mark);
                messages.any(|(_, message)| matches!(message, Message::Have(_) | Message::Request(_))).then_some(())
            })?;
        }
        Ok(())
    })
}

fn big_pieces(stage: &mut Stage) -> Result<(), Stop> {
    let plan = Plan::leecher(1, 1).with_seeder(EARLIER).with_pieces(3, 1 << 20);
    stage.run(plan, |world| {
        world.start()?;
        world.meet(LATER)?;
        world.doing("offered a file with pieces of 1 MiB");
        let wait = Wait::to_see("requests for all pieces").within(LARGE).or(&mistakes::FIXED_BUFFER);
        world.until(&wait, |world| world.facts().can_have.is_full().then_some(()))?;
        world.doing("downloaded the pieces of 1 MiB again");
        steps::has_all(world, LATER, Wait::to_see("all pieces").within(LARGE).or(&mistakes::FIXED_BUFFER))
    })
}

fn after_ignored(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        let nb = LATER;
        steps::serves(world, EARLIER, [4]);
        steps::only_greets(world, nb, []);
        world.start()?;
        world.meet(nb)?;
        let known = steps::piece_of(world, 4);
        world.until(&Wait::to_see("a request for piece 4").from(EARLIER), |world| {
            world.facts().can_have.contains(known).then_some(())
        })?;
        steps::told(world, EARLIER, known, Wait::to_see("a have for piece 4"))?;
        world.doing("announced a piece that the peer has; then it announced piece 7");
        world.announce(nb, known);
        world.say(nb, Message::Interested);
        let new = steps::piece_of(world, 7);
        world.announce(nb, new);
        let wait = |what: &str| Wait::to_see(what).or(&mistakes::DESYNC);
        steps::interest(world, nb, true, wait("interested, because of the have for piece 7"))?;
        world.doing("sent choke twice to the choked peer, then unchoke");
        let mark = world.history().mark();
        world.say(nb, Message::Choke);
        world.say(nb, Message::Choke);
        world.say(nb, Message::Unchoke);
        steps::request(world, nb, mark, 7, wait("a request for piece 7").should())
    })?;
    ignores_request(stage)
}

/// Only a request that crosses a choke is right, so the text does not say what comes of another one.
fn ignores_request(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), |world| {
        let nb = LATER;
        steps::only_greets(world, nb, []);
        world.start()?;
        world.meet(nb)?;
        world.doing("requested piece 4 while choked; then it said interested");
        let wanted = steps::piece_of(world, 4);
        world.say(nb, Message::Request(wanted));
        world.say(nb, Message::Interested);
        let wait = Wait::to_see("unchoke").from(nb).should();
        let outcome = world.until(&wait, |world| (!world.facts().of(nb).they_choke).then_some(()));
        // A peer that closes has understood the request.
        if world.facts().of(nb).is_connected { means(outcome, world, &mistakes::DESYNC) } else { outcome }
    })
}
