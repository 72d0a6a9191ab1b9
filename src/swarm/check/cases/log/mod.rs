//! The log (A10): where it is, and that each event has its sentence, once, letter by letter. `reading` finds and reads it.

mod form;
mod reading;

use std::time::Duration;

use peer_process::protocol::message::Message;

use self::reading::{expect, expected, lines};
use super::endings::announce_rest;
use crate::check::habits::Habits;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan, piece};
use crate::check::rubric::Item;
use crate::check::sentences::{Kind, shown};
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Finding;
use crate::check::verdict::Level::{Must, Should};
use crate::check::world::{Stop, Wait, World};

pub static CASES: &[Case] = &[
    case(
        "log/place",
        ("A2", Item::Beside, Must),
        "The peer logs to log_peer_ID.log in its working directory.",
        &["start/listens"],
        form::place,
    ),
    case(
        "log/makes-connection",
        ("A10", Item::I1b, Must),
        "Each connection that the peer makes is logged: Peer 1002 makes a connection to Peer 1001.",
        &["log/place"],
        |stage| connections(stage, Kind::Makes),
    ),
    case(
        "log/connected-from",
        ("A10", Item::I1b, Must),
        "Each connection that another makes is logged: Peer 1002 is connected from Peer 1003.",
        &["log/place"],
        |stage| connections(stage, Kind::ConnectedFrom),
    ),
    case(
        "log/preferred",
        ("A10", Item::I2d, Must),
        "Each new list of preferred neighbors is logged: Peer 1002 has the preferred neighbors 1003,1004.",
        &["log/place", "choking/unchokes"],
        preferred,
    ),
    case(
        "log/optimistic",
        ("A10", Item::I2e, Must),
        "Each new optimistic neighbor is logged: Peer 1002 has the optimistically unchoked neighbor 1003.",
        &["log/place", "choking/optimistic-exists"],
        optimistic,
    ),
    case(
        "log/unchoked-by",
        ("A10", Item::I2d, Must),
        "Each unchoke of a neighbor is logged: Peer 1002 is unchoked by 1001.",
        &["log/place"],
        |stage| messages(stage, Kind::UnchokedBy),
    ),
    case(
        "log/choked-by",
        ("A10", Item::I2d, Must),
        "Each choke of a neighbor is logged: Peer 1002 is choked by 1001.",
        &["log/place"],
        |stage| messages(stage, Kind::ChokedBy),
    ),
    case(
        "log/have",
        ("A10", Item::I3f, Must),
        "Each have is logged: Peer 1002 received the 'have' message from 1001 for the piece 3.",
        &["log/place"],
        |stage| messages(stage, Kind::Have),
    ),
    case(
        "log/interested",
        ("A10", Item::I2c, Must),
        "Each interested is logged: Peer 1002 received the 'interested' message from 1003.",
        &["log/place"],
        |stage| messages(stage, Kind::Interested),
    ),
    case(
        "log/not-interested",
        ("A10", Item::I2c, Must),
        "Each not interested is logged: Peer 1002 received the 'not interested' message from 1003.",
        &["log/place"],
        |stage| messages(stage, Kind::NotInterested),
    ),
    case(
        "log/downloaded",
        ("A10", Item::I3e, Must),
        "Each piece is logged: Peer 1002 has downloaded the piece 3 from 1001. Now the number of pieces it has is 5.",
        &["log/place", "requests/starts"],
        |stage| messages(stage, Kind::Downloaded),
    ),
    case(
        "log/complete",
        ("A10", Item::I4, Must),
        "The complete file is logged once: Peer 1002 has downloaded the complete file. A seeder never logs it.",
        &["log/place", "requests/starts"],
        complete,
    ),
    case(
        "log/times",
        ("A10", Item::Beside, Must),
        "Each line begins with a time in brackets, a colon and a blank. The time has date, hour, minute and second, in any form, \
        and never goes back.",
        &["log/place"],
        form::times,
    ),
    case(
        "log/other-lines",
        ("A10", Item::Beside, Should),
        "The log has the eleven sentences of the course and nothing else.",
        &["log/place"],
        form::other_lines,
    ),
    case(
        "log/fresh",
        ("B", Item::Beside, Should),
        "A run begins with an empty log: lines of an earlier run are gone.",
        &["log/place"],
        form::fresh,
    ),
];

