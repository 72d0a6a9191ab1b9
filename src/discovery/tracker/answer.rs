//! What a tracker answers to an announce and to a scrape (BEP 3, 7, 23, 31, 48). Pure; nothing of it is trusted.

use std::net::IpAddr;
use std::time::Duration;

use super::pauses::{Failure, Intervals};
use super::peers::{compact_v4, compact_v6, found};
use super::telling::{Kind, Trouble};
use crate::bencode::value::Value;
use crate::bencode::{Mode, read};
use crate::discovery::host::Found;
use crate::discovery::identity::{InfoHash, Me, TrackerId};
use crate::discovery::words::{of_page, plain};

/// Maximum number of peers that are taken from an answer.
const MOST_PEERS: usize = 1000;
/// Maximum length of an answer, in bytes; the request has the same limit.
const MOST_BYTES: usize = 1 << 20;
/// Maximum length of a `tracker id`, in bytes.
const MOST_ID_BYTES: usize = 256;

/// Numbers of peers that a tracker counts.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    /// `complete`.
    pub seeders: Option<u32>,
    /// `incomplete`.
    pub leechers: Option<u32>,
}

/// An answer to an announce.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Answer {
    /// When to ask again.
    pub intervals: Intervals,
    /// The peers that can be dialed; this one is not left out, unless a dictionary has its name.
    pub peers: Vec<Found>,
    /// How many there are in all.
    pub counts: Counts,
    /// `warning message`, as people see it.
    pub warning: Option<String>,
    /// `tracker id`.
    pub tracker_id: Option<Vec<u8>>,
}

/// An answer that is of no use: what it means for the schedule, and what people are told.
pub type Useless = (Failure, Trouble);

/// Reads the answer to an announce.
///
/// # Errors
/// If it is a refusal, or none at all.
pub fn announced(status: u16, body: &[u8], me: Me) -> Result<Answer, Useless> {
    let value = dictionary(status, body)?;
    let peers = ["peers", "peers6"].map(|key| value.get(key));
    if peers == [None, None] && value.get("interval").is_none() {
        return Err(no_answer("has neither peers nor an interval", body));
    }
    let [v4, v6] = peers.map(|value| value.and_then(Value::as_bytes).unwrap_or_default());
    let listed = peers.into_iter().flatten().filter_map(Value::as_list).flatten();
    let listed = listed.filter_map(|entry| listed_peer(entry, me.tracker_id));
    let peers = listed.chain(compact_v4(v4)).chain(compact_v6(v6)).take(MOST_PEERS).collect();
    let text = |key| value.get(key).and_then(Value::as_bytes);
    Ok(Answer {
        intervals: Intervals { usual: seconds(&value, "interval"), min: seconds(&value, "min interval") },
        peers,
        counts: counts(&value),
        warning: text("warning message").map(plain).filter(|warning| !warning.is_empty()),
        tracker_id: text("tracker id").filter(|id| id.len() <= MOST_ID_BYTES).map(<[u8]>::to_vec),
    })
}

/// Reads the answer to a scrape: the counts of a swarm, and the shortest pause until the next scrape.
///
/// # Errors
/// If it is a refusal, or has no counts of this swarm.
pub fn scraped(status: u16, body: &[u8], swarm: InfoHash) -> Result<(Counts, Intervals), Useless> {
    let value = dictionary(status, body)?;
    let files = value.get("files").and_then(Value::as_dictionary);
    // Only one swarm was asked for, and some trackers write its hash in a way of their own.
    let entry = files.and_then(|files| {
        let the_only = files.values().next().filter(|_| files.len() == 1);
        files.get(&swarm.as_bytes()[..]).or(the_only)
    });
    let counts = counts(entry.ok_or_else(|| no_answer("counts no peers of this swarm", body))?);
    let min = value.get("flags").and_then(|flags| seconds(flags, "min_request_interval"));
    Ok((counts, Intervals { usual: None, min }))
}

