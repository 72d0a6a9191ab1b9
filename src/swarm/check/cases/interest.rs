//! Interested and not interested (A6).

use std::time::Duration;

use peer_process::protocol::message::Message;

use super::steps::{self, TALKS};
use crate::check::judge::CROSSING;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan};
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Level::{Must, Should};
use crate::check::world::{Stop, Wait, World};
use crate::rubric::Item;

const EARLIER: Nb = Nb(0);
const LATER: Nb = Nb(1);
/// A peer that says what it must not say does so within this time.
const WATCHED: Duration = Duration::from_millis(300);

pub static CASES: &[Case] = &[
    case(
        "interest/interested",
        ("A6", Item::I2c, Must),
        "After a bitfield with a piece that the peer lacks it says interested.",
        TALKS,
        interested,
    ),
    case(
        "interest/by-have",
        ("A6", Item::I3d, Must),
        "A have for a piece that the peer lacks makes it say interested to a neighbor that had nothing for it.",
        &["start/listens", "handshake/bytes", "interest/interested"],
        by_have,
    ),
    case(
        "interest/while-choked",
        ("A6", Item::I3d, Must),
        "Interest does not depend on being choked: it is said to a neighbor that has just choked the peer, too.",
        &["interest/by-have", "interest/after-last", "requests/starts"],
        while_choked,
    ),
    case(
        "interest/not-interested",
        ("A6", Item::I2c, Must),
        "After a bitfield without a piece that the peer lacks it says not interested.",
        TALKS,
        not_interested,
    ),
    case(
        "interest/after-last",
        ("A6", Item::I3c, Must),
        "When the peer has all pieces of a neighbor, it says not interested, though other neighbors have more.",
        &["interest/by-have", "requests/starts", "interest/not-interested"],
        after_last,
    ),
    case(
        "interest/all-neighbors",
        ("A6", Item::I3c, Must),
        "After each piece the peer reviews its interest in every neighbor, not only in the one that sent it.",
        &["interest/after-last"],
        all_neighbors,
    ),
    case(
        "interest/again",
        ("A6", Item::I3d, Must),
        "After not interested, a have for a missing piece makes the peer say interested again.",
        &["interest/after-last", "interest/by-have"],
        again,
    ),
    case(
        "interest/changes-only",
        ("B", Item::I2c, Should),
        "Interested and not interested are not repeated: several haves make the peer say interested once.",
        &["interest/by-have"],
        changes_only,
    ),
    case(
        "interest/only-if-missing",
        ("A6", Item::I2c, Must),
        "The peer says interested only to a neighbor that has a piece that it lacks.",
        TALKS,
        only_if_missing,
    ),
    case(
        "interest/two-flags",
        ("A6", Item::I2c, Must),
        "The neighbor's interest in the peer and the peer's interest in the neighbor are two things: neither changes the other.",
        &["interest/by-have", "requests/starts"],
        two_flags,
    ),
];

fn interested(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        // Both stand in the first byte: others ask whether a peer reads the next one.
        steps::only_greets(world, EARLIER, [5]);
        steps::only_greets(world, LATER, [2]);
        steps::start_and_meet(world)?;
        world.doing("sent a bitfield with one piece");
        for nb in [EARLIER, LATER] {
            steps::interest(world, nb, true, Wait::to_see("interested").or(&mistakes::NEVER_INTERESTED))?;
        }
        Ok(())
    })
}

fn by_have(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        steps::only_greets(world, EARLIER, []);
        steps::only_greets(world, LATER, []);
        steps::start_and_meet(world)?;
        for (nb, number) in [(EARLIER, 2), (LATER, 3)] {
            world.doing(format!("sent an empty bitfield, and later announced piece {number} by a have"));
            let piece = steps::piece_of(world, number);
            steps::announce_alone(world, nb, piece)?;
            steps::interest(world, nb, true, Wait::to_see("interested").or(&mistakes::INTEREST_ONCE))?;
        }
        Ok(())
    })
}

/// Lets the peer get piece 2 from a neighbor that has nothing else, and waits for its `not interested`.
fn exhaust(world: &mut World, nb: Nb) -> Result<(), Stop> {
    world.doing("sent a bitfield with piece 2, unchoked the peer and uploaded the piece");
    let piece = steps::piece_of(world, 2);
    steps::interest(world, nb, true, Wait::to_see("interested"))?;
    let mark = world.history().mark();
    world.say(nb, Message::Unchoke);
    steps::request(world, nb, mark, 2, Wait::to_see("a request for piece 2"))?;
    world.say(nb, Message::Piece(piece));
    let wait = Wait::to_see("not interested after the last piece that this neighbor has");
    steps::interest(world, nb, false, wait.or(&mistakes::NEVER_NOT_INTERESTED))
}

