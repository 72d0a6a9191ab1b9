//! Who belongs to the unchoked: how many, only the interested, also those that come late; and what is sent about it.

use std::time::Duration;

use peer_process::protocol::message::Message;

use super::crowd::{Change, NEVER, SELECTION, SLACK, changes, failure, first_unchoke, ids, keeps, m, nbs, open, p};
use crate::check::cases::common::means;
use crate::check::judge::CROSSING;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan, piece};
use crate::check::stage::Stage;
use crate::check::verdict::Level::Should;
use crate::check::world::{Stop, Wait, World, secs};

pub fn unchokes(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 2), |world| {
        open(world, &[Nb(1)])?;
        first_unchoke(world).map(drop)
    })
}

pub fn at_most(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 5), |world| {
        open(world, &nbs(0..6))?;
        first_unchoke(world)?;
        world.doing("watched six interested neighbors for two selections");
        world.watch(Duration::from_millis(2300))
    })
}

pub fn k_preferred(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 5).with_choking(3, 1, NEVER), |world| {
        open(world, &nbs(0..6))?;
        let patience = p(world) + world.env().patience;
        first_unchoke(world)?;
        let wait = Wait::to_see("k = 3 of 6 interested neighbors unchoked together").within(patience);
        world.until(&wait.or(&mistakes::FEWER_THAN_K), |world| (world.facts().unchoked().len() >= 3).then_some(()))?;
        world.doing("watched six interested neighbors for three selections");
        let is_right = |world: &World| world.facts().unchoked().len() >= 3;
        if keeps(world, p(world) * 3, CROSSING, is_right)?.is_some() {
            let came =
                format!("only {} unchoked for {} ms", ids(world, &world.facts().unchoked()), CROSSING.as_millis());
            return Err(failure(
                world,
                &mistakes::FEWER_THAN_K,
                "at least k = 3 unchoked neighbors after each selection",
                came,
            ));
        }
        Ok(())
    })
}

/// A correct peer keeps all of 3 preferred among 8 for four selections with the probability (1 / 56)^4 = 1e-7.
pub fn chokes_again(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 7).with_choking(3, 1, NEVER), |world| {
        open(world, &nbs(0..8))?;
        first_unchoke(world)?;
        world.doing("waited while eight neighbors stayed interested");
        let wait = Wait::to_see("choke to a neighbor that falls out").within(p(world) * 4 + SLACK);
        let outcome = world.until(&wait, |world| changes(world, 0).iter().any(|change| change.chokes).then_some(()));
        let is_everybody = world.facts().unchoked().len() == 8;
        means(outcome, world, if is_everybody { &mistakes::UNCHOKES_ALL } else { &mistakes::SAME_SET })
    })
}

pub fn not_interested_out(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 5), |world| {
        open(world, &nbs(0..6))?;
        first_unchoke(world)?;
        world.watch(Duration::from_millis(100))?;
        let outs = world.facts().unchoked();
        world.doing(format!("let {} say not interested, while others stayed interested", ids(world, &outs)));
        let said_at = world.now();
        for &nb in &outs {
            world.say(nb, Message::NotInterested);
        }
        let time = p(world).max(m(world)) + world.env().patience;
        let wait = Wait::to_see("choke to those that are not interested").within(time);
        world.until(&wait.or(&mistakes::NOT_INTERESTED_UNCHOKED), |world| {
            outs.iter().all(|&nb| world.facts().of(nb).they_choke).then_some(())
        })?;
        let mark = world.history().mark();
        world.watch(p(world) * 2)?;
        let again = changes(world, mark)
            .into_iter()
            .find(|change| !change.chokes && outs.contains(&change.nb) && change.at.saturating_sub(said_at) > CROSSING);
        let Some(again) = again else { return Ok(()) };
        let came =
            format!("unchoke to {}, {} after it said so", world.id(again.nb), secs(again.at.saturating_sub(said_at)));
        Err(failure(world, &mistakes::NOT_INTERESTED_UNCHOKED, "no unchoke to those that are not interested", came))
    })
}

pub fn interested_only(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 5), |world| {
        let all = nbs(0..6);
        open(world, &all[..2])?;
        for &nb in &all[2..] {
            world.meet(nb)?;
        }
        world.doing("let two neighbors say interested and two not interested, and two say nothing");
        for &nb in &all[2..4] {
            world.say(nb, Message::NotInterested);
        }
        first_unchoke(world)?;
        world.watch(Duration::from_millis(2300))
    })
}

pub fn changes_only(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 3).with_choking(3, 1, NEVER), |world| {
        open(world, &nbs(0..4))?;
        first_unchoke(world)?;
        world.doing("watched four interested neighbors for two selections, without an optimistic choice");
        world.watch(Duration::from_millis(2300))?;
        let all = changes(world, 0);
        let at_once: Vec<_> = all.iter().filter(|unchoke| is_unchoked_at_once(&all, unchoke)).collect();
        // One of a selection may be chosen optimistically in the same moment.
        let again = at_once.windows(2).find(|two| two[1].at.saturating_sub(two[0].at) < SELECTION);
        let Some(again) = again else { return Ok(()) };
        let came = format!("choke and at once unchoke to {} and {}", world.id(again[0].nb), world.id(again[1].nb));
        Err(failure(world, &mistakes::CHOKES_ALL_FIRST, "nothing to a neighbor that stays preferred", came))
    })
}

