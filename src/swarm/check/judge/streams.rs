//! Judges bytes: handshakes, and streams that cannot be understood (A4, A5).

use peer_process::protocol::wire::diagnosis::Mistake as Guess;

use super::violation::Violation;
use super::watch::Judge;
use crate::check::history::Broken;
use crate::check::incoming::shown;
use crate::check::mistakes::{self, Mistake};
use crate::check::plan::Nb;
use crate::check::verdict::{Bytes, Level};

/// Returns a piece of evidence.
pub fn evidence(bytes: &[u8], expected: Option<Vec<u8>>, decoded: Vec<String>) -> Bytes {
    Bytes { data: bytes[..bytes.len().min(Bytes::SHOWN)].to_vec(), total: bytes.len(), expected, decoded }
}

impl Judge {
    pub(super) fn see_handshake(&mut self, nb: Nb, bytes: &[u8; 32]) {
        let (reserved, id) = (&bytes[18..28], &bytes[28..]);
        let expected = peer_process::protocol::wire::Handshake::of(self.own).to_bytes();
        let bytes = |decoded: String| Some(evidence(bytes, Some(expected.to_vec()), vec![decoded]));
        if reserved.iter().any(|&byte| byte != 0) {
            let mistake = reserved.iter().all(|&byte| byte == b'0').then_some(&mistakes::ASCII_ZEROS);
            self.tell(Violation {
                owner: "handshake/reserved",
                level: Level::Must,
                mistake,
                expected: "ten zero bytes between header and ID".to_owned(),
                came: format!("{} between header and ID", shown(reserved)),
                bytes: bytes("handshake with the right header".to_owned()),
                disrupts: false,
                is_absence: false,
                is_timed: false,
                is_crash: false,
                events: Vec::new(),
            });
        }
        let number = u32::from_be_bytes([id[0], id[1], id[2], id[3]]);
        let own = self.own.number();
        if number != own {
            // A byte is missing before the ID, so all that follows stands one byte too early.
            let is_short = number >> 8 == own & 0x00ff_ffff;
            if is_short {
                self.misaligned.insert(nb);
            }
            let mistake = if id == own.to_string().as_bytes() {
                Some(&mistakes::ASCII_ID)
            } else if self.ids.get(nb.0) == Some(&number) {
                Some(&mistakes::ID_OF_OTHER)
            } else if is_short {
                Some(&mistakes::SHORT_HANDSHAKE)
            } else {
                (number.swap_bytes() == own).then_some(&mistakes::LITTLE_ENDIAN)
            };
            self.tell(Violation {
                owner: "handshake/own-id",
                level: Level::Must,
                mistake,
                expected: format!("its own ID {own} as the last four bytes of the handshake"),
                came: format!("the four bytes {}, which is {number}", shown(id)),
                bytes: bytes(format!("handshake with ID {number}")),
                disrupts: true,
                is_absence: false,
                is_timed: false,
                is_crash: false,
                events: Vec::new(),
            });
        }
    }

    pub(super) fn see_broken(&mut self, broken: &Broken) {
        let (owner, mistake) = if broken.is_opening {
            ("handshake/bytes", of_opening(broken.mistake, &broken.bytes))
        } else {
            of_stream(broken)
        };
        let expected = if broken.is_opening {
            "the 32 bytes of the handshake"
        } else {
            "messages of length (4 bytes), type (1 byte) and payload"
        };
        self.tell(Violation {
            owner,
            level: Level::Must,
            mistake,
            expected: expected.to_owned(),
            came: format!("it {}", broken.sentence),
            bytes: Some(evidence(&broken.bytes, None, Vec::new())),
            disrupts: true,
            is_absence: false,
            is_timed: false,
            is_crash: false,
            events: Vec::new(),
        });
    }
}

