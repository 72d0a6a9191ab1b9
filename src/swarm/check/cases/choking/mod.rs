//! Choking (A7): who is unchoked, and when. `crowd` gathers neighbors and watches them.
//!
//! Only messages are judged, so preferred and optimistic neighbors are told apart by their intervals. Where one interval is
//! `crowd::NEVER`, that choice is made at the start or not at all.

mod clock;
mod crowd;
mod members;
mod optimistic;
mod rates;

use crate::check::stage::{Case, case};
use crate::check::verdict::Level::{Must, Should};
use crate::rubric::Item;

pub static CASES: &[Case] = &[
    case(
        "choking/unchokes",
        ("A7", Item::I2d, Must),
        "A neighbor that is interested is unchoked at the next selection, at most p seconds later.",
        &["start/listens", "handshake/bytes"],
        members::unchokes,
    ),
    case(
        "choking/at-most",
        ("A7", Item::I2d, Must),
        "At most k preferred neighbors and one optimistic neighbor are unchoked at any moment; all others are choked.",
        &["choking/unchokes"],
        members::at_most,
    ),
    case(
        "choking/k-preferred",
        ("A7", Item::I2d, Must),
        "k neighbors are preferred if that many are interested, and it stays so from selection to selection. (A correct peer \
        fails this by chance in less than one of a million runs.)",
        &["choking/unchokes"],
        members::k_preferred,
    )
    .measured()
    .long(),
    case(
        "choking/rate-decides",
        ("A7", Item::I2d, Must),
        "While the peer lacks pieces, it prefers the neighbors that sent it most during the last interval.",
        &[
            "choking/unchokes",
            "choking/k-preferred",
            "choking/chokes-again",
            "requests/starts",
            "requests/unchoked-only",
            "requests/after-interest",
            "requests/offered-only",
            "requests/next-after-piece",
            "pieces/have-to-all",
        ],
        rates::rate_decides,
    )
    .measured()
    .long(),
    case(
        "choking/ties-random",
        ("A7", Item::I2d, Must),
        "Neighbors with equal rates are preferred at random, at each selection again. (A correct peer fails this by chance in \
        less than one of a million runs.)",
        &[
            "choking/unchokes",
            "requests/starts",
            "requests/unchoked-only",
            "requests/after-interest",
            "requests/offered-only",
            "pieces/have-to-all",
        ],
        rates::ties_random,
    )
    .long(),
    case(
        "choking/seeder-random",
        ("A7", Item::I2d, Must),
        "A peer with the complete file prefers k of the interested at random, at each selection again. (A correct peer fails \
        this by chance in less than one of a million runs.)",
        &["choking/unchokes"],
        rates::seeder_random,
    )
    .long(),
    case(
        "choking/chokes-again",
        ("A7", Item::I2d, Must),
        "A neighbor that falls out of the preferred ones is sent choke, unless it is the optimistic one.",
        &["choking/unchokes"],
        members::chokes_again,
    ),
    case(
        "choking/not-interested-out",
        ("A7", Item::I2d, Must),
        "A neighbor that says not interested is choked at the next selection, and not chosen again.",
        &["choking/unchokes", "choking/chokes-again"],
        members::not_interested_out,
    )
    .measured(),
    case(
        "choking/interested-only",
        ("A7", Item::I2d, Must),
        "Only neighbors whose last word is interested are unchoked.",
        &["choking/unchokes"],
        members::interested_only,
    ),
    case(
        "choking/changes-only",
        ("A7", Item::I2d, Must),
        "Choke and unchoke are sent only to neighbors for which something changes.",
        &["choking/unchokes"],
        members::changes_only,
    ),
    case(
        "choking/serves-unchoked-only",
        ("A7", Item::I2d, Must),
        "A choked neighbor gets no pieces, even if it asks.",
        &["choking/unchokes"],
        members::serves_unchoked_only,
    ),
    case(
        "choking/every-p",
        ("A7", Item::I2d, Must),
        "The preferred neighbors are selected every p seconds. (Measured with p = 1; 15 % are allowed.)",
        &["choking/unchokes", "choking/chokes-again"],
        clock::every_p,
    )
    .measured()
    .long(),
    case(
        "choking/not-before-p",
        ("A7", Item::I2d, Must),
        "Nothing changes between two selections of preferred neighbors. (Measured with p = 5; 15 % are allowed.)",
        &["choking/unchokes"],
        clock::not_before_p,
    )
    .measured()
    .long(),
    case(
        "choking/late-joiner",
        ("A7", Item::I2d, Must),
        "A neighbor that becomes interested later gets its turn.",
        &["choking/unchokes"],
        members::late_joiner,
    ),
    case(
        "choking/free-slot",
        ("B", Item::I2d, Should),
        "Selections come every p seconds: a place that is free stays free until the next one.",
        &["choking/unchokes", "choking/chokes-again"],
        members::free_slot,
    )
    .measured(),
    case(
        "choking/dead-neighbor",
        ("B", Item::I2d, Should),
        "A preferred neighbor that goes away takes no place at the next selection.",
        &["choking/unchokes", "choking/k-preferred", "choking/chokes-again"],
        members::dead_neighbor,
    )
    .measured(),
    case(
        "choking/optimistic-exists",
        ("A7", Item::I2e, Must),
        "Beside k preferred neighbors, one more is unchoked within m seconds.",
        &["choking/unchokes", "choking/k-preferred"],
        optimistic::exists,
    )
    .long(),
    case(
        "choking/optimistic-among-choked",
        ("A7", Item::I2e, Must),
        "The optimistic neighbor is one of those that are choked and interested.",
        &["choking/unchokes", "choking/optimistic-exists"],
        optimistic::among_choked,
    ),
    case(
        "choking/optimistic-stays",
        ("A7", Item::I2e, Must),
        "The optimistic neighbor stays unchoked for m seconds, while preferred neighbors come and go every p seconds.",
        &["choking/unchokes", "choking/optimistic-exists"],
        optimistic::stays,
    )
    .measured()
    .long(),
    case(
        "choking/optimistic-changes",
        ("A7", Item::I2e, Must),
        "Every m seconds another neighbor is unchoked optimistically, and the former one is choked unless it is preferred.",
        &[
            "choking/optimistic-exists",
            "choking/chokes-again",
            "choking/optimistic-among-choked",
            "choking/optimistic-stays",
        ],
        optimistic::changes,
    ),
    case(
        "choking/optimistic-random",
        ("A7", Item::I2e, Must),
        "The optimistic neighbor is chosen at random. (A correct peer fails this by chance in less than one of a million runs.)",
        &["choking/optimistic-changes"],
        optimistic::random,
    )
    .long(),
    case(
        "choking/every-m",
        ("A7", Item::I2e, Must),
        "The optimistic neighbor is chosen every m seconds. (Measured with m = 2; 15 % are allowed.)",
        &["choking/optimistic-changes"],
        clock::every_m,
    )
    .measured()
    .long(),
];
