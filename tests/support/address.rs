//! Addresses of this machine, one for each test, so that ports never collide.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

/// Number of addresses that a process may take.
pub const MOST: u32 = 1024;

/// Returns an address of this machine that no other test uses. A peer whose host is a literal address binds only that.
///
/// Processes at the same time have other addresses: those of one follow from its ID. None is in 127.0.0.0/22.
///
/// # Panics
/// When a process takes more than [`MOST`].
pub fn fresh_address() -> Ipv4Addr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let number = TAKEN.fetch_add(1, Ordering::Relaxed);
    assert!(number < MOST, "more than {MOST} addresses for one process");
    // The last block ends with an address for broadcasts.
    let blocks = (1 << 24) / MOST - 2;
    let block = std::process::id() % blocks + 1;
    Ipv4Addr::from_bits((127 << 24) + block * MOST + number)
}
