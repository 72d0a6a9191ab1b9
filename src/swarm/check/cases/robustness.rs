//! What a peer survives: wrong bytes, and neighbors that stop in the middle (C). Never more than our reading asks for it.

use peer_process::protocol::message::Message;
use peer_process::protocol::wire::Handshake;

use crate::check::cases::common::{as_should, means};
use crate::check::cases::steps;
use crate::check::habits::{Greets, Habits};
use crate::check::mistakes::{self, Mistake};
use crate::check::plan::{Nb, Plan, piece};
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Level::Should;
use crate::check::world::{Stop, Wait, World};
use crate::rubric::Item::Beside;

/// Without the exchange with a good neighbor it cannot be seen whether it goes on.
pub const NEEDS: &[&str] = &["start/one-connection-is-enough", "start/accepts-later", "handshake/with-more"];

/// The neighbor that does all right, on an earlier line; the one that does not, and one more, on later lines.
pub const GOOD: Nb = Nb(0);
pub const BAD: Nb = Nb(1);
pub const NEXT: Nb = Nb(2);

pub static CASES: &[Case] = &[
    case(
        "robustness/bad-header",
        ("C", Beside, Should),
        "A caller whose first bytes are no handshake costs the peer that connection only.",
        NEEDS,
        bad_header,
    ),
    case(
        "robustness/java-bytes",
        ("C", Beside, Should),
        "A Java object stream costs the peer that connection only.",
        NEEDS,
        java_bytes,
    ),
    case(
        "robustness/huge-length",
        ("C", Beside, Should),
        "A length beyond every message closes the connection at once; the peer neither waits for nor allocates that much.",
        NEEDS,
        huge_length,
    ),
    case(
        "robustness/zero-length",
        ("C", Beside, Should),
        "A message of length 0 costs the peer that connection at most.",
        NEEDS,
        zero_length,
    ),
    case(
        "robustness/unknown-type",
        ("B", Beside, Should),
        "A message of a type above 7 is skipped whole, and what follows it counts.",
        NEEDS,
        unknown_type,
    ),
    case(
        "robustness/index-out-of-range",
        ("C", Beside, Should),
        "A have or request for a piece that the file does not have costs the peer that connection at most.",
        NEEDS,
        index_out_of_range,
    ),
    case(
        "robustness/wrong-bitfield-length",
        ("C", Beside, Should),
        "A bitfield of a wrong length costs the peer that connection at most.",
        NEEDS,
        wrong_bitfield_length,
    ),
    case(
        "robustness/wrong-piece-length",
        ("C", Beside, Should),
        "A piece of a wrong length is not taken: the peer gets it from another neighbor.",
        NEEDS,
        wrong_piece_length,
    ),
    case(
        "robustness/garbage-stranger",
        ("C", Beside, Should),
        "A stranger that sends garbage keeps nobody from calling the peer.",
        NEEDS,
        garbage_stranger,
    ),
    case(
        "robustness/silent-stranger",
        ("C", Beside, Should),
        "A caller that says nothing keeps nobody from calling the peer.",
        NEEDS,
        silent_stranger,
    ),
];

