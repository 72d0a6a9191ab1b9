//! The handshake (A4).

use std::time::Duration;

use peer_process::protocol::message::Message;
use peer_process::protocol::wire::Handshake;

use crate::check::cases::common::{as_should, means};
use crate::check::cases::steps;
use crate::check::habits::{Greets, Habits};
use crate::check::history::{Heard, Said};
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan, piece};
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Level::{Must, Should};
use crate::check::world::{Stop, Wait, World};
use crate::rubric::Item;

/// How long nothing may come.
const SILENCE: Duration = Duration::from_millis(800);

const LISTENS: &[&str] = &["start/listens"];
const BYTES: &[&str] = &["start/listens", "handshake/bytes"];
/// Interest shows that the peer took what came with or behind a handshake.
const HEARS: &[&str] = &["start/listens", "handshake/bytes", "start/hears-at-once"];
const INTEREST: &[&str] = &["start/listens", "handshake/bytes", "interest/interested"];

pub static CASES: &[Case] = &[
    case(
        "handshake/dialer-speaks",
        ("A4", Item::I2a, Must),
        "Where the peer makes the connection, it sends its handshake without waiting for the other's.",
        &["start/dials-earlier"],
        dialer_speaks,
    ),
    case(
        "handshake/answers-caller",
        ("A4", Item::I2a, Must),
        "A caller that has shaken hands gets the peer's handshake.",
        LISTENS,
        answers_caller,
    ),
    case(
        "handshake/bytes",
        ("A4", Item::I2a, Must),
        "The first bytes of a connection are the handshake: P2PFILESHARINGPROJ, ten zero bytes, and the ID in four bytes.",
        &["start/listens", "start/dials-earlier"],
        both_ways,
    ),
    case(
        "handshake/reserved",
        ("A4", Item::I2a, Must),
        "The ten bytes behind the header have the value 0.",
        BYTES,
        both_ways,
    ),
    case(
        "handshake/own-id",
        ("A4", Item::I2a, Must),
        "The last four bytes of the handshake are the peer's own ID as a big-endian number.",
        BYTES,
        both_ways,
    ),
    case(
        "handshake/once",
        ("A4", Item::I2a, Must),
        "The handshake is sent once on each connection.",
        &["handshake/dialer-speaks", "handshake/answers-caller"],
        once,
    ),
    case(
        "handshake/byte-by-byte",
        ("A4", Item::I2a, Must),
        "The handshake is 32 bytes, however they arrive: one by one, too.",
        HEARS,
        byte_by_byte,
    ),
    case(
        "handshake/with-more",
        ("A4", Item::I2a, Must),
        "A handshake may arrive together with what follows it. Both count.",
        HEARS,
        with_more,
    ),
    case(
        "handshake/checks-header",
        ("A4", Item::I2a, Must),
        "A caller with another header is no neighbor: the peer exchanges nothing with it.",
        INTEREST,
        checks_header,
    ),
    case(
        "handshake/checks-id-of-dialed",
        ("A4", Item::I2a, Must),
        "If a neighbor that the peer called answers with another ID, the peer exchanges nothing with it.",
        &["start/dials-earlier", "interest/interested"],
        checks_id_of_dialed,
    ),
    case(
        "handshake/checks-id-of-caller",
        ("A4", Item::I2a, Must),
        "A caller with an ID that has no line is no neighbor: the peer exchanges nothing with it.",
        INTEREST,
        checks_id_of_caller,
    ),
    case(
        "handshake/any-reserved",
        ("B", Item::I2a, Should),
        "The peer takes a handshake whose ten bytes behind the header are not zero.",
        HEARS,
        any_reserved,
    ),
    case(
        "handshake/nothing-before",
        ("A4", Item::I2a, Must),
        "Before the other's handshake has come, the peer sends its own handshake and bitfield at most.",
        LISTENS,
        nothing_before,
    ),
];

fn silent(world: &mut World<'_>, nb: Nb) {
    world.habits(nb).greets = Greets::Never;
}

/// Waits for the peer's handshake; a shorter one is named.
fn greeted(world: &mut World<'_>, nb: Nb) -> Result<(), Stop> {
    let wait = Wait::to_see("the peer's handshake").from(nb).being_a_first_step();
    let outcome = world.until(&wait, |world| world.facts().of(nb).they_greeted.then_some(()));
    let Err(Stop::Failed(finding)) = &outcome else { return outcome };
    let is_short = finding.bytes.as_ref().is_some_and(|bytes| bytes.total >= 18 && bytes.total < 32);
    if is_short { means(outcome, world, &mistakes::SHORT_HANDSHAKE) } else { outcome }
}

