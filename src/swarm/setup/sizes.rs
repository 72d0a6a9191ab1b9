//! Sizes as people write them, `24MB` or `64KiB`, and the size of a piece that suits a file.

use anyhow::Result;
use peer_process::config::units::{NotBytes, parse_bytes};
use peer_process::protocol::layout::{FileLayout, LayoutError};

use crate::fault::Usage;

/// `--piece-size auto` chooses among these powers of two: 16 KiB to 4 MiB.
const AUTO_SHIFTS: std::ops::RangeInclusive<u32> = 14..=22;
/// It aims at this number of pieces: enough for the peers to trade, and few enough that messages cost little.
const AUTO_PIECE_COUNT: u64 = 1500;

/// Parses a number of bytes by [`parse_bytes`], if a file can have that many.
///
/// # Errors
/// One sentence that names the option and the value.
pub fn parse(option: &str, text: &str) -> Result<u64> {
    let bytes = match parse_bytes(text) {
        Ok(bytes) => Some(bytes).filter(|bytes| *bytes <= FileLayout::MAX_FILE_SIZE),
        Err(NotBytes::TooMany) => None,
        Err(NotBytes::NoNumber) => {
            return Err(Usage::error(format!(
                "{option} '{text}' is not a whole number with or without a unit, such as 24MB, 64KiB or 1000000"
            )));
        }
    };
    bytes.ok_or_else(|| {
        Usage::error(format!("{option} '{text}' is more than a file can have, {} bytes", FileLayout::MAX_FILE_SIZE))
    })
}

/// Returns the size of a piece for a file of this many bytes. It is the power of two from 16 KiB to 4 MiB that makes nearly
/// 1500 pieces, or the smaller of two equally near ones. Between the limits that is 1000 to 2000 pieces.
pub fn auto_piece_size(file_size: u64) -> u32 {
    let sizes = AUTO_SHIFTS.map(|shift| 1_u32 << shift);
    let off = |size: &u32| file_size.div_ceil(u64::from(*size)).abs_diff(AUTO_PIECE_COUNT);
    sizes.min_by_key(off).expect("there are several powers of two")
}

/// Returns the layout for the value of `--piece-size`. Without a value `default` counts; `None` is a size that suits the file.
///
/// # Errors
/// One sentence that names the option and the value.
pub fn layout(asked: Option<&str>, default: Option<u32>, file_size: u64) -> Result<FileLayout> {
    let piece_size = match (asked, default) {
        (Some("auto"), _) | (None, None) => u64::from(auto_piece_size(file_size)),
        (Some(text), _) => parse("--piece-size", text)?,
        (None, Some(size)) => u64::from(size),
    };
    let shown = asked.map_or_else(|| piece_size.to_string(), ToOwned::to_owned);
    FileLayout::new(file_size, u32::try_from(piece_size).unwrap_or(u32::MAX)).map_err(|error| match error {
        LayoutError::TooManyPieces(count) => Usage::error(format!(
            "--piece-size '{shown}' cuts {file_size} bytes into {count} pieces, but an index of 4 bytes counts only {}",
            u32::MAX
        )),
        LayoutError::FileTooLong => Usage::error(format!("a file of {file_size} bytes is too long")),
        LayoutError::PieceSizeOutOfRange => Usage::error(format!(
            "--piece-size '{shown}' is not a number of bytes from 1 to {}",
            FileLayout::MAX_PIECE_SIZE
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_size_is_told_with_the_option_and_the_value() {
        assert_eq!(parse("--size", "9223372036854775807").expect("it is a size"), FileLayout::MAX_FILE_SIZE);
        for text in ["", "1.5GB", "24XB"] {
            let sentence = parse("--size", text).expect_err("it is no size").to_string();
            let expected =
                format!("--size '{text}' is not a whole number with or without a unit, such as 24MB, 64KiB or 1000000");
            assert_eq!(sentence, expected);
        }
        for text in ["9223372036854775808", "99999999999999999999999", "9223373TB"] {
            let sentence = parse("--size", text).expect_err("it is too large").to_string();
            let expected = format!("--size '{text}' is more than a file can have, 9223372036854775807 bytes");
            assert_eq!(sentence, expected);
        }
    }

    #[test]
    fn auto_gives_about_1500_pieces_between_16_kib_and_4_mib() {
        for (file_size, piece_size, piece_count) in [
            (0, 16_384, 0),
            (1, 16_384, 1),
            (2_167_705, 16_384, 133),
            (24_000_000, 16_384, 1465),
            (24_301_474, 16_384, 1484),
            (2000 * 16_384, 16_384, 2000),
            (2000 * 16_384 + 1, 32_768, 1001),
            (100_000_000, 65_536, 1526),
            (1 << 30, 1_048_576, 1024),
            (1_000_000_000, 524_288, 1908),
            (5_000_000_000, 4_194_304, 1193),
            (1 << 40, 4_194_304, 262_144),
        ] {
            let got = auto_piece_size(file_size);
            assert_eq!((got, file_size.div_ceil(u64::from(got))), (piece_size, piece_count), "{file_size} bytes");
        }
    }
}
