//! Which of the interested neighbors are preferred: the fastest, and at random where rates are equal or do not count.

use std::time::Duration;

use peer_process::protocol::message::Message;
use peer_process::protocol::piece_set::PieceSet;
use rand::seq::IndexedRandom;

use super::crowd::{NEVER, SLACK, changes, failure, first_unchoke, ids, meet_all, nbs, open, p};
use crate::check::cases::common::means;
use crate::check::habits::Habits;
use crate::check::mistakes::{self, Mistake};
use crate::check::plan::{Nb, Plan};
use crate::check::stage::Stage;
use crate::check::verdict::Level;
use crate::check::world::{Stop, Wait, World};

/// How long neighbors take to answer a request: at first, then the fast, its successor, the others, and the slowest.
const AT_FIRST: Duration = Duration::from_millis(30);
const FAST: Duration = Duration::from_millis(15);
const FAST_LATER: Duration = Duration::from_millis(40);
const SLOW: Duration = Duration::from_millis(250);
const SLOWEST: Duration = Duration::from_millis(900);
const FAST_PIECES: u32 = 3000;

/// Where choices are random, k of `CROWD` neighbors are chosen, and `REPEATS` further selections must not all be the same.
const CROWD: usize = 10;
const HALF: u32 = 5;
const REPEATS: u32 = 3;

/// Two neighbors are the fastest one after the other, each while it is choked at first.
pub fn rate_decides(stage: &mut Stage) -> Result<(), Stop> {
    let plan = Plan::leecher(1, 4).with_choking(1, 1, NEVER).with_pieces(FAST_PIECES, 64);
    stage.run(plan, |world| {
        let all = nbs(0..5);
        for &nb in &all {
            // Each lacks every fifth piece, so that it is soon interested in the peer.
            let lacks = u32::try_from(nb.0).unwrap_or(0);
            let has = world.plan().pieces((0..FAST_PIECES).filter(|number| number % 5 != lacks));
            let habits = Habits { downloads: false, serves_after: Some(AT_FIRST), ..Habits::all(has) };
            world.behave(nb, habits);
        }
        world.start()?;
        meet_all(world, &all)?;
        world.doing("served pieces from five neighbors, until the peer had some for each of them");
        world.until(&Wait::to_see("requests, and have for the pieces").or(&mistakes::NEVER_REQUESTS), |world| {
            all.iter().all(|&nb| world.facts().of(nb).we_are_interested == Some(true)).then_some(())
        })?;
        all_take_part(world)?;
        let before = world.facts().unchoked();
        let others: Vec<Nb> = all.iter().copied().filter(|nb| !before.contains(nb)).collect();
        let picked: Vec<Nb> = others.sample(world.rng(), 2).copied().collect();
        let &[first, slowest] = &picked[..] else {
            let came = format!("{} unchoked", ids(world, &before));
            return Err(failure(world, &mistakes::UNCHOKES_ALL, "at most k + 1 = 2 unchoked neighbors", came));
        };
        for &nb in &all {
            world.habits(nb).serves_after = Some(SLOW);
        }
        world.habits(slowest).serves_after = Some(SLOWEST);
        let began = world.history().mark();
        world.habits(first).serves_after = Some(FAST);
        world.doing(format!(
            "answered requests after {} ms as {}, which was choked, and after {} to {} ms as the others",
            FAST.as_millis(),
            world.id(first),
            SLOW.as_millis(),
            SLOWEST.as_millis()
        ));
        fastest_is_preferred(world, first, None, slowest, began)?;

        let unchoked = world.facts().unchoked();
        let others: Vec<Nb> = all.iter().copied().filter(|nb| !unchoked.contains(nb) && *nb != slowest).collect();
        let Some(&second) = others.choose(world.rng()) else { return Ok(()) };
        world.habits(first).serves_after = Some(SLOW);
        world.habits(second).serves_after = Some(FAST_LATER);
        world.doing(format!(
            "answered requests after {} ms as {}, which was choked, and after {} to {} ms as the others",
            FAST_LATER.as_millis(),
            world.id(second),
            SLOW.as_millis(),
            SLOWEST.as_millis()
        ));
        fastest_is_preferred(world, second, Some(first), slowest, began)
    })
}

/// Waits until the fastest is unchoked, and until the next selection has left it so.
fn fastest_is_preferred(
    world: &mut World,
    fastest: Nb,
    former: Option<Nb>,
    slowest: Nb,
    began: usize,
) -> Result<(), Stop> {
    let interval = p(world);
    let time = interval * 2 + SLACK;
    let wait = Wait::to_see(format!("unchoke to {}, the fastest of all during a whole interval", world.id(fastest)));
    let outcome = world.until(&wait.within(time), |world| (!world.facts().of(fastest).they_choke).then_some(()));
    if let Err(Stop::Failed(mut finding)) = outcome {
        finding.mistake = Some(likely(world, former, slowest, began)?);
        return Err(Stop::Failed(finding));
    }
    outcome?;
    let next = world.facts().of(fastest).they_choke_since + interval + SLACK / 2;
    world.watch(next.saturating_sub(world.now()))?;
    if !world.facts().of(fastest).they_choke {
        return Ok(());
    }
    let expected = format!("{} stays unchoked, the fastest of all", world.id(fastest));
    let came = format!("choke; unchoked are {}", ids(world, &world.facts().unchoked()));
    let mut finding = world.finding(Level::Must, expected, came);
    finding.mistake = Some(likely(world, former, slowest, began)?);
    Err(Stop::Failed(Box::new(finding)))
}

