//! Preferred and optimistic neighbors in the log.

use std::time::Duration;

use peer_process::protocol::message::Message;

use super::reading::{explained, lines};
use crate::check::cases::steps::start_and_meet;
use crate::check::habits::Habits;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan};
use crate::check::sentences::{Kind, shown};
use crate::check::stage::Stage;
use crate::check::verdict::Finding;
use crate::check::verdict::Level::{Must, Should};
use crate::check::world::{Stop, Wait, World};

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
    outcome.map_err(|stop| explained(world, stop, Kind::Preferred, &sentence))
}

pub fn preferred(stage: &mut Stage) -> Result<(), Stop> {
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

pub fn optimistic(stage: &mut Stage) -> Result<(), Stop> {
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
        let mut together = None;
        let time = Duration::from_secs(2) + world.env().patience;
        world.until(&Wait::to_see("two unchoked neighbors").within(time).or(&mistakes::NO_OPTIMISTIC), |world| {
            // At a tick a new one may be unchoked just before an old one is choked.
            let since = (world.facts().unchoked().len() == 2).then(|| *together.get_or_insert(world.now()));
            together = since;
            since.filter(|since| world.now().saturating_sub(*since) > Duration::from_millis(250)).map(drop)
        })?;
        let named = |world: &World| -> Vec<u32> {
            let told = lines(world).1.into_iter().filter_map(|line| line.exact(own));
            told.filter(|(kind, _)| *kind == Kind::Optimistic).map(|(_, numbers)| numbers[0]).collect()
        };
        let sentence = Kind::Optimistic.sentence(own, &[world.id(Nb(1)).number()]);
        let wait = Wait::to_see(format!("\"{sentence}\" in the log, or another ID")).beyond_the_end();
        let told = world.until(&wait, |world| Some(named(world)).filter(|told| !told.is_empty()));
        told.map_err(|stop| explained(world, stop, Kind::Optimistic, &sentence))?;
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
