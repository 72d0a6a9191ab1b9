//! When selections come. The first choke is a selection for certain: the first unchoke may be a free place that was filled.

use std::time::Duration;

use super::crowd::{NEVER, changes, failure, first_unchoke, m, nbs, open, p, selections};
use crate::check::cases::common::means;
use crate::check::mistakes;
use crate::check::plan::Plan;
use crate::check::stage::Stage;
use crate::check::world::{Stop, Wait, World, secs};

/// How much a selection may differ from its time, as a share of the interval.
const TOLERANCE: f64 = 0.15;
/// Selections of k = `HALF` of `CROWD` change something nearly always: among four, at least three.
const CROWD: usize = 14;
const HALF: u32 = 7;
const SELECTIONS: u32 = 4;
/// One of this many selections may be late by itself.
const MANY: usize = 5;

pub fn every_p(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(2, CROWD - 2).with_choking(HALF, 1, NEVER), |world| {
        open(world, &nbs(0..CROWD))?;
        first_unchoke(world)?;
        let outcome = first_choke(world, p(world) * SELECTIONS);
        let first = means(outcome, world, &mistakes::SAME_SET)?;
        world.doing(format!("measured {SELECTIONS} selections after that at {}, with p = 1", secs(first)));
        keeps_time(world, first, p(world), SELECTIONS, SELECTIONS - 1)
    })
}

pub fn every_m(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 4).with_choking(1, NEVER, 2), |world| {
        open(world, &nbs(0..5))?;
        first_unchoke(world)?;
        let outcome = first_choke(world, m(world) * 2);
        let first = means(outcome, world, &mistakes::OPTIMISTIC_FIXED)?;
        world.doing(format!("measured two optimistic choices after that at {}, with m = 2", secs(first)));
        keeps_time(world, first, m(world), 2, 2)
    })
}

pub fn not_before_p(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 5).with_choking(3, 5, NEVER), |world| {
        open(world, &nbs(0..6))?;
        let first = first_unchoke(world)?;
        let quiet = p(world).mul_f64(1.0 - TOLERANCE);
        world
            .doing(format!("watched six interested neighbors for {} after the first unchoke, with p = 5", secs(quiet)));
        let mut chokes = Vec::new();
        while world.now() < first + quiet {
            world.watch(Duration::from_millis(50))?;
            let all: Vec<_> = changes(world, 0).into_iter().filter(|change| change.chokes).collect();
            chokes = selections(&all);
            // If free places were filled at once, one selection may come at any time.
            if chokes.len() >= 2 {
                break;
            }
        }
        if chokes.len() < 2 {
            return Ok(());
        }
        let came = format!("choke at {} and again at {}", secs(chokes[0]), secs(chokes[1]));
        let expected = "at most one selection in this time";
        Err(failure(world, &mistakes::INTERVAL_DRIFTS, expected, came))
    })
}

fn first_choke(world: &mut World, time: Duration) -> Result<Duration, Stop> {
    let wait = Wait::to_see("choke to a neighbor that falls out").within(time + world.env().patience);
    world.until(&wait, |world| changes(world, 0).iter().find(|change| change.chokes).map(|change| change.at))
}

/// Watches `count` selections after the first, of which at least `least` change something.
fn keeps_time(world: &mut World, first: Duration, interval: Duration, count: u32, least: u32) -> Result<(), Stop> {
    let slack = interval.mul_f64(2.0 * TOLERANCE);
    world.watch((first + interval * count + slack).saturating_sub(world.now()))?;
    let later: Vec<_> = changes(world, 0).into_iter().filter(|change| change.at >= first).collect();
    let after: Vec<Duration> = selections(&later).into_iter().map(|at| at.saturating_sub(first)).collect();
    let Some(came) = out_of_time(&after, interval, least) else { return Ok(()) };
    let expected =
        format!("a selection every {} after the first, {:.0} % more or less", secs(interval), TOLERANCE * 100.0);
    Err(failure(world, &mistakes::INTERVAL_DRIFTS, expected, came))
}

/// Returns what is wrong with selections at these times after a first one, which is among them.
///
/// Where there are many, one may be late by itself, on a loaded machine. A wrong interval shows in all of them.
fn out_of_time(times: &[Duration], interval: Duration, least: u32) -> Option<String> {
    let shown = || times.iter().map(|time| format!("{:.2}", time.as_secs_f64())).collect::<Vec<_>>().join(", ");
    let is_off = |from: Duration, time: Duration| {
        let intervals = from.abs_diff(time).as_secs_f64() / interval.as_secs_f64();
        (intervals - intervals.round()).abs() > TOLERANCE || (intervals > 0.0 && intervals.round() < 1.0)
    };
    let off_from = |from: Duration| times.iter().filter(|&&time| is_off(from, time)).count();
    let fewest_off = times.iter().map(|&from| off_from(from)).min().unwrap_or(0);
    if fewest_off > times.len() / MANY {
        return Some(format!("those after {} s", shown()));
    }
    let count = times.iter().filter(|time| !time.is_zero()).count();
    (count < usize::try_from(least).unwrap_or(usize::MAX)).then(|| format!("only those after {} s", shown()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::chance::{MOST_ERROR, ways};

    #[test]
    fn times_beside_the_beat_are_told() {
        let check = |times: &[u64], least, is_wrong: bool| {
            let times: Vec<_> = times.iter().copied().map(Duration::from_millis).collect();
            assert_eq!(out_of_time(&times, Duration::from_secs(1), least).is_some(), is_wrong, "{times:?}");
        };
        check(&[0, 1000, 2010, 3020, 4030], 3, false);
        check(&[0, 1160, 2000, 3000, 4000], 3, false);
        check(&[0, 840, 1840, 2840, 3840], 3, false);
        check(&[0, 2000, 3000, 4000], 3, false);
        check(&[0, 1155, 2310], 1, true);
        check(&[0, 1155, 2310, 3465, 4620], 3, true);
        check(&[0, 900, 1800, 2700, 3600], 3, true);
        check(&[0, 2000, 4000], 3, true);
        check(&[0, 400, 1100], 1, true);
        check(&[0], 1, true);
    }

    #[test]
    fn a_correct_peer_changes_too_little_too_rarely_to_fail() {
        let chance = 1.0 / ways(u32::try_from(CROWD).expect("a few"), HALF);
        // Two or more of the selections choose the same as the one before.
        assert!(ways(SELECTIONS, 2) * chance * chance < MOST_ERROR);
    }
}
