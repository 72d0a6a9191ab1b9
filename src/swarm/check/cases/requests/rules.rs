//! What a request may ask for, and whom. Most mistakes are seen by the judge; the cases give it a good chance.

use std::time::Duration;

use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::message::Message;
use peer_process::protocol::piece_set::PieceSet;

use crate::check::cases::steps::wanted;
use crate::check::habits::Habits;
use crate::check::judge::CROSSING;
use crate::check::mistakes;
use crate::check::plan::{Nb, Plan, piece};
use crate::check::stage::Stage;
use crate::check::world::{Stop, Wait, World};

/// The neighbor that most cases need. Its line stands after the peer's.
const ONE: Nb = Nb(1);

/// A neighbor that has these pieces, unchokes the peer when that is interested, and answers after a while or not at all.
pub fn gives(has: PieceSet, serves_after: Option<Duration>) -> Habits {
    Habits { unchokes: true, serves_after, ..Habits::greets(has) }
}

/// Waits for a request to a neighbor after a mark.
pub fn request(world: &mut World, nb: Nb, mark: usize, wait: Wait) -> Result<PieceIndex, Stop> {
    let (_, message) = world.hear(nb, mark, wait, |message| matches!(message, Message::Request(_)))?;
    let Message::Request(piece) = message else { unreachable!("only requests are heard") };
    Ok(piece)
}

/// Lets time pass until the peer has all pieces, but not longer than this.
fn exchange(world: &mut World, most: Duration) -> Result<(), Stop> {
    let end = world.now() + most;
    while world.now() < end && !world.facts().can_have.is_full() {
        world.watch(Duration::from_millis(20))?;
    }
    Ok(())
}

pub fn starts(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        world.behave(ONE, Habits::greets(PieceSet::full(world.layout())));
        world.start()?;
        world.meet(ONE)?;
        wanted(world, ONE)?;
        world.doing("unchoked the interested peer");
        world.say(ONE, Message::Unchoke);
        request(world, ONE, 0, Wait::to_see("a request").or(&mistakes::NEVER_REQUESTS)).map(drop)
    })
}

pub fn unchoked_only(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        world.behave(ONE, Habits::greets(PieceSet::full(world.layout())));
        world.start()?;
        world.meet(ONE)?;
        wanted(world, ONE)?;
        world.doing("kept the interested peer choked");
        world.watch(Duration::from_millis(600))?;
        world.doing("unchoked the peer, answered a request, and choked the peer at once");
        world.say(ONE, Message::Unchoke);
        let piece = request(world, ONE, 0, Wait::to_see("a request").or(&mistakes::NEVER_REQUESTS))?;
        world.hold(ONE);
        world.say(ONE, Message::Piece(piece));
        world.say(ONE, Message::Choke);
        world.release(ONE);
        world.doing("announced nothing more, and watched the choked peer");
        world.watch(CROSSING + Duration::from_millis(400))
    })
}

pub fn after_interest(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let has = PieceSet::full(world.layout());
        world.behave(ONE, Habits { sends_bitfield: false, ..Habits::greets(has.clone()) });
        world.start()?;
        world.meet(ONE)?;
        world.doing("sent a full bitfield and unchoke in one segment");
        world.hold(ONE);
        world.say(ONE, Message::Bitfield(Box::new(has)));
        world.say(ONE, Message::Unchoke);
        world.release(ONE);
        let mark = world.history().mark();
        let end = world.now() + Duration::from_secs(1);
        while world.now() < end && !world.history().messages(ONE, mark).any(|(_, message)| is_request(message)) {
            world.watch(Duration::from_millis(20))?;
        }
        Ok(())
    })
}

const fn is_request(message: &Message) -> bool {
    matches!(message, Message::Request(_))
}

pub fn while_interested_only(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let two = [Nb(1), Nb(2)];
        let has = world.plan().pieces(2..6);
        for nb in two {
            let habits = Habits { unchokes: false, serves_after: Some(Duration::ZERO), ..Habits::greets(has.clone()) };
            world.behave(nb, habits);
        }
        world.start()?;
        two.into_iter().try_for_each(|nb| world.meet(nb))?;
        two.into_iter().try_for_each(|nb| wanted(world, nb))?;
        world.doing("served the same four pieces as two neighbors, and left the peer unchoked after that");
        for nb in two {
            world.say(nb, Message::Unchoke);
        }
        world.until(&Wait::to_see("requests for all four pieces").or(&mistakes::NEVER_REQUESTS), |world| {
            has.iter().all(|piece| world.facts().can_have.contains(piece)).then_some(())
        })?;
        world.watch(CROSSING + Duration::from_millis(200))
    })
}

