//! Our peer among peers like public ones (`kinds.py`): exact on the wire, but each with its own habit or expectation.
//!
//! Each kind is the seeder of one of our peers, the leecher of one, and two of a swarm of five. All complete and exit, except
//! where a foreign peer prevents it.

#[path = "../support/mod.rs"]
mod support;

#[path = "../hostile/client.rs"]
#[allow(dead_code, reason = "it is made for `hostile`, which uses all of it")]
mod client;

mod acks;
mod callers;
mod habits;
mod swarms;

use swarms::{ClosesAfterHandshakes, Foreign};

/// The kinds that complete and exit in every role, and how often each drops a connection right after the handshakes.
fn check(kind: &str) {
    check_with(kind, ClosesAfterHandshakes(0));
}

fn check_with(kind: &str, closes: ClosesAfterHandshakes) {
    for layout in ["P* O", "O* P", "O P*", "P O*", "O* P O P O", "P* O P O O"] {
        let Some(swarm) = Foreign::start(kind, layout) else { return };
        swarm.check_end(closes);
    }
}

#[test]
fn one_that_closes_when_the_first_message_is_no_bitfield() {
    check("Closing");
}

#[test]
fn one_that_takes_the_first_message_for_a_bitfield() {
    check("Swallowing");
}

#[test]
fn one_that_repeats_its_bitfield_each_second() {
    check("Repeating");
}

#[test]
fn one_that_sends_a_have_before_its_bitfield() {
    check("HaveFirst");
}

#[test]
fn one_that_says_complete_with_a_message_of_type_8() {
    check("Type8");
}

#[test]
fn one_whose_message_of_type_8_has_a_body() {
    check("Type8WithBody");
}

#[test]
fn one_with_nagles_algorithm_that_writes_each_message_apart() {
    check("Nagle");
}

#[test]
fn one_with_nagles_algorithm_that_writes_parts_of_messages_apart() {
    check("NagleInParts");
}

#[test]
fn one_that_closes_after_its_first_handshake_with_each() {
    check_with("ClosesOnce", ClosesAfterHandshakes(1));
}

#[test]
fn one_that_dies_of_a_caller_more_than_there_are_lines() {
    for layout in ["P* O", "P O*", "P* O P O O", "O* P O P O"] {
        let Some(swarm) = Foreign::start_in_order("NthCaller", layout) else { return };
        swarm.check_end(ClosesAfterHandshakes(0));
    }
}

#[test]
fn one_that_unchokes_everybody_at_once() {
    check("NeverChokes");
}

#[test]
fn ones_with_digits_in_the_handshake() {
    for kind in ["AsciiZeros", "AsciiId", "AsciiBoth"] {
        for layout in ["P* O", "O* P", "O* P O P O"] {
            let Some(swarm) = Foreign::start(kind, layout) else { return };
            swarm.check_end(ClosesAfterHandshakes(0));
        }
    }
}

/// It lacks the file forever, so no peer can exit; but all others get theirs.
#[test]
fn one_that_never_asks_keeps_nobody_from_completing() {
    for layout in ["O* P", "O* P O P O", "P* P O O O"] {
        let Some(swarm) = Foreign::start("NeverAsks", layout) else { return };
        swarm.check_ours_complete();
    }
}

/// No peer can exit, because nothing shows what it has; but all others get the file.
#[test]
fn one_that_always_closes_after_the_handshake_keeps_nobody_from_completing() {
    for layout in ["O* P", "O* P O P O"] {
        let Some(swarm) = Foreign::start("ClosesAlways", layout) else { return };
        swarm.check_ours_complete();
    }
}
