//! Neighbors that go, stay silent, are slow, or come late (B, C). Never more than our reading asks for it.

use std::time::Duration;

use peer_process::protocol::message::Message;

use super::robustness::{BAD, GOOD, NEEDS, asked_for_its_only_piece, beside_a_good_one};
use crate::check::cases::common::{as_should, means};
use crate::check::habits::Habits;
use crate::check::history::Said;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan, piece};
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Level::Should;
use crate::check::world::{Stop, Wait, World};
use crate::rubric::Item::Beside;

pub static CASES: &[Case] = &[
    case(
        "robustness/neighbor-closes",
        ("B", Beside, Should),
        "If a neighbor closes that owes a piece, the peer gets that piece from another one.",
        NEEDS,
        neighbor_closes,
    ),
    case(
        "robustness/neighbor-resets",
        ("B", Beside, Should),
        "If a connection is reset in the middle of a piece, the peer gets that piece from another neighbor.",
        NEEDS,
        neighbor_resets,
    ),
    case(
        "robustness/neighbor-never-answers",
        ("B", Beside, Should),
        "A neighbor that says nothing more after the handshake keeps the peer from nobody else.",
        NEEDS,
        neighbor_never_answers,
    ),
    case(
        "robustness/slow-reader",
        ("B", Beside, Should),
        "A neighbor that asks for much and does not read keeps the peer from serving nobody else.",
        &["start/accepts-later", "handshake/with-more", "choking/unchokes"],
        slow_reader,
    ),
    case(
        "robustness/many-requests",
        ("B", Beside, Should),
        "A neighbor that sends 30 requests at once harms nobody, and gets pieces.",
        &["start/accepts-later", "handshake/with-more", "choking/unchokes"],
        many_requests,
    ),
    case(
        "robustness/repeated-messages",
        ("B", Beside, Should),
        "A message that repeats what was said already changes nothing.",
        NEEDS,
        repeated_messages,
    ),
    case(
        "robustness/comes-back",
        ("B", Beside, Should),
        "A neighbor that comes back after a loss is a neighbor as before.",
        NEEDS,
        comes_back,
    ),
    case(
        "robustness/late-neighbor",
        ("A9", Beside, Should),
        "A neighbor that joins when the peer is complete gets the file.",
        NEEDS,
        late_neighbor,
    ),
    case(
        "robustness/trickled-piece",
        ("A5", Beside, Should),
        "A piece may arrive a few bytes at a time.",
        NEEDS,
        trickled_piece,
    ),
];

fn neighbor_closes(stage: &mut Stage) -> Result<(), Stop> {
    beside_a_good_one(stage, "robustness/neighbor-closes", &mistakes::NOT_AFTER_LOSS, |world| {
        world.meet(BAD)?;
        asked_for_its_only_piece(world, 1)?;
        world.doing("closed the connection of a neighbor that owed piece 1, and announced it at another one");
        world.close(BAD);
        Ok(())
    })
}

fn neighbor_resets(stage: &mut Stage) -> Result<(), Stop> {
    beside_a_good_one(stage, "robustness/neighbor-resets", &mistakes::NOT_AFTER_LOSS, |world| {
        world.meet(BAD)?;
        asked_for_its_only_piece(world, 1)?;
        world.doing("reset the connection of a neighbor in the middle of piece 1, and announced it at another one");
        let half = [&[0, 0, 1, 5, 7, 0, 0, 0, 1][..], &world.file()[256..384]].concat();
        world.say_raw(BAD, &half, "half a piece");
        // The bytes must be on their way before the reset, which takes back what was not read.
        world.watch(Duration::from_millis(100))?;
        world.reset(BAD);
        Ok(())
    })
}

fn neighbor_never_answers(stage: &mut Stage) -> Result<(), Stop> {
    let address = "robustness/neighbor-never-answers";
    beside_a_good_one(stage, address, &mistakes::BLOCKED_BY_ONE, |world| {
        let full = world.plan().pieces(0..11);
        world.behave(BAD, Habits::greets(full));
        world.meet(BAD)?;
        world.doing("let a neighbor send a full bitfield and nothing after it");
        world.watch(Duration::from_millis(200))
    })
}

/// Waits until a neighbor without pieces is unchoked.
fn unchoked(world: &mut World<'_>, nb: Nb) -> Result<(), Stop> {
    world.until(&Wait::to_see("unchoke, which the tester needs for its question").from(nb), |world| {
        (!world.facts().of(nb).they_choke).then_some(())
    })
}

/// Waits until a neighbor has got this many pieces.
fn got(world: &mut World<'_>, nb: Nb, count: u32) -> Result<(), Stop> {
    let wait = Wait::to_see(format!("{count} pieces in answer to requests of a neighbor that does all right"));
    world.until(&wait.from(nb), |world| (world.facts().of(nb).pieces_came >= count).then_some(()))
}

/// A seeder unchokes a neighbor, which then floods it with requests; it must serve another one.
fn beside_a_greedy_one(
    stage: &mut Stage,
    plan: Plan,
    address: &'static str,
    act: impl FnOnce(&mut World<'_>, Nb, u32) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let outcome = stage.run(plan, |world| {
        let (greedy, good) = (Nb(0), Nb(1));
        let count = world.layout().piece_count();
        world.exit_means(address, Should, &mistakes::BLOCKED_BY_ONE);
        world.habits(greedy).downloads = false;
        world.habits(greedy).announces = false;
        world.start()?;
        world.meet(greedy)?;
        unchoked(world, greedy)?;
        act(world, greedy, count)?;
        means(world.meet(good).and_then(|()| got(world, good, 3)), world, &mistakes::BLOCKED_BY_ONE)
    });
    as_should(outcome)
}

