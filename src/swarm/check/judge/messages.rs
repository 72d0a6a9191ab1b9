//! Judges messages against what both sides have told each other (A5 to A8).

use std::time::Duration;

use peer_process::protocol::layout::PieceIndex;
use peer_process::protocol::message::Message;
use peer_process::protocol::piece_set::PieceSet;

use super::streams::evidence;
use super::violation::{CROSSING, GIVEN_UP, SETTLED, Violation};
use super::watch::Judge;
use crate::check::facts::{Asked, Between, Facts};
use crate::check::history::Heard;
use crate::check::mistakes;
use crate::check::plan::Nb;

/// Messages of one decision come within this time.
const AT_ONCE: Duration = Duration::from_millis(300);

/// Reports whether a word about interest may be the answer to our bitfield, which is told always (B). One that was sent before
/// the bitfield was read does not count.
fn answers_bitfield(at: Duration, between: &Between) -> bool {
    let Some(said) = between.our_bitfield_at else { return false };
    let most = u32::from(at.saturating_sub(said) < CROSSING);
    between.told_since_bitfield <= most
}

impl Judge {
    pub(super) fn see_heard(&mut self, at: Duration, nb: Nb, heard: &Heard, facts: &Facts) {
        match heard {
            Heard::Handshake(bytes) => self.see_handshake(nb, bytes),
            Heard::Broken(broken) => self.see_broken(broken),
            Heard::Unknown { message_type, length } => self.see_unknown(*message_type, *length),
            Heard::Message(message, is_right) => match message {
                Message::Choke => self.see_choke(nb, facts),
                Message::Unchoke => self.see_unchoke(at, nb, facts),
                Message::Interested => self.see_interested(at, nb, facts),
                Message::NotInterested => self.see_not_interested(at, nb, facts),
                Message::Have(piece) => self.see_have(at, nb, *piece, facts),
                Message::Bitfield(set) => self.see_bitfield(at, nb, set, facts),
                Message::Request(piece) => self.see_request(at, nb, *piece, facts),
                Message::Piece(piece) => self.see_piece(at, nb, *piece, *is_right, facts),
            },
        }
    }

    fn see_unknown(&mut self, message_type: u8, length: u32) {
        let came = format!("a message of type {message_type} and length {length}");
        let expected = "messages of the types 0 to 7";
        // The digits '0' to '7' are types that were written as text.
        if (b'0'..=b'7').contains(&message_type) {
            let mut violation = Violation::new("frames/layout", &mistakes::ASCII_TYPE, expected, came);
            violation.disrupts = true;
            self.tell(violation);
        } else {
            let violation = Violation::new("frames/known-types", &mistakes::UNKNOWN_TYPE, expected, came);
            self.tell(violation.should());
        }
    }

    fn see_choke(&mut self, nb: Nb, facts: &Facts) {
        if facts.of(nb).they_choke {
            let came = "choke, to a neighbor that was choked already".to_owned();
            let expected = "choke only to a neighbor that is unchoked";
            self.tell(Violation::new("choking/changes-only", &mistakes::CHOKE_WITHOUT_CHANGE, expected, came));
        }
    }

    fn see_unchoke(&mut self, at: Duration, nb: Nb, facts: &Facts) {
        let between = facts.of(nb);
        if !between.they_choke {
            let came = "unchoke, to a neighbor that was unchoked already".to_owned();
            let expected = "unchoke only to a neighbor that is choked";
            self.tell(Violation::new("choking/changes-only", &mistakes::CHOKE_WITHOUT_CHANGE, expected, came));
        }
        // Who is unchoked still, or was a moment ago, is not chosen now.
        let was_choked = between.they_choke_since == between.connected_at
            || between.they_choke && at.saturating_sub(between.they_choke_since) > AT_ONCE;
        let crossed = at.saturating_sub(between.we_are_interested_since) < CROSSING;
        let is_wrong = was_choked
            && match between.we_are_interested {
                Some(true) => false,
                Some(false) => !crossed,
                None => true,
            };
        if is_wrong {
            let came =
                "unchoke, to a neighbor whose last word is not interested, or that never said interested".to_owned();
            let expected = "unchoke only to neighbors that are interested";
            let mistake = &mistakes::NOT_INTERESTED_UNCHOKED;
            let is_timed = between.we_are_interested.is_some();
            self.tell(Violation::new("choking/interested-only", mistake, expected, came).timed_if(is_timed));
        }
    }

