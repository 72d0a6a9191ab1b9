//! Who connects to whom, and when the exchange starts (A3).

use std::time::Duration;

use peer_process::protocol::message::Message;

use crate::check::cases::common::{as_should, means};
use crate::check::cases::steps;
use crate::check::habits::Habits;
use crate::check::mistakes::{self, Mistake};
use crate::check::plan::{Nb, Plan, piece};
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Finding;
use crate::check::verdict::Level::{Must, Should};
use crate::check::world::{Stop, Wait, World};
use crate::rubric::Item;

/// Within this time a correct peer calls a neighbor again that was not up.
const REDIALS: Duration = Duration::from_secs(7);
/// How long a connection idles where nothing may come of that.
const IDLE: Duration = Duration::from_millis(1200);
/// From this age of a connection on, nobody is deaf any more.
const HEARS: Duration = Duration::from_millis(2600);

const LISTENS: &[&str] = &["start/listens"];
const GREETED: &[&str] = &["start/listens", "start/dials-earlier", "handshake/bytes", "handshake/with-more"];

pub static CASES: &[Case] = &[
    case(
        "start/listens",
        ("A3", Item::I1b, Must),
        "The peer listens at the port of its line in PeerInfo.cfg.",
        &[],
        listens,
    ),
    case(
        "start/dials-earlier",
        ("A3", Item::I1b, Must),
        "The peer makes a connection to every peer whose line stands before its own.",
        &[],
        dials_earlier,
    ),
    case(
        "start/dials-by-lines",
        ("A1", Item::I1b, Must),
        "The order of the lines is the order of starting, also where the IDs do not ascend.",
        &["start/dials-earlier"],
        dials_by_lines,
    ),
    case(
        "start/dials-only-earlier",
        ("A3", Item::I1b, Must),
        "The peer makes no connection to peers of later lines: they will call it.",
        &[],
        dials_only_earlier,
    ),
    case(
        "start/one-connection",
        ("A3", Item::I1b, Must),
        "There is one connection a pair. While it stands, the peer makes no second one.",
        GREETED,
        one_connection,
    ),
    case(
        "start/accepts-later",
        ("A3", Item::I1b, Must),
        "The peer accepts every peer of a later line, in whatever order they call.",
        GREETED,
        accepts_later,
    ),
    case(
        "start/accepts-before-dialing",
        ("B", Item::I1b, Should),
        "An earlier neighbor that is not up, or accepts and says nothing, keeps the peer from no other neighbor.",
        &["start/listens", "start/one-connection-is-enough"],
        accepts_before_dialing,
    ),
    case(
        "start/before-neighbors",
        ("B", Item::I1b, Should),
        "The peer may be started before its earlier neighbors: it calls them again until they are up.",
        &["start/dials-earlier"],
        before_neighbors,
    ),
    case(
        "start/stays",
        ("A9", Item::I1c, Must),
        "The peer runs on while others lack pieces, also while nothing happens.",
        LISTENS,
        stays,
    ),
    case(
        "start/one-connection-is-enough",
        ("A3", Item::I1c, Must),
        "The exchange starts as soon as one connection stands, though other neighbors are missing.",
        &["start/dials-earlier", "handshake/bytes", "handshake/with-more", "interest/interested"],
        one_connection_is_enough,
    ),
    case(
        "start/hears-at-once",
        ("A3", Item::I1c, Must),
        "What comes right behind the handshake counts as what comes later.",
        &["start/listens", "handshake/bytes"],
        hears_at_once,
    ),
];

fn listens(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        world.start()?;
        world.doing("started the peer and called the port of its line");
        world.connect(Nb(1))
    })
}

fn dials_earlier(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(3, 1), |world| {
        world.start()?;
        world.doing("started the peer with three earlier neighbors, which listen");
        world.first_sign(Nb(3))?;
        let outcome = (0..3).try_for_each(|nb| world.connect(Nb(nb)));
        let called: Vec<bool> = (0..3).map(|nb| world.facts().of(Nb(nb)).connections > 0).collect();
        if called == [false, false, true] { means(outcome, world, &mistakes::DIALS_ONE_BEFORE) } else { outcome }
    })
}

fn dials_by_lines(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan { has_ids_descending: true, ..Plan::leecher(1, 2) }, |world| {
        world.start()?;
        world.doing("wrote PeerInfo.cfg with descending IDs, and started the peer");
        world.first_sign(Nb(1))?;
        means(world.connect(Nb(0)), world, &mistakes::DIALS_LOWER_IDS)
    })
}

fn dials_only_earlier(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 3), |world| {
        world.start()?;
        world.doing("started the peer; its later neighbors listened too");
        world.first_sign(Nb(1))?;
        world.connect(Nb(0))?;
        world.watch(IDLE / 2)
    })
}

fn one_connection(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(2, 1), |world| {
        world.start()?;
        world.doing("let all neighbors connect and idle");
        for nb in [Nb(2), Nb(0), Nb(1)] {
            world.meet(nb)?;
        }
        world.watch(IDLE)
    })
}

fn accepts_later(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 3), |world| {
        world.start()?;
        world.first_sign(Nb(3))?;
        world.doing("called the peer for its later neighbors, the last line first");
        means([Nb(3), Nb(1), Nb(2)].into_iter().try_for_each(|nb| world.meet(nb)), world, &mistakes::ACCEPTS_IN_ORDER)
    })
}

