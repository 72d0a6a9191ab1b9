//! Requests of callers: an announce or a scrape out of the query of a URL. Pure.
//!
//! BEP 3 has the keys of an announce, BEP 23 `compact`, BEP 48 the scrape. Clients send more keys than that; those are skipped.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use peer_process::discovery::identity::InfoHash;
use percent_encoding::percent_decode_str;

use crate::http::source::is_near;

/// Number of bytes of a `peer_id`.
pub const NAME_LEN: usize = 20;
/// Number of peers in an answer if the caller does not say how many it wants.
pub const USUAL_WANTED: usize = 50;
/// Maximum number of peers in an answer: as many as a swarm of `swarm init` may have.
pub const MOST_WANTED: usize = 1000;
/// Maximum number of swarms that one scrape may ask about.
pub const MOST_SCRAPED: usize = 100;

/// The name that a peer gives itself: its `peer_id`.
pub type PeerName = [u8; NAME_LEN];

/// An announce that can be answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announce {
    /// The swarm.
    pub info_hash: InfoHash,
    /// The peer's name.
    pub name: PeerName,
    /// The address that others shall dial, as far as the tracker believes it.
    pub ip: IpAddr,
    /// The port that others shall dial; 0 if nobody can.
    pub port: u16,
    /// Whether the peer has the whole file.
    pub has_all: bool,
    /// The reason of the announce.
    pub event: Event,
    /// Maximum number of peers that the caller wants to know.
    pub wanted: usize,
    /// The form of the answer.
    pub form: Form,
    /// The secret that later announces of this peer carry, too.
    pub key: Option<Vec<u8>>,
}

/// The reason of an announce.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The peer is there. `started` tells the tracker nothing more, nor do unknown events.
    Present,
    /// The peer has just got its last byte.
    Completed,
    /// The peer goes away.
    Stopped,
}

/// The form of the peers in an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// 6 or 18 bytes for each peer (BEP 23, BEP 7).
    Compact,
    /// Dictionaries with `peer id`, `ip` and `port`.
    Full,
    /// Dictionaries with `ip` and `port`.
    WithoutName,
}

/// What is wrong with a request. The sentence goes to the caller as `failure reason`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The query lacks this key.
    Missing(&'static str),
    /// The value of this key does not have 20 bytes, but as many as this.
    Length(&'static str, usize),
    /// The value of this key is not a number in its range.
    Number(&'static str, String),
    /// A scrape names no swarm.
    AllSwarms,
    /// A scrape names more swarms than [`MOST_SCRAPED`].
    ManySwarms,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(key) => write!(f, "the request has no {key}"),
            Self::Length(key, len) => write!(f, "{key} has {len} bytes instead of {NAME_LEN}"),
            Self::Number(key, text) => write!(f, "{key} '{text}' is not a number that it may be"),
            Self::AllSwarms => f.write_str("this tracker tells only about swarms that the request names by info_hash"),
            Self::ManySwarms => write!(f, "the request names more than {MOST_SCRAPED} swarms"),
        }
    }
}

