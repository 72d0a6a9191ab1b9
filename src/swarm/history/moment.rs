//! `Moment`: when a line says that something happened.

/// A moment in microseconds since 1970, as the peer's own clock shows it. Logs write local times without their zone: then it is
/// that local time, read as if it were UTC. Only moments of one peer can be compared without the offsets of the clocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Moment(pub i64);

impl Moment {
    /// The moment of a line without a time, before which no line of its log had one.
    pub const UNKNOWN: Self = Self(i64::MIN);

    /// Returns it, unless it is unknown.
    pub fn known(self) -> Option<i64> {
        (self != Self::UNKNOWN).then_some(self.0)
    }
}
