//! The handshake (A4).

use std::time::Duration;

use crate::check::history::Said;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan};
use crate::check::rubric::Item;
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Level::Must;
use crate::check::world::{Stop, Wait};

pub static CASES: &[Case] = &[case(
    "handshake/byte-by-byte",
    ("A4", Item::I2a, Must),
    "The handshake is 32 bytes, however they arrive: one by one, too.",
    &["start/listens"],
    byte_by_byte,
)];

fn byte_by_byte(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let nb = Nb(1);
        world.habits(nb).greets = crate::check::habits::Greets::Never;
        world.start()?;
        world.connect(nb)?;
        world.doing("called the peer and sent the handshake one byte at a time");
        let bytes = peer_process::protocol::wire::Handshake::of(world.id(nb)).to_bytes();
        for byte in bytes {
            world.say_raw(nb, &[byte], "a byte of the handshake");
            world.watch(Duration::from_millis(3))?;
        }
        world.meant(nb, Said::Handshake);
        world.until(&Wait::to_see("the peer's handshake").from(nb).or(&mistakes::ONE_RECV_HANDSHAKE), |world| {
            world.facts().of(nb).they_greeted.then_some(())
        })
    })
}