    fn see_interested(&mut self, at: Duration, nb: Nb, facts: &Facts) {
        let between = facts.of(nb);
        if between.they_are_interested == Some(true) && !is_new(at, between) && !answers_bitfield(at, between) {
            let came = "interested a second time, without not interested in between".to_owned();
            let expected = "interested only when it was not interested before";
            let violation = Violation::new("interest/changes-only", &mistakes::INTEREST_REPEATED, expected, came);
            self.tell(violation.should().timed_if(true));
        }
        let is_settled = facts.given.last().is_none_or(|(_, _, given)| at.saturating_sub(*given) > CROSSING);
        if !facts.may_offer(nb) && is_settled {
            let came = "interested, to a neighbor that has announced nothing that the peer lacks".to_owned();
            let expected = "interested only to a neighbor that has a piece that the peer lacks";
            let violation = Violation::new("interest/only-if-missing", &mistakes::INTEREST_UNFOUNDED, expected, came);
            self.tell(violation.timed_if(!facts.given.is_empty()));
        }
    }

    fn see_not_interested(&mut self, at: Duration, nb: Nb, facts: &Facts) {
        let between = facts.of(nb);
        if between.they_are_interested == Some(false) && !is_new(at, between) && !answers_bitfield(at, between) {
            let came = "not interested a second time, without interested in between".to_owned();
            let expected = "not interested once after the bitfield, then only when it was interested before";
            let violation = Violation::new("interest/changes-only", &mistakes::INTEREST_REPEATED, expected, came);
            self.tell(violation.should().timed_if(true));
        }
    }

    fn see_have(&mut self, at: Duration, nb: Nb, piece: PieceIndex, facts: &Facts) {
        let between = facts.of(nb);
        if self.excused.contains(&piece) {
            return;
        }
        if !facts.can_have.contains(piece) {
            let came = format!("have {piece}, but nobody has sent this piece to the peer");
            let expected = "have only for a piece that the peer has received";
            self.tell(Violation::new("pieces/have-after-piece", &mistakes::HAVE_EARLY, expected, came));
        } else if between.they_announced.contains(piece)
            || (between.they_have.contains(piece) && at.saturating_sub(between.connected_at) > SETTLED)
        {
            // A piece that came while the neighbor connected may stand in the bitfield and in a have.
            let came = format!("have {piece} a second time");
            let expected = "one have for each piece";
            let violation = Violation::new("pieces/have-once", &mistakes::HAVE_REPEATED, expected, came);
            self.tell(violation.should().timed_if(!between.they_announced.contains(piece)));
        }
    }

    fn see_bitfield(&mut self, at: Duration, nb: Nb, set: &PieceSet, facts: &Facts) {
        let between = facts.of(nb);
        let layout = facts.layout();
        let mut bytes = Vec::new();
        set.write_bitfield(&mut bytes);
        if between.heard_count > 0 {
            let (mistake, came) = if between.bitfield_came {
                (&mistakes::REPEATED_BITFIELD, "another bitfield".to_owned())
            } else {
                (&mistakes::LATE_BITFIELD, format!("a bitfield as message {}", between.heard_count + 1))
            };
            let expected = "a bitfield only as the first message after the handshake";
            self.tell(Violation::new("bitfield/first", mistake, expected, came));
            return;
        }
        // The peer may have completed a piece in this moment, or be still about to store it.
        let surely = |piece: PieceIndex| {
            let given = facts.given.iter().find(|(given, _, _)| *given == piece);
            !facts.lost.contains(piece) && given.is_none_or(|(_, _, given)| at.saturating_sub(*given) > SETTLED)
        };
        let too_many = set.iter().any(|piece| !facts.can_have.contains(piece));
        let too_few = facts.can_have.iter().any(|piece| surely(piece) && !set.contains(piece));
        if !too_many && !too_few {
            return;
        }
        if facts.can_have.is_full() && facts.given.is_empty() && set.is_empty() {
            let came =
                "a bitfield without a piece, though the peer's line says that it starts with the file".to_owned();
            let expected = "a full bitfield from a peer that starts with the file";
            self.tell(Violation::new("start/has-file", &mistakes::NOT_A_SEEDER, expected, came));
            return;
        }
        let turned: Vec<u8> = bytes.iter().map(|byte| byte.reverse_bits()).collect();
        let turned = PieceSet::from_bitfield(layout, &turned).ok();
        let is_turned = turned.is_some_and(|turned| {
            turned.iter().all(|piece| facts.can_have.contains(piece))
                && facts.can_have.iter().all(|piece| !surely(piece) || turned.contains(piece))
        });
        let mut expected = Vec::new();
        facts.can_have.write_bitfield(&mut expected);
        let came = if too_many {
            "a bitfield with pieces that the peer cannot have"
        } else {
            "a bitfield without pieces that the peer has"
        };
        let mut violation = Violation::new(
            "bitfield/encoding",
            if is_turned {
                &mistakes::LOW_BIT_FIRST
            } else if lacks_only_last(set, &facts.can_have) {
                &mistakes::ROUNDED_DOWN
            } else {
                &mistakes::WRONG_BITFIELD
            },
            "a bit for each piece that the peer has, piece 0 in the high bit of the first byte",
            came.to_owned(),
        );
        violation.bytes =
            Some(evidence(&bytes, Some(expected), vec![Message::Bitfield(Box::new(set.clone())).to_string()]));
        self.tell(violation.timed_if(!too_many && !facts.given.is_empty()));
    }

