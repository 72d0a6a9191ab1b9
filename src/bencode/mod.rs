//! Bencode (BEP 3): what `.torrent` files and the answers of trackers are written in. Pure: bytes in, values out.
//!
//! Modules in reading order: [`fault`] says what is wrong and where; `scan` checks every byte, without recursion; [`value`]
//! holds what was read, and writes it.
//!
//! The crate `bt_bencode` turns the checked bytes into values and back. On its own it would accept `i007e`, `i-0e`, `01:x`,
//! unsorted keys and doubled ones, and a deep nesting would overflow its stack. So `scan` looks at the bytes first.

pub mod fault;
mod scan;
pub mod value;

use std::collections::BTreeMap;

use self::fault::{Fault, FaultKind};
pub use self::scan::Mode;
use self::value::Value;

/// A value, and the bytes it was read from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document<'a> {
    /// The value.
    pub value: Value,
    raw: BTreeMap<&'a [u8], &'a [u8]>,
}

impl<'a> Document<'a> {
    /// Reads one value that fills all these bytes, `most` at most.
    ///
    /// # Errors
    /// The first fault and its place.
    pub fn read(bytes: &'a [u8], mode: Mode, most: usize) -> Result<Self, Fault> {
        if bytes.len() > most {
            return Err(Fault { at: most, kind: FaultKind::TooLong { len: bytes.len(), most } });
        }
        let raw = scan::scan(bytes, mode)?;
        let value = bt_bencode::from_slice(bytes);
        let value = value.map_err(|error| Fault { at: 0, kind: FaultKind::Other(error.to_string()) })?;
        Ok(Self { value, raw })
    }

    /// Returns the bytes of the value that the outermost dictionary has for this key, exactly as they were read.
    ///
    /// The hash of a torrent's `info` is over these, never over bytes that were written again.
    #[must_use]
    pub fn raw(&self, key: &[u8]) -> Option<&'a [u8]> {
        self.raw.get(key).copied()
    }
}

