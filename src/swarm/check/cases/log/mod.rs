//! The log (A10): where it is, and that each event has its sentence, once, letter by letter.
//!
//! `reading` finds and reads it; `events` has what neighbors bring about, `choices` what the peer chooses, `form` the rest.

mod choices;
mod events;
mod form;
mod reading;

use crate::check::sentences::Kind;
use crate::check::stage::{Case, case};
use crate::check::verdict::Level::{Must, Should};
use crate::rubric::Item;

pub static CASES: &[Case] = &[
    case(
        "log/place",
        ("A2", Item::Beside, Must),
        "The peer logs to log_peer_ID.log in its working directory.",
        &["start/listens"],
        form::place,
    ),
    case(
        "log/makes-connection",
        ("A10", Item::I1b, Must),
        "Each connection that the peer makes is logged: Peer 1002 makes a connection to Peer 1001.",
        &["log/place"],
        |stage| events::connections(stage, Kind::Makes),
    ),
    case(
        "log/connected-from",
        ("A10", Item::I1b, Must),
        "Each connection that another makes is logged: Peer 1002 is connected from Peer 1003.",
        &["log/place"],
        |stage| events::connections(stage, Kind::ConnectedFrom),
    ),
    case(
        "log/preferred",
        ("A10", Item::I2d, Must),
        "Each new list of preferred neighbors is logged: Peer 1002 has the preferred neighbors 1003,1004.",
        &["log/place", "choking/unchokes", "choking/k-preferred", "choking/chokes-again"],
        choices::preferred,
    ),
    case(
        "log/optimistic",
        ("A10", Item::I2e, Must),
        "Each new optimistic neighbor is logged: Peer 1002 has the optimistically unchoked neighbor 1003.",
        &["log/place", "choking/optimistic-exists"],
        choices::optimistic,
    ),
    case(
        "log/unchoked-by",
        ("A10", Item::I2d, Must),
        "Each unchoke of a neighbor is logged: Peer 1002 is unchoked by 1001.",
        &["log/place"],
        |stage| events::messages(stage, Kind::UnchokedBy),
    ),
    case(
        "log/choked-by",
        ("A10", Item::I2d, Must),
        "Each choke of a neighbor is logged: Peer 1002 is choked by 1001.",
        &["log/place"],
        |stage| events::messages(stage, Kind::ChokedBy),
    ),
    case(
        "log/have",
        ("A10", Item::I3f, Must),
        "Each have is logged: Peer 1002 received the 'have' message from 1001 for the piece 3.",
        &["log/place"],
        |stage| events::messages(stage, Kind::Have),
    ),
    case(
        "log/interested",
        ("A10", Item::I2c, Must),
        "Each interested is logged: Peer 1002 received the 'interested' message from 1003.",
        &["log/place"],
        |stage| events::messages(stage, Kind::Interested),
    ),
    case(
        "log/not-interested",
        ("A10", Item::I2c, Must),
        "Each not interested is logged: Peer 1002 received the 'not interested' message from 1003.",
        &["log/place"],
        |stage| events::messages(stage, Kind::NotInterested),
    ),
    case(
        "log/downloaded",
        ("A10", Item::I3e, Must),
        "Each piece is logged: Peer 1002 has downloaded the piece 3 from 1001. Now the number of pieces it has is 5.",
        &["log/place", "requests/starts"],
        |stage| events::messages(stage, Kind::Downloaded),
    ),
    case(
        "log/complete",
        ("A10", Item::I4, Must),
        "The complete file is logged once: Peer 1002 has downloaded the complete file. A seeder never logs it.",
        &["log/place", "requests/starts"],
        events::complete,
    ),
    case(
        "log/times",
        ("A10", Item::Beside, Must),
        "Each line begins with a time in brackets, a colon and a blank. The time has date, hour, minute and second, in any form, \
        and never goes back.",
        &["log/place"],
        form::times,
    ),
    case(
        "log/other-lines",
        ("A10", Item::Beside, Should),
        "The log has the eleven sentences of the course and nothing else.",
        &["log/place"],
        form::other_lines,
    ),
    case(
        "log/fresh",
        ("B", Item::Beside, Should),
        "A run begins with an empty log: lines of an earlier run are gone.",
        &["log/place"],
        form::fresh,
    ),
];