pub fn offered_only(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let count = world.layout().piece_count();
        let after = Some(Duration::from_millis(40));
        // A peer that reads the bits of a byte from the wrong end sees the same sets. So this is not mistaken for it.
        let is_first_ones = |number: u32| matches!(number % 8, 0 | 2 | 5 | 7);
        for (nb, is_first) in [(Nb(1), true), (Nb(2), false)] {
            let has = world.plan().pieces((0..count).filter(|&number| is_first_ones(number) == is_first));
            world.behave(nb, gives(has, after));
        }
        world.start()?;
        world.meet(Nb(1))?;
        world.meet(Nb(2))?;
        world.doing("served some pieces as one neighbor and the others as another");
        exchange(world, Duration::from_millis(2500))
    })
}

pub fn one_at_a_time(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        world.behave(ONE, gives(PieceSet::full(world.layout()), Some(Duration::from_millis(150))));
        world.start()?;
        world.meet(ONE)?;
        world.doing("answered each request after 150 ms");
        world.until(&Wait::to_see("four requests").from(ONE).or(&mistakes::NEVER_REQUESTS), |world| {
            (world.facts().given.len() >= 4).then_some(())
        })
    })
}

pub fn no_duplicates(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2).with_pieces(18, 64), |world| {
        let three = [Nb(0), Nb(1), Nb(2)];
        for nb in three {
            world.behave(nb, gives(PieceSet::full(world.layout()), Some(Duration::from_millis(200))));
        }
        world.start()?;
        three.into_iter().try_for_each(|nb| world.meet(nb))?;
        world.doing("answered requests after 200 ms as three neighbors with the same pieces");
        exchange(world, Duration::from_millis(2500))
    })
}

pub fn next_after_piece(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        world.behave(ONE, gives(PieceSet::full(world.layout()), None));
        world.start()?;
        world.meet(ONE)?;
        let mut mark = 0;
        let mut likely = &mistakes::NEVER_REQUESTS;
        for nth in ["first", "second", "third"] {
            let wait = Wait::to_see(format!("a {nth} request, with one unchoke")).or(likely);
            let piece = request(world, ONE, mark, wait)?;
            world.doing(format!("sent piece {piece}, the {nth} one that was asked for"));
            mark = world.history().mark();
            world.say(ONE, Message::Piece(piece));
            likely = &mistakes::ONE_AN_UNCHOKE;
        }
        Ok(())
    })
}

pub fn after_have(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let has = world.plan().pieces([4]);
        world.behave(ONE, Habits { serves_after: Some(Duration::ZERO), ..Habits::greets(has) });
        world.start()?;
        world.meet(ONE)?;
        wanted(world, ONE)?;
        world.doing("unchoked the peer and sent the only piece");
        world.say(ONE, Message::Unchoke);
        request(world, ONE, 0, Wait::to_see("a request").or(&mistakes::NEVER_REQUESTS))?;
        world.hear(ONE, 0, Wait::to_see("have for the piece"), |message| matches!(message, Message::Have(_)))?;
        world.doing("announced piece 7 by have, with the peer still unchoked");
        let mark = world.history().mark();
        let announced = piece(world.layout(), 7);
        world.announce(ONE, announced);
        request(world, ONE, mark, Wait::to_see("request 7").or(&mistakes::NOT_AFTER_HAVE)).map(drop)
    })
}

pub fn all_neighbors(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let three = [Nb(0), Nb(1), Nb(2)];
        for nb in three {
            world.behave(nb, gives(PieceSet::full(world.layout()), None));
        }
        world.start()?;
        three.into_iter().try_for_each(|nb| world.meet(nb))?;
        world.doing("unchoked the peer as three neighbors with all pieces, and answered nothing");
        let is_asked = |world: &World, nb: Nb| !world.facts().of(nb).asked_of_us.is_empty();
        let any = Wait::to_see("a request").or(&mistakes::NEVER_REQUESTS);
        world.until(&any, |world| three.iter().any(|&nb| is_asked(world, nb)).then_some(()))?;
        // An answer that is given up after 3 s must not be the reason for the next request.
        let all = Wait::to_see("a request to each of the three neighbors").or(&mistakes::ONE_NEIGHBOR_ONLY);
        let time = world.env().patience.min(Duration::from_secs(2));
        world.until(&all.within(time), |world| three.iter().all(|&nb| is_asked(world, nb)).then_some(()))
    })
}
