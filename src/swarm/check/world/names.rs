//! Neighbors, times and events in words.

use std::time::Duration;

use crate::check::history::{Event, What};
use crate::check::plan::{Nb, Plan};

/// Returns a neighbor in words: `peer 1003`, or `a stranger`.
pub fn name(nb: Nb, plan: &Plan, first_id: u32) -> String {
    if nb.0 < plan.neighbors() { format!("peer {}", plan.id(first_id, nb)) } else { "a stranger".to_owned() }
}

/// Returns a time in words.
pub fn secs(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Returns an event as a line of a trace.
pub fn line(event: &Event, plan: &Plan, first_id: u32) -> String {
    let time = format!("{:8.3}", event.at.as_secs_f64());
    let who = |nb: &Nb| name(*nb, plan, first_id);
    match &event.what {
        What::Started => format!("{time}           the peer is started"),
        What::Exited(how) => format!("{time}           the process ended {how}"),
        What::Connected(nb, true) => format!("{time} {} <- called by the peer", who(nb)),
        What::Connected(nb, false) => format!("{time} {} -> calls the peer", who(nb)),
        What::Said(nb, said) => format!("{time} {} -> {said}", who(nb)),
        What::Heard(nb, heard) => format!("{time} {} <- {heard}", who(nb)),
        What::Ended(nb, end) => format!("{time} {}    {end}", who(nb)),
        What::Note(note) => format!("{time} == the tester {note}"),
    }
}