/// Reads one value that fills all these bytes, `most` at most.
///
/// # Errors
/// The first fault and its place.
pub fn read(bytes: &[u8], mode: Mode, most: usize) -> Result<Value, Fault> {
    Document::read(bytes, mode, most).map(|document| document.value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fault::{MOST_DEPTH, MOST_VALUES};
    use super::*;

    const MOST: usize = 1 << 20;

    fn fault(bytes: &[u8], mode: Mode) -> String {
        read(bytes, mode, MOST).expect_err(&String::from_utf8_lossy(bytes)).to_string()
    }

    #[test]
    fn each_kind_of_value_is_read() {
        let read = |text: &str| read(text.as_bytes(), Mode::Strict, MOST).expect(text);
        assert_eq!(read("0:"), Value::from(""));
        assert_eq!(read("4:spam"), Value::from("spam"));
        for number in [0, 1, -1, 42, i64::MAX, -i64::MAX] {
            assert_eq!(read(&format!("i{number}e")), Value::Integer(number));
        }
        assert_eq!(read("le"), Value::List(vec![]));
        assert_eq!(read("l1:ai2ee"), Value::List(vec!["a".into(), 2.into()]));
        assert_eq!(read("de"), Value::dictionary([]));
        assert_eq!(read("d0:1:x1:ad1:bleee").get("a").and_then(|a| a.get("b")), Some(&Value::List(vec![])));
    }

    #[test]
    fn what_the_crate_would_accept_is_refused_in_both_modes() {
        for mode in [Mode::Strict, Mode::Lenient] {
            for (text, sentence) in [
                ("", "byte 0: the text ends where a value should start"),
                ("i007e", "byte 1: the number starts with a 0"),
                ("i-0e", "byte 1: the number is -0"),
                ("i-01e", "byte 2: the number starts with a 0"),
                ("01:x", "byte 0: the length starts with a 0"),
                ("ie", "byte 1: the number has no digit"),
                ("i-e", "byte 2: the number has no digit"),
                ("i+5e", "byte 1: the number has no digit"),
                ("i1", "byte 2: the text ends within a number"),
                ("i1x", "byte 2: 0x78 stands within a number"),
                ("i9223372036854775808e", "byte 1: the number is beyond 2^63 - 1"),
                ("i-9223372036854775808e", "byte 2: the number is beyond 2^63 - 1"),
                ("1", "byte 1: the text ends within a length"),
                ("1x", "byte 1: 0x78 stands within a length"),
                ("-1:x", "byte 0: 0x2d starts no value"),
                ("3:ab", "byte 0: a string of 3 bytes goes beyond the end of the text"),
                ("99999999999999999999:", "byte 0: the length is beyond 2^63 - 1"),
                (
                    "9223372036854775807:",
                    "byte 0: a string of 9223372036854775807 bytes goes beyond the end of the text",
                ),
                ("i1ei2e", "byte 3: 3 bytes follow the value"),
                ("de\n", "byte 2: 1 byte follows the value"),
                ("e", "byte 0: 0x65 starts no value"),
                ("l", "byte 1: the text ends where a value should start"),
                ("d", "byte 1: the text ends where a key should start"),
                ("di1ei2ee", "byte 1: a key is no string"),
                ("d1:ae", "byte 4: the key 'a' has no value"),
                ("d1:ai1e1:ai2ee", "byte 7: the key 'a' stands there twice"),
                ("d1:ad2:\x01b0:2:\x01b0:ee", "byte 11: the key '\\x01b' stands there twice"),
            ] {
                assert_eq!(fault(text.as_bytes(), mode), sentence, "{text}");
            }
        }
    }

    #[test]
    fn unsorted_keys_pass_in_the_lenient_mode_only_and_doubled_ones_never() {
        let text = b"d1:bi1e1:ai2ee";
        assert_eq!(fault(text, Mode::Strict), "byte 7: the key 'a' stands behind a greater one");
        let value = read(text, Mode::Lenient, MOST).expect("it is read");
        assert_eq!(value, Value::dictionary([("a", 2.into()), ("b", 1.into())]));
        assert_eq!(value.to_bytes(), b"d1:ai2e1:bi1ee");
        let twice = b"d1:bi1e1:ai2e1:bi3ee";
        assert_eq!(fault(twice, Mode::Lenient), "byte 13: the key 'b' stands there twice");
        // Keys are compared as bytes: capitals stand before small letters, and a shorter key before its longer one.
        assert!(read(b"d1:Ai1e1:ai1e2:aai1ee", Mode::Strict, MOST).is_ok());
    }

    #[test]
    fn the_bytes_of_a_value_are_those_that_were_read() {
        let text = b"d1:z1:y4:infod1:bi1e1:ai2ee3:endlee";
        let document = Document::read(text, Mode::Lenient, MOST).expect("it is read");
        assert_eq!(document.raw(b"info"), Some(&b"d1:bi1e1:ai2ee"[..]));
        assert_eq!(document.raw(b"z"), Some(&b"1:y"[..]));
        assert_eq!(document.raw(b"end"), Some(&b"le"[..]));
        // Keys of inner dictionaries are no keys of the outermost one.
        assert_eq!(document.raw(b"a"), None);
        let list = Document::read(b"ld1:ai1eee", Mode::Strict, MOST).expect("it is read");
        assert_eq!(list.raw(b"a"), None);
    }

    #[test]
    fn deep_nesting_and_many_values_and_many_bytes_are_refused() {
        let nested = |depth: usize| ["l".repeat(depth), "e".repeat(depth)].concat().into_bytes();
        assert!(read(&nested(MOST_DEPTH), Mode::Strict, MOST).is_ok());
        let sentence = "byte 100: the value is nested more than 100 deep";
        assert_eq!(fault(&nested(MOST_DEPTH + 1), Mode::Strict), sentence);
        assert_eq!(fault(&nested(500_000), Mode::Lenient), sentence);
        assert_eq!(
            fault(&"d1:a".repeat(200_000).into_bytes(), Mode::Strict),
            "byte 400: the value is nested more than 100 deep"
        );
        let many = |count: usize| ["l", &"0:".repeat(count), "e"].concat().into_bytes();
        assert!(read(&many(MOST_VALUES - 1), Mode::Strict, 4 * MOST).is_ok());
        let error = read(&many(MOST_VALUES), Mode::Strict, 4 * MOST).expect_err("it is too many");
        assert_eq!(error.to_string(), "byte 1999999: there are more than 1000000 values");
        assert!(read(b"4:spam", Mode::Strict, 6).is_ok());
        let error = read(b"4:spam", Mode::Strict, 5).expect_err("it is too long");
        assert_eq!(error.to_string(), "the text has 6 bytes, more than 5");
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
            (-i64::MAX..=i64::MAX).prop_map(Value::Integer),
        ];
        leaf.prop_recursive(6, 60, 8, |inner| {
            let key = proptest::collection::vec(any::<u8>(), 0..6);
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::List),
                proptest::collection::btree_map(key, inner, 0..8).prop_map(Value::Dictionary),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_that_is_written_is_read_again(value in value()) {
            let bytes = value.to_bytes();
            prop_assert_eq!(read(&bytes, Mode::Strict, MOST), Ok(value));
        }

        #[test]
        fn what_the_strict_mode_reads_has_no_other_form(bytes in "[-dleix:0-3ab]{0,12}") {
            if let Ok(value) = read(bytes.as_bytes(), Mode::Strict, MOST) {
                prop_assert_eq!(value.to_bytes(), bytes.as_bytes());
            }
        }

        #[test]
        fn any_bytes_give_a_value_or_a_fault(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for mode in [Mode::Strict, Mode::Lenient] {
                _ = read(&bytes, mode, MOST);
            }
        }

        #[test]
        fn a_changed_byte_gives_a_value_or_a_fault_and_never_more_than_the_lenient_mode(
            value in value(), place in any::<prop::sample::Index>(), byte: u8
        ) {
            let mut bytes = value.to_bytes();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            let (strict, lenient) = (read(&bytes, Mode::Strict, MOST), read(&bytes, Mode::Lenient, MOST));
            match strict {
                Ok(value) => {
                    prop_assert_eq!(value.to_bytes(), bytes);
                    prop_assert_eq!(lenient, Ok(value));
                }
                Err(fault) if matches!(fault.kind, FaultKind::UnsortedKey(_)) => {}
                Err(fault) => prop_assert_eq!(lenient, Err(fault)),
            }
        }
    }
}
