//! `LookSeen`: how a log is written, from samples of its lines.

use crate::history::Look;

/// What has been seen of a log's look.
#[derive(Clone, Default, Debug)]
pub struct LookSeen;

impl LookSeen {
    /// Returns the look.
    pub fn look(self, clock_step_micros: Option<u32>) -> Look {
        Look { differences: Vec::new(), clock_step_micros }
    }
}
