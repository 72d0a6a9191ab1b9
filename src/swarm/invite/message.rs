//! What the inviter and a member say to each other, as JSON, and how much of it is read. Pure.

use std::net::IpAddr;

use anyhow::{Result, anyhow};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::bundle::{Bundle, MOST_COMMON, MOST_MANIFEST, MOST_PEER_INFO};

/// Maximum length of what a member says, in bytes: the IDs of all lines.
pub const MOST_OF_MEMBER: usize = 64 << 10;
/// Maximum length of what the inviter says before it sends files, in bytes: the two texts, in which each byte may become six.
pub const MOST_OF_INVITER: usize = 6 * (MOST_COMMON + MOST_PEER_INFO) + MOST_OF_MEMBER;
/// Maximum length of the files, in bytes. In a manifest, quotation marks and line ends become two bytes.
pub const MOST_OF_FILES: usize = MOST_OF_INVITER + 2 * MOST_MANIFEST;
/// Maximum length of the other side's reason in a sentence, in characters.
const MOST_REASON: usize = 300;

/// What a member says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromMember {
    /// What it wants. It comes first.
    Ask {
        /// The lines that it wants; none if any will do.
        ids: Vec<u32>,
        /// Its own address, as its system says it.
        own: IpAddr,
        /// The address that it has dialed.
        dialed: IpAddr,
    },
    /// It is still there.
    Here,
    /// It has the files.
    Done,
    /// It does not take part, for this reason.
    Failed(String),
}

/// What the inviter says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromInviter {
    /// The member gets no line, for this reason.
    Refused(String),
    /// The member has lines. The texts are those of now; the manifest is not among them.
    Offer {
        /// The lines that the member has.
        ids: Vec<u32>,
        /// The member's address, as the inviter sees it.
        seen: IpAddr,
        /// The texts as they are now.
        bundle: Bundle,
        /// The SHA-256 of the manifest in hex, if there is one.
        manifest_digest: Option<String>,
    },
    /// How it stands. A member that hears it says that it is there.
    Standing {
        /// Number of lines that nobody has taken.
        free: usize,
        /// Number of seconds until the invitation ends.
        secs_left: u64,
    },
    /// The files, the same for all.
    Files(Bundle),
    /// The invitation has ended without files, for this reason.
    Over(String),
}

/// Returns a message as bytes.
pub fn encode(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("the keys are text")
}

/// Reads a message.
///
/// # Errors
/// One sentence if the bytes are something else.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|_| anyhow!("it says what no `swarm` of this version says"))
}

/// Returns the other side's reason for a sentence: one line of bounded length that a terminal does not obey.
pub fn reason(text: &str) -> String {
    crate::words::printable(&text.chars().take(MOST_REASON).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_back_and_nothing_else_is() {
        let address = IpAddr::from([10, 0, 0, 2]);
        let ask = FromMember::Ask { ids: vec![1002], own: address, dialed: address };
        let text = r#"{"Ask":{"ids":[1002],"own":"10.0.0.2","dialed":"10.0.0.2"}}"#;
        assert_eq!(String::from_utf8(encode(&ask)).expect("text"), text);
        assert_eq!(decode::<FromMember>(text.as_bytes()).expect("a message"), ask);
        for text in ["", "{}", "GET / HTTP/1.1", r#"{"Files":{}}"#, r#"{"Ask":{"ids":[-1]}}"#, &"[".repeat(60_000)] {
            assert!(decode::<FromMember>(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_longest_files_fit_into_their_bound() {
        let bundle = Bundle {
            common: "\u{1}".repeat(MOST_COMMON),
            peer_info: "\u{1}".repeat(MOST_PEER_INFO),
            manifest: Some("\"".repeat(1 << 20)),
        };
        let len = encode(&FromInviter::Files(bundle)).len();
        assert!(len <= MOST_OF_INVITER + (2 << 20), "{len}");
    }

    #[test]
    fn a_reason_is_one_short_line() {
        assert_eq!(reason("no\n\u{1b}[31m"), "no \\u{1b}[31m");
        assert_eq!(reason(&"x".repeat(9999)).len(), 300);
    }
}
