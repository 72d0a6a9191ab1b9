//! Requests (A8): of whom, for what, how many, and when a piece is free to be asked for again.

mod again;
mod order;
mod rules;

use crate::check::stage::{Case, case};
use crate::check::verdict::Level::{Must, Should};
use crate::rubric::Item;

/// What is asked for is sent, and nothing else: without this most exchanges do not come about.
const ASKS_RIGHT: &[&str] =
    &["requests/starts", "requests/unchoked-only", "requests/after-interest", "requests/offered-only"];
/// The same, as long as there is something to ask for.
const GOES_ON: &[&str] = &[
    "requests/starts",
    "requests/unchoked-only",
    "requests/after-interest",
    "requests/offered-only",
    "requests/next-after-piece",
];

pub static CASES: &[Case] = &[
    case(
        "requests/starts",
        ("A8", Item::I3a, Must),
        "A peer that is interested and unchoked requests a piece.",
        ASKS_RIGHT,
        rules::starts,
    ),
    case(
        "requests/unchoked-only",
        ("A8", Item::I3a, Must),
        "Requests go only to neighbors that have unchoked the peer, and no more after a choke.",
        &["requests/starts"],
        rules::unchoked_only,
    ),
    case(
        "requests/after-interest",
        ("A8", Item::I3a, Must),
        "The peer says interested before its first request to a neighbor.",
        &["requests/starts"],
        rules::after_interest,
    ),
    case(
        "requests/while-interested-only",
        ("A8", Item::I3a, Must),
        "A neighbor without a piece that the peer lacks is not asked, even if it has unchoked the peer.",
        GOES_ON,
        rules::while_interested_only,
    ),
    case(
        "requests/offered-only",
        ("A8", Item::I3a, Must),
        "A neighbor is asked only for pieces that it has announced.",
        &["requests/starts"],
        rules::offered_only,
    ),
    case(
        "requests/one-at-a-time",
        ("A8", Item::I3a, Must),
        "One request at a time is under way at a neighbor.",
        GOES_ON,
        rules::one_at_a_time,
    ),
    case(
        "requests/no-duplicates",
        ("A8", Item::I3a, Must),
        "A piece is requested from one neighbor at a time, and not again once the peer has it.",
        ASKS_RIGHT,
        rules::no_duplicates,
    ),
    case(
        "requests/next-after-piece",
        ("A8", Item::I3a, Must),
        "When a piece has come, the next request follows, as long as the neighbor has more and does not choke.",
        &["requests/starts"],
        rules::next_after_piece,
    ),
    case(
        "requests/after-have",
        ("A8", Item::I3a, Must),
        "A neighbor that has unchoked the peer and announces a missing piece by have is asked for it.",
        &[
            "requests/starts",
            "requests/unchoked-only",
            "requests/after-interest",
            "requests/offered-only",
            "pieces/have-to-all",
        ],
        rules::after_have,
    ),
    case(
        "requests/all-neighbors",
        ("A8", Item::I3a, Must),
        "Each neighbor that has unchoked the peer is asked for a piece, all of them at the same time.",
        ASKS_RIGHT,
        rules::all_neighbors,
    ),
    case(
        "requests/random",
        ("A8", Item::I3a, Must),
        "Pieces are requested in random order. (A correct peer fails this by chance in less than one of a million runs.)",
        GOES_ON,
        order::random,
    ),
    case(
        "requests/after-choke",
        ("A8", Item::I3a, Must),
        "A choke ends the open request: after the next unchoke its piece is requested again.",
        GOES_ON,
        again::after_choke,
    ),
    case(
        "requests/by-others-after-choke",
        ("A8", Item::I3a, Must),
        "A piece that a choking neighbor owes is requested from another one that has it.",
        &["requests/starts", "requests/unchoked-only", "requests/offered-only", "requests/after-choke"],
        again::by_others_after_choke,
    ),
    case(
        "requests/silence",
        ("B", Item::I3a, Should),
        "A request that is not answered is given up after a while, and its piece is requested again. (The tester waits for \
        8 s, after quick answers to others; up to 30 s are right.)",
        &[
            "requests/starts",
            "requests/offered-only",
            "requests/no-duplicates",
            "requests/next-after-piece",
            "requests/after-have",
        ],
        again::silence,
    )
    .long(),
    case(
        "requests/loss-frees",
        ("B", Item::I3a, Should),
        "A piece that a lost neighbor owes is requested from another one that has it.",
        &["requests/starts", "requests/by-others-after-choke"],
        again::loss_frees,
    ),
];
