//! `scan`: checks every byte of a text, from its start to its end. It keeps its own stack, so that no nesting overflows it.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::{Fault, FaultKind, MOST_DEPTH, MOST_VALUES};

/// What a reader lets pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Canonical bencode only: each value has exactly one form.
    Strict,
    /// The keys of dictionaries may be unsorted. Nothing else may differ.
    Lenient,
}

/// The bytes of the values of the outermost dictionary, by their keys.
type Raw<'a> = BTreeMap<&'a [u8], &'a [u8]>;

/// A list or a dictionary that has started and not ended.
enum Open<'a> {
    List,
    Dictionary {
        /// The keys before this place.
        keys: BTreeSet<&'a [u8]>,
        /// The key whose value comes next, if one does.
        key: Option<&'a [u8]>,
    },
}

/// The text, and how much of it was checked.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    mode: Mode,
    open: Vec<Open<'a>>,
    value_count: usize,
    raw: Raw<'a>,
    /// Where the value started that the outermost dictionary has for its latest key.
    start: usize,
}

/// Checks that the text is one value, and returns the bytes of its values if it is a dictionary.
pub fn scan(bytes: &[u8], mode: Mode) -> Result<Raw<'_>, Fault> {
    let mut scan = Scan { bytes, at: 0, mode, open: Vec::new(), value_count: 0, raw: Raw::new(), start: 0 };
    loop {
        scan.step()?;
        if scan.open.is_empty() {
            break;
        }
    }
    match bytes.len() - scan.at {
        0 => Ok(scan.raw),
        rest => Err(scan.fault(FaultKind::TrailingBytes(rest))),
    }
}

impl<'a> Scan<'a> {
    fn fault(&self, kind: FaultKind) -> Fault {
        Fault { at: self.at, kind }
    }

    fn next(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Takes the next key, the next value, the start of one, or the end of a list or a dictionary.
    fn step(&mut self) -> Result<(), Fault> {
        let next = self.next();
        match (self.open.last(), next) {
            (Some(Open::List | Open::Dictionary { key: None, .. }), Some(b'e')) => {
                self.at += 1;
                self.open.pop();
                self.after_value();
                Ok(())
            }
            (Some(Open::Dictionary { key: None, .. }), Some(b'0'..=b'9')) => self.key(),
            (Some(Open::Dictionary { key: None, .. }), Some(_)) => Err(self.fault(FaultKind::KeyIsNoString)),
            (Some(Open::Dictionary { key: None, .. }), None) => {
                Err(self.fault(FaultKind::Ends("where a key should start")))
            }
            (Some(Open::Dictionary { key: Some(key), .. }), Some(b'e')) => {
                Err(self.fault(FaultKind::NoValueOfKey(key.to_vec())))
            }
            (_, None) => Err(self.fault(FaultKind::Ends("where a value should start"))),
            (_, Some(byte)) => self.value(byte),
        }
    }

    fn value(&mut self, first: u8) -> Result<(), Fault> {
        self.count()?;
        match first {
            b'0'..=b'9' => {
                self.string()?;
                self.after_value();
            }
            b'i' => {
                self.number()?;
                self.after_value();
            }
            b'l' => self.open(Open::List)?,
            b'd' => self.open(Open::Dictionary { keys: BTreeSet::new(), key: None })?,
            other => return Err(self.fault(FaultKind::NoValue(other))),
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), Fault> {
        self.value_count += 1;
        if self.value_count > MOST_VALUES { Err(self.fault(FaultKind::TooMany)) } else { Ok(()) }
    }

    fn open(&mut self, what: Open<'a>) -> Result<(), Fault> {
        if self.open.len() == MOST_DEPTH {
            return Err(self.fault(FaultKind::TooDeep));
        }
        self.at += 1;
        self.open.push(what);
        Ok(())
    }

    fn key(&mut self) -> Result<(), Fault> {
        self.count()?;
        let at = self.at;
        let found = self.string()?;
        let fault = |kind: fn(Vec<u8>) -> FaultKind| Fault { at, kind: kind(found.to_vec()) };
        let Some(Open::Dictionary { keys, key }) = self.open.last_mut() else {
            unreachable!("a key stands in a dictionary");
        };
        let is_sorted = keys.last().is_none_or(|last| *last < found);
        if !keys.insert(found) {
            return Err(fault(FaultKind::DoubledKey));
        }
        if !is_sorted && self.mode == Mode::Strict {
            return Err(fault(FaultKind::UnsortedKey));
        }
        *key = Some(found);
        if self.open.len() == 1 {
            self.start = self.at;
        }
        Ok(())
    }

    /// A value has ended: if it stands in a dictionary, a key comes next.
    fn after_value(&mut self) {
        let is_outermost = self.open.len() == 1;
        if let Some(Open::Dictionary { key, .. }) = self.open.last_mut()
            && let Some(key) = key.take()
            && is_outermost
        {
            self.raw.insert(key, &self.bytes[self.start..self.at]);
        }
    }

    fn string(&mut self) -> Result<&'a [u8], Fault> {
        let at = self.at;
        let fault = |kind| Fault { at, kind };
        let len = self.digits("length", b':')?;
        let end = usize::try_from(len).ok().and_then(|len| self.at.checked_add(len));
        let found = end.and_then(|end| self.bytes.get(self.at..end));
        let found = found.ok_or_else(|| fault(FaultKind::StringTooLong(len)))?;
        self.at += found.len();
        Ok(found)
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.at += 1;
        let at = self.at;
        let is_negative = self.next() == Some(b'-');
        if is_negative {
            self.at += 1;
        }
        let number = self.digits("number", b'e')?;
        if is_negative && number == 0 { Err(Fault { at, kind: FaultKind::MinusZero }) } else { Ok(()) }
    }

    /// Takes digits and the byte that ends them.
    fn digits(&mut self, what: &'static str, end: u8) -> Result<u64, Fault> {
        let at = self.at;
        let mut number = Some(0_u64);
        while let Some(digit) = self.next().filter(u8::is_ascii_digit) {
            number = number.and_then(|number| number.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
            self.at += 1;
        }
        let fault = |kind| Err(Fault { at, kind });
        let digits = &self.bytes[at..self.at];
        match self.next() {
            _ if digits.len() > 1 && digits[0] == b'0' => fault(FaultKind::LeadingZero(what)),
            None => {
                let within = if what == "length" { "within a length" } else { "within a number" };
                Err(self.fault(FaultKind::Ends(within)))
            }
            Some(_) if digits.is_empty() => fault(FaultKind::NoDigit),
            Some(byte) if byte != end => Err(self.fault(FaultKind::Stray(byte, what))),
            Some(_) => {
                self.at += 1;
                match number.filter(|number| *number <= i64::MAX.unsigned_abs()) {
                    Some(number) => Ok(number),
                    None => fault(FaultKind::TooLarge(what)),
                }
            }
        }
    }
}
