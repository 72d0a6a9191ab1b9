//! Answers in bencode: fixed shapes, whose keys are in order as they are written. Pure.

use std::net::IpAddr;

use peer_process::discovery::identity::InfoHash;

use super::registry::{Answer, Counts, Peer};
use super::request::Form;

/// What every answer says about the time of the next announce.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// Number of seconds after which a peer announces again.
    pub usual_secs: u32,
    /// Number of seconds that it waits at least, if it has a reason to announce sooner.
    pub least_secs: u32,
}

/// Number of bytes of an answer without its peers, and of a swarm in the answer to a scrape; never more.
const ROOM: usize = 256;
/// Number of bytes of an address and a port in a compact answer; never more.
const COMPACT_ROOM: usize = 18;
/// Number of bytes of a peer in a dictionary; never more.
const PEER_ROOM: usize = 112;

/// Writes the answer to an announce.
pub fn announce(answer: &Answer, intervals: Intervals, form: Form) -> Vec<u8> {
    let peer_room = if form == Form::Compact { COMPACT_ROOM } else { PEER_ROOM };
    let mut text = Text(Vec::with_capacity(ROOM + peer_room * answer.peers.len()));
    text.raw("d");
    text.counts(answer.counts);
    text.number("interval", intervals.usual_secs.into());
    text.number("min interval", intervals.least_secs.into());
    match form {
        Form::Compact => {
            let mut four = Vec::with_capacity(COMPACT_ROOM * answer.peers.len());
            let mut six = Vec::new();
            for peer in &answer.peers {
                match peer.ip {
                    IpAddr::V4(ip) => add(&mut four, &ip.octets(), peer.port),
                    IpAddr::V6(ip) => add(&mut six, &ip.octets(), peer.port),
                }
            }
            text.bytes(b"peers");
            text.bytes(&four);
            if !six.is_empty() {
                text.bytes(b"peers6");
                text.bytes(&six);
            }
        }
        Form::Full | Form::WithoutName => {
            text.bytes(b"peers");
            text.raw("l");
            for peer in &answer.peers {
                text.peer(peer);
            }
            text.raw("e");
        }
    }
    text.raw("e");
    text.0
}

/// Writes the answer to a scrape. The swarms are sorted, and those that are not served are left out.
pub fn scrape(swarms: &[(InfoHash, Option<Counts>)], intervals: Intervals) -> Vec<u8> {
    let mut text = Text(Vec::with_capacity(ROOM * (swarms.len() + 1)));
    text.raw("d");
    text.bytes(b"files");
    text.raw("d");
    for (info_hash, counts) in swarms {
        if let Some(counts) = counts {
            text.bytes(info_hash.as_bytes());
            text.raw("d");
            text.counts(*counts);
            text.raw("e");
        }
    }
    text.raw("e");
    text.bytes(b"flags");
    text.raw("d");
    text.number("min_request_interval", intervals.least_secs.into());
    text.raw("ee");
    text.0
}

/// Writes the answer to a request that is refused.
pub fn failure(reason: &str) -> Vec<u8> {
    let mut text = Text(Vec::with_capacity(ROOM));
    text.raw("d");
    text.bytes(b"failure reason");
    text.bytes(reason.as_bytes());
    text.raw("e");
    text.0
}

fn add(list: &mut Vec<u8>, octets: &[u8], port: u16) {
    list.extend_from_slice(octets);
    list.extend_from_slice(&port.to_be_bytes());
}

/// Bencode as it grows.
struct Text(Vec<u8>);