fn of_opening(guess: Option<Guess>, bytes: &[u8]) -> Option<&'static Mistake> {
    match guess {
        _ if bytes.starts_with(&[0xac, 0xed, 0x00, 0x05]) => Some(&mistakes::JAVA_OBJECTS),
        Some(Guess::JavaBlocks | Guess::JavaHeader | Guess::JavaBody | Guess::JavaWriteUtf) => {
            Some(&mistakes::JAVA_OBJECTS)
        }
        Some(Guess::FormerHeader | Guess::HeaderSpelling(_) | Guess::BitTorrent) => Some(&mistakes::OTHER_HEADER),
        Some(Guess::NoHandshake) => Some(&mistakes::NO_HANDSHAKE),
        Some(Guess::LengthBeforeHandshake) => Some(&mistakes::LENGTH_BEFORE_HANDSHAKE),
        Some(Guess::Pickle) => Some(&mistakes::PICKLE),
        // A frame: a length below 65536, and a type.
        _ if bytes.starts_with(&[0, 0]) && bytes.get(4).is_some_and(|&message_type| message_type <= 7) => {
            Some(&mistakes::NO_HANDSHAKE)
        }
        _ => None,
    }
}

/// Returns the case that asks about such bytes, and the mistake.
fn of_stream(broken: &Broken) -> (&'static str, Option<&'static Mistake>) {
    let (bitfield, piece, frames) = ("bitfield/encoding", "pieces/header", "frames/layout");
    let Some(guess) = broken.mistake else {
        let owner = if broken.sentence.contains("bitfield") { bitfield } else { frames };
        let is_java = broken.bytes.starts_with(&[0xac, 0xed, 0x00, 0x05]);
        return (owner, is_java.then_some(&mistakes::JAVA_OBJECTS));
    };
    match guess {
        Guess::EmptyBitfield
        | Guess::TrailingZeros
        | Guess::TrailingZeroOrType
        | Guess::OtherLayoutOrTrailingZeros
        | Guess::OtherPieceSizeOrTrailingZeros(_)
        | Guess::OtherPieceSize(_)
        | Guess::BitfieldByteTooMany => (bitfield, Some(&mistakes::SHORT_BITFIELD)),
        Guess::BytesAPiece(_) => (bitfield, Some(&mistakes::BYTE_PER_PIECE)),
        Guess::TextBitfield => (bitfield, Some(&mistakes::TEXT_BITFIELD)),
        Guess::LowBitFirst(_) => (bitfield, Some(&mistakes::LOW_BIT_FIRST)),
        Guess::AllOnes => (bitfield, Some(&mistakes::SPARE_BITS)),
        Guess::PaddedLastPiece => ("pieces/last-sent", Some(&mistakes::PADDED_LAST)),
        Guess::PieceWithoutIndex | Guess::PieceOrLengthWithoutIndex => (piece, Some(&mistakes::PIECE_WITHOUT_INDEX)),
        Guess::LengthOfBytesOnly => (piece, Some(&mistakes::WITHOUT_TYPE)),
        Guess::LengthWithoutType => (frames, Some(&mistakes::WITHOUT_TYPE)),
        Guess::LengthWithItself => (frames, Some(&mistakes::LENGTH_WITH_ITSELF)),
        Guess::LowestByteFirst => (frames, Some(&mistakes::LITTLE_ENDIAN)),
        Guess::AsciiType(_) => (frames, Some(&mistakes::ASCII_TYPE)),
        Guess::TypeAsNumber => (frames, Some(&mistakes::WIDE_TYPE)),
        Guess::NumberAsText | Guess::Text(_) | Guess::IndexAsText(_) => (frames, Some(&mistakes::ASCII_LENGTH)),
        Guess::JavaBlocks | Guess::JavaHeader | Guess::JavaBody => (frames, Some(&mistakes::JAVA_OBJECTS)),
        Guess::Pickle | Guess::PickleBody => (frames, Some(&mistakes::PICKLE)),
        Guess::SecondHandshake => ("handshake/once", Some(&mistakes::SECOND_HANDSHAKE)),
        Guess::CountsFromOne => (frames, Some(&mistakes::COUNTS_FROM_ONE)),
        Guess::BlockRequest => (frames, Some(&mistakes::BLOCK_REQUEST)),
        _ if broken.sentence.contains("bitfield") => (bitfield, None),
        _ => (frames, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_without_a_guess_are_named_by_their_first_bytes() {
        let name = |bytes: &[u8]| of_opening(None, bytes).map(|mistake| mistake.name);
        assert_eq!(name(&[0xac, 0xed, 0, 5, 0x77, 32]), Some("java-object-stream"));
        assert_eq!(name(&[0, 0, 0, 3, 5, 0xff, 0xe0]), Some("no-handshake"));
        assert_eq!(name(b"P2PFILESHARINGPROX"), None);
    }
}
