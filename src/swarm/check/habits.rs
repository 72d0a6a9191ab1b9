//! `Habits`: what a neighbor does by itself, so that a case says only what is special. Pure.
//!
//! With all habits a neighbor is a correct peer but for choking, which the cases decide.

use std::time::Duration;

use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::message::Message;
use peer_process::protocol::piece_set::PieceSet;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;

use super::facts::Facts;
use super::history::{Heard, Said, What};
use super::plan::Nb;

/// When a neighbor shakes hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Greets {
    /// As soon as the connection stands.
    AtOnce,
    /// When the peer's handshake has come.
    Second,
    /// When the case says so.
    Never,
}

/// What a neighbor does by itself.
#[derive(Clone, Debug)]
pub struct Habits {
    /// When it shakes hands.
    pub greets: Greets,
    /// The pieces that it has from the start.
    pub has: PieceSet,
    /// Whether it sends its bitfield, which follows when both have shaken hands.
    pub sends_bitfield: bool,
    /// Whether it tells of its interest.
    pub tells_interest: bool,
    /// Whether it unchokes the peer when that is interested, and chokes it when it is not.
    pub unchokes: bool,
    /// How long it takes to answer a request; `None` if it does not.
    pub serves_after: Option<Duration>,
    /// Whether it requests pieces, one at a time, while it is unchoked.
    pub downloads: bool,
    /// Whether it announces pieces that it gets.
    pub announces: bool,
}

impl Habits {
    /// A neighbor that does all by itself.
    pub const fn all(has: PieceSet) -> Self {
        Self {
            greets: Greets::AtOnce,
            has,
            sends_bitfield: true,
            tells_interest: true,
            unchokes: true,
            serves_after: Some(Duration::ZERO),
            downloads: true,
            announces: true,
        }
    }

    /// A neighbor that shakes hands, sends its bitfield and nothing else.
    pub const fn greets(has: PieceSet) -> Self {
        Self {
            greets: Greets::AtOnce,
            has,
            sends_bitfield: true,
            tells_interest: false,
            unchokes: false,
            serves_after: None,
            downloads: false,
            announces: false,
        }
    }

    /// A neighbor that does nothing by itself.
    pub fn none(has: PieceSet) -> Self {
        Self { greets: Greets::Never, sends_bitfield: false, ..Self::greets(has) }
    }
}

/// What a neighbor wants to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Deed {
    /// Send the handshake.
    Greet,
    /// Send this message.
    Say(Message),
    /// Send this piece after a while.
    Serve(PieceIndex, Duration),
}

/// Returns what a neighbor does after an event, which is in the facts already. `has` holds all that it has by now.
pub fn react(habits: &Habits, has: &PieceSet, nb: Nb, what: &What, facts: &Facts, rng: &mut StdRng) -> Vec<Deed> {
    let between = facts.of(nb);
    let mut deeds = Vec::new();
    let greets_now = match what {
        What::Connected(of, _) => *of == nb && habits.greets == Greets::AtOnce,
        What::Heard(of, Heard::Handshake(_)) => *of == nb && habits.greets == Greets::Second && !between.we_greeted,
        _ => false,
    };
    if greets_now {
        deeds.push(Deed::Greet);
    }
    // The bitfield follows when both have shaken hands.
    let is_bitfield_due = match what {
        What::Said(of, Said::Handshake) => *of == nb && between.they_greeted,
        What::Heard(of, Heard::Handshake(_)) => *of == nb && between.we_greeted,
        _ => false,
    };
    if is_bitfield_due && habits.sends_bitfield {
        deeds.push(Deed::Say(Message::Bitfield(Box::new(has.clone()))));
    }
    if habits.tells_interest && between.bitfield_came && matches!(what, What::Said(of, Said::Handshake) if *of == nb) {
        deeds.extend(interest(has, nb, facts).map(Deed::Say));
    }
    let What::Heard(of, heard) = what else { return deeds };
    // Nothing leaves before the handshake, nor within it.
    if *of != nb || !between.we_greeted {
        return deeds;
    }
    if let Heard::Message(message, _) = heard {
        match message {
            Message::Interested if habits.unchokes && between.we_choke => deeds.push(Deed::Say(Message::Unchoke)),
            Message::NotInterested if habits.unchokes && !between.we_choke => deeds.push(Deed::Say(Message::Choke)),
            Message::Request(piece) if has.contains(*piece) && !between.we_choke => {
                if let Some(after) = habits.serves_after {
                    deeds.push(Deed::Serve(*piece, after));
                }
            }
            Message::Have(_) | Message::Bitfield(_) if habits.tells_interest => {
                deeds.extend(interest(has, nb, facts).map(Deed::Say));
            }
            Message::Piece(piece) => {
                if habits.announces {
                    deeds.push(Deed::Say(Message::Have(*piece)));
                }
                if habits.tells_interest {
                    deeds.extend(interest(has, nb, facts).map(Deed::Say));
                }
            }
            _ => {}
        }
    }
    if habits.downloads
        && matches!(heard, Heard::Message(Message::Unchoke | Message::Piece(_) | Message::Have(_), _))
        && !between.they_choke
        && between.asked_of_them.iter().all(|asked| !asked.while_unchoked || asked.at < between.they_choke_since)
    {
        let wanted = between.they_have.iter().filter(|&piece| !has.contains(piece)).choose(rng);
        deeds.extend(wanted.map(|piece| Deed::Say(Message::Request(piece))));
    }
    deeds
}

/// Returns what a neighbor has to tell about its interest, if it changed.
pub fn interest(has: &PieceSet, nb: Nb, facts: &Facts) -> Option<Message> {
    let between = facts.of(nb);
    let wants = between.they_have.iter().any(|piece| !has.contains(piece));
    if between.we_are_interested == Some(wants) {
        return None;
    }
    Some(if wants { Message::Interested } else { Message::NotInterested })
}
