//! The end (A9): when all peers of `PeerInfo.cfg` have the file, and not before.
//!
//! `acts` has what several cases do, `knowing` how the peer learns that all are complete, `leaving` how it goes.

mod acts;
mod knowing;
mod leaving;

use crate::check::mistakes;
use crate::check::stage::{Case, case};
use crate::check::verdict::Level::{Must, Should};
use crate::rubric::Item;

pub static CASES: &[Case] = &[
    case(
        "end/when-all-complete",
        ("A9", Item::I4, Must),
        "When all peers of PeerInfo.cfg have the file, the peer closes its connections and ends within 6 s.",
        &["requests/starts"],
        knowing::when_all_complete,
    ),
    case(
        "end/not-before",
        ("A9", Item::I1c, Must),
        "As long as one peer of PeerInfo.cfg lacks a piece, itself or another, the peer stays.",
        &["requests/starts"],
        leaving::not_before,
    ),
    case(
        "end/complete-from-bitfield",
        ("A9", Item::I4, Must),
        "A neighbor whose bitfield is full is complete, whatever its line in PeerInfo.cfg says.",
        &["end/when-all-complete"],
        |stage| knowing::from_bitfields(stage, &mistakes::BITFIELD_NOT_COUNTED),
    ),
    case(
        "end/complete-from-haves",
        ("A9", Item::I4, Must),
        "A neighbor that has announced its last piece by have is complete.",
        &["end/when-all-complete"],
        |stage| knowing::from_haves(stage, &mistakes::HAVES_NOT_COUNTED),
    ),
    case(
        "end/mixed",
        ("A9", Item::I4, Must),
        "Pieces of a bitfield and pieces of later haves count together.",
        &["end/complete-from-bitfield", "end/complete-from-haves"],
        knowing::mixed,
    ),
    case(
        "end/others-close-first",
        ("A9", Item::I4, Must),
        "A neighbor that is complete stays complete when it closes: the peer goes on, and ends when the others are complete.",
        &["end/complete-from-bitfield", "end/complete-from-haves"],
        knowing::others_close_first,
    ),
    case(
        "end/last-have",
        ("A9", Item::I3b, Must),
        "The last have reaches every neighbor before the peer closes: the others need it to end, too.",
        &["pieces/have-to-all", "pieces/last-have", "end/complete-from-bitfield"],
        leaving::last_have,
    ),
    case(
        "end/process-gone",
        ("A9", Item::I4, Must),
        "At the end the process itself is gone, not only its connections.",
        &["end/complete-from-bitfield", "end/complete-from-haves"],
        leaving::process_gone,
    ),
    case(
        "end/status",
        ("B", Item::I4, Should),
        "A peer that ends because all have the file ends with exit status 0.",
        &["end/process-gone"],
        leaving::status,
    ),
    case(
        "end/seeder-ends",
        ("A9", Item::I4, Must),
        "A peer that starts with the file ends, too, when all others have it.",
        &["end/complete-from-haves"],
        knowing::seeder_ends,
    ),
    case(
        "end/serves-until-end",
        ("A9", Item::I1c, Must),
        "A complete peer serves those that lack pieces, and ends when the last of them has all.",
        &[
            "pieces/serves",
            "pieces/have-to-all",
            "pieces/last-have",
            "end/not-before",
            "end/complete-from-bitfield",
            "end/complete-from-haves",
        ],
        leaving::serves_until_end,
    ),
    case(
        "end/zero-left",
        ("A9", Item::I4, Must),
        "A peer whose neighbors all start with the file ends when it has the file itself, and not before.",
        &["end/complete-from-bitfield"],
        knowing::zero_left,
    ),
    case(
        "end/closes-in-order",
        ("B", Item::I4, Should),
        "At the end the peer closes its connections in order: it reads what still arrives, so that nothing is reset.",
        &["end/complete-from-bitfield", "end/complete-from-haves"],
        leaving::closes_in_order,
    ),
];