fn dialer_speaks(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        let nb = Nb(0);
        silent(world, nb);
        world.start()?;
        world.connect(nb)?;
        world.doing("let the peer connect to an earlier neighbor, which sent nothing");
        let outcome = greeted(world, nb);
        let Err(Stop::Failed(mut finding)) = outcome else { return outcome };
        // Does it come when it is answered?
        if finding.mistake.is_none() && world.facts().of(nb).is_connected {
            world.greet(nb);
            match greeted(world, nb) {
                Ok(()) => finding.mistake = Some(&mistakes::WAITS_FOR_US),
                Err(Stop::Failed(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(Stop::Failed(finding))
    })
}

fn answers_caller(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        world.start()?;
        world.connect(Nb(1))?;
        world.doing("called the peer and sent the handshake");
        greeted(world, Nb(1))
    })
}

/// Shakes hands with an earlier and with a later neighbor. What is wrong in it, the judge sees.
fn both_ways(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        world.start()?;
        world.doing(
            "shook hands with an earlier neighbor, which the peer called, and with a later one, which called it",
        );
        world.first_sign(Nb(1))?;
        for nb in [Nb(0), Nb(1)] {
            world.connect(nb)?;
            greeted(world, nb)?;
        }
        Ok(())
    })
}

fn once(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let (dialed, caller) = (Nb(0), Nb(1));
        silent(world, dialed);
        silent(world, caller);
        world.start()?;
        world.doing("sent the handshakes of an earlier and of a later neighbor a moment after each connection");
        world.connect(caller)?;
        world.connect(dialed)?;
        greeted(world, dialed)?;
        world.watch(Duration::from_millis(100))?;
        for nb in [dialed, caller] {
            world.greet(nb);
            greeted(world, nb)?;
        }
        world.watch(SILENCE)
    })
}

fn byte_by_byte(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        let nb = Nb(1);
        let some = world.plan().pieces([3]);
        world.behave(nb, Habits::none(some.clone()));
        world.start()?;
        world.connect(Nb(0))?;
        world.connect(nb)?;
        world.doing("called the peer and sent the handshake one byte at a time");
        for byte in Handshake::of(world.id(nb)).to_bytes() {
            world.watch(Duration::from_millis(3))?;
            world.say_raw(nb, &[byte], "a byte of the handshake");
        }
        world.meant(nb, Said::Handshake);
        // A peer that sent its handshake before it read this one shows by what follows that it took it.
        means(greeted(world, nb), world, &mistakes::ONE_RECV_HANDSHAKE)?;
        world.say(nb, Message::Bitfield(Box::new(some)));
        // It says so after other handshakes, unless the case about that fails.
        let wait = Wait::to_see("interested").asked_by("interest/interested");
        means(steps::interest(world, nb, true, wait), world, &mistakes::ONE_RECV_HANDSHAKE)
    })
}

fn with_more(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1), |world| {
        let nb = Nb(1);
        let some = world.plan().pieces([1, 4, 9]);
        world.behave(nb, Habits::none(some.clone()));
        world.start()?;
        world.connect(Nb(0))?;
        world.connect(nb)?;
        world.doing("called the peer and sent handshake and bitfield in one segment");
        world.hold(nb);
        world.greet(nb);
        world.say(nb, Message::Bitfield(Box::new(some)));
        world.release(nb);
        means(greeted(world, nb), world, &mistakes::ONE_RECV_HANDSHAKE)?;
        let outcome = steps::interest(world, nb, true, Wait::to_see("interested"));
        let Err(Stop::Failed(mut finding)) = outcome else { return outcome };
        // Does it hear what comes alone?
        finding.mistake = Some(&mistakes::ONE_RECV_HANDSHAKE);
        if world.facts().of(nb).is_connected {
            let alone = piece(world.layout(), 5);
            world.announce(nb, alone);
            finding.mistake = match steps::interest(world, nb, true, Wait::to_see("interested")) {
                Err(Stop::Failed(_)) if world.facts().of(nb).is_connected => Some(&mistakes::NEVER_INTERESTED),
                Ok(()) | Err(Stop::Failed(_)) => Some(&mistakes::SWALLOWS_REST),
                Err(other) => return Err(other),
            };
        }
        Err(Stop::Failed(finding))
    })
}

