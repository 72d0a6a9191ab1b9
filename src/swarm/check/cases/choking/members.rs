//! Who belongs to the unchoked: how many, only the interested, also those that come late; and what is sent about it.

use std::collections::BTreeSet;
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

/// Among how many neighbors k preferred ones are looked for, how many these are, and in how many selections.
const CROWD: usize = 16;
const K: usize = 2;
const SELECTIONS: u32 = 8;

/// A peer with k - 1 preferred neighbors and an optimistic one has k unchoked, as one with k preferred neighbors and none besides.
/// But the optimistic one stays, for m is [`NEVER`].
///
/// Where the optimistic neighbor is preferred too, a correct peer looks like that. It does so at all [`SELECTIONS`] with the
/// probability (2 / 16)^8 = 6e-8.
pub fn k_preferred(stage: &mut Stage) -> Result<(), Stop> {
    let (k, count) = (u32::try_from(K).unwrap_or(2), u32::try_from(CROWD).unwrap_or(16));
    stage.run(Plan::seeder(1, CROWD - 1).with_choking(k, 1, NEVER), |world| {
        open(world, &nbs(0..CROWD))?;
        let patience = p(world) + world.env().patience;
        first_unchoke(world)?;
        let wait = Wait::to_see(format!("k = {k} of {count} interested neighbors unchoked together")).within(patience);
        world.until(&wait.or(&mistakes::FEWER_THAN_K), |world| (world.facts().unchoked().len() >= K).then_some(()))?;
        let began = world.now();
        world.doing(format!("watched {count} interested neighbors for up to {SELECTIONS} selections, with k = {k}"));
        let (mut is_certain, mut rounds) = (false, 0);
        while rounds < SELECTIONS && !(is_certain && rounds >= 3) {
            rounds += 1;
            // The time without a choke or unchoke is that between two selections.
            if keeps(world, p(world), CROSSING, |world| world.facts().unchoked().len() >= K)?.is_some() {
                let unchoked = ids(world, &world.facts().unchoked());
                let came = format!("only {unchoked} unchoked for {} ms", CROSSING.as_millis());
                let expected = format!("at least k = {k} unchoked neighbors after each selection");
                return Err(failure(world, &mistakes::FEWER_THAN_K, expected, came));
            }
            is_certain |= shows_k(&changes(world, 0), began, world.now());
        }
        let changes = changes(world, 0);
        let stayed = stayers(&changes, began, world.now());
        let [optimistic] = stayed[..] else { return Ok(()) };
        if is_certain {
            return Ok(());
        }
        let came = format!(
            "never more than {k}, and one of them was always {}: an optimistic neighbor and {} preferred",
            world.id(optimistic),
            k - 1
        );
        let expected = format!("as many as k = {k} preferred neighbors, whether there is an optimistic one or not");
        Err(failure(world, &mistakes::FEWER_THAN_K, expected, came))
    })
}

/// Returns the neighbors that were unchoked all the time.
fn stayers(changes: &[Change], from: Duration, until: Duration) -> Vec<Nb> {
    let is_in = |at: Duration| at >= from && at <= until;
    let unchoked = unchoked_at(changes, from);
    let chokes = |nb: Nb| changes.iter().any(|change| change.nb == nb && change.chokes && is_in(change.at));
    unchoked.into_iter().filter(|&nb| !chokes(nb)).collect()
}

/// Returns the neighbors that were unchoked then.
fn unchoked_at(changes: &[Change], at: Duration) -> BTreeSet<Nb> {
    let mut unchoked = BTreeSet::new();
    for change in changes.iter().take_while(|change| change.at <= at) {
        if change.chokes {
            unchoked.remove(&change.nb);
        } else {
            unchoked.insert(change.nb);
        }
    }
    unchoked
}

/// Reports whether k preferred neighbors were seen for certain. Either more than k were unchoked between two selections, or k and
/// none of them from the beginning.
fn shows_k(changes: &[Change], from: Duration, until: Duration) -> bool {
    let is_quiet = |at: Duration| {
        changes.iter().all(|change| change.at <= at || change.at.saturating_sub(at) > SELECTION)
            && at + SELECTION < until
    };
    let times = changes.iter().map(|change| change.at).filter(|&at| at >= from && is_quiet(at));
    let mut counts = times.map(|at| (unchoked_at(changes, at).len(), stayers(changes, from, at).len()));
    counts.any(|(count, stayed)| count > K || count == K && stayed == 0)
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

#[cfg(test)]
mod tests {
    use super::super::crowd::drawn;
    use super::*;

    #[test]
    fn one_neighbor_too_few_is_told_from_the_rest_by_who_stays() {
        let (from, until) = (Duration::from_millis(500), Duration::from_secs(9));
        let shows = |steps: &[&str]| {
            let changes = drawn(steps);
            (shows_k(&changes, from, until), stayers(&changes, from, until).len())
        };
        assert_eq!(shows(&["+1 +2", "-2 +3", "-3 +4", "-4 +5"]), (false, 1), "one is preferred, 1 is optimistic");
        assert_eq!(shows(&["+1 +2", "-2 +3", "-3", "+5"]), (false, 1), "1 is preferred too at times");
        assert_eq!(shows(&["+1 +2 +3", "-2 +4", "-3 +5"]), (true, 1), "two are preferred beside 1");
        assert_eq!(shows(&["+1 +2", "-2 +3", "+4", "-4"]), (true, 1), "1 was preferred too at first");
        assert_eq!(shows(&["+1 +2", "-2 +3", "-1 +4"]), (true, 0), "all change, so all are preferred");
        assert_eq!(shows(&["+1 +2", "", ""]), (false, 2), "these may be preferred always");
    }

    #[test]
    fn a_correct_peer_looks_wrong_too_rarely_to_fail() {
        let share = f64::from(u32::try_from(K).expect("a few")) / f64::from(u32::try_from(CROWD).expect("a few"));
        assert!(share.powi(i32::try_from(SELECTIONS).expect("a few")) < crate::check::chance::MOST_ERROR);
    }
}
