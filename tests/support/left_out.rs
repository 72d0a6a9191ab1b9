//! `left_out`: the only way in which a test may end without testing anything.

use std::env;

/// If this is set, every test must run: then one that cannot run fails.
pub const SKIP_NOTHING: &str = "PEER_PROCESS_SKIP_NOTHING";

/// Reports why a test cannot run here; fails where none may be left out.
#[track_caller]
pub fn left_out(reason: &str) {
    match verdict(reason, env::var_os(SKIP_NOTHING).is_some()) {
        Ok(note) => println!("{note}"),
        Err(fault) => panic!("{fault}"),
    }
}

/// Returns the sentence about a test that cannot run, or the fault that this is.
///
/// # Errors
/// If no test may be left out.
pub fn verdict(reason: &str, skip_nothing: bool) -> Result<String, String> {
    if skip_nothing {
        Err(format!("{SKIP_NOTHING} is set, but this test cannot run here: {reason}"))
    } else {
        Ok(format!("left out: {reason}"))
    }
}
