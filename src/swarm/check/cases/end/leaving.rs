//! How the peer stays until all are complete, and how it goes then.

use std::time::Duration;

use peer_process::protocol::message::Message;

use super::acts::{end_of_all, has_all, is_idle, plan, unchoke};
use crate::check::cases::endings::{END, announce_rest, download, gone, over, stays};
use crate::check::cases::steps::start_and_meet;
use crate::check::history::{End, What};
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan};
use crate::check::stage::Stage;
use crate::check::verdict::Finding;
use crate::check::verdict::Level::{Must, Should};
use crate::check::world::{Stop, Wait, World};

/// A peer that waits for others is watched for this long: one that ends too early does so at once.
const TOO_EARLY: Duration = Duration::from_millis(1200);

pub fn not_before(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(plan(2), |world| {
        has_all(world, Nb(1));
        is_idle(world, Nb(2));
        start_and_meet(world)?;
        download(world)?;
        world.doing("sent all pieces to the peer, while one neighbor lacked them");
        stays(world, TOO_EARLY, &mistakes::ENDS_EARLY)
    })?;
    stage.run(plan(1), |world| {
        world.habits(Nb(0)).unchokes = false;
        has_all(world, Nb(1));
        world.habits(Nb(1)).unchokes = false;
        start_and_meet(world)?;
        world.doing("sent full bitfields as all neighbors, and no piece");
        stays(world, TOO_EARLY, &mistakes::ENDS_INCOMPLETE)
    })?;
    stage.run(Plan::seeder(1, 1), |world| {
        has_all(world, Nb(1));
        is_idle(world, Nb(0));
        start_and_meet(world)?;
        world.doing("met a peer that has the file, while one neighbor lacked it");
        stays(world, TOO_EARLY, &mistakes::ENDS_EARLY)
    })
}

pub fn last_have(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(plan(2), |world| {
        for nb in [1, 2].map(Nb) {
            has_all(world, nb);
        }
        for nb in [0, 1, 2].map(Nb) {
            world.habits(nb).unchokes = false;
        }
        start_and_meet(world)?;
        world.doing("sent the last piece to the peer, which then ends, because all others are complete");
        // Nobody chokes it at the end, so nothing of ours can meet a closed connection.
        unchoke(world, Nb(0))?;
        world.habits(Nb(0)).unchokes = false;
        download(world)?;
        let (last, ..) = *world.facts().given.last().expect("all were given");
        over(world, &mistakes::NEVER_ENDS)?;
        for nb in [0, 1, 2].map(Nb) {
            if !world.facts().of(nb).they_have.contains(last) {
                let id = world.id(nb);
                let end = how_it_ended(world, nb);
                let mut finding = world.finding(
                    Must,
                    format!("have {last} to each neighbor before the end"),
                    format!("none to peer {id}: {end}"),
                );
                finding.mistake = Some(&mistakes::NO_LAST_HAVE);
                return Err(Stop::Failed(Box::new(finding)));
            }
        }
        Ok(())
    })
}

fn how_it_ended(world: &World, nb: Nb) -> String {
    let end = world.history().since(0).iter().rev().find_map(|event| match &event.what {
        What::Ended(of, end) if *of == nb => Some(end.to_string()),
        _ => None,
    });
    end.unwrap_or_else(|| "the connection stands".to_owned())
}

pub fn process_gone(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(plan(1), |world| {
        end_of_all(world)?;
        world.doing("let all become complete, and saw the end of the peer's connections");
        gone(world, &mistakes::PROCESS_STAYS)
    })
}

/// The judge looks at the status.
pub fn status(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(plan(1), |world| {
        end_of_all(world)?;
        gone(world, &mistakes::PROCESS_STAYS)
    })
}

pub fn serves_until_end(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(plan(1), |world| {
        let nb = Nb(1);
        start_and_meet(world)?;
        download(world)?;
        world.doing("requested all pieces as the last neighbor that lacked them");
        let time = Duration::from_secs(3) + world.env().patience;
        let wait = Wait::to_see("all pieces for the last neighbor").from(nb).within(time).or(&mistakes::NOT_SERVED);
        world.until(&wait, |world| world.has(nb).is_full().then_some(()))?;
        over(world, &mistakes::NEVER_ENDS)
    })
}

pub fn closes_in_order(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(plan(1), |world| {
        let nb = Nb(1);
        is_idle(world, nb);
        start_and_meet(world)?;
        download(world)?;
        world.doing("announced the last piece, with more behind it that the peer finds when it ends");
        world.hold(nb);
        announce_rest(world, nb);
        // Correct messages that a neighbor may have sent before it saw the end.
        for _ in 0..50 {
            world.say(nb, Message::Unchoke);
            world.say(nb, Message::Choke);
        }
        world.release(nb);
        over(world, &mistakes::NEVER_ENDS)?;
        // What was on its way when the process ended arrives now.
        world.watch(Duration::from_millis(50))?;
        let reset = world.history().since(0).iter().find_map(|event| match &event.what {
            What::Ended(of, end @ End::Reset(_)) => Some((*of, end.to_string())),
            _ => None,
        });
        if let Some((of, came)) = reset {
            let id = world.id(of);
            let expected = format!("connections that are closed in order within {} s", END.as_secs());
            let finding = world.finding(Should, expected, format!("{came}, which was that of peer {id}"));
            world.add(Finding { mistake: Some(&mistakes::RESETS_AT_END), ..finding });
        }
        Ok(())
    })
}
