//! Bytes as rows of hexadecimal digits, with a mark around the first byte that differs.

use std::fmt::Write as _;

use crate::check::verdict::Bytes;

/// Number of bytes in a row.
pub const ROW: usize = 16;
/// Number of columns of a row, without the characters behind the digits.
const DIGITS_WIDTH: usize = 5 + ROW * 3;
/// Number of columns of a whole row.
const FULL_WIDTH: usize = DIGITS_WIDTH + 2 + 2 + ROW;

/// Returns the rows of what came, at most [`Bytes::SHOWN`] bytes, for this number of columns.
///
/// `[` and `]` stand around the first byte that differs from what was expected, or around `--` if it is missing.
pub fn came(bytes: &Bytes, width: Option<usize>) -> Vec<String> {
    rows(&bytes.data, bytes.first_difference(), width)
}

/// Returns the rows of what was expected, marked at the same place; nothing if there is more than one right answer.
pub fn expected(bytes: &Bytes, width: Option<usize>) -> Vec<String> {
    bytes.expected.as_ref().map_or_else(Vec::new, |expected| rows(expected, bytes.first_difference(), width))
}

/// Returns how much is not shown, such as `the first 64 of 1024 bytes`.
pub fn extent(bytes: &Bytes) -> Option<String> {
    let start = start(bytes.first_difference());
    let shown = bytes.data.len().saturating_sub(start).min(Bytes::SHOWN);
    let total = bytes.total.max(bytes.data.len());
    match start {
        _ if shown == total => None,
        0 => Some(format!("the first {shown} of {total} bytes")),
        start => Some(format!("{shown} of {total} bytes, from byte {start} on")),
    }
}

/// Returns the place of the first byte that is shown: 0, unless the difference would not be seen then.
fn start(mark: Option<usize>) -> usize {
    mark.filter(|mark| *mark >= Bytes::SHOWN).map_or(0, |mark| (mark - Bytes::SHOWN / 2) / ROW * ROW)
}

fn rows(data: &[u8], mark: Option<usize>, width: Option<usize>) -> Vec<String> {
    let with_text = width.is_none_or(|width| width >= FULL_WIDTH);
    let start = start(mark);
    // A missing byte has a place in the rows too.
    let end = data.len().max(mark.map_or(0, |mark| mark + 1)).min(start + Bytes::SHOWN);
    let row = |at: usize| {
        let places = at..(at + ROW).min(end);
        let mut row = format!("{at:04x} ");
        for place in places.clone() {
            let gap = match mark {
                Some(mark) if mark == place => '[',
                // The bracket behind the mark takes the place of the blank.
                Some(mark) if mark + 1 == place && place > at => ']',
                _ => ' ',
            };
            row.push(gap);
            match data.get(place) {
                Some(byte) => write!(row, "{byte:02x}").expect("memory"),
                None => row.push_str("--"),
            }
        }
        if mark.is_some_and(|mark| mark + 1 == places.end) {
            row.push(']');
        }
        if with_text {
            let text: String = places.filter_map(|place| data.get(place)).map(|byte| character(*byte)).collect();
            row = format!("{row:DIGITS_WIDTH$}  |{text}|");
        }
        row
    };
    (start..end).step_by(ROW).map(row).collect()
}

fn character(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { byte.into() } else { '.' }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(data: &[u8], expected: Option<&[u8]>) -> Bytes {
        Bytes { data: data.into(), total: data.len(), expected: expected.map(Into::into), decoded: Vec::new() }
    }

    #[test]
    fn the_first_byte_that_differs_stands_in_brackets() {
        let came_as = |data: &[u8], right: &[u8]| came(&bytes(data, Some(right)), None).join("\n");
        assert_eq!(came_as(b"P2X!", b"P2P!"), "0000  50 32[58]21                                      |P2X!|");
        assert_eq!(came_as(b"P2PF", b"P2P!"), "0000  50 32 50[46]                                     |P2PF|");
        // One that is missing, one too many, and nothing at all.
        assert_eq!(came_as(b"P2", b"P2P"), "0000  50 32[--]                                        |P2|");
        assert_eq!(came_as(b"P2P", b"P2"), "0000  50 32[50]                                        |P2P|");
        assert_eq!(came_as(b"", b"P"), "0000 [--]                                              ||");
        assert_eq!(came_as(b"P", b"P"), "0000  50                                               |P|");
    }

    #[test]
    fn a_row_has_16_bytes_and_fits_what_is_there() {
        let data: Vec<u8> = (0x40..0x60).collect();
        let mut right = data.clone();
        right[16] = 0;
        let full = "0000  40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  |@ABCDEFGHIJKLMNO|";
        let bytes = bytes(&data, Some(&right));
        assert_eq!(came(&bytes, Some(80))[0], full);
        assert_eq!(came(&bytes, Some(FULL_WIDTH)), came(&bytes, None));
        assert_eq!(
            came(&bytes, Some(60)),
            [&full[..DIGITS_WIDTH], "0010 [50]51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f"]
        );
        assert!(came(&bytes, None).iter().all(|row| row.len() == FULL_WIDTH));
        assert_eq!(expected(&bytes, Some(60))[1], "0010 [00]51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f");
    }

    #[test]
    fn of_many_bytes_those_around_the_difference_are_shown() {
        let short = bytes(&[1; 64], None);
        assert_eq!((came(&short, None).len(), extent(&short)), (4, None));
        let long = Bytes { total: 1024, ..bytes(&[1; 100], None) };
        assert_eq!((came(&long, None).len(), extent(&long)), (4, Some("the first 64 of 1024 bytes".into())));
        let mut right = vec![1; 100];
        right[90] = 2;
        let far = Bytes { total: 1024, ..bytes(&[1; 100], Some(&right)) };
        let rows = came(&far, Some(60));
        assert_eq!(extent(&far), Some("52 of 1024 bytes, from byte 48 on".into()));
        assert_eq!(rows[2], "0050  01 01 01 01 01 01 01 01 01 01[01]01 01 01 01 01");
        assert!(rows[0].starts_with("0030 "), "{rows:?}");
    }
}
