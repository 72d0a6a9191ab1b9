//! `Code`: what keeps others out of an invitation, short enough to be read aloud; and `Guard`, which bounds the wrong ones. Pure.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use rand::{Rng, RngExt};

/// The signs of a code. The letters i, l, o and u are left out, because people take them for others.
const SIGNS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Number of signs of a code: 30 bits.
const LEN: usize = 6;
/// Maximum number of wrong codes of an invitation. With them a stranger meets one of the 2^30 codes once in ten million
/// invitations.
pub const MOST_WRONG: u32 = 100;
/// Maximum number of wrong codes from one address.
pub const MOST_WRONG_OF_ONE: u32 = 10;

/// Six signs, shown as `k7m-4qx`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Code([u8; LEN]);

impl Code {
    /// Returns a random code. Each is as likely as each other one.
    pub fn random(rng: &mut impl Rng) -> Self {
        Self([(); LEN].map(|()| SIGNS[rng.random_range(0..SIGNS.len())]))
    }

    /// Reads what a person has typed: in any case, with or without the hyphen, o for 0, and i or l for 1.
    pub fn parse(text: &str) -> Option<Self> {
        let signs: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').map(read).collect::<Option<_>>()?;
        signs.try_into().ok().map(Self)
    }
}

fn read(byte: u8) -> Option<u8> {
    let sign = match byte.to_ascii_lowercase() {
        b'o' => b'0',
        b'i' | b'l' => b'1',
        other => other,
    };
    SIGNS.contains(&sign).then_some(sign)
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.0);
        write!(f, "{}-{}", &text[..LEN / 2], &text[LEN / 2..])
    }
}

/// What is thought of a caller's code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is the code.
    Right,
    /// It is another one.
    Wrong,
    /// It is not looked at: too many were wrong.
    TooMany,
}

/// The code of an invitation, and the number of wrong ones so far.
#[derive(Debug)]
pub struct Guard {
    code: Code,
    wrong: u32,
    /// At most [`MOST_WRONG`] entries.
    of: HashMap<IpAddr, u32>,
}

impl Guard {
    /// Returns the guard of a new invitation.
    pub fn new(code: Code) -> Self {
        Self { code, wrong: 0, of: HashMap::new() }
    }

    /// Looks at what a caller from this address says.
    pub fn judge(&mut self, from: IpAddr, said: &str) -> Verdict {
        let before = self.of.get(&from).copied().unwrap_or(0);
        if self.is_closed() || before >= MOST_WRONG_OF_ONE {
            return Verdict::TooMany;
        }
        if Code::parse(said).as_ref() == Some(&self.code) {
            return Verdict::Right;
        }
        self.wrong += 1;
        *self.of.entry(from).or_default() += 1;
        Verdict::Wrong
    }

    /// Reports whether no further code is looked at.
    pub fn is_closed(&self) -> bool {
        self.wrong >= MOST_WRONG
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn code() -> Code {
        Code::parse("k7m-40x").expect("a code")
    }

    #[test]
    fn a_code_is_read_back_however_a_person_types_it() {
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..100 {
            let code = Code::random(&mut rng);
            let shown = code.to_string();
            assert_eq!((shown.len(), shown.find('-')), (7, Some(3)), "{shown}");
            assert_eq!(Code::parse(&shown.to_uppercase().replace('-', "")), Some(code));
        }
        assert_eq!(Code::parse("K7M4OX"), Some(code()));
        assert_eq!(Code::parse("1l1-I0o").map(|code| code.to_string()), Some("111-100".into()));
        for text in ["", "k7m-4q", "k7m-4qxx", "k7m-4q!", "k7m-4qu", "k7m 40x", "k7m-4ü"] {
            assert_eq!(Code::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_may_be_wrong_ten_times_and_all_together_a_hundred_times() {
        let mut guard = Guard::new(code());
        let address = |number: u8| IpAddr::from([10, 0, 0, number]);
        for _ in 0..10 {
            assert_eq!(guard.judge(address(1), "000-000"), Verdict::Wrong);
        }
        assert_eq!(guard.judge(address(1), "k7m-40x"), Verdict::TooMany);
        assert_eq!(guard.judge(address(2), "k7m40x"), Verdict::Right);
        for number in 3..12 {
            for _ in 0..10 {
                assert!(!guard.is_closed());
                assert_eq!(guard.judge(address(number), "000-000"), Verdict::Wrong);
            }
        }
        assert!(guard.is_closed());
        assert_eq!(guard.judge(address(2), "k7m40x"), Verdict::TooMany);
    }
}