impl Announce {
    /// Reads the query of an announce by this caller.
    ///
    /// `ip` is believed only if the caller is on this machine or in a private network. Otherwise anybody could name a victim
    /// that has no part in this, and a whole swarm would dial it. Somebody at home or on this machine has a good reason: the
    /// tracker sees an inner address that is of no use to others. There `ip` can harm only as far as those people are trusted.
    /// A name is never looked up: only addresses are taken.
    ///
    /// # Errors
    /// If the swarm, the name or the port is missing or wrong, or another number is.
    pub fn read(query: &str, caller: IpAddr) -> Result<Self, Fault> {
        let mut info_hash = None;
        let mut name = None;
        let mut ip = None;
        let mut port = None;
        let mut has_all = false;
        let mut event = Event::Present;
        let mut wanted = USUAL_WANTED;
        let mut form = Form::Compact;
        let mut without_name = false;
        let mut key = None;
        for (word, value) in pairs(query) {
            match word {
                "info_hash" => info_hash = Some(twenty("info_hash", value)?),
                "peer_id" => name = Some(twenty("peer_id", value)?),
                "port" => port = Some(number("port", value)?),
                "left" => has_all = number::<u64>("left", value)? == 0,
                "ip" => ip = str::from_utf8(&decode(value)).ok().and_then(|text| text.parse().ok()),
                "numwant" => wanted = wanted_by(value)?,
                "event" if value == "completed" => event = Event::Completed,
                "event" if value == "stopped" => event = Event::Stopped,
                "compact" if value == "0" => form = Form::Full,
                "no_peer_id" => without_name = value == "1",
                "key" if !value.is_empty() => key = Some(decode(value)),
                _ => {}
            }
        }
        if form == Form::Full && without_name {
            form = Form::WithoutName;
        }
        let named = ip.filter(|ip| is_near(caller) && can_be_dialed(*ip));
        Ok(Self {
            info_hash: InfoHash::new(info_hash.ok_or(Fault::Missing("info_hash"))?),
            name: name.ok_or(Fault::Missing("peer_id"))?,
            ip: named.unwrap_or(caller).to_canonical(),
            port: port.ok_or(Fault::Missing("port"))?,
            has_all,
            event,
            wanted,
            form,
            key,
        })
    }
}

/// Reads the query of a scrape: the swarms that it asks about, sorted, each once.
///
/// # Errors
/// If it names none, too many, or one that does not have 20 bytes.
pub fn scraped(query: &str) -> Result<Vec<InfoHash>, Fault> {
    let mut hashes = Vec::new();
    for (_, value) in pairs(query).filter(|(word, _)| *word == "info_hash") {
        if hashes.len() == MOST_SCRAPED {
            return Err(Fault::ManySwarms);
        }
        hashes.push(InfoHash::new(twenty("info_hash", value)?));
    }
    if hashes.is_empty() {
        return Err(Fault::AllSwarms);
    }
    hashes.sort_unstable();
    hashes.dedup();
    Ok(hashes)
}

/// Reports whether one peer may have this address.
fn can_be_dialed(ip: IpAddr) -> bool {
    let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    let ip = ip.to_canonical();
    !ip.is_unspecified() && !ip.is_multicast() && !is_broadcast && ip != IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}

/// Splits a query into its words with their values, which are still encoded.
fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter_map(|pair| pair.split_once('='))
}

/// Decodes `%41` to `A`. A `+` stays: the hashes are bytes, not the text of a form.
fn decode(value: &str) -> Vec<u8> {
    percent_decode_str(value).collect()
}

fn twenty(key: &'static str, value: &str) -> Result<[u8; NAME_LEN], Fault> {
    let (mut bytes, mut len) = ([0; NAME_LEN], 0);
    for byte in percent_decode_str(value) {
        if let Some(place) = bytes.get_mut(len) {
            *place = byte;
        }
        len += 1;
    }
    if len == NAME_LEN { Ok(bytes) } else { Err(Fault::Length(key, len)) }
}

fn number<T: std::str::FromStr>(key: &'static str, value: &str) -> Result<T, Fault> {
    value.parse().map_err(|_| Fault::Number(key, value.chars().take(NAME_LEN).collect()))
}