impl Text {
    fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn digits(&mut self, number: u64) {
        let mut digits = [0; 20];
        let (mut place, mut rest) = (digits.len(), number);
        loop {
            place -= 1;
            digits[place] = b'0' + u8::try_from(rest % 10).expect("a digit");
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.0.extend_from_slice(&digits[place..]);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.digits(bytes.len() as u64);
        self.raw(":");
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, key: &str, number: u64) {
        self.bytes(key.as_bytes());
        self.raw("i");
        self.digits(number);
        self.raw("e");
    }

    fn counts(&mut self, counts: Counts) {
        self.number("complete", counts.complete as u64);
        self.number("downloaded", counts.downloaded);
        self.number("incomplete", counts.incomplete as u64);
    }

    fn peer(&mut self, peer: &Peer) {
        self.raw("d");
        self.bytes(b"ip");
        self.bytes(peer.ip.to_string().as_bytes());
        if let Some(name) = &peer.name {
            self.bytes(b"peer id");
            self.bytes(name);
        }
        self.number("port", peer.port.into());
        self.raw("e");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVALS: Intervals = Intervals { usual_secs: 60, least_secs: 10 };
    const COUNTS: Counts = Counts { complete: 1, incomplete: 20, downloaded: u64::MAX };

    fn peer(ip: &str, port: u16) -> Peer {
        Peer { name: Some(*b"-PP0100-0000001001k3"), ip: ip.parse().expect("an address"), port }
    }

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(String::from_utf8_lossy(bytes), expected);
    }

    fn counted(rest: &str) -> String {
        let counts = "8:completei1e10:downloadedi18446744073709551615e10:incompletei20e";
        format!("d{counts}8:intervali60e12:min intervali10e{rest}e")
    }

    #[test]
    fn compact_answers_have_the_bytes_of_addresses() {
        let peers = vec![peer("65.66.67.68", 0x4546), peer("::61", 0x6263), peer("97.98.99.100", 0x6566)];
        let check =
            |peers, rest: &str| check(&announce(&Answer { counts: COUNTS, peers }, INTERVALS, Form::Compact), rest);
        check(vec![], &counted("5:peers0:"));
        check(peers, &counted("5:peers12:ABCDEFabcdef6:peers618:\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0abc"));
    }

    #[test]
    fn dictionaries_have_both_kinds_of_addresses_in_one_list() {
        let peers = vec![peer("10.0.0.1", 6001), peer("2001:db8::1", 6)];
        let without = peers.iter().map(|peer| Peer { name: None, ..*peer }).collect();
        let [answer, without] = [peers, without].map(|peers| Answer { counts: COUNTS, peers });
        let id = "7:peer id20:-PP0100-0000001001k3";
        check(
            &announce(&answer, INTERVALS, Form::Full),
            &counted(&format!("5:peersld2:ip8:10.0.0.1{id}4:porti6001eed2:ip11:2001:db8::1{id}4:porti6eee")),
        );
        check(
            &announce(&without, INTERVALS, Form::WithoutName),
            &counted("5:peersld2:ip8:10.0.0.14:porti6001eed2:ip11:2001:db8::14:porti6eee"),
        );
    }

    #[test]
    fn scrapes_and_failures() {
        let hashes = [b'a', b'b', b'c'].map(|letter| InfoHash::new([letter; 20]));
        let swarms = [(hashes[0], Some(COUNTS)), (hashes[1], None), (hashes[2], Some(Counts::default()))];
        check(
            &scrape(&swarms, INTERVALS),
            "d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1e10:downloadedi18446744073709551615e10:incompletei20ee\
             20:ccccccccccccccccccccd8:completei0e10:downloadedi0e10:incompletei0eee\
             5:flagsd20:min_request_intervali10eee",
        );
        check(&failure("no"), "d14:failure reason2:noe");
    }

    #[test]
    fn the_room_that_is_asked_for_suffices() {
        let longest = peer("1111:2222:3333:4444:5555:6666:7777:8888", 65535);
        let answer = |count| Answer { counts: COUNTS, peers: vec![longest; count] };
        let len = |count| announce(&answer(count), INTERVALS, Form::Full).len();
        assert!(len(0) <= ROOM && len(1) - len(0) <= PEER_ROOM, "{} {}", len(0), len(1));
    }
}