/// The outermost dictionary of an answer. Other text is shown, because it says what was asked instead of a tracker.
fn dictionary(status: u16, body: &[u8]) -> Result<Value, Useless> {
    // Some programs end a body with a line break.
    let parsed = read(body.trim_ascii_end(), Mode::Lenient, MOST_BYTES);
    let value = parsed.as_ref().ok().filter(|value| value.as_dictionary().is_some());
    if let Some(reason) = value.and_then(|value| value.get("failure reason")) {
        let shown = plain(reason.as_bytes().unwrap_or_default());
        let words =
            if shown.is_empty() { "refuses without a reason".to_owned() } else { format!("refuses: '{shown}'") };
        let failure = value.and_then(|value| value.get("retry in")).map_or(Failure::Refused(None), retry_in);
        return Err((failure, Trouble { kind: Kind::Refused, words }));
    }
    if status != 200 {
        let shown = of_page(body);
        let shown = if shown.is_empty() { String::new() } else { format!(": '{shown}'") };
        let words = format!("answers with the status {status}{shown}");
        return Err((Failure::NoAnswer, Trouble { kind: Kind::Status, words }));
    }
    match parsed {
        Ok(value) if value.as_dictionary().is_some() => Ok(value),
        Ok(_) => Err(no_answer("is no dictionary", body)),
        Err(fault) => Err(no_answer(&format!("is not bencode ({fault})"), body)),
    }
}

fn no_answer(fault: &str, body: &[u8]) -> Useless {
    let shown = of_page(body);
    let words = format!("does not answer as a tracker: its answer {fault}: '{shown}'");
    (Failure::NoAnswer, Trouble { kind: Kind::NoAnswer, words })
}

/// `retry in` of BEP 31: minutes, or `never`.
fn retry_in(value: &Value) -> Failure {
    if value.as_bytes() == Some(b"never") {
        return Failure::RefusedForGood;
    }
    let minutes = value.as_integer().and_then(|minutes| u64::try_from(minutes).ok());
    Failure::Refused(minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60))))
}

/// A number of seconds; a negative one counts as 0.
fn seconds(value: &Value, key: &str) -> Option<Duration> {
    let secs = value.get(key)?.as_integer()?;
    Some(Duration::from_secs(u64::try_from(secs).unwrap_or(0)))
}

fn counts(value: &Value) -> Counts {
    let count = |key| value.get(key).and_then(Value::as_integer).and_then(|count| u32::try_from(count).ok());
    Counts { seeders: count("complete"), leechers: count("incomplete") }
}

