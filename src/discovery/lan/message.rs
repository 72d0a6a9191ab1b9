//! The one message of BEP 14, `BT-SEARCH`: an HTTP request in a datagram.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::discovery::identity::InfoHash;
use crate::disk::hashing::append_hex;

/// The port of both groups.
pub const PORT: u16 = 6771;
/// The group of IPv4.
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(239, 192, 152, 143);
/// The group of IPv6.
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff15, 0, 0, 0, 0, 0, 0xefc0, 0x988f);
/// Maximum length of a message, in bytes; a longer one that arrives is not read.
pub const MOST_BYTES: usize = 1400;
/// Maximum length of a cookie that is read, in bytes.
const MOST_COOKIE_BYTES: usize = 64;

/// What a message says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Search {
    /// The port at which the sender listens.
    pub port: u16,
    /// The swarms that it belongs to.
    pub info_hashes: Vec<InfoHash>,
    /// What the sender knows its own messages by.
    pub cookie: Option<String>,
}

impl Search {
    /// Returns the message to the group of IPv4, or of IPv6.
    #[must_use]
    pub fn text(&self, to_v6: bool) -> String {
        let host = if to_v6 { format!("[{GROUP_V6}]:{PORT}") } else { format!("{GROUP_V4}:{PORT}") };
        let mut text = format!("BT-SEARCH * HTTP/1.1\r\nHost: {host}\r\nPort: {}\r\n", self.port);
        for info_hash in &self.info_hashes {
            _ = write!(text, "Infohash: {info_hash}\r\n");
        }
        if let Some(cookie) = &self.cookie {
            _ = write!(text, "cookie: {cookie}\r\n");
        }
        text + "\r\n\r\n"
    }

    /// Reads a message. Lines that it does not know are ignored, also wrong hashes; returns `None` for other text, and where the
    /// port or every hash is missing.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MOST_BYTES {
            return None;
        }
        let mut lines = str::from_utf8(bytes).ok()?.lines().map(str::trim_end);
        let mut request = lines.next()?.split_ascii_whitespace();
        let is_search =
            request.next()? == "BT-SEARCH" && request.next()? == "*" && request.next()?.starts_with("HTTP/1.");
        if !is_search {
            return None;
        }
        let (mut port, mut info_hashes, mut cookie) = (None, Vec::new(), None);
        for line in lines.take_while(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "port" => port = value.parse().ok().filter(|port| *port > 0 && !value.starts_with('+')),
                "infohash" => info_hashes.extend(info_hash(value)),
                "cookie" if value.len() <= MOST_COOKIE_BYTES => cookie = Some(value.to_owned()),
                _ => {}
            }
        }
        (!info_hashes.is_empty()).then_some(())?;
        Some(Self { port: port?, info_hashes, cookie })
    }
}

fn info_hash(digits: &str) -> Option<InfoHash> {
    let mut bytes = Vec::with_capacity(InfoHash::LEN);
    append_hex(digits, &mut bytes).then_some(())?;
    bytes.try_into().ok().map(InfoHash::new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HASH: InfoHash =
        InfoHash::new(*b"\x12\x34\x56\x78\x9a\xbc\xde\xf1\x23\x45\x67\x89\xab\xcd\xef\x12\x34\x56\x78\x9a");
    const DIGITS: &str = "123456789abcdef123456789abcdef123456789a";

    fn search(port: u16, hashes: usize, cookie: Option<&str>) -> Search {
        Search { port, info_hashes: vec![HASH; hashes], cookie: cookie.map(str::to_owned) }
    }

    #[test]
    fn a_message_has_the_form_of_the_document() {
        let own = search(6001, 1, Some("pp-1"));
        let text = format!("Port: 6001\r\nInfohash: {DIGITS}\r\ncookie: pp-1\r\n\r\n\r\n");
        assert_eq!(own.text(false), format!("BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\n{text}"));
        assert_eq!(own.text(true), format!("BT-SEARCH * HTTP/1.1\r\nHost: [ff15::efc0:988f]:6771\r\n{text}"));
        for to_v6 in [false, true] {
            assert!(own.text(to_v6).len() <= MOST_BYTES);
            assert_eq!(Search::parse(own.text(to_v6).as_bytes()), Some(own.clone()));
        }
    }

    #[test]
    fn messages_of_others_are_read() {
        let check = |text: &str, expected| assert_eq!(Search::parse(text.as_bytes()), expected, "{text}");
        let upper = DIGITS.to_uppercase();
        // As libtorrent and Transmission write them.
        let libtorrent = format!(
            "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\nInfohash: {DIGITS}\r\ncookie: 5f3a\r\n\r\n\r\n"
        );
        check(&libtorrent, Some(search(6881, 1, Some("5f3a"))));
        let transmission = format!(
            "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 51413\r\nInfohash: {upper}\r\n\r\n\r\n"
        );
        check(&transmission, Some(search(51413, 1, None)));
        // Several swarms, other headers, small letters, line feeds alone, no empty line at the end.
        check(
            &format!("BT-SEARCH * HTTP/1.1\ninfohash:{DIGITS}\nX-Else: 1\nINFOHASH: {upper}\nInfohash: 12\nport: 1"),
            Some(search(1, 2, None)),
        );
        // Lines after the empty one are no headers.
        check(&format!("BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n\r\nInfohash: {DIGITS}\r\n"), None);
    }

    #[test]
    fn what_is_no_message_is_ignored() {
        for text in [
            "",
            "BT-SEARCH",
            "M-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: 123456789abcdef123456789abcdef123456789a\r\n",
            "BT-SEARCH * HTTP/1.1\r\nInfohash: 123456789abcdef123456789abcdef123456789a\r\n",
            "BT-SEARCH * HTTP/1.1\r\nPort: 0\r\nInfohash: 123456789abcdef123456789abcdef123456789a\r\n",
            "BT-SEARCH * HTTP/1.1\r\nPort: 65536\r\nInfohash: 123456789abcdef123456789abcdef123456789a\r\n",
            "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: 123456789abcdef123456789abcdef123456789\r\n",
            "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: 123456789abcdef123456789abcdef123456789g\r\n",
            "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n",
        ] {
            assert_eq!(Search::parse(text.as_bytes()), None, "{text}");
        }
        let long = search(1, 30, None).text(false);
        assert!(long.len() > MOST_BYTES && Search::parse(long.as_bytes()).is_none());
        let cookie = "c".repeat(MOST_COOKIE_BYTES + 1);
        assert_eq!(Search::parse(search(1, 1, Some(&cookie)).text(false).as_bytes()), Some(search(1, 1, None)));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut with_start = b"BT-SEARCH * HTTP/1.1\r\n".to_vec();
            with_start.extend(&bytes);
            _ = (Search::parse(&bytes), Search::parse(&with_start));
        }
    }
}
