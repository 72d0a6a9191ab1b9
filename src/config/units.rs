//! Numbers of bytes in the form that people write: `24MB`, `64KiB`, `200k`.

/// Why a text is not a number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotBytes {
    /// It is not a whole number with or without a unit.
    NoNumber,
    /// It is a number of more than 2^64 - 1 bytes.
    TooMany,
}

/// Parses a number of bytes: a whole number and perhaps a unit, decimal (`k`, `MB`) or binary (`KiB`), in any case.
///
/// # Errors
/// If the text is not a number of bytes, or the number is more than the type holds.
pub fn parse_bytes(text: &str) -> Result<u64, NotBytes> {
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (digits, unit) = trimmed.split_at(end);
    let factor: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        "ti" | "tib" => 1 << 40,
        _ => return Err(NotBytes::NoNumber),
    };
    if digits.is_empty() {
        return Err(NotBytes::NoNumber);
    }
    // Digits that the type cannot hold overflow.
    let bytes = digits.parse().ok().and_then(|number: u64| number.checked_mul(factor));
    bytes.ok_or(NotBytes::TooMany)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_as_people_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("1000000", 1_000_000),
            ("24MB", 24_000_000),
            ("24 mb", 24_000_000),
            ("64KiB", 65_536),
            ("64kib", 65_536),
            ("16k", 16_000),
            ("3M", 3_000_000),
            ("2G", 2_000_000_000),
            ("2GiB", 1 << 31),
            ("1T", 1_000_000_000_000),
            ("7 B", 7),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_of_bytes() {
        for text in ["", "MB", "1.5GB", "-1", "24XB", "24MB24", "0x10", "1_000", "1,000", "²"] {
            assert_eq!(parse_bytes(text), Err(NotBytes::NoNumber), "{text}");
        }
        for text in ["18446744073709551616", "99999999999999999999999", "18446745TB"] {
            assert_eq!(parse_bytes(text), Err(NotBytes::TooMany), "{text}");
        }
    }
}
