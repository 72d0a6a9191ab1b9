//! The optimistic neighbor. Where p is [`NEVER`], all that changes after the start is the optimistic choice.

use std::time::Duration;

use super::crowd::{
    Change, NEVER, SELECTION, SLACK, changes as changes_of, failure, first_unchoke, m, nbs, open, p, until_steady,
};
use crate::check::cases::common::means;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan};
use crate::check::stage::Stage;
use crate::check::world::{Stop, Wait, World};

/// If the optimistic neighbor is chosen before the preferred ones, it may be preferred too, with the probability 1 / `MANY` at
/// each selection. This many selections are waited for.
const MANY: usize = 12;
const PATIENT: u32 = 6;
/// The random choice is looked at in `CHOICES` selections among `CROWD` neighbors.
const CHOICES: usize = 6;
const CROWD: usize = 16;
/// Among this many, hardly any is preferred for m seconds in a row.
const LARGE_CROWD: usize = 32;

pub fn exists(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, MANY - 1).with_choking(1, 1, 1), |world| {
        open(world, &nbs(0..MANY))?;
        first_unchoke(world)?;
        let wait = Wait::to_see("k + 1 = 2 neighbors unchoked together").within(m(world) * PATIENT + SLACK);
        until_steady(world, &wait.or(&mistakes::NO_OPTIMISTIC), SELECTION, |world| world.facts().unchoked().len() >= 2)
    })
}

pub fn among_choked(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 4).with_choking(1, NEVER, 1), |world| {
        open(world, &nbs(0..5))?;
        first_unchoke(world)?;
        let wait = Wait::to_see("unchoke to a second neighbor, which was choked").within(m(world) * 2 + SLACK);
        world.until(&wait.or(&mistakes::OPTIMISTIC_AMONG_UNCHOKED), |world| {
            let mut unchoked: Vec<Nb> = unchokes_since(world, Duration::ZERO).map(|change| change.nb).collect();
            unchoked.dedup();
            (unchoked.len() >= 2).then_some(())
        })
    })
}

/// Some neighbor is unchoked for m seconds without a break, though others are preferred every p seconds.
///
/// A peer that chokes its optimistic neighbor at each selection passes by chance in one of 2000 runs (simulated 400000 times).
/// Then it prefers the same one of [`LARGE_CROWD`] again and again.
pub fn stays(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, LARGE_CROWD - 1).with_choking(1, 1, 4), |world| {
        let all = nbs(0..LARGE_CROWD);
        open(world, &all)?;
        let began = first_unchoke(world)?;
        let whole = m(world).saturating_sub(SELECTION);
        world.doing(format!("watched {LARGE_CROWD} interested neighbors, with k = 1, p = 1 and m = 4"));
        let wait = Wait::to_see("a neighbor that stays unchoked for m = 4 s");
        let (mut looked_at, mut two) = (began, Duration::ZERO);
        let outcome = world.until(&wait.within(m(world) * 2 + p(world) + SLACK), |world| {
            let now = world.now();
            if world.facts().unchoked().len() >= 2 {
                two += now.saturating_sub(looked_at);
            }
            looked_at = now;
            let changes = changes_of(world, 0);
            let since = |nb: Nb| unchoked_since(&changes, nb);
            let is_long = |nb: &Nb| since(*nb).is_some_and(|since| now.saturating_sub(since) >= whole);
            all.iter().any(is_long).then_some(())
        });
        let share = two.as_secs_f64() / looked_at.saturating_sub(began).as_secs_f64();
        means(
            outcome,
            world,
            match share {
                ..0.05 => &mistakes::NO_OPTIMISTIC,
                ..0.65 => &mistakes::OPTIMISTIC_CHOKED,
                _ => &mistakes::OPTIMISTIC_EACH_P,
            },
        )
    })
}

pub fn changes(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 4).with_choking(1, NEVER, 1), |world| {
        open(world, &nbs(0..5))?;
        let since = first_unchoke(world)? + SELECTION;
        for count in 1..=2 {
            let wait = Wait::to_see("unchoke to another neighbor").within(m(world) * 2 + SLACK);
            world.until(&wait.or(&mistakes::OPTIMISTIC_FIXED), |world| {
                (unchokes_since(world, since).count() >= count).then_some(())
            })?;
        }
        // The first of these two is not preferred, for preferred ones do not change.
        let wait = Wait::to_see("choke to the former optimistic neighbor").within(SLACK);
        world.until(&wait.or(&mistakes::MORE_THAN_K), |world| {
            changes_of(world, 0).iter().any(|change| change.chokes).then_some(())
        })
    })
}

pub fn random(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(2, CROWD - 2).with_choking(1, NEVER, 1), |world| {
        let all = nbs(0..CROWD);
        open(world, &all)?;
        let since = first_unchoke(world)? + SELECTION;
        world.doing(format!("watched up to {CHOICES} optimistic choices among {CROWD} interested neighbors"));
        let mut connected = all.clone();
        connected.sort_by_key(|&nb| world.facts().of(nb).connected_at);
        for count in 1..=CHOICES {
            let wait = Wait::to_see("unchoke to another neighbor").within(m(world) * 2 + SLACK);
            world.until(&wait.or(&mistakes::OPTIMISTIC_FIXED), |world| {
                (unchokes_since(world, since).count() >= count).then_some(())
            })?;
            let changes = changes_of(world, 0);
            if !follows_an_order(&changes, since, &all) && !follows_an_order(&changes, since, &connected) {
                return Ok(());
            }
        }
        let chosen: Vec<_> = unchokes_since(world, since).map(|change| world.id(change.nb).to_string()).collect();
        let came = format!("{}: always the first or last in the order of IDs or of connecting", chosen.join(", "));
        let expected = "choices at random among all that are choked and interested";
        Err(failure(world, &mistakes::OPTIMISTIC_NOT_RANDOM, expected, came))
    })
}

