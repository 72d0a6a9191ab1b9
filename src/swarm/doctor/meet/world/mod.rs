//! The sockets and threads of a meeting.
//!
//! - [`talk`]: one connection; [`state`]: what all threads share;
//! - [`answering`]: the threads that are called; [`calling`]: those that call. The caller closes first, so that no port on which a
//!   peer is to listen stays in use.

pub mod answering;
pub mod calling;
pub mod state;
mod talk;

use std::time::{SystemTime, UNIX_EPOCH};

use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};

/// Returns the microseconds since 1970 by this machine's clock.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Returns a generator of random numbers.
pub fn rng() -> StdRng {
    StdRng::try_from_rng(&mut SysRng).expect("the system has random numbers")
}
