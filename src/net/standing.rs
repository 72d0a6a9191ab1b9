//! `Standing`: how often a neighbor has broken the protocol, and for how long it is therefore kept out.

use std::time::{Duration, Instant};

/// The first pause follows this many faults. Earlier ones cost only the connection: the program may be restarted with a
/// corrected version.
const FREE_FAULTS: u32 = 3;
/// The first pause; it doubles with each further fault.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A neighbor's record.
#[derive(Debug, Default)]
pub struct Standing {
    faults: u32,
    shut_until: Option<Instant>,
}

impl Standing {
    /// Notes a connection that ended with a fault; returns how long the neighbor is kept out from now on.
    pub fn note_fault(&mut self, now: Instant) -> Duration {
        self.faults += 1;
        let pause = match self.faults.checked_sub(FREE_FAULTS) {
            None => Duration::ZERO,
            Some(doublings) => FIRST_PAUSE.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX)),
        };
        let pause = pause.min(LONGEST_PAUSE);
        self.shut_until = Some(now + pause);
        pause
    }

    /// Returns when the neighbor is let in again; `None` if that is now.
    pub fn shut_until(&self, now: Instant) -> Option<Instant> {
        self.shut_until.filter(|&until| until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_the_third_fault_on_to_a_minute() {
        let mut standing = Standing::default();
        let now = Instant::now();
        let pauses: Vec<_> = (0..40).map(|_| standing.note_fault(now).as_secs()).collect();
        assert_eq!(pauses[..10], [0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pauses[39], 60);
        assert_eq!(standing.shut_until(now), Some(now + LONGEST_PAUSE));
        assert_eq!(standing.shut_until(now + LONGEST_PAUSE), None);
    }
}
