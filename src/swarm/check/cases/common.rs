//! What cases of several groups share.

use crate::check::mistakes::Mistake;
use crate::check::verdict::{Finding, Level};
use crate::check::world::{Stop, World};

/// Says that only our reading asks for what did not come.
pub fn as_should<T>(outcome: Result<T, Stop>) -> Result<T, Stop> {
    changed(outcome, |finding| finding.level = Level::Should)
}

/// Names the likely mistake behind what did not come. What a process that has ended did not do needs no other reason.
pub fn means<T>(outcome: Result<T, Stop>, world: &World<'_>, mistake: &'static Mistake) -> Result<T, Stop> {
    let has_ended = world.has_ended();
    changed(outcome, |finding| finding.mistake = Some(mistake).filter(|_| !has_ended))
}

fn changed<T>(outcome: Result<T, Stop>, change: impl FnOnce(&mut Finding)) -> Result<T, Stop> {
    outcome.map_err(|stop| match stop {
        Stop::Failed(mut finding) => {
            change(&mut finding);
            Stop::Failed(finding)
        }
        other => other,
    })
}
