//! How much memory it takes to track all pieces: little, unless there are many millions of them.

use crate::peer::Select;
use crate::protocol::layout::FileLayout;

/// Fewer bytes than this are not worth a warning.
const WORTH_TELLING: u64 = 256 << 20;
/// Maximum number of bitfields that exist for a moment when a connection begins. Two are ours: the message and its encoding, or
/// the encoding and the writer's buffer. Two are the neighbor's: the bytes and the message.
const AT_A_CONNECTION: u64 = 4;
/// Number of bytes that count the holders of one piece.
const HOLDERS: u64 = 2;

/// Returns a warning if tracking the pieces takes much memory: this peer's, each neighbor's, and this many bytes of each
/// piece's hash.
///
/// Of `neighbors`, some may not be there yet in an open swarm, so the warning says how many are meant.
pub fn warning(layout: FileLayout, neighbors: usize, is_open: bool, select: Select, hash_len: usize) -> Option<String> {
    let with = if is_open { format!(" with {neighbors} neighbors") } else { String::new() };
    let (pieces, bitfield) = (u64::from(layout.piece_count()), u64::from(layout.bitfield_len()));
    let neighbors = neighbors as u64;
    // The pieces that are here, those that are missing, and each neighbor's.
    let sets = 2 + neighbors;
    // For each number of holders, the missing pieces with that number.
    let rarity = if select == Select::Rarest { HOLDERS * pieces + bitfield * (1 + neighbors) } else { 0 };
    let lasting = bitfield * sets + rarity + pieces * hash_len as u64;
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    (lasting > WORTH_TELLING).then(|| {
        format!(
            "tracking {pieces} pieces takes up to {} MiB of memory{with}, and {} MiB more while a connection begins; larger \
             pieces take less",
            mib(lasting),
            mib(bitfield * AT_A_CONNECTION)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: u32, neighbors: usize, select: Select, hash_len: usize, mib: Option<(u64, u64)>) {
        let layout = FileLayout::new(pieces.into(), 1).expect("pieces of one byte");
        let expected = mib.map(|(lasting, more)| {
            format!(
                "tracking {pieces} pieces takes up to {lasting} MiB of memory, and {more} MiB more while a connection \
                 begins; larger pieces take less"
            )
        });
        assert_eq!(warning(layout, neighbors, false, select, hash_len), expected);
    }

    #[test]
    fn what_is_little_is_not_told() {
        check(306, 1000, Select::Rarest, 32, None);
        check(1 << 29, 2, Select::Random, 0, None);
        check((1 << 29) + 1, 2, Select::Random, 0, Some((257, 257)));
    }

    #[test]
    fn it_grows_with_pieces_neighbors_holders_and_hashes() {
        check(1 << 29, 3, Select::Random, 0, Some((320, 256)));
        check(1 << 29, 3, Select::Sequential, 0, Some((320, 256)));
        check(1 << 29, 3, Select::Rarest, 0, Some((320 + 1024 + 256, 256)));
        check(1 << 24, 1, Select::Random, 32, Some((512 + 6, 8)));
        check(u32::MAX, 1, Select::Random, 0, Some((1536, 2048)));
    }
}