fn while_choked(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        steps::only_greets(world, LATER, [2]);
        world.start()?;
        world.meet(LATER)?;
        exhaust(world, LATER)?;
        world.doing("choked the peer, and announced piece 5");
        world.say(LATER, Message::Choke);
        let piece = steps::piece_of(world, 5);
        world.announce(LATER, piece);
        steps::interest(world, LATER, true, Wait::to_see("interested").or(&mistakes::NEVER_INTERESTED))
    })
}

fn not_interested(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), |world| {
        steps::only_greets(world, EARLIER, [2, 3]);
        steps::only_greets(world, LATER, [10]);
        steps::start_and_meet(world)?;
        world.doing("sent a bitfield with some pieces to a peer that has all");
        for nb in [EARLIER, LATER] {
            let wait = Wait::to_see("not interested").or(&mistakes::NEVER_NOT_INTERESTED);
            steps::interest(world, nb, false, wait)?;
        }
        Ok(())
    })
}

fn after_last(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        steps::only_greets(world, EARLIER, [2, 3, 4]);
        steps::only_greets(world, LATER, [2]);
        steps::start_and_meet(world)?;
        exhaust(world, LATER)
    })
}

fn all_neighbors(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let other = Nb(2);
        steps::only_greets(world, EARLIER, [2]);
        steps::only_greets(world, LATER, [2]);
        steps::only_greets(world, other, [2, 7]);
        steps::start_and_meet(world)?;
        let is_mistake = &mistakes::INTEREST_OF_SENDER;
        for nb in [EARLIER, other] {
            steps::interest(world, nb, true, Wait::to_see("interested"))?;
        }
        exhaust(world, LATER)?;
        let id = world.id(EARLIER);
        let wait =
            Wait::to_see(format!("not interested to peer {id}, which had only the piece that came from another"));
        steps::interest(world, EARLIER, false, wait.or(is_mistake))
    })
}

fn again(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        steps::only_greets(world, LATER, [2]);
        world.start()?;
        world.meet(LATER)?;
        exhaust(world, LATER)?;
        world.doing("announced piece 5 to the peer, which was not interested any more");
        let piece = steps::piece_of(world, 5);
        world.announce(LATER, piece);
        steps::interest(world, LATER, true, Wait::to_see("interested").or(&mistakes::INTEREST_ONCE))
    })
}

fn changes_only(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        steps::only_greets(world, LATER, [1]);
        world.start()?;
        world.meet(LATER)?;
        steps::interest(world, LATER, true, Wait::to_see("interested"))?;
        // A word that the bitfield caused may still be on its way.
        let age = world.now().saturating_sub(world.facts().of(LATER).connected_at);
        world.watch((CROSSING + CROSSING / 4).saturating_sub(age))?;
        world.doing("announced three more pieces to the interested peer, then unchoked it");
        for number in [3, 5, 8] {
            let piece = steps::piece_of(world, number);
            world.announce(LATER, piece);
        }
        let mark = world.history().mark();
        world.say(LATER, Message::Unchoke);
        // What it says because of the haves comes before the request.
        let patience = world.env().patience;
        world
            .look_for(patience, |world| {
                world.history().messages(LATER, mark).any(|(_, message)| matches!(message, Message::Request(_)))
            })
            .map(drop)
    })
}

fn only_if_missing(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), |world| {
        steps::only_greets(world, EARLIER, []);
        steps::only_greets(world, LATER, [1, 2]);
        steps::start_and_meet(world)?;
        world.doing("told a peer that has all of two pieces, and announced a third one");
        let piece = steps::piece_of(world, 3);
        world.announce(LATER, piece);
        world.watch(WATCHED)
    })
}

fn two_flags(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        let first = steps::piece_of(world, 0);
        steps::serves(world, EARLIER, [0]);
        steps::only_greets(world, LATER, []);
        steps::start_and_meet(world)?;
        let wait = Wait::to_see("a request for piece 0").from(EARLIER);
        world.until(&wait, |world| world.facts().can_have.contains(first).then_some(()))?;
        world.doing("said interested, and then announced piece 3");
        world.say(LATER, Message::Interested);
        let piece = steps::piece_of(world, 3);
        world.announce(LATER, piece);
        let wait = Wait::to_see("interested").or(&mistakes::ONE_INTEREST_FLAG);
        steps::interest(world, LATER, true, wait)
    })?;
    stage.run(Plan::leecher(1, 1), |world| {
        steps::only_greets(world, LATER, [2]);
        world.start()?;
        world.meet(LATER)?;
        steps::interest(world, LATER, true, Wait::to_see("interested"))?;
        world.doing("said not interested, and unchoked the interested peer");
        let mark = world.history().mark();
        world.say(LATER, Message::NotInterested);
        world.say(LATER, Message::Unchoke);
        let wait = Wait::to_see("a request for piece 2").or(&mistakes::ONE_INTEREST_FLAG);
        steps::request(world, LATER, mark, 2, wait)
    })
}