    fn see_request(&mut self, at: Duration, nb: Nb, piece: PieceIndex, facts: &Facts) {
        let between = facts.of(nb);
        let never_unchoked = between.we_choke_since == between.connected_at;
        let is_choked = between.we_choke && (never_unchoked || at.saturating_sub(between.we_choke_since) > CROSSING);
        // Before the first word of interest, that is the mistake.
        if is_choked && between.they_are_interested.is_some() {
            let came = format!("request {piece} from a neighbor that chokes the peer");
            let expected = "requests only between unchoke and choke";
            let violation = Violation::new("requests/unchoked-only", &mistakes::REQUESTS_CHOKED, expected, came);
            self.tell(violation.timed_if(!never_unchoked));
        }
        match between.they_are_interested {
            Some(true) => {}
            Some(false) => {
                let came = format!("request {piece}, although the peer's last word is not interested");
                let expected = "requests only while the peer is interested";
                let is_had = facts.can_have.contains(piece);
                let mistake = if is_had { &mistakes::DUPLICATE_REQUESTS } else { &mistakes::REQUEST_UNINTERESTED };
                self.tell(Violation::new("requests/while-interested-only", mistake, expected, came));
            }
            None => {
                let came = format!("request {piece}, although the peer has not said interested");
                let expected = "interested before the first request";
                let mistake = &mistakes::REQUEST_BEFORE_INTEREST;
                self.tell(Violation::new("requests/after-interest", mistake, expected, came));
            }
        }
        if !between.we_have.contains(piece) {
            let came = format!("request {piece}, which this neighbor has not announced");
            let expected = "requests only for pieces that the neighbor has announced";
            let is_misread = is_turned(&between.our_bitfield, piece);
            self.tell(if is_misread {
                Violation::new("bitfield/partial-ours", &mistakes::LOW_BIT_FIRST, expected, came)
            } else {
                Violation::new("requests/offered-only", &mistakes::NOT_OFFERED, expected, came)
            });
        }
        let is_open = |asked: &&Asked| asked.while_unchoked && at.saturating_sub(asked.at) < GIVEN_UP;
        let may_be_given_up = |asked: &Asked| at.saturating_sub(asked.at) > CROSSING;
        if let Some(open) = between
            .asked_of_us
            .iter()
            .find(is_open)
            .filter(|open| !between.we_choke && !self.excused.contains(&open.piece))
        {
            let age = at.saturating_sub(open.at).as_millis();
            let came = format!("request {piece}, {age} ms after request {}, which is not answered yet", open.piece);
            let expected = "one request at a time to one neighbor: the next follows the piece";
            let violation = Violation::new("requests/one-at-a-time", &mistakes::SEVERAL_REQUESTS, expected, came);
            self.tell(violation.should_if(may_be_given_up(open)));
        }
        let others = facts.all().filter(|(other, between)| *other != nb && between.is_connected);
        let asked = others.flat_map(|(_, between)| between.asked_of_us.iter());
        let elsewhere = asked.filter(|asked| asked.piece == piece && is_open(asked)).max_by_key(|asked| asked.at);
        let is_long_had = |(given, _, given_at): &&(PieceIndex, Nb, Duration)| {
            *given == piece && !facts.lost.contains(piece) && at.saturating_sub(*given_at) > CROSSING
        };
        let given = facts.given.iter().find(is_long_had);
        let came = if elsewhere.is_some() {
            Some(format!("request {piece}, which the peer has just requested from another neighbor"))
        } else {
            given.map(|(_, _, given_at)| {
                format!(
                    "request {piece}, which the peer received {} ms before",
                    at.saturating_sub(*given_at).as_millis()
                )
            })
        };
        if let Some(came) = came {
            let expected = "a piece is requested from one neighbor only, and not again once it has come";
            let violation = Violation::new("requests/no-duplicates", &mistakes::DUPLICATE_REQUESTS, expected, came);
            self.tell(violation.timed_if(elsewhere.is_none()).should_if(elsewhere.is_some_and(may_be_given_up)));
        }
    }

