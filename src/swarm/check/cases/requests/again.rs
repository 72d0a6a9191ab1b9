//! A request that is not answered: after a choke, in silence, or because the neighbor is gone, its piece is free again.

use std::time::Duration;

use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::message::Message;

use super::rules::{gives, request};
use crate::check::habits::Habits;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan, piece};
use crate::check::stage::Stage;
use crate::check::verdict::Level::Should;
use crate::check::world::{Stop, Wait, World};

/// The tester waits this long for a request to be given up.
const SILENCE: Duration = Duration::from_secs(8);

pub fn after_choke(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let nb = Nb(1);
        world.behave(nb, gives(world.plan().pieces([3, 8]), None));
        world.start()?;
        world.meet(nb)?;
        let open = request(world, nb, 0, Wait::to_see("a request").or(&mistakes::NEVER_REQUESTS))?;
        world.say(nb, Message::Choke);
        world.watch(Duration::from_millis(200))?;
        world.doing(format!("choked the peer with request {open} open, and unchoked it 0.2 s later"));
        let mark = world.history().mark();
        world.say(nb, Message::Unchoke);
        let wait = Wait::to_see("a request after the second unchoke").or(&mistakes::NOT_AFTER_CHOKE);
        let next = request(world, nb, mark, wait)?;
        if next == open {
            return Ok(());
        }
        world.doing(format!("sent piece {next}, so that only {open} is missing, whose request a choke ended"));
        world.say(nb, Message::Piece(next));
        let wait = Wait::to_see(format!("request {open} again")).or(&mistakes::NOT_AFTER_CHOKE);
        world.hear(nb, mark, wait, |message| *message == Message::Request(open)).map(drop)
    })
}

/// Two neighbors have the same only piece. Returns the one that is asked for it, and the other, which has unchoked the peer.
fn two_with_one_piece(world: &mut World) -> Result<(Nb, Nb, PieceIndex), Stop> {
    let two = [Nb(1), Nb(2)];
    for nb in two {
        world.behave(nb, gives(world.plan().pieces([3]), None));
    }
    world.start()?;
    two.into_iter().try_for_each(|nb| world.meet(nb))?;
    world.doing("unchoked the peer as two neighbors that have only piece 3");
    world.until(&Wait::to_see("interested to both neighbors").or(&mistakes::NEVER_INTERESTED), |world| {
        two.iter().all(|&nb| !world.facts().of(nb).we_choke).then_some(())
    })?;
    let wait = Wait::to_see("a request").or(&mistakes::NEVER_REQUESTS);
    let (asked, open) = world.until(&wait, |world| {
        two.iter().find_map(|&nb| world.facts().of(nb).asked_of_us.first().map(|asked| (nb, asked.piece)))
    })?;
    let other = if asked == two[0] { two[1] } else { two[0] };
    // The other one's unchoke has arrived, too.
    world.watch(Duration::from_millis(150))?;
    Ok((asked, other, open))
}

pub fn by_others_after_choke(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let (asked, other, open) = two_with_one_piece(world)?;
        world.doing(format!("choked the peer as {}, which owed piece {open}", world.id(asked)));
        world.say(asked, Message::Choke);
        let wait = Wait::to_see(format!("request {open} to {}, which has unchoked the peer", world.id(other)));
        request(world, other, 0, wait.or(&mistakes::NOT_AFTER_CHOKE)).map(drop)
    })
}

/// Both neighbors have answered before: a peer may wait for a few times their usual time, and longer if it knows none.
pub fn silence(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let (silent, other) = (Nb(1), Nb(2));
        for (nb, has) in [(silent, 0..5), (other, 5..10)] {
            let habits = gives(world.plan().pieces(has), Some(Duration::from_millis(10)));
            world.behave(nb, Habits { unchokes: false, ..habits });
        }
        world.start()?;
        world.meet(silent)?;
        world.meet(other)?;
        world.doing("unchoked the peer as two neighbors, and served five pieces from each");
        world.say(silent, Message::Unchoke);
        world.say(other, Message::Unchoke);
        world.until(&Wait::to_see("requests for all that is announced").or(&mistakes::NEVER_REQUESTS), |world| {
            (world.facts().can_have.count() >= 10).then_some(())
        })?;
        world.habits(silent).serves_after = None;
        let last = piece(world.layout(), 10);
        world.doing(format!("announced the last piece as {}, and did not answer its request", world.id(silent)));
        let mark = world.history().mark();
        world.announce(silent, last);
        request(world, silent, mark, Wait::to_see("request 10").or(&mistakes::NOT_AFTER_HAVE))?;
        world.doing(format!("announced it as {}, too, and answered nothing as {}", world.id(other), world.id(silent)));
        world.announce(other, last);
        // It may ask the silent one again, too, at random.
        let wait = Wait::to_see(format!("request 10 to {}, or once more", world.id(other))).within(SILENCE);
        world.until(&wait.or(&mistakes::STUCK_WITHOUT_ANSWER).should(), |world| {
            let since =
                |nb| world.history().messages(nb, mark).filter(|(_, message)| **message == Message::Request(last));
            (since(silent).count() + since(other).count() >= 2).then_some(())
        })
    })
}

pub fn loss_frees(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        world.exit_means("requests/loss-frees", Should, &mistakes::DIES_ON_LOSS);
        let (asked, other, open) = two_with_one_piece(world)?;
        world.doing(format!("closed the connection of {}, which owed piece {open}", world.id(asked)));
        world.close(asked);
        let wait = Wait::to_see(format!("request {open} to {}, which has unchoked the peer", world.id(other)));
        request(world, other, 0, wait.or(&mistakes::NOT_AFTER_LOSS).should()).map(drop)
    })
}