/// Reads `numwant`. Some clients send -1 where they have no wish.
fn wanted_by(value: &str) -> Result<usize, Fault> {
    let wanted: i64 = number("numwant", value)?;
    Ok(usize::try_from(wanted).map_or(USUAL_WANTED, |wanted| wanted.min(MOST_WANTED)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "info_hash=%00%01%02%03%04%05%06%07%08%09%0a%0B%0cABC%25%26%3d%FF";
    const NAME: &str = "peer_id=-XX0001-+abcdefghi-.";

    fn near() -> IpAddr {
        IpAddr::from([192, 168, 0, 7])
    }

    fn far() -> IpAddr {
        IpAddr::from([203, 0, 113, 7])
    }

    fn read(more: &str) -> Result<Announce, Fault> {
        Announce::read(&format!("{HASH}&{NAME}&port=6881{more}"), near())
    }

    fn good(more: &str) -> Announce {
        read(more).expect("a good request")
    }

    #[test]
    fn bytes_are_decoded_and_a_plus_stays_a_plus() {
        let announce = good("");
        assert_eq!(announce.info_hash.as_bytes(), b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0cABC%&=\xff");
        assert_eq!(&announce.name, b"-XX0001-+abcdefghi-.");
        assert_eq!((announce.port, announce.ip), (6881, near()));
    }

    #[test]
    fn what_is_not_said_has_its_usual_value() {
        let announce = good("");
        assert_eq!(announce.wanted, USUAL_WANTED);
        assert_eq!((announce.event, announce.form, announce.has_all), (Event::Present, Form::Compact, false));
        assert_eq!(announce.key, None);
    }

    #[test]
    fn each_key_counts_and_unknown_ones_do_not() {
        for (more, event) in [
            ("&event=started", Event::Present),
            ("&event=", Event::Present),
            ("&event=paused", Event::Present),
            ("&event=completed", Event::Completed),
            ("&event=stopped", Event::Stopped),
        ] {
            assert_eq!(good(more).event, event, "{more}");
        }
        for (more, form) in [
            ("&compact=1", Form::Compact),
            ("&compact=1&no_peer_id=1", Form::Compact),
            ("&compact=0", Form::Full),
            ("&no_peer_id=1&compact=0", Form::WithoutName),
            ("&no_peer_id=0&compact=0", Form::Full),
        ] {
            assert_eq!(good(more).form, form, "{more}");
        }
        for (more, wanted) in
            [("&numwant=0", 0), ("&numwant=7", 7), ("&numwant=-1", USUAL_WANTED), ("&numwant=99999", MOST_WANTED)]
        {
            assert_eq!(good(more).wanted, wanted, "{more}");
        }
        assert!(good("&left=0").has_all && !good("&left=1").has_all);
        assert_eq!(good("&key=a%20b").key.as_deref(), Some(b"a b".as_slice()));
        assert_eq!(good("&key=").key, None);
        assert_eq!(good("&supportcrypto=1&corrupt=0&redundant=0&nonsense&=&&trackerid=x"), good(""));
    }

    #[test]
    fn faults_are_named() {
        let check = |query: &str, sentence: &str| {
            let fault = Announce::read(query, near()).expect_err(query);
            assert_eq!(fault.to_string(), sentence);
        };
        check("", "the request has no info_hash");
        check(HASH, "the request has no peer_id");
        check(&format!("{HASH}&{NAME}"), "the request has no port");
        check("info_hash=abc", "info_hash has 3 bytes instead of 20");
        check("info_hash=%zz%4", "info_hash has 5 bytes instead of 20");
        check(&format!("{HASH}&peer_id={}", "x".repeat(21)), "peer_id has 21 bytes instead of 20");
        check(&format!("{HASH}&{NAME}&port=65536"), "port '65536' is not a number that it may be");
        check(&format!("{HASH}&{NAME}&port=-1"), "port '-1' is not a number that it may be");
        check(&format!("{HASH}&{NAME}&port=1&left=x"), "left 'x' is not a number that it may be");
        check(&format!("{HASH}&{NAME}&port=1&left=-1"), "left '-1' is not a number that it may be");
        check(&format!("{HASH}&{NAME}&port=1&numwant=x"), "numwant 'x' is not a number that it may be");
    }

    #[test]
    fn only_a_caller_from_near_may_name_another_address() {
        let ip = |caller: &str, named: &str| {
            let query = format!("{HASH}&{NAME}&port=1&ip={named}");
            let announce = Announce::read(&query, caller.parse().expect("an address")).expect("a good request");
            announce.ip.to_string()
        };
        for caller in ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "::1", "fd00::1", "fe80::1"]
        {
            assert_eq!(ip(caller, "203.0.113.7"), "203.0.113.7", "{caller}");
            assert_eq!(ip(caller, "2001%3Adb8%3A%3A1"), "2001:db8::1", "{caller}");
        }
        assert_eq!(ip("::ffff:10.1.2.3", "203.0.113.7"), "203.0.113.7");
        for caller in ["203.0.113.9", "172.32.0.1", "100.64.0.1", "2001:db8::9"] {
            assert_eq!(ip(caller, "198.51.100.1"), caller);
        }
        for named in
            ["", "localhost", "0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "1.2.3", "::ffff:0.0.0.0"]
        {
            assert_eq!(ip("127.0.0.1", named), "127.0.0.1", "{named}");
        }
        assert_eq!(Announce::read(&format!("{HASH}&{NAME}&port=1"), far()).expect("a request").ip, far());
    }

    /// As they came in: a key of bytes, hashes with digits in both cases, and names with brackets as they are.
    #[test]
    fn queries_of_real_clients_are_understood() {
        let aria2 = "info_hash=%B1%FA%01%B7%88%3C2%0D%F9c%2A%C3UFq%09Y%E1%A9_&peer_id=A2-1-36-0-%F2%C5x%0F%2B%F8%AC%9C%81%10\
                     &uploaded=0&downloaded=300001&left=0&compact=1&key=x%0F%2B%F8%AC%9C%81%10&numwant=0&no_peer_id=1\
                     &port=25200&event=stopped&supportcrypto=1";
        let transmission = "info_hash=%b1%fa%01%b7%88%3c2%0d%f9c%2a%c3UFq%09Y%e1%a9_&peer_id=-TR3000-q9p41ocwj23n&port=25300\
                            &uploaded=0&downloaded=0&left=0&numwant=80&key=5dd7b587&compact=1&supportcrypto=1&event=started";
        let libtorrent = "info_hash=%f6u%ff%82%b6CJG%bb%99x%deP%c6%1dR%09%8c%05%03&peer_id=-LT2080-u)hzA)aTJIJA&port=25400\
                          &uploaded=0&downloaded=300001&left=0&corrupt=0&key=689B5BA6&event=completed&numwant=200&compact=1\
                          &no_peer_id=1&supportcrypto=1&redundant=0";
        let [aria2, transmission, libtorrent] =
            [aria2, transmission, libtorrent].map(|query| Announce::read(query, far()).expect("a good request"));
        assert_eq!(aria2.info_hash, transmission.info_hash);
        assert_eq!((aria2.event, aria2.wanted, aria2.port, aria2.form), (Event::Stopped, 0, 25200, Form::Compact));
        assert_eq!(aria2.key.as_deref(), Some(&aria2.name[12..]), "the end of its name");
        assert_eq!((transmission.event, transmission.wanted), (Event::Present, 80));
        assert_eq!((libtorrent.event, &libtorrent.name), (Event::Completed, b"-LT2080-u)hzA)aTJIJA"));
        assert!(aria2.has_all && transmission.has_all && libtorrent.has_all);
    }

    #[test]
    fn a_scrape_names_its_swarms() {
        let hash = |letter: &str| format!("info_hash={}", letter.repeat(20));
        let scrape = |query: &str| scraped(query).map(|hashes| hashes.iter().map(|hash| hash.as_bytes()[0]).collect());
        let [a, b] = [hash("a"), hash("b")];
        assert_eq!(scrape(&format!("{b}&{a}&x=1&{b}")), Ok(b"ab".to_vec()));
        assert_eq!(scrape(""), Err(Fault::AllSwarms));
        assert_eq!(scrape("x=1"), Err(Fault::AllSwarms));
        assert_eq!(scrape(&format!("{a}&info_hash=")), Err(Fault::Length("info_hash", 0)));
        let many = vec![a; MOST_SCRAPED].join("&");
        assert_eq!(scrape(&many), Ok(b"a".to_vec()));
        assert_eq!(scrape(&format!("{many}&{b}")), Err(Fault::ManySwarms));
    }
}
