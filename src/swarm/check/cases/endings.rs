//! How a swarm is led to its end, for the cases of several groups.

use std::time::Duration;

use crate::check::history::{End, What};
use crate::check::mistakes::{self, Mistake};
use crate::check::plan::Nb;
use crate::check::verdict::Level::{Must, Should};
use crate::check::world::{Stop, Wait, World};

/// Within this time after all are complete the peer ends: it may read what is on the way for 5 s (B).
pub const END: Duration = Duration::from_secs(6);

/// Lets a neighbor announce all pieces that it lacks, as if it had them from others.
pub fn announce_rest(world: &mut World, nb: Nb) {
    let missing: Vec<_> = world.layout().pieces().filter(|&piece| !world.has(nb).contains(piece)).collect();
    for piece in missing {
        world.announce(nb, piece);
    }
}

/// Waits until the peer has been given all pieces that it asked for, which are all.
///
/// # Errors
/// With a finding if it does not ask for them.
pub fn download(world: &mut World) -> Result<(), Stop> {
    world.until(&Wait::to_see("requests for all pieces").or(&mistakes::NEVER_REQUESTS), |world| {
        world.facts().can_have.is_full().then_some(())
    })
}

/// Reports whether the peer has closed all its connections, or has ended.
fn is_over(world: &World) -> bool {
    let lines = world.plan().neighbors();
    world.has_ended() || world.facts().all().take(lines).all(|(_, between)| !between.is_connected)
}

/// Waits until the peer has closed its connections, or has ended.
///
/// # Errors
/// With a finding and this mistake.
pub fn over(world: &mut World, mistake: &'static Mistake) -> Result<(), Stop> {
    let wait = Wait::to_see("the end of the peer, or of its connections").within(END).or(mistake).beyond_the_end();
    world.until(&wait, |world| is_over(world).then_some(()))
}

/// Waits until the process has ended.
///
/// # Errors
/// With a finding and this mistake.
pub fn gone(world: &mut World, mistake: &'static Mistake) -> Result<(), Stop> {
    let wait = Wait::to_see("the end of the process").within(END).or(mistake).beyond_the_end();
    world.until(&wait, |world| world.has_ended().then_some(()))
}

/// Watches a peer that must not end. An end of the process is the judge's; a peer may also close all and stay.
///
/// # Errors
/// With a finding if it closes a connection.
pub fn stays(world: &mut World, time: Duration, mistake: &'static Mistake) -> Result<(), Stop> {
    let mark = world.history().mark();
    world.watch(time)?;
    let ended = world.history().since(mark).iter().find_map(|event| match &event.what {
        // The text does not say that a connection stays whose two ends have the file.
        What::Ended(nb, end @ (End::Closed | End::Reset(_))) => {
            let are_complete = world.facts().can_have.is_full() && world.facts().of(*nb).was_complete;
            Some((if are_complete { Should } else { Must }, end.to_string()))
        }
        What::Exited(how) => Some((Must, format!("the process ended {how}"))),
        _ => None,
    });
    let Some((level, came)) = ended else { return Ok(()) };
    let mut finding = world.finding(level, "no end of the peer or of a connection", came);
    finding.mistake = Some(mistake);
    Err(Stop::Failed(Box::new(finding)))
}