/// Reports whether this is an unchoke just after a choke of the same neighbor.
fn is_unchoked_at_once(changes: &[Change], unchoke: &Change) -> bool {
    let is_just_before = |choke: &Change| {
        choke.chokes
            && choke.nb == unchoke.nb
            && choke.at <= unchoke.at
            && unchoke.at.saturating_sub(choke.at) < SELECTION
    };
    !unchoke.chokes && changes.iter().any(is_just_before)
}

pub fn serves_unchoked_only(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 5).with_choking(1, 1, NEVER), |world| {
        open(world, &nbs(0..5))?;
        world.meet(Nb(5))?;
        first_unchoke(world)?;
        world.watch(Duration::from_millis(200))?;
        let unchoked = world.facts().unchoked();
        let choked: Vec<Nb> = nbs(0..6).into_iter().filter(|nb| !unchoked.contains(nb)).collect();
        world.doing(format!("requested pieces as {}, which are choked", ids(world, &choked)));
        for &nb in &choked {
            let number = u32::try_from(nb.0).unwrap_or(0);
            world.say(nb, Message::Request(piece(world.layout(), number)));
        }
        world.watch(Duration::from_millis(700))
    })
}

pub fn late_joiner(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 2), |world| {
        let late = Nb(2);
        open(world, &nbs(0..2))?;
        first_unchoke(world)?;
        world.meet(late)?;
        world.doing("let a third neighbor call and say interested, after the first selection");
        world.say(late, Message::Interested);
        // With k = 2 of three, the one that is not preferred is the only one that is choked and interested.
        let time = p(world).max(m(world)) + world.env().patience;
        let wait = Wait::to_see("unchoke to the neighbor that came late").from(late).within(time);
        world.until(&wait.or(&mistakes::LATE_IGNORED), |world| (!world.facts().of(late).they_choke).then_some(()))
    })
}

pub fn free_slot(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 2).with_choking(3, 2, NEVER), |world| {
        let late = Nb(2);
        open(world, &[Nb(1)])?;
        world.meet(late)?;
        first_unchoke(world)?;
        world.watch(Duration::from_millis(200))?;
        world.doing("let a second neighbor say interested 0.2 s after a selection, with p = 2");
        world.say(late, Message::Interested);
        let since = world.now();
        world.watch(Duration::from_millis(700))?;
        let between = world.facts().of(late);
        if between.they_choke || between.they_choke_since < since {
            return Ok(());
        }
        let after = world.facts().of(late).they_choke_since.saturating_sub(since);
        let came = format!("unchoke after {} ms", after.as_millis());
        let expected = "no unchoke before the next selection";
        let mut finding = world.finding(crate::check::verdict::Level::Should, expected, came);
        finding.mistake = Some(&mistakes::FILLS_FREE_SLOTS);
        Err(Stop::Failed(Box::new(finding)))
    })
}

/// All that are unchoked leave, because nothing shows which of them is the preferred one, and which the optimistic one.
pub fn dead_neighbor(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 2).with_choking(1, 1, NEVER), |world| {
        world.exit_means("choking/dead-neighbor", Should, &mistakes::DIES_ON_LOSS);
        open(world, &nbs(0..3))?;
        first_unchoke(world)?;
        world.watch(Duration::from_millis(200))?;
        let gone = world.facts().unchoked();
        let left: Vec<Nb> = nbs(0..3).into_iter().filter(|nb| !gone.contains(nb)).collect();
        if left.is_empty() {
            return Ok(());
        }
        world.doing(format!("closed the connections of all that were unchoked: {}", ids(world, &gone)));
        for nb in gone {
            world.close(nb);
        }
        let time = p(world) + world.env().patience;
        let wait =
            Wait::to_see("unchoke to one that is left, as k = 1").within(time).or(&mistakes::DEAD_PREFERRED).should();
        let is_one_unchoked = |world: &World| left.iter().any(|&nb| !world.facts().of(nb).they_choke);
        world.until(&wait, |world| is_one_unchoked(world).then_some(()))?;
        world.doing("watched for two selections");
        if keeps(world, p(world) * 2 + SLACK / 3, CROSSING, is_one_unchoked)?.is_none() {
            return Ok(());
        }
        let expected = "one neighbor of those that are left stays unchoked, as k = 1";
        let mut finding = world.finding(crate::check::verdict::Level::Should, expected, "nobody is unchoked");
        finding.mistake = Some(&mistakes::DEAD_PREFERRED);
        Err(Stop::Failed(Box::new(finding)))
    })
}
