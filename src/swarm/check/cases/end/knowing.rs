//! How the peer learns that all are complete.

use std::time::Duration;

use super::acts::{has_all, is_idle, plan, unchoke};
use crate::check::cases::endings::{announce_rest, download, over};
use crate::check::cases::steps::{start_and_meet, wanted};
use crate::check::habits::Habits;
use crate::check::history::What;
use crate::check::mistakes::{self, Mistake};
use crate::check::plan::{Nb, Plan};
use crate::check::stage::Stage;
use crate::check::verdict::Level;
use crate::check::world::{Stop, World};

/// All neighbors are complete from the start; the peer downloads.
pub fn from_bitfields(stage: &mut Stage, mistake: &'static Mistake) -> Result<(), Stop> {
    stage.run(plan(2), |world| {
        for nb in [1, 2].map(Nb) {
            has_all(world, nb);
        }
        // Pieces come only when all are there: else it would be over before.
        for nb in [0, 1, 2].map(Nb) {
            world.habits(nb).unchokes = false;
        }
        start_and_meet(world)?;
        world.doing("sent full bitfields as all neighbors, and all pieces");
        unchoke(world, Nb(0))?;
        download(world)?;
        over(world, mistake)
    })
}

/// All neighbors start with nothing; one pretends to have got all pieces, and serves them. All tell of their pieces by have.
pub fn from_haves(stage: &mut Stage, mistake: &'static Mistake) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        for nb in [0, 1, 2].map(Nb) {
            is_idle(world, nb);
        }
        start_and_meet(world)?;
        world.doing("announced all pieces by have as one neighbor, and sent them");
        announce_rest(world, Nb(0));
        download(world)?;
        world.doing("announced all pieces by have as all neighbors, after the peer had the file");
        for nb in [1, 2].map(Nb) {
            announce_rest(world, nb);
        }
        over(world, mistake).map_err(|stop| name_signal(world, stop))
    })
}

/// Finds out whether a peer that does not end waits for a signal.
fn name_signal(world: &mut World, stop: Stop) -> Stop {
    let Stop::Failed(mut finding) = stop else { return stop };
    world.ask_to_end();
    if let Err(stop @ (Stop::Tester(_) | Stop::Interrupted)) = world.watch(Duration::from_millis(300)) {
        return stop;
    }
    let obeys =
        world.history().since(0).iter().any(|event| matches!(&event.what, What::Exited(how) if how == "with status 0"));
    if obeys && finding.mistake == Some(&mistakes::NEVER_ENDS) {
        finding.mistake = Some(&mistakes::ENDS_BY_SIGNAL);
        finding.came.push_str(" It ended with status 0 when it was sent SIGTERM.");
    }
    Stop::Failed(finding)
}

/// A peer that ends in one of two ways can end; which way it does not see is another case's.
pub fn when_all_complete(stage: &mut Stage) -> Result<(), Stop> {
    match from_bitfields(stage, &mistakes::NEVER_ENDS) {
        Err(Stop::Failed(_)) => from_haves(stage, &mistakes::NEVER_ENDS),
        other => other,
    }
}

pub fn mixed(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(plan(2), |world| {
        has_all(world, Nb(1));
        let some = world.plan().pieces([0, 3, 8, 10]);
        world.behave(Nb(2), Habits { downloads: false, ..Habits::all(some) });
        start_and_meet(world)?;
        download(world)?;
        world.doing("announced by have what a neighbor's partial bitfield had lacked");
        announce_rest(world, Nb(2));
        over(world, &mistakes::NEVER_ENDS)
    })
}

pub fn others_close_first(stage: &mut Stage) -> Result<(), Stop> {
    let address = "end/others-close-first";
    // By the text, complete peers stay until all are; so what a peer makes of the first two is not fixed by it.
    let outcome = stage.run(plan(2), |world| {
        world.exit_warns(address);
        for nb in [1, 2].map(Nb) {
            has_all(world, nb);
        }
        for nb in [0, 1, 2].map(Nb) {
            world.habits(nb).unchokes = false;
        }
        start_and_meet(world)?;
        world.doing("closed two connections of complete neighbors, and then sent the pieces from a third");
        for nb in [1, 2].map(Nb) {
            settle_and_close(world, nb)?;
        }
        unchoke(world, Nb(0))?;
        download(world)?;
        over(world, &mistakes::HANGS_ON_CLOSE)
    });
    match outcome {
        Err(Stop::Failed(mut finding)) => {
            finding.level = Level::Should;
            stage.findings.push(*finding);
        }
        other => other?,
    }
    stage.run(plan(2), |world| {
        world.exit_belongs_to(address);
        for nb in [1, 2].map(Nb) {
            is_idle(world, nb);
        }
        start_and_meet(world)?;
        download(world)?;
        world.doing("announced all pieces as two neighbors, and closed right after the last have of each");
        for nb in [1, 2].map(Nb) {
            announce_rest(world, nb);
            world.close(nb);
        }
        over(world, &mistakes::HANGS_ON_CLOSE)
    })
}

/// Closes a connection whose bitfield the peer has answered, so it has been read.
fn settle_and_close(world: &mut World, nb: Nb) -> Result<(), Stop> {
    wanted(world, nb)?;
    world.close(nb);
    Ok(())
}

pub fn seeder_ends(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), |world| {
        for nb in [0, 1].map(Nb) {
            is_idle(world, nb);
        }
        start_and_meet(world)?;
        world.doing("announced all pieces as all neighbors of a peer that starts with the file");
        for nb in [0, 1].map(Nb) {
            announce_rest(world, nb);
        }
        over(world, &mistakes::NEVER_ENDS)
    })
}

pub fn zero_left(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(plan(1).with_seeder(Nb(1)), |world| {
        for nb in [0, 1].map(Nb) {
            world.habits(nb).unchokes = false;
        }
        start_and_meet(world)?;
        world.doing("met the peer with two neighbors that start with the file, and sent it all pieces");
        wanted(world, Nb(1))?;
        unchoke(world, Nb(0))?;
        download(world)?;
        over(world, &mistakes::NEVER_ENDS)
    })
}