/// A peer of a list that is not compact. A `peer id` may have any length. A name instead of an address is not looked up.
fn listed_peer(entry: &Value, own: TrackerId) -> Option<Found> {
    let ip: IpAddr = entry.get("ip")?.as_text()?.parse().ok()?;
    let port = u16::try_from(entry.get("port")?.as_integer()?).ok()?;
    let peer_id = entry.get("peer id").and_then(Value::as_bytes).unwrap_or_default();
    (peer_id != own.as_bytes()).then_some(())?;
    Some(Found { id: TrackerId::id_in(peer_id), ..found(ip, port)? })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::protocol::peer_id::PeerId;

    fn me() -> Me {
        let mut rng = StdRng::seed_from_u64(1);
        Me::new(InfoHash::new([7; 20]), PeerId::new(1001).expect("positive"), &mut rng)
    }

    fn answer(body: &[u8]) -> Answer {
        announced(200, body, me()).unwrap_or_else(|error| panic!("{}: {error:?}", String::from_utf8_lossy(body)))
    }

    fn words(status: u16, body: &[u8]) -> (Failure, String) {
        let (failure, trouble) = announced(status, body, me()).expect_err(&String::from_utf8_lossy(body));
        (failure, trouble.words)
    }

    fn texts(answer: &Answer) -> Vec<String> {
        answer.peers.iter().map(|found| found.address.to_string()).collect()
    }

    fn secs(secs: impl Into<Option<u64>>) -> Option<Duration> {
        secs.into().map(Duration::from_secs)
    }

    #[test]
    fn compact_answers_of_both_families() {
        let mut body = b"d8:completei3e10:incompletei1e8:intervali1800e12:min intervali900e5:peers6:".to_vec();
        body.extend(b"\x0a\0\0\x01\x1a\xe16:peers618:\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1e");
        let answer = answer(&body);
        assert_eq!(texts(&answer), ["10.0.0.1:6881", "[::1]:6881"]);
        assert_eq!(answer.counts, Counts { seeders: Some(3), leechers: Some(1) });
        assert_eq!(answer.intervals, Intervals { usual: secs(1800), min: secs(900) });
        assert_eq!((answer.warning, answer.tracker_id), (None, None));
    }

    #[test]
    fn dictionaries_carry_ids_of_any_length() {
        let own = str::from_utf8(me().tracker_id.as_bytes()).expect("ASCII").to_owned();
        let entry =
            |ip: &str, id: &str, port: i64| format!("d2:ip{}:{ip}7:peer id{}:{id}4:porti{port}ee", ip.len(), id.len());
        let long = "x".repeat(35);
        let list = [
            entry("10.0.0.1", "-PP0100-0000001002k3", 6881),
            entry("fd00::5", &long, 6882),
            entry("::ffff:10.0.0.3", "", 6883),
            entry("10.0.0.4", &own, 6884),
            entry("lab.example.org", "", 6885),
            entry("10.0.0.6", "", 0),
            entry("10.0.0.7", "", 65536),
            entry("10.0.0.8", "", -1),
            "i5e".to_owned(),
            "d4:porti1ee".to_owned(),
            "d2:ip8:10.0.0.94:porti6889ee".to_owned(),
        ];
        let answer = answer(format!("d8:intervali60e5:peersl{}ee", list.concat()).as_bytes());
        assert_eq!(texts(&answer), ["10.0.0.1:6881", "[fd00::5]:6882", "10.0.0.3:6883", "10.0.0.9:6889"]);
        let ids: Vec<_> = answer.peers.iter().map(|found| found.id.map(PeerId::number)).collect();
        assert_eq!(ids, [Some(1002), None, None, None]);
    }

    #[test]
    fn intervals_and_counts_that_make_no_sense() {
        let check = |text: &str, usual: Option<Duration>, min: Option<Duration>| {
            let body = format!("d{text}5:peers0:e");
            assert_eq!(answer(body.as_bytes()).intervals, Intervals { usual, min }, "{text}");
        };
        check("", None, None);
        check("8:intervali0e", secs(0), None);
        check("8:intervali-5e12:min intervali-1e", secs(0), secs(0));
        check("8:interval3:60s", None, None);
        check("8:intervali9223372036854775807e", secs(i64::MAX.unsigned_abs()), None);
        let counts = answer(b"d8:completei-1e10:incompletei4294967296e5:peers0:e").counts;
        assert_eq!(counts, Counts::default());
    }

    #[test]
    fn empty_and_odd_lists_and_unsorted_keys() {
        assert_eq!(texts(&answer(b"d8:intervali60e5:peers0:e")), [""; 0]);
        assert_eq!(texts(&answer(b"d8:intervali60e5:peerslee")), [""; 0]);
        assert_eq!(texts(&answer(b"d8:intervali60ee")), [""; 0]);
        assert_eq!(texts(&answer(b"d5:peers8:\x0a\0\0\x01\x1a\xe1\x0a\0e")), ["10.0.0.1:6881"]);
        assert_eq!(texts(&answer(b"d5:peers6:\x0a\0\0\x01\x1a\xe18:intervali60ee\r\n")), ["10.0.0.1:6881"]);
        let many = [b"d5:peers12000:".to_vec(), b"\x0a\0\0\x01\x1a\xe1".repeat(2000), b"e".to_vec()].concat();
        assert_eq!(answer(&many).peers.len(), MOST_PEERS);
    }

    #[test]
    fn refusals_are_shown_without_what_could_steer_a_terminal() {
        let refused = Failure::Refused(None);
        let check = |body: &str, failure: Failure, shown: &str| {
            for status in [200, 400, 404] {
                assert_eq!(words(status, body.as_bytes()), (failure, shown.to_owned()), "{body}");
            }
        };
        // As Debian's opentracker answers, which has a white list.
        let opentracker = "Requested download is not authorized for use with this tracker.";
        check(&format!("d14:failure reason63:{opentracker}e"), refused, &format!("refuses: '{opentracker}'"));
        check("d14:failure reason9:a\x1b[31mb\nce", refused, "refuses: 'a [31mb'");
        check("d14:failure reason0:e", refused, "refuses without a reason");
        check("d14:failure reasoni5ee", refused, "refuses without a reason");
        check("d14:failure reason1:a8:retry ini5ee", Failure::Refused(secs(300)), "refuses: 'a'");
        check("d14:failure reason1:a8:retry in5:nevere", Failure::RefusedForGood, "refuses: 'a'");
        check("d14:failure reason1:a8:retry ini-5ee", refused, "refuses: 'a'");
    }

    #[test]
    fn other_answers_are_told_with_what_they_are() {
        let check = |status, body: &str, shown: &str| {
            assert_eq!(words(status, body.as_bytes()), (Failure::NoAnswer, shown.to_owned()));
        };
        // As opentracker answers where `compact` is 0.
        let page = "<title>400 Invalid Request</title>\n";
        check(400, page, "answers with the status 400: '400 Invalid Request'");
        check(404, "", "answers with the status 404");
        check(500, "d8:intervali60e5:peers0:e", "answers with the status 500: 'd8:intervali60e5:peers0:e'");
        check(
            200,
            "<html>It works!</html>",
            "does not answer as a tracker: its answer is not bencode (byte 0: 0x3c starts no value): 'It works!'",
        );
        check(200, "le", "does not answer as a tracker: its answer is no dictionary: 'le'");
        check(200, "de", "does not answer as a tracker: its answer has neither peers nor an interval: 'de'");
    }

    #[test]
    fn warnings_and_tracker_ids_are_kept_within_bounds() {
        let body = b"d8:intervali60e5:peers0:10:tracker id3:a\xffb15:warning message13:closing\x07 soone";
        let warned = answer(body);
        assert_eq!(warned.warning.as_deref(), Some("closing  soon"));
        assert_eq!(warned.tracker_id.as_deref(), Some(&b"a\xffb"[..]));
        let long = format!("d8:intervali60e10:tracker id257:{}e", "x".repeat(257));
        assert_eq!(answer(long.as_bytes()).tracker_id, None);
    }

    #[test]
    fn counts_of_a_scrape() {
        let hash = "\u{7}".repeat(20);
        let check = |body: &str, expected: Option<(Counts, Intervals)>| {
            assert_eq!(scraped(200, body.as_bytes(), InfoHash::new([7; 20])).ok(), expected, "{body:?}");
        };
        let counts = Counts { seeders: Some(2), leechers: Some(0) };
        let file = format!("5:filesd20:{hash}d8:completei2e10:downloadedi5e10:incompletei0eee");
        check(&format!("d{file}e"), Some((counts, Intervals::default())));
        let flags = "5:flagsd20:min_request_intervali40ee";
        check(&format!("d{file}{flags}e"), Some((counts, Intervals { usual: None, min: secs(40) })));
        // bittorrent-tracker 11.2.3 writes each byte from 0x80 up as two.
        check(&format!("d{}e", file.replace(&format!("20:{hash}"), "3:abc")), Some((counts, Intervals::default())));
        check("d5:filesdee", None);
        check("d5:filesd1:ad8:completei2ee1:bd8:completei2eeee", None);
        check("d14:failure reason2:noe", None);
        check("<html>", None);
    }
}