/// Returns the likely reason why the fastest is not unchoked. Two more selections tell.
fn likely(world: &mut World, former: Option<Nb>, slowest: Nb, began: usize) -> Result<&'static Mistake, Stop> {
    let time = p(world) * 2;
    world.watch(time)?;
    let stays_unchoked = |nb: Nb| {
        let between = world.facts().of(nb);
        !between.they_choke && world.now().saturating_sub(between.they_choke_since) >= time
    };
    Ok(if changes(world, began).is_empty() {
        &mistakes::SAME_SET
    } else if stays_unchoked(slowest) {
        &mistakes::SORTED_ASCENDING
    } else if former.is_some_and(stays_unchoked) {
        &mistakes::RATES_CUMULATIVE
    } else {
        &mistakes::RATES_IGNORED
    })
}

/// Waits for a selection in which all that are interested by now take part.
fn all_take_part(world: &mut World) -> Result<(), Stop> {
    let interested_at = world.now();
    first_unchoke(world)?;
    world.watch((interested_at + p(world) + SLACK / 2).saturating_sub(world.now()))
}

/// A neighbor gives the peer a few pieces, and chokes it then. So others are interested, and nobody sends anything.
pub fn ties_random(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(2, CROWD - 1).with_choking(HALF, 1, NEVER), |world| {
        let donor = Nb(0);
        let crowd = nbs(1..CROWD + 1);
        let full = PieceSet::full(world.layout());
        let serves = Habits { serves_after: Some(Duration::ZERO), ..Habits::greets(full) };
        world.behave(donor, serves);
        for &nb in &crowd {
            let empty = PieceSet::empty(world.layout());
            world.behave(nb, Habits { tells_interest: true, ..Habits::greets(empty) });
        }
        world.start()?;
        meet_all(world, &crowd)?;
        world.meet(donor)?;
        world.doing("served a few pieces from one neighbor, until ten others were interested in the peer");
        world.say(donor, Message::Unchoke);
        world.until(&Wait::to_see("a request").from(donor).or(&mistakes::NEVER_REQUESTS), |world| {
            (!world.facts().given.is_empty()).then_some(())
        })?;
        world.say(donor, Message::Choke);
        world.until(&Wait::to_see("have to all neighbors").or(&mistakes::NO_HAVE), |world| {
            crowd.iter().all(|&nb| world.facts().of(nb).we_are_interested == Some(true)).then_some(())
        })?;
        sees_another_choice(world, &crowd, &mistakes::TIES_BY_ID)
    })
}

pub fn seeder_random(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(2, CROWD - 2).with_choking(HALF, 1, NEVER), |world| {
        let crowd = nbs(0..CROWD);
        open(world, &crowd)?;
        sees_another_choice(world, &crowd, &mistakes::SEEDER_NOT_RANDOM)
    })
}

/// Waits until a selection chooses others than the one before, though nothing has changed.
fn sees_another_choice(world: &mut World, crowd: &[Nb], if_in_order: &'static Mistake) -> Result<(), Stop> {
    all_take_part(world)?;
    let unchoked = world.facts().unchoked();
    world.doing(format!("waited for {REPEATS} more selections among {CROWD} equal neighbors, with k = {HALF}"));
    let mark = world.history().mark();
    let wait = Wait::to_see(format!("another choice than {}", ids(world, &unchoked)));
    let outcome =
        world.until(&wait.within(p(world) * REPEATS + SLACK), |world| (!changes(world, mark).is_empty()).then_some(()));
    let mut connected = crowd.to_vec();
    connected.sort_by_key(|&nb| world.facts().of(nb).connected_at);
    let mistake = if unchoked.len() == crowd.len() {
        &mistakes::UNCHOKES_ALL
    } else if is_in_order(&unchoked, crowd) || is_in_order(&unchoked, &connected) {
        if_in_order
    } else {
        &mistakes::SAME_SET
    };
    means(outcome, world, mistake)
}

/// Reports whether the unchoked are the first or the last in this order, but for an optimistic one.
fn is_in_order(unchoked: &[Nb], order: &[Nb]) -> bool {
    let half = usize::try_from(HALF).unwrap_or(usize::MAX).min(order.len());
    let all_of = |part: &[Nb]| part.iter().all(|nb| unchoked.contains(nb));
    unchoked.len() <= half + 1 && (all_of(&order[..half]) || all_of(&order[order.len() - half..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::chance::{MOST_ERROR, ways};

    #[test]
    fn a_correct_peer_repeats_its_choice_too_rarely_to_fail() {
        let crowd = u32::try_from(CROWD).expect("a few");
        let chance = (1.0 / ways(crowd, HALF)).powi(i32::try_from(REPEATS).expect("a few"));
        assert!(chance < MOST_ERROR, "{chance}");
    }

    #[test]
    fn a_choice_in_order_is_one_from_either_end() {
        let order = nbs(0..10);
        assert!(is_in_order(&nbs(0..5), &order));
        assert!(is_in_order(&nbs(5..10), &order));
        assert!(is_in_order(&[Nb(0), Nb(1), Nb(2), Nb(3), Nb(4), Nb(8)], &order), "with an optimistic one");
        assert!(!is_in_order(&[Nb(0), Nb(1), Nb(2), Nb(3), Nb(5)], &order));
        assert!(!is_in_order(&order, &order), "these are all");
    }
}
