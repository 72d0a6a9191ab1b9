//! Connections and messages in the log.

use std::time::Duration;

use peer_process::protocol::message::Message;

use super::reading::{expect, expected};
use crate::check::cases::endings::announce_rest;
use crate::check::cases::steps::{start_and_meet, wanted};
use crate::check::habits::Habits;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan, piece};
use crate::check::sentences::Kind;
use crate::check::stage::Stage;
use crate::check::world::{Stop, Wait, World};

pub fn connections(stage: &mut Stage, kind: Kind) -> Result<(), Stop> {
    stage.run(Plan::leecher(2, 2), |world| {
        start_and_meet(world)?;
        world.doing("was called by the peer twice, and called it twice");
        expect(world, kind, &expected(world, kind))
    })
}

/// Lets everything happen that a neighbor's messages bring about. One neighbor keeps lacking pieces, so the peer stays.
pub fn busy(world: &mut World) -> Result<(), Stop> {
    let layout = world.layout();
    let (giver, other) = (Nb(0), Nb(1));
    // It has three pieces at first, so no request is under way when it chokes.
    let some = world.plan().pieces([0, 3, 6]);
    let serves_after = Some(Duration::ZERO);
    world.behave(giver, Habits { serves_after, tells_interest: true, ..Habits::greets(some) });
    let nothing = world.plan().pieces([]);
    for nb in [1, 2].map(Nb) {
        world.behave(nb, Habits::greets(nothing.clone()));
    }
    start_and_meet(world)?;
    wanted(world, giver)?;
    world.say(giver, Message::Unchoke);
    world.until(&Wait::to_see("requests for three pieces").or(&mistakes::NEVER_REQUESTS), |world| {
        (world.facts().given.len() == 3).then_some(())
    })?;
    world.say(giver, Message::Choke);
    for number in [2, 7, 10] {
        world.announce(other, piece(layout, number));
    }
    world.say(other, Message::Interested);
    world.say(Nb(2), Message::Interested);
    world.say(other, Message::NotInterested);
    announce_rest(world, giver);
    wanted(world, giver)?;
    world.say(giver, Message::Unchoke);
    world.until(&Wait::to_see("requests for all pieces").or(&mistakes::NEVER_REQUESTS), |world| {
        world.facts().can_have.is_full().then_some(())
    })?;
    world.say(giver, Message::Choke);
    world.announce(Nb(2), piece(layout, 4));
    Ok(())
}

pub fn messages(stage: &mut Stage, kind: Kind) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        busy(world)?;
        world.doing("sent unchoke, choke, interested, not interested, haves and all pieces to the peer");
        expect(world, kind, &expected(world, kind))
    })
}

pub fn complete(stage: &mut Stage) -> Result<(), Stop> {
    messages(stage, Kind::Complete)?;
    stage.run(Plan::seeder(1, 1), |world| {
        start_and_meet(world)?;
        world.doing("met a peer that starts with the file");
        world.watch(Duration::from_millis(300))?;
        expect(world, Kind::Complete, &[])
    })
}
