//! The end (A9): when all peers of `PeerInfo.cfg` have the file, and not before.

use std::time::Duration;

use peer_process::protocol::message::Message;
use peer_process::protocol::piece_set::PieceSet;

use super::endings::{END, announce_rest, download, gone, over, stays};
use crate::check::habits::Habits;
use crate::check::history::{End, What};
use crate::check::mistakes::{self, Mistake};
use crate::check::plan::{Nb, Plan};
use crate::check::rubric::Item;
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Finding;
use crate::check::verdict::Level::{Must, Should};
use crate::check::world::{Stop, Wait, World};

/// A peer that waits for others is watched for this long: one that ends too early does so at once.
const TOO_EARLY: Duration = Duration::from_millis(1200);

pub static CASES: &[Case] = &[
    case(
        "end/when-all-complete",
        ("A9", Item::I4, Must),
        "When all peers of PeerInfo.cfg have the file, the peer closes its connections and ends within 6 s.",
        &["requests/starts"],
        when_all_complete,
    ),
    case(
        "end/not-before",
        ("A9", Item::I1c, Must),
        "As long as one peer of PeerInfo.cfg lacks a piece, itself or another, the peer stays.",
        &["requests/starts"],
        not_before,
    ),
    case(
        "end/complete-from-bitfield",
        ("A9", Item::I4, Must),
        "A neighbor whose bitfield is full is complete, whatever its line in PeerInfo.cfg says.",
        &["end/when-all-complete"],
        |stage| from_bitfields(stage, &mistakes::BITFIELD_NOT_COUNTED),
    ),
    case(
        "end/complete-from-haves",
        ("A9", Item::I4, Must),
        "A neighbor that has announced its last piece by have is complete.",
        &["end/when-all-complete"],
        |stage| from_haves(stage, &mistakes::HAVES_NOT_COUNTED),
    ),
    case(
        "end/mixed",
        ("A9", Item::I4, Must),
        "Pieces of a bitfield and pieces of later haves count together.",
        &["end/complete-from-bitfield", "end/complete-from-haves"],
        mixed,
    ),
    case(
        "end/others-close-first",
        ("A9", Item::I4, Must),
        "A neighbor that is complete stays complete when it closes: the peer goes on, and ends when the others are complete.",
        &["end/complete-from-bitfield", "end/complete-from-haves"],
        others_close_first,
    ),
    case(
        "end/last-have",
        ("A9", Item::I3b, Must),
        "The last have reaches every neighbor before the peer closes: the others need it to end, too.",
        &["pieces/have-to-all", "end/complete-from-bitfield"],
        last_have,
    ),
    case(
        "end/process-gone",
        ("A9", Item::I4, Must),
        "At the end the process itself is gone, not only its connections.",
        &["end/complete-from-bitfield", "end/complete-from-haves"],
        process_gone,
    ),
    case(
        "end/status",
        ("A9", Item::I4, Must),
        "A peer that ends because all have the file ends with exit status 0.",
        &["end/process-gone"],
        status,
    ),
    case(
        "end/seeder-ends",
        ("A9", Item::I4, Must),
        "A peer that starts with the file ends, too, when all others have it.",
        &["end/complete-from-haves"],
        seeder_ends,
    ),
    case(
        "end/serves-until-end",
        ("A9", Item::I1c, Must),
        "A complete peer serves those that lack pieces, and ends when the last of them has all.",
        &[
            "pieces/serves",
            "pieces/have-to-all",
            "end/not-before",
            "end/complete-from-bitfield",
            "end/complete-from-haves",
        ],
        serves_until_end,
    ),
    case(
        "end/zero-left",
        ("A9", Item::I4, Must),
        "A peer whose neighbors all start with the file ends when it has the file itself, and not before.",
        &["end/complete-from-bitfield"],
        zero_left,
    ),
    case(
        "end/closes-in-order",
        ("B", Item::I4, Should),
        "At the end the peer closes its connections in order: it reads what still arrives, so that nothing is reset.",
        &["end/complete-from-bitfield", "end/complete-from-haves"],
        closes_in_order,
    ),
];

/// A seeder before the peer, and `later` others after it.
fn plan(later: usize) -> Plan {
    Plan::leecher(1, later).with_seeder(Nb(0))
}