fn start_and_meet(world: &mut World) -> Result<(), Stop> {
    world.start()?;
    for nb in 0..world.plan().neighbors() {
        world.meet(Nb(nb))?;
    }
    Ok(())
}

fn connections(stage: &mut Stage, kind: Kind) -> Result<(), Stop> {
    stage.run(Plan::leecher(2, 2), |world| {
        start_and_meet(world)?;
        world.doing("was called by the peer twice, and called it twice");
        expect(world, kind, &expected(world, kind))
    })
}

/// Lets everything happen that a neighbor's messages bring about. One neighbor keeps lacking pieces, so the peer stays.
fn busy(world: &mut World) -> Result<(), Stop> {
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
    interest_of_peer(world, giver)?;
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
    interest_of_peer(world, giver)?;
    world.say(giver, Message::Unchoke);
    world.until(&Wait::to_see("requests for all pieces").or(&mistakes::NEVER_REQUESTS), |world| {
        world.facts().can_have.is_full().then_some(())
    })?;
    world.say(giver, Message::Choke);
    world.announce(Nb(2), piece(layout, 4));
    Ok(())
}

fn interest_of_peer(world: &mut World, nb: Nb) -> Result<(), Stop> {
    world.until(&Wait::to_see("interested").from(nb).or(&mistakes::NEVER_INTERESTED), |world| {
        (world.facts().of(nb).they_are_interested == Some(true)).then_some(())
    })
}

fn messages(stage: &mut Stage, kind: Kind) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        busy(world)?;
        world.doing("sent unchoke, choke, interested, not interested, haves and all pieces to the peer");
        expect(world, kind, &expected(world, kind))
    })
}

fn complete(stage: &mut Stage) -> Result<(), Stop> {
    messages(stage, Kind::Complete)?;
    stage.run(Plan::seeder(1, 1), |world| {
        start_and_meet(world)?;
        world.doing("met a peer that starts with the file");
        world.watch(Duration::from_millis(300))?;
        expect(world, Kind::Complete, &[])
    })
}

/// Waits until the log has this list of preferred neighbors, in any order.
fn expect_list(world: &mut World, nbs: &[Nb]) -> Result<(), Stop> {
    let mut ids: Vec<u32> = nbs.iter().map(|nb| world.id(*nb).number()).collect();
    let own = world.own_id().number();
    let sentence = Kind::Preferred.sentence(own, &ids);
    let time = Duration::from_secs(world.plan().p.into()) + world.env().patience;
    let wait = Wait::to_see(format!("\"{sentence}\" in the log")).within(time).beyond_the_end();
    let outcome = world.until(&wait, |world| {
        let lists = lines(world).1.into_iter().filter_map(|line| line.exact(own));
        lists.into_iter().find_map(|(kind, mut list)| {
            list.sort_unstable();
            ids.sort_unstable();
            (kind == Kind::Preferred && list == ids).then_some(())
        })
    });
    outcome.map_err(|stop| reading::explained(world, stop, Kind::Preferred, &sentence))
}