/// A peer that gets piece 0 from a good neighbor while `act` does something else with others; then piece 1 must come, too.
pub fn beside_a_good_one(
    stage: &mut Stage,
    address: &'static str,
    mistake: &'static Mistake,
    act: impl FnOnce(&mut World<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let outcome = stage.run(Plan::leecher(1, 2), |world| {
        world.exit_means(address, Should, mistake);
        let first = world.plan().pieces([0]);
        world.behave(GOOD, Habits::all(first));
        let empty = world.plan().pieces([]);
        world.behave(BAD, Habits::greets(empty));
        world.start()?;
        world.meet(GOOD)?;
        gets(world, 0)?;
        act(world)?;
        means(goes_on(world, 1), world, mistake)
    });
    as_should(outcome)
}

/// Lets the good neighbor announce a piece, and waits until the peer gets it.
pub fn goes_on(world: &mut World<'_>, number: u32) -> Result<(), Stop> {
    let piece = piece(world.layout(), number);
    world.announce(GOOD, piece);
    gets(world, number)
}

fn gets(world: &mut World<'_>, number: u32) -> Result<(), Stop> {
    let piece = piece(world.layout(), number);
    let wait = Wait::to_see(format!("request {piece} to a neighbor that does all right")).from(GOOD);
    world.until(&wait, |world| world.facts().can_have.contains(piece).then_some(()))
}

/// Gives the peer time to react: until it closes the connection, at most a short while.
fn reacts(world: &mut World<'_>, nb: Nb) -> Result<(), Stop> {
    for _ in 0..30 {
        if !world.facts().of(nb).is_connected {
            return Ok(());
        }
        world.watch(std::time::Duration::from_millis(10))?;
    }
    Ok(())
}

/// Sends these bytes instead of a handshake.
fn opening(
    stage: &mut Stage,
    address: &'static str,
    doing: &'static str,
    bytes: impl FnOnce(&[u8; 32]) -> Vec<u8>,
) -> Result<(), Stop> {
    beside_a_good_one(stage, address, &mistakes::DIES_ON_BAD_BYTES, |world| {
        world.habits(BAD).greets = Greets::Never;
        world.connect(BAD)?;
        world.doing(doing);
        let bytes = bytes(&Handshake::of(world.id(BAD)).to_bytes());
        world.say_raw(BAD, &bytes, "bytes that are no handshake");
        reacts(world, BAD)
    })
}

fn bad_header(stage: &mut Stage) -> Result<(), Stop> {
    let doing = "called the peer with the header of the 2008 course";
    opening(stage, "robustness/bad-header", doing, |right| {
        let mut bytes = right.to_vec();
        bytes[..18].copy_from_slice(b"CEN5501C2008SPRING");
        bytes
    })
}

fn java_bytes(stage: &mut Stage) -> Result<(), Stop> {
    let doing = "called the peer with a Java object stream";
    opening(stage, "robustness/java-bytes", doing, |right| {
        [&[0xac, 0xed, 0x00, 0x05, 0x77, 32], &right[..], &[0x77, 5, 0, 0, 0, 1, 2]].concat()
    })
}

/// Lets a neighbor that has shaken hands send these bytes.
fn message(
    stage: &mut Stage,
    address: &'static str,
    doing: &'static str,
    bytes: &[u8],
    and_then: impl FnOnce(&mut World<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    beside_a_good_one(stage, address, &mistakes::DIES_ON_BAD_BYTES, |world| {
        world.meet(BAD)?;
        world.doing(doing);
        world.say_raw(BAD, bytes, "a wrong message");
        reacts(world, BAD)?;
        and_then(world)
    })
}

fn huge_length(stage: &mut Stage) -> Result<(), Stop> {
    let doing = "sent a message with the length 2147483647 and some bytes of it";
    let bytes = [&[0x7f, 0xff, 0xff, 0xff, 7][..], &[0; 64]].concat();
    message(stage, "robustness/huge-length", doing, &bytes, |world| {
        let wait = Wait::to_see("that the peer closes this connection").or(&mistakes::BELIEVES_LENGTH);
        world.until(&wait, |world| (!world.facts().of(BAD).is_connected).then_some(()))
    })
}

fn zero_length(stage: &mut Stage) -> Result<(), Stop> {
    message(stage, "robustness/zero-length", "sent a message of length 0", &[0; 4], |_| Ok(()))
}

fn unknown_type(stage: &mut Stage) -> Result<(), Stop> {
    beside_a_good_one(stage, "robustness/unknown-type", &mistakes::DIES_ON_BAD_BYTES, |world| {
        world.meet(BAD)?;
        world.doing("sent a message of type 9 with four bytes, and have 4 behind it");
        world.say_raw(BAD, &[0, 0, 0, 5, 9, 0, 0, 0, 0], "a message of type 9");
        let offered = piece(world.layout(), 4);
        world.announce(BAD, offered);
        let outcome = steps::interest(world, BAD, true, Wait::to_see("interested"));
        let mistake = if world.facts().of(BAD).is_connected { &mistakes::DESYNC } else { &mistakes::UNKNOWN_FATAL };
        means(outcome, world, mistake)
    })
}

fn index_out_of_range(stage: &mut Stage) -> Result<(), Stop> {
    let address = "robustness/index-out-of-range";
    beside_a_good_one(stage, address, &mistakes::DIES_ON_BAD_BYTES, |world| {
        world.doing("sent have 1000000 from one neighbor, and request 1000000 from another");
        let empty = world.plan().pieces([]);
        world.behave(NEXT, Habits::greets(empty));
        for (nb, message_type) in [(BAD, 4), (NEXT, 6)] {
            world.meet(nb)?;
            world.say_raw(nb, &[0, 0, 0, 5, message_type, 0x00, 0x0f, 0x42, 0x40], "an index that the file lacks");
            reacts(world, nb)?;
        }
        Ok(())
    })
}

fn wrong_bitfield_length(stage: &mut Stage) -> Result<(), Stop> {
    let address = "robustness/wrong-bitfield-length";
    beside_a_good_one(stage, address, &mistakes::DIES_ON_BAD_BYTES, |world| {
        world.doing("sent a bitfield of 3 bytes from one neighbor, and of 1 byte from another; 2 are right");
        for (nb, bytes) in [(BAD, &[0, 0, 0, 4, 5, 0, 0, 0][..]), (NEXT, &[0, 0, 0, 2, 5, 0])] {
            world.habits(nb).sends_bitfield = false;
            world.meet(nb)?;
            world.say_raw(nb, bytes, "a bitfield of a wrong length");
            reacts(world, nb)?;
        }
        Ok(())
    })
}

fn wrong_piece_length(stage: &mut Stage) -> Result<(), Stop> {
    let address = "robustness/wrong-piece-length";
    beside_a_good_one(stage, address, &mistakes::SHORT_PIECE_TAKEN, |world| {
        let only = piece(world.layout(), 1);
        // What a peer makes of it afterwards is its own affair, as long as it gets the piece in the end.
        world.excuse(only);
        world.meet(BAD)?;
        asked_for_its_only_piece(world, 1)?;
        world.doing("answered request 1 with a piece that is 6 bytes too short");
        let start = 256;
        let bytes = world.file()[start..start + 250].to_vec();
        let bytes = [&[0, 0, 0, 255, 7, 0, 0, 0, 1][..], &bytes].concat();
        world.say_raw(BAD, &bytes, "a piece of 250 bytes");
        reacts(world, BAD)?;
        world.close(BAD);
        Ok(())
    })
}

/// Lets the bad neighbor announce a piece, and waits until the peer requests it there. It gets no answer.
pub fn asked_for_its_only_piece(world: &mut World<'_>, number: u32) -> Result<(), Stop> {
    let only = piece(world.layout(), number);
    world.habits(BAD).unchokes = true;
    world.announce(BAD, only);
    world.doing(format!("announced piece {number} at a neighbor, and unchoked the peer"));
    world
        .hear(BAD, 0, Wait::to_see(format!("request {number}")), |message| *message == Message::Request(only))
        .map(drop)
}

/// Calls the peer for one more neighbor.
fn accepts_on(world: &mut World<'_>, mistake: &'static Mistake) -> Result<(), Stop> {
    means(world.meet(NEXT), world, mistake)
}

fn garbage_stranger(stage: &mut Stage) -> Result<(), Stop> {
    let address = "robustness/garbage-stranger";
    beside_a_good_one(stage, address, &mistakes::DIES_ON_BAD_BYTES, |world| {
        let stranger = world.stranger();
        world.connect(stranger)?;
        world.doing("sent 200 bytes of garbage as a stranger, and called the peer for another neighbor");
        let garbage: Vec<u8> = (0..200u8).map(|at| at.wrapping_mul(167) ^ 0x5a).collect();
        world.say_raw(stranger, &garbage, "garbage");
        reacts(world, stranger)?;
        accepts_on(world, &mistakes::LISTENER_ENDS)
    })
}

fn silent_stranger(stage: &mut Stage) -> Result<(), Stop> {
    let address = "robustness/silent-stranger";
    beside_a_good_one(stage, address, &mistakes::LISTENER_BLOCKED, |world| {
        let stranger = world.stranger();
        world.connect(stranger)?;
        world.doing("let a stranger call and say nothing, and called the peer for another neighbor");
        accepts_on(world, &mistakes::LISTENER_BLOCKED)
    })
}
