//! The first 32 bytes. The checks are in `tests/support/fuzz/`.
#![no_main]
// The three targets share one module, and each uses a part of it.
#![allow(dead_code)]

#[path = "../../tests/support/fuzz/mod.rs"]
mod fuzz;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::handshake::check(bytes));
