//! The announce as a tracker gets it: the parameters of BEP 3, 7 and 23.

use std::fmt::Write;

use crate::discovery::host::Standing;
use crate::discovery::identity::Me;

/// Number of addresses that are asked for. Trackers usually give 50.
const NUMWANT: u32 = 100;

/// What an announce is sent for, beside asking again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The first one.
    Started,
    /// The file became complete in this run.
    Completed,
    /// The last one.
    Stopped,
}

impl Event {
    const fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Completed => "completed",
            Self::Stopped => "stopped",
        }
    }
}

/// Returns the parameters of an announce, or `None` if this peer listens nowhere. `tracker_id` is what the tracker gave with its
/// last answer.
///
/// `compact` is always 1: opentracker answers 0 with an HTML page. `no_peer_id` is never sent: a tracker that gives dictionaries
/// all the same may then tell who is who.
pub fn announce(me: Me, standing: &Standing, event: Option<Event>, tracker_id: Option<&[u8]>) -> Option<String> {
    let Standing { uploaded, downloaded, left, announce_host, .. } = standing;
    let mut query = format!(
        "info_hash={}&peer_id={}&port={}&uploaded={uploaded}&downloaded={downloaded}&left={left}&compact=1&key={:08X}",
        encoded(me.info_hash.as_bytes()),
        encoded(me.tracker_id.as_bytes()),
        standing.port()?,
        me.key
    );
    // One who leaves wants no address.
    let numwant = if event == Some(Event::Stopped) { 0 } else { NUMWANT };
    _ = write!(query, "&numwant={numwant}");
    if let Some(event) = event {
        _ = write!(query, "&event={}", event.name());
    }
    if let Some(host) = announce_host {
        _ = write!(query, "&ip={}", encoded(host.as_bytes()));
    }
    if let Some(id) = tracker_id {
        _ = write!(query, "&trackerid={}", encoded(id));
    }
    Some(query)
}

/// Returns the parameter of a scrape.
pub fn scrape(me: Me) -> String {
    format!("info_hash={}", encoded(me.info_hash.as_bytes()))
}

/// Returns bytes as a URL has them: all but unreserved characters as `%` and two digits.
fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(3 * bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(byte.into());
        } else {
            _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::discovery::identity::{InfoHash, TrackerId};
    use crate::protocol::peer_id::PeerId;

    fn me() -> Me {
        let id = PeerId::new(1001).expect("positive");
        let bytes = *b"\x12\x34\x56\x78\x9a\xbc\xde\xf1\x23\x45\x67\x89\xab\xcd\xef\x12\x34\x56\x78\x9a";
        let tracker_id = TrackerId::new(id, &mut StdRng::seed_from_u64(1));
        Me { info_hash: InfoHash::new(bytes), tracker_id, key: 0xbeef }
    }

    #[test]
    fn all_bytes_are_encoded() {
        // The example of the unofficial specification, with its hash and its encoding.
        let hash = encoded(me().info_hash.as_bytes());
        assert_eq!(hash, "%124Vx%9A%BC%DE%F1%23Eg%89%AB%CD%EF%124Vx%9A");
        let all: Vec<u8> = (0..=255).collect();
        let text = encoded(&all);
        assert_eq!(text.bytes().filter(|byte| *byte == b'%').count(), 256 - 66);
        let (mut decoded, mut rest) = (Vec::new(), text.as_bytes());
        while let Some((&first, after)) = rest.split_first() {
            let digits = (first == b'%').then(|| str::from_utf8(&after[..2]).expect("two digits"));
            decoded.push(digits.map_or(first, |digits| u8::from_str_radix(digits, 16).expect("digits")));
            rest = &after[digits.map_or(0, str::len)..];
        }
        assert_eq!(decoded, all);
    }

    #[test]
    fn an_announce_has_the_parameters_that_trackers_read() {
        let name = str::from_utf8(me().tracker_id.as_bytes()).expect("ASCII").to_owned();
        let listening = vec!["0.0.0.0:6001".parse().expect("an address"), "[::]:6001".parse().expect("an address")];
        let standing = Standing { uploaded: 1, downloaded: 2, left: 3, listening, ..Standing::default() };
        let start = format!("info_hash={}&peer_id={name}&port=6001&", encoded(me().info_hash.as_bytes()));
        let counts = "uploaded=1&downloaded=2&left=3&compact=1&key=0000BEEF";
        let check = |standing: &Standing, event, id, end: &str| {
            assert_eq!(announce(me(), standing, event, id), Some(format!("{start}{counts}{end}")));
        };
        check(&standing, None, None, "&numwant=100");
        check(&standing, Some(Event::Started), None, "&numwant=100&event=started");
        check(&standing, Some(Event::Completed), None, "&numwant=100&event=completed");
        check(&standing, Some(Event::Stopped), Some(b"a b"), "&numwant=0&event=stopped&trackerid=a%20b");
        let elsewhere = Standing { announce_host: Some("2001:db8::1".to_owned()), ..standing };
        check(&elsewhere, None, None, "&numwant=100&ip=2001%3Adb8%3A%3A1");
        assert_eq!(announce(me(), &Standing::default(), None, None), None);
    }
}
