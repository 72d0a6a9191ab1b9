//! What cases of several groups share.

use crate::check::mistakes::Mistake;
use crate::check::plan::Nb;
use crate::check::verdict::Level;
use crate::check::world::{Stop, Wait, World};

/// Says that only our reading asks for what did not come.
pub fn as_should<T>(outcome: Result<T, Stop>) -> Result<T, Stop> {
    changed(outcome, |finding| finding.level = Level::Should)
}

/// Names the likely mistake behind what did not come.
pub fn means<T>(outcome: Result<T, Stop>, mistake: &'static Mistake) -> Result<T, Stop> {
    changed(outcome, |finding| finding.mistake = Some(mistake))
}

fn changed<T>(outcome: Result<T, Stop>, change: impl FnOnce(&mut crate::check::verdict::Finding)) -> Result<T, Stop> {
    outcome.map_err(|stop| match stop {
        Stop::Failed(mut finding) => {
            change(&mut finding);
            Stop::Failed(finding)
        }
        other => other,
    })
}

/// Waits until the peer says `interested` to this neighbor.
pub fn interested(world: &mut World<'_>, nb: Nb, wait: Wait) -> Result<(), Stop> {
    world.until(&wait.from(nb), |world| (world.facts().of(nb).they_are_interested == Some(true)).then_some(()))
}