fn accepts_before_dialing(stage: &mut Stage) -> Result<(), Stop> {
    let outcome = stage.run(Plan { earlier_are_up: false, ..Plan::leecher(2, 2) }, |world| {
        let (silent, later) = (Nb(1), Nb(2));
        let (empty, full) = (world.plan().pieces([]), world.plan().pieces(0..11));
        world.behave(silent, Habits::none(empty));
        world.behave(later, Habits::all(full));
        world.exit_means("start/before-neighbors", Should, &mistakes::DIALS_ONCE);
        world.listen(silent)?;
        world.start()?;
        world.doing("kept the first neighbor down and the second one silent, and called the peer for a later one");
        means(world.meet(later), world, &mistakes::DIALS_BEFORE_ACCEPTING)?;
        let wait = Wait::to_see("a request to the later neighbor").from(later).or(&mistakes::WAITS_FOR_ALL);
        world.until(&wait, |world| (!world.facts().given.is_empty()).then_some(()))
    });
    as_should(outcome)
}

fn before_neighbors(stage: &mut Stage) -> Result<(), Stop> {
    let outcome = stage.run(Plan { earlier_are_up: false, ..Plan::leecher(1, 1) }, |world| {
        let nb = Nb(0);
        world.exit_means("start/before-neighbors", Should, &mistakes::DIALS_ONCE);
        world.start()?;
        world.doing("started the peer before its earlier neighbor, which was up a moment later");
        // The peer's first call is refused by the system, which nobody sees. A peer that listens only when all calls have
        // succeeded gives no sign before that.
        match world.first_sign_within(Nb(1), Duration::from_secs(3)) {
            Err(Stop::Failed(_)) | Ok(()) => {}
            Err(other) => return Err(other),
        }
        // On a loaded machine it calls only some time after it listens.
        world.watch(Duration::from_secs(1))?;
        world.listen(nb)?;
        let wait = Wait::to_see("a call to the earlier neighbor").within(REDIALS).or(&mistakes::DIALS_ONCE);
        world.until(&wait, |world| world.facts().of(nb).is_connected.then_some(()))
    });
    as_should(outcome)
}

fn stays(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), |world| {
        world.start()?;
        world.doing("connected and said nothing about pieces for a while");
        world.first_sign(Nb(1))?;
        for nb in [Nb(0), Nb(1)] {
            world.habits(nb).tells_interest = false;
            world.connect(nb)?;
        }
        world.watch(IDLE)
    })
}

fn one_connection_is_enough(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2).with_seeder(Nb(0)), |world| {
        world.start()?;
        world.doing("let the earlier neighbor, which has the file, connect and no other one");
        world.connect(Nb(0))?;
        let outcome = a_piece(world);
        let Err(Stop::Failed(mut finding)) = outcome else { return outcome };
        // Does it start when all are there?
        for nb in [Nb(1), Nb(2)] {
            world.connect(nb)?;
        }
        let between = world.facts().of(Nb(0));
        let (mistake, asked_by) = if between.they_are_interested == Some(true) {
            (&mistakes::NEVER_REQUESTS, "requests/starts")
        } else {
            (&mistakes::NEVER_INTERESTED, "interest/interested")
        };
        (finding.mistake, finding.asked_by) = (Some(mistake), Some(asked_by));
        match a_piece(world) {
            Ok(()) => contrast(&mut finding, &mistakes::WAITS_FOR_ALL),
            Err(Stop::Failed(_)) => {}
            Err(other) => return Err(other),
        }
        Err(Stop::Failed(finding))
    })
}

/// Notes that what did not come at first came later, which shows this mistake.
fn contrast(finding: &mut Finding, mistake: &'static Mistake) {
    (finding.mistake, finding.is_contrast, finding.asked_by) = (Some(mistake), true, None);
}

fn a_piece(world: &mut World<'_>) -> Result<(), Stop> {
    world.until(&Wait::to_see("a request for a piece").from(Nb(0)), |world| {
        (!world.facts().given.is_empty()).then_some(())
    })
}

fn hears_at_once(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        let nb = Nb(1);
        let some = world.plan().pieces(0..5);
        world.behave(nb, Habits { sends_bitfield: false, ..Habits::greets(some.clone()) });
        world.start()?;
        world.connect(Nb(0))?;
        world.meet(nb)?;
        world.doing("called the peer, and sent the bitfield 0.2 s behind the handshake");
        // Together with the handshake it would be another question.
        world.watch(Duration::from_millis(200))?;
        world.say(nb, Message::Bitfield(Box::new(some)));
        let outcome = steps::interest(world, nb, true, Wait::to_see("interested"));
        let Err(Stop::Failed(mut finding)) = outcome else { return outcome };
        // Does it hear what comes later?
        let age = world.now().saturating_sub(world.facts().of(nb).connected_at);
        world.watch(HEARS.saturating_sub(age))?;
        let later = piece(world.layout(), 6);
        world.announce(nb, later);
        (finding.mistake, finding.asked_by) = (Some(&mistakes::NEVER_INTERESTED), Some("interest/interested"));
        match steps::interest(world, nb, true, Wait::to_see("interested")) {
            Ok(()) => contrast(&mut finding, &mistakes::DEAF_AT_FIRST),
            Err(Stop::Failed(_)) => {}
            Err(other) => return Err(other),
        }
        Err(Stop::Failed(finding))
    })
}