/// Returns since when a neighbor is unchoked. A choke that an unchoke follows at once, and a repeated unchoke, change nothing.
fn unchoked_since(changes: &[Change], nb: Nb) -> Option<Duration> {
    let (mut since, mut choked_at) = (None, None);
    for change in changes.iter().filter(|change| change.nb == nb) {
        if change.chokes {
            choked_at = choked_at.or(Some(change.at));
            continue;
        }
        if choked_at.is_some_and(|at| change.at.saturating_sub(at) >= SELECTION) {
            since = None;
        }
        since = since.or(Some(change.at));
        choked_at = None;
    }
    since.filter(|_| choked_at.is_none())
}

fn unchokes_since(world: &World, since: Duration) -> impl Iterator<Item = Change> {
    changes_of(world, 0).into_iter().filter(move |change| !change.chokes && change.at >= since)
}

/// Reports whether each unchoke since then went to the first of the choked in this order, or each to the last.
///
/// A neighbor that was choked in the same moment was no candidate.
fn follows_an_order(changes: &[Change], since: Duration, order: &[Nb]) -> bool {
    let is_end = |change: &Change, mut order: Box<dyn Iterator<Item = &Nb> + '_>| {
        order.find(|&&nb| is_candidate(changes, change, nb)) == Some(&change.nb)
    };
    let unchokes = || changes.iter().filter(|change| !change.chokes && change.at >= since);
    unchokes().all(|change| is_end(change, Box::new(order.iter())))
        || unchokes().all(|change| is_end(change, Box::new(order.iter().rev())))
}

/// Reports whether a neighbor was choked when this unchoke was decided.
fn is_candidate(changes: &[Change], unchoke: &Change, nb: Nb) -> bool {
    let before = unchoke.at.saturating_sub(SELECTION);
    let mut last = changes.iter().rev().filter(|change| change.nb == nb && change.at < before);
    last.next().is_none_or(|change| change.chokes)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::seq::IteratorRandom;
    use rand::{RngExt, SeedableRng};

    use super::super::crowd::drawn;
    use super::*;
    use crate::check::chance::MOST_ERROR;

    #[test]
    fn a_correct_peer_looks_wrong_too_rarely_to_fail() {
        let power = |base: usize, times: usize| {
            f64::from(u32::try_from(base).expect("a few")).powi(-i32::try_from(times).expect("a few"))
        };
        // Two orders with two ends each; one preferred and one optimistic neighbor are no candidates.
        assert!(4.0 * power(CROWD - 2, CHOICES) < MOST_ERROR);
        assert!(power(MANY, usize::try_from(PATIENT).expect("a few")) < MOST_ERROR);
    }

    #[test]
    fn an_unchoke_counts_from_its_first_message() {
        let secs = |steps: &[&str]| unchoked_since(&drawn(steps), Nb(1)).map(|since| since.as_secs());
        assert_eq!(secs(&["", "+1", "+2 -1"]), None);
        assert_eq!(secs(&["", "+1", "+1", "-1 +1", "-2"]), Some(1), "repeated, and choked for a moment");
        assert_eq!(secs(&["+1", "-1", "+1"]), Some(2));
    }

    #[test]
    fn choices_from_one_end_follow_an_order() {
        let follows = |steps: &[&str]| follows_an_order(&drawn(steps), Duration::from_millis(500), &nbs(0..6));
        assert!(follows(&["+4 +0", "-0 +1", "-1 +0", "+1 -0"]), "the lowest that is choked");
        assert!(follows(&["+4 +5", "-5 +3", "-3 +5"]), "the highest");
        assert!(!follows(&["+4 +5", "-5 +3", "-3 +0"]));
        assert!(!follows(&["+4 +0", "-0 +1", "-1 +2"]));
    }

    /// Reports whether some neighbor of a peer stays unchoked for m, though the peer chokes its optimistic one at each selection.
    fn seems_to_stay(rng: &mut StdRng) -> bool {
        let (m, last) = (4, 9);
        let mut since: Vec<Option<u32>> = vec![None; LARGE_CROWD];
        let mut optimistic = None;
        for second in 0..=last {
            let preferred = rng.random_range(0..LARGE_CROWD);
            optimistic = optimistic.filter(|&nb| nb == preferred);
            if second % m == 0 {
                let choked = (0..LARGE_CROWD).filter(|&nb| nb != preferred && Some(nb) != optimistic);
                optimistic = choked.choose(rng);
            }
            for (nb, since) in since.iter_mut().enumerate() {
                if nb == preferred || Some(nb) == optimistic {
                    since.get_or_insert(second);
                } else if since.take().is_some_and(|since| second - since >= m) {
                    return true;
                }
            }
        }
        since.iter().flatten().any(|since| last + 1 - since >= m)
    }

    #[test]
    fn a_peer_that_chokes_its_optimistic_neighbor_is_found_in_all_but_one_of_a_thousand_runs() {
        let mut rng = StdRng::seed_from_u64(16);
        let runs = 20_000;
        let unseen = (0..runs).filter(|_| seems_to_stay(&mut rng)).count();
        assert!(unseen * 1000 < runs, "{unseen} of {runs}");
    }
}