    fn see_piece(&mut self, at: Duration, nb: Nb, piece: PieceIndex, is_right: bool, facts: &Facts) {
        let between = facts.of(nb);
        if !is_right {
            let came = format!("piece {piece} with other bytes");
            let expected = "the bytes of the file at index * PieceSize";
            self.tell(Violation::new("pieces/content", &mistakes::WRONG_CONTENT, expected, came));
        }
        let asked = between.asked_of_them.iter().find(|asked| asked.piece == piece);
        let Some(asked) = asked else {
            let came = format!("piece {piece}, which was not requested, or was answered already");
            let expected = "pieces only in answer to a request";
            self.tell(Violation::new("pieces/only-requested", &mistakes::PIECE_UNASKED, expected, came));
            return;
        };
        let is_late = at.saturating_sub(between.they_choke_since) > SETTLED;
        if between.they_choke && (!asked.while_unchoked || is_late) {
            let came = format!("piece {piece}, while this neighbor is choked");
            let expected = "no pieces to neighbors that are choked";
            let violation = Violation::new("choking/serves-unchoked-only", &mistakes::SERVES_CHOKED, expected, came);
            self.tell(violation.timed_if(asked.while_unchoked));
        }
    }
}

/// Reports whether the bitfield lacks the last piece, and nothing else that the peer has.
fn lacks_only_last(set: &PieceSet, has: &PieceSet) -> bool {
    let last = has.layout().pieces().next_back();
    has.iter().all(|piece| set.contains(piece) != (Some(piece) == last)) && set.count() + 1 == has.count()
}

/// Reports whether a reader that takes the low bit of each byte first finds this piece in a bitfield, and not all pieces alike.
fn is_turned(bitfield: &PieceSet, piece: PieceIndex) -> bool {
    let turned = bitfield.layout().piece(piece.number() ^ 7);
    !bitfield.is_empty() && turned.is_some_and(|turned| bitfield.contains(turned))
}

/// Reports whether a connection is so new that the peer may not have read the bitfield yet. Each bitfield is answered by a word about
/// interest, also if the same word was sent for another reason just before.
fn is_new(at: Duration, between: &Between) -> bool {
    at.saturating_sub(between.connected_at) < CROSSING
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::plan::{Plan, piece as piece_of};

    #[test]
    fn a_bitfield_read_from_the_low_bit_is_recognised() {
        let plan = Plan::leecher(1, 1);
        let bitfield = plan.pieces([1, 4]);
        let layout = plan.layout();
        let found: Vec<u32> =
            layout.pieces().filter(|&piece| is_turned(&bitfield, piece)).map(PieceIndex::number).collect();
        assert_eq!(found, [3, 6]);
        assert!(!is_turned(&plan.pieces([]), piece_of(layout, 3)));
    }

    #[test]
    fn a_bitfield_without_the_last_piece_is_told_from_others() {
        let plan = Plan::leecher(1, 1);
        let full = plan.pieces(0..11);
        assert!(lacks_only_last(&plan.pieces(0..10), &full));
        assert!(!lacks_only_last(&plan.pieces(0..9), &full));
        assert!(!lacks_only_last(&plan.pieces(1..11), &full));
        assert!(!lacks_only_last(&full, &full));
    }
}
