//! What several cases of the end do.

use peer_process::protocol::message::Message;
use peer_process::protocol::piece_set::PieceSet;

use crate::check::cases::endings::{announce_rest, download, over};
use crate::check::cases::steps::{start_and_meet, wanted};
use crate::check::habits::Habits;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan};
use crate::check::world::{Stop, World};

/// A seeder before the peer, and `later` others after it.
pub fn plan(later: usize) -> Plan {
    Plan::leecher(1, later).with_seeder(Nb(0))
}

/// Lets a later neighbor have the whole file from the start, and want nothing.
pub fn has_all(world: &mut World, nb: Nb) {
    let full = PieceSet::full(world.layout());
    world.behave(nb, Habits::all(full));
}

/// Lets a neighbor have nothing and download nothing by itself.
pub fn is_idle(world: &mut World, nb: Nb) {
    world.habits(nb).downloads = false;
}

/// Unchokes the peer, which wants the pieces of this neighbor.
pub fn unchoke(world: &mut World, nb: Nb) -> Result<(), Stop> {
    wanted(world, nb)?;
    world.habits(nb).unchokes = true;
    world.say(nb, Message::Unchoke);
    Ok(())
}

/// Brings a swarm to its end in which the peer learns of complete neighbors in both ways.
pub fn end_of_all(world: &mut World) -> Result<(), Stop> {
    is_idle(world, Nb(1));
    start_and_meet(world)?;
    download(world)?;
    announce_rest(world, Nb(1));
    over(world, &mistakes::NEVER_ENDS)
}