/// Sends a wrong handshake and a full bitfield, and watches whether the peer takes them.
fn must_not_be_taken(world: &mut World<'_>, nb: Nb, handshake: &[u8]) -> Result<(), Stop> {
    let mark = world.history().mark();
    let full = Box::new(world.plan().pieces(0..11));
    world.say_raw(nb, handshake, "a wrong handshake");
    world.say(nb, Message::Bitfield(full));
    let until = world.now() + SILENCE;
    while world.now() < until && world.facts().of(nb).is_connected {
        world.watch(Duration::from_millis(10))?;
        let came = world.history().messages(nb, mark).find_map(|(_, message)| {
            matches!(message, Message::Interested | Message::Request(_) | Message::Unchoke).then(|| message.to_string())
        });
        if let Some(came) = came {
            let expected = "that the peer closes the connection, or sends no messages on it";
            let mut finding = world.finding(Must, expected, came);
            finding.mistake = Some(&mistakes::NO_HANDSHAKE_CHECK);
            return Err(Stop::Failed(Box::new(finding)));
        }
    }
    Ok(())
}

fn checks_header(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let nb = Nb(1);
        silent(world, nb);
        world.exit_means("handshake/checks-header", Should, &mistakes::DIES_ON_BAD_BYTES);
        world.start()?;
        world.connect(nb)?;
        world.doing("called the peer, sent a handshake with the header P2PFILESHARINGPRXJ, and a full bitfield");
        let mut bytes = Handshake::of(world.id(nb)).to_bytes();
        bytes[16] = b'X';
        must_not_be_taken(world, nb, &bytes)
    })
}

fn checks_id_of_dialed(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let nb = Nb(0);
        silent(world, nb);
        world.exit_means("handshake/checks-id-of-dialed", Should, &mistakes::DIES_ON_BAD_BYTES);
        world.start()?;
        world.connect(nb)?;
        world.doing(
            "let the peer connect to an earlier neighbor, which answered with an ID that has no line, and a bitfield",
        );
        let bytes = Handshake::of(world.id(Nb(3))).to_bytes();
        must_not_be_taken(world, nb, &bytes)
    })
}

fn checks_id_of_caller(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let nb = world.stranger();
        world.exit_means("handshake/checks-id-of-caller", Should, &mistakes::DIES_ON_BAD_BYTES);
        world.start()?;
        world.connect(nb)?;
        world.doing("called the peer with an ID that has no line, and sent a full bitfield");
        let bytes = Handshake::of(world.id(nb)).to_bytes();
        must_not_be_taken(world, nb, &bytes)
    })
}

fn any_reserved(stage: &mut Stage) -> Result<(), Stop> {
    let outcome = stage.run(Plan::leecher(1, 1), |world| {
        let nb = Nb(1);
        let full = world.plan().pieces(0..11);
        world.behave(nb, Habits::none(full.clone()));
        world.exit_means("handshake/any-reserved", Should, &mistakes::RESERVED_FATAL);
        world.start()?;
        world.connect(Nb(0))?;
        world.connect(nb)?;
        world.doing("called the peer, and sent a handshake whose ten bytes behind the header are 01, and a bitfield");
        let mut bytes = Handshake::of(world.id(nb)).to_bytes();
        bytes[18..28].fill(1);
        world.say_raw(nb, &bytes, "a handshake with other reserved bytes");
        greeted(world, nb)?;
        world.say(nb, Message::Bitfield(Box::new(full)));
        means(steps::interest(world, nb, true, Wait::to_see("interested")), world, &mistakes::RESERVED_FATAL)
    });
    as_should(outcome)
}

fn nothing_before(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 2), |world| {
        let neighbors = [Nb(0), Nb(1)];
        for nb in neighbors {
            silent(world, nb);
        }
        world.start()?;
        world.doing("connected an earlier and a later neighbor, which sent nothing");
        world.first_sign(Nb(1))?;
        for nb in neighbors {
            world.connect(nb)?;
        }
        world.watch(SILENCE)?;
        let early = neighbors.into_iter().find_map(|nb| {
            world.history().heard(nb, 0).find_map(|(_, heard)| match heard {
                Heard::Message(Message::Bitfield(_), _) => None,
                Heard::Message(message, _) => Some(message.to_string()),
                _ => None,
            })
        });
        let Some(came) = early else { return Ok(()) };
        let mut finding = world.finding(Must, "a handshake and a bitfield at most", came);
        finding.mistake = Some(&mistakes::EARLY_MESSAGE);
        // It was seen, so no failure elsewhere explains it.
        world.add(finding);
        Ok(())
    })
}