/// Lets a later neighbor have the whole file from the start, and want nothing.
fn has_all(world: &mut World, nb: Nb) {
    let full = PieceSet::full(world.layout());
    world.behave(nb, Habits::all(full));
}

/// Lets a neighbor have nothing and download nothing by itself.
fn is_idle(world: &mut World, nb: Nb) {
    world.habits(nb).downloads = false;
}

fn start_and_meet(world: &mut World) -> Result<(), Stop> {
    world.start()?;
    for nb in 0..world.plan().neighbors() {
        world.meet(Nb(nb))?;
    }
    Ok(())
}

/// All neighbors are complete from the start; the peer downloads.
fn from_bitfields(stage: &mut Stage, mistake: &'static Mistake) -> Result<(), Stop> {
    stage.run(plan(2), |world| {
        for nb in [1, 2].map(Nb) {
            has_all(world, nb);
        }
        // The seeder serves only when all are there: else it would be over before.
        world.habits(Nb(0)).unchokes = false;
        start_and_meet(world)?;
        world.doing("sent full bitfields as all neighbors, and all pieces");
        unchoke(world, Nb(0))?;
        download(world)?;
        over(world, mistake)
    })
}

/// Unchokes the peer, which wants the pieces of this neighbor.
fn unchoke(world: &mut World, nb: Nb) -> Result<(), Stop> {
    world.until(&Wait::to_see("interested").from(nb).or(&mistakes::NEVER_INTERESTED), |world| {
        (world.facts().of(nb).they_are_interested == Some(true)).then_some(())
    })?;
    world.habits(nb).unchokes = true;
    world.say(nb, Message::Unchoke);
    Ok(())
}

/// All neighbors start with nothing; one pretends to have got all pieces, and serves them. All tell of their pieces by have.
fn from_haves(stage: &mut Stage, mistake: &'static Mistake) -> Result<(), Stop> {
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
fn when_all_complete(stage: &mut Stage) -> Result<(), Stop> {
    match from_bitfields(stage, &mistakes::NEVER_ENDS) {
        Err(Stop::Failed(_)) => from_haves(stage, &mistakes::NEVER_ENDS),
        other => other,
    }
}

fn not_before(stage: &mut Stage) -> Result<(), Stop> {
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

fn mixed(stage: &mut Stage) -> Result<(), Stop> {
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

fn others_close_first(stage: &mut Stage) -> Result<(), Stop> {
    let address = "end/others-close-first";
    stage.run(plan(2), |world| {
        world.exit_belongs_to(address);
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
    })?;
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
    world.until(&Wait::to_see("interested").from(nb).or(&mistakes::NEVER_INTERESTED), |world| {
        (world.facts().of(nb).they_are_interested == Some(true)).then_some(())
    })?;
    world.close(nb);
    Ok(())
}

fn last_have(stage: &mut Stage) -> Result<(), Stop> {
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

/// Brings a swarm to its end in which the peer learns of complete neighbors in both ways.
fn end_of_all(world: &mut World) -> Result<(), Stop> {
    is_idle(world, Nb(1));
    start_and_meet(world)?;
    download(world)?;
    announce_rest(world, Nb(1));
    over(world, &mistakes::NEVER_ENDS)
}

fn process_gone(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(plan(1), |world| {
        end_of_all(world)?;
        world.doing("let all become complete, and saw the end of the peer's connections");
        gone(world, &mistakes::PROCESS_STAYS)
    })
}

/// The judge looks at the status.
fn status(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(plan(1), |world| {
        end_of_all(world)?;
        gone(world, &mistakes::PROCESS_STAYS)
    })
}

fn seeder_ends(stage: &mut Stage) -> Result<(), Stop> {
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

fn serves_until_end(stage: &mut Stage) -> Result<(), Stop> {
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

fn zero_left(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(plan(1).with_seeder(Nb(1)), |world| {
        for nb in [0, 1].map(Nb) {
            world.habits(nb).unchokes = false;
        }
        start_and_meet(world)?;
        world.doing("met the peer with two neighbors that start with the file, and sent it all pieces");
        unchoke(world, Nb(0))?;
        unchoke(world, Nb(1))?;
        download(world)?;
        over(world, &mistakes::NEVER_ENDS)
    })
}

fn closes_in_order(stage: &mut Stage) -> Result<(), Stop> {
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
