//! Peers that are killed and come back: real processes, real files, kill -9.
//!
//! `rounds` kills at random moments. `CRASH_ROUNDS=50 CRASH_MB=200 cargo test --release --test crash rounds` does so for
//! longer; `CRASH_SEED` repeats the choices. `returns` and `misfits` each create one exact situation.

#[path = "../support/address.rs"]
mod address;

#[path = "../support/signal.rs"]
mod signal;

mod log;
mod running;
mod swarm;

mod misfits;
mod returns;
mod rounds;
