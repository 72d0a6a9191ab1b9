//! The order of requests is random: not by number, not by rarity, and not the same in each run.

use std::time::Duration;

use peer_process::protocol::message::Message;
use peer_process::protocol::piece_set::PieceSet;

use super::rules::gives;
use crate::check::chance::{Order, order_of};
use crate::check::habits::Habits;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan};
use crate::check::stage::Stage;
use crate::check::verdict::Level;
use crate::check::world::{Stop, Wait, World};

/// Number of pieces. Half of them are common: two more neighbors have them, but do not unchoke the peer.
const COUNT: u32 = 40;
/// The first requests are all the same in two runs with the probability 28! / 40!, about 4e-19.
const FIRST_ONES: usize = 12;

/// Reports whether a piece is common. These are spread evenly.
const fn is_common(number: u32) -> bool {
    number * 17 % COUNT < COUNT / 2
}

pub fn random(stage: &mut Stage) -> Result<(), Stop> {
    let all = usize::try_from(COUNT).unwrap_or(usize::MAX);
    let once = stage.run(plan(), |world| {
        let asked = requests(world, all)?;
        let Some(order) = order_of(&asked, is_common) else { return Ok(asked) };
        let mistake = match order {
            Order::Ascending => &mistakes::SEQUENTIAL,
            Order::Descending => &mistakes::REVERSED,
            Order::RareFirst | Order::CommonFirst => &mistakes::RAREST_FIRST,
        };
        let mut finding = world.finding(Level::Must, "requests in random order", shown(&asked));
        finding.mistake = Some(mistake);
        Err(Stop::Failed(Box::new(finding)))
    })?;
    stage.run(plan(), |world| {
        let again = requests(world, FIRST_ONES)?;
        if again[..FIRST_ONES] != once[..FIRST_ONES] {
            return Ok(());
        }
        world.doing("started the peer a second time and did the same as before");
        let came = format!("the same as before: {}", shown(&again));
        let mut finding = world.finding(Level::Should, "another order of requests", came);
        finding.mistake = Some(&mistakes::FIXED_SEED);
        world.add(finding);
        Ok(())
    })
}

fn plan() -> Plan {
    Plan::leecher(1, 2).with_pieces(COUNT, 64)
}

fn shown(asked: &[u32]) -> String {
    let numbers: Vec<_> = asked.iter().map(ToString::to_string).collect();
    format!("requests for {}", numbers.join(", "))
}

/// Returns the numbers of the first pieces that the peer requests of a neighbor that has all and answers at once.
fn requests(world: &mut World, count: usize) -> Result<Vec<u32>, Stop> {
    let giver = Nb(1);
    let common = world.plan().pieces((0..COUNT).filter(|&number| is_common(number)));
    for nb in [Nb(0), Nb(2)] {
        world.behave(nb, Habits::greets(common.clone()));
    }
    world.behave(giver, gives(PieceSet::full(world.layout()), Some(Duration::ZERO)));
    world.start()?;
    for nb in [Nb(0), Nb(2)] {
        world.meet(nb)?;
        let wait = Wait::to_see("interested").or(&mistakes::NEVER_INTERESTED);
        world.hear(nb, 0, wait, |message| *message == Message::Interested)?;
    }
    world.meet(giver)?;
    world.doing(format!("served {count} pieces of {COUNT}, half of which two choking neighbors have, too"));
    let wait = Wait::to_see(format!("{count} requests")).from(giver).or(&mistakes::NEVER_REQUESTS);
    world.until(&wait.within(world.env().patience * 2), |world| {
        let mut asked = Vec::new();
        for (_, message) in world.history().messages(giver, 0) {
            if let Message::Request(piece) = message
                && !asked.contains(&piece.number())
            {
                asked.push(piece.number());
            }
        }
        (asked.len() >= count).then_some(asked)
    })
}