fn preferred(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 2), |world| {
        let own = world.own_id().number();
        let (one, other) = (Nb(1), Nb(2));
        for nb in [0, 1, 2].map(Nb) {
            let nothing = world.plan().pieces([]);
            world.behave(nb, Habits::greets(nothing));
        }
        start_and_meet(world)?;
        world.doing("said interested as one neighbor");
        world.say(one, Message::Interested);
        expect_list(world, &[one])?;
        world.doing("said interested as a second neighbor, with k = 2");
        world.say(other, Message::Interested);
        expect_list(world, &[one, other])?;
        world.doing("said not interested as the first of two preferred neighbors");
        world.say(one, Message::NotInterested);
        expect_list(world, &[other])?;
        world.doing("said not interested as the last preferred neighbor");
        world.say(other, Message::NotInterested);
        world.watch(Duration::from_millis(1300))?;
        let (_, lines) = lines(world);
        let is_empty = |text: &str| {
            text.split_once("preferred neighbors").is_some_and(|(_, list)| !list.contains(|c: char| c.is_ascii_digit()))
        };
        if let Some(line) = lines.iter().find(|line| is_empty(line.sentence())) {
            let came = format!("\"{}\"", shown(line.sentence()));
            let finding = world.finding(Should, "a list of preferred neighbors only when it has some", came);
            world.add(Finding { mistake: Some(&mistakes::LOG_EMPTY_LIST), ..finding });
        }
        let interested = [one, other].map(|nb| world.id(nb).number());
        let strange = lines.iter().find(|line| {
            let list = line.exact(own).filter(|(kind, _)| *kind == Kind::Preferred).map(|(_, list)| list);
            list.is_some_and(|list| list.len() > 2 || list.iter().any(|id| !interested.contains(id)))
        });
        let Some(line) = strange else { return Ok(()) };
        let mut finding =
            world.finding(Must, "at most k neighbors, all of them interested", format!("\"{}\"", line.sentence()));
        finding.mistake = Some(&mistakes::LOG_WRONG);
        Err(Stop::Failed(Box::new(finding)))
    })
}

fn optimistic(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 3).with_choking(1, 1, 1), |world| {
        let own = world.own_id().number();
        for nb in 0..4 {
            let nothing = world.plan().pieces([]);
            world.behave(Nb(nb), Habits::greets(nothing));
        }
        start_and_meet(world)?;
        world.doing("said interested as three neighbors, with k = 1");
        for nb in [1, 2, 3].map(Nb) {
            world.say(nb, Message::Interested);
        }
        // Only one of two that are unchoked together can be preferred.
        let time = Duration::from_secs(2) + world.env().patience;
        world.until(&Wait::to_see("two unchoked neighbors").within(time).or(&mistakes::NO_OPTIMISTIC), |world| {
            (world.facts().unchoked().len() == 2).then_some(())
        })?;
        let named = |world: &World| -> Vec<u32> {
            let told = lines(world).1.into_iter().filter_map(|line| line.exact(own));
            told.filter(|(kind, _)| *kind == Kind::Optimistic).map(|(_, numbers)| numbers[0]).collect()
        };
        let sentence = Kind::Optimistic.sentence(own, &[world.id(Nb(1)).number()]);
        let wait = Wait::to_see(format!("\"{sentence}\" in the log, or another ID")).beyond_the_end();
        let told = world.until(&wait, |world| Some(named(world)).filter(|told| !told.is_empty()));
        told.map_err(|stop| reading::explained(world, stop, Kind::Optimistic, &sentence))?;
        // An unchoke may be still on its way when its line is there.
        world.watch(Duration::from_millis(100))?;
        let unchoked = |nb: Nb| world.history().messages(nb, 0).any(|(_, message)| *message == Message::Unchoke);
        let ids: Vec<u32> = (0..4).map(Nb).filter(|nb| unchoked(*nb)).map(|nb| world.id(nb).number()).collect();
        let Some(id) = named(world).into_iter().find(|id| !ids.contains(id)) else { return Ok(()) };
        let came = format!("\"{}\", but it was not unchoked", Kind::Optimistic.sentence(own, &[id]));
        let mut finding = world.finding(Must, "a neighbor that the peer has unchoked", came);
        finding.mistake = Some(&mistakes::LOG_WRONG);
        Err(Stop::Failed(Box::new(finding)))
    })
}