fn slow_reader(stage: &mut Stage) -> Result<(), Stop> {
    // More than the system keeps for a connection whose other end does not read.
    let plan = Plan::seeder(0, 2).with_pieces(96, 128 * 1024);
    beside_a_greedy_one(stage, plan, "robustness/slow-reader", |world, greedy, count| {
        world.doing("requested all pieces at once for a neighbor that did not read, and let another one download");
        world.read_from(greedy, false)?;
        for number in 0..count {
            let piece = piece(world.layout(), number);
            world.say(greedy, Message::Request(piece));
        }
        world.watch(Duration::from_millis(300))
    })
}

fn many_requests(stage: &mut Stage) -> Result<(), Stop> {
    let plan = Plan::seeder(0, 2).with_pieces(30, 256);
    beside_a_greedy_one(stage, plan, "robustness/many-requests", |world, greedy, count| {
        world.doing("sent 30 requests at once for a neighbor, and let another one download");
        world.hold(greedy);
        for number in 0..count {
            let piece = piece(world.layout(), number);
            world.say(greedy, Message::Request(piece));
        }
        world.release(greedy);
        means(got(world, greedy, 1), world, &mistakes::NOT_SERVED)
    })
}

fn repeated_messages(stage: &mut Stage) -> Result<(), Stop> {
    let address = "robustness/repeated-messages";
    beside_a_good_one(stage, address, &mistakes::REPEATED_CONFUSES, |world| {
        world.meet(BAD)?;
        world.doing("sent interested, unchoke, choke and not interested twice each from one neighbor");
        // A peer without interest requests nothing, however often it is unchoked.
        for message in [Message::Interested, Message::Unchoke, Message::Choke, Message::NotInterested] {
            world.say(BAD, message.clone());
            world.say(BAD, message);
        }
        world.watch(Duration::from_millis(200))?;
        world.doing("let the neighbor that had repeated its messages announce piece 2, and unchoked the peer");
        world.habits(BAD).unchokes = true;
        world.habits(BAD).serves_after = Some(Duration::ZERO);
        let offered = piece(world.layout(), 2);
        world.announce(BAD, offered);
        let wait = Wait::to_see("request 2").from(BAD).or(&mistakes::REPEATED_CONFUSES);
        world.until(&wait, |world| world.facts().can_have.contains(offered).then_some(()))
    })
}

fn comes_back(stage: &mut Stage) -> Result<(), Stop> {
    beside_a_good_one(stage, "robustness/comes-back", &mistakes::DIES_ON_LOSS, |world| {
        world.meet(BAD)?;
        world.doing("closed a neighbor's connection, and called the peer again with a piece to offer");
        world.close(BAD);
        world.watch(Duration::from_millis(300))?;
        let offered = piece(world.layout(), 2);
        let some = world.plan().pieces([2]);
        world.behave(BAD, Habits::all(some));
        let back = world.meet(BAD).and_then(|()| {
            world.until(&Wait::to_see("request 2").from(BAD), |world| {
                world.facts().can_have.contains(offered).then_some(())
            })
        });
        means(back, world, &mistakes::NOT_TAKEN_BACK)
    })
}

fn late_neighbor(stage: &mut Stage) -> Result<(), Stop> {
    let outcome = stage.run(Plan::leecher(1, 1).with_seeder(GOOD), |world| {
        let late = Nb(1);
        world.exit_means("robustness/late-neighbor", Should, &mistakes::ENDS_EARLY);
        world.start()?;
        world.meet(GOOD)?;
        world.until(&Wait::to_see("requests for all pieces").from(GOOD), |world| {
            world.facts().can_have.is_full().then_some(())
        })?;
        world.doing("let the last neighbor call when the peer was complete");
        world.meet(late)?;
        let wait = Wait::to_see("all pieces in answer to the late neighbor's requests").from(late);
        let time = world.env().patience + Duration::from_secs(3);
        world.until(&wait.within(time), |world| world.has(late).is_full().then_some(()))
    });
    as_should(outcome)
}

fn trickled_piece(stage: &mut Stage) -> Result<(), Stop> {
    beside_a_good_one(stage, "robustness/trickled-piece", &mistakes::ONE_RECV_MESSAGE, |world| {
        world.meet(BAD)?;
        asked_for_its_only_piece(world, 2)?;
        world.doing("sent piece 2 seven bytes at a time");
        let bytes = [&[0, 0, 1, 5, 7, 0, 0, 0, 2][..], &world.file()[512..768]].concat();
        for part in bytes.chunks(7) {
            // What was sent last must not be heard of before it is known to be the end.
            world.watch(Duration::from_millis(3))?;
            world.say_raw(BAD, part, "a part of piece 2");
        }
        let offered = piece(world.layout(), 2);
        world.meant(BAD, Said::Message(Message::Piece(offered)));
        let wait = Wait::to_see("have 2 after the piece").or(&mistakes::ONE_RECV_MESSAGE);
        world.hear(BAD, 0, wait, |message| *message == Message::Have(offered)).map(drop)
    })
}
