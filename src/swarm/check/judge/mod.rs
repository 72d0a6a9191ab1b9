//! `Judge`: watches every world and sees what no correct peer may do, whatever the case is about. Pure.
//!
//! Its judgement is a model of what is allowed at each moment. Where messages can cross on the way, it waits until that can no
//! longer be the reason. Each violation belongs to one case, its owner, which also fails if another case's world showed it.

mod ending;
mod messages;
mod streams;
mod violation;
mod watch;

pub use self::streams::evidence;
pub use self::violation::{Blame, CROSSING, SETTLED, Violation};
pub use self::watch::Judge;
