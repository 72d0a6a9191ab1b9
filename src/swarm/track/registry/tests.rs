//! The registry by plain calls, and its invariants under arbitrary ones.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rand::SeedableRng;

use super::*;
use crate::track::request::{Form, MOST_WANTED};

const LIMITS: Limits = Limits { members: 8, of_source: 5, patience_secs: 100 };

fn hash(number: u8) -> InfoHash {
    InfoHash::new([number; 20])
}

fn ip(number: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, number])
}

fn name(number: u8) -> PeerName {
    [number; 20]
}

/// The announce of a leecher at its own address, which has its number.
fn leecher(number: u8) -> Announce {
    Announce {
        info_hash: hash(0),
        name: name(number),
        ip: ip(number),
        port: 6000,
        has_all: false,
        event: Event::Present,
        wanted: MOST_WANTED,
        form: Form::Full,
        key: None,
    }
}

struct World(Registry);

impl World {
    fn new() -> Self {
        Self(Registry::new(LIMITS, None, StdRng::seed_from_u64(1)))
    }

    fn announce(&mut self, announce: &Announce, caller: IpAddr, now_secs: u32) -> Result<Answer, Refusal> {
        let answer = self.0.announce(announce, caller, now_secs);
        self.0.table.check();
        answer
    }

    /// The first bytes of the names that this peer is told, sorted.
    fn told(&mut self, announce: &Announce) -> Vec<u8> {
        let answer = self.announce(announce, announce.ip, 0).expect("it is welcome");
        names(&answer)
    }

    fn counts(&mut self, number: u8) -> Counts {
        let counts = self.0.scrape(&[hash(number)], 0)[0].1;
        counts.expect("it is served")
    }
}

fn names(answer: &Answer) -> Vec<u8> {
    let mut names: Vec<_> = answer.peers.iter().map(|peer| peer.name.expect("it was asked for")[0]).collect();
    names.sort_unstable();
    names
}

fn counts(complete: usize, incomplete: usize, downloaded: u64) -> Counts {
    Counts { complete, incomplete, downloaded }
}

#[test]
fn peers_of_a_swarm_learn_of_each_other_and_not_of_themselves() {
    let mut world = World::new();
    assert_eq!(world.told(&leecher(1)), [0; 0]);
    assert_eq!(world.told(&leecher(2)), [1]);
    assert_eq!(world.told(&Announce { info_hash: hash(9), ..leecher(3) }), [0; 0]);
    assert_eq!(world.told(&leecher(1)), [2]);
    let six = Announce { ip: "2001:db8::4".parse().expect("an address"), ..leecher(4) };
    assert_eq!(world.told(&six), [1, 2]);
    assert_eq!(world.told(&leecher(1)), [2, 4]);
    assert_eq!(world.told(&Announce { wanted: 0, ..leecher(1) }), [0; 0]);
    for form in [Form::Compact, Form::WithoutName] {
        let answer = world.announce(&Announce { form, ..leecher(1) }, ip(1), 0).expect("it is welcome");
        assert!(answer.peers.len() == 2 && answer.peers.iter().all(|peer| peer.name.is_none()), "{answer:?}");
    }
}

#[test]
fn counts_follow_the_members() {
    let mut world = World::new();
    world.told(&leecher(1));
    world.told(&Announce { has_all: true, ..leecher(2) });
    assert_eq!(world.counts(0), counts(1, 1, 0));
    let completed = Announce { has_all: true, event: Event::Completed, ..leecher(1) };
    world.told(&completed);
    world.told(&completed);
    assert_eq!(world.counts(0), counts(2, 0, 1));
    // A peer that has lost its file is a leecher again; its download is counted once.
    world.told(&leecher(1));
    world.told(&completed);
    assert_eq!(world.counts(0), counts(2, 0, 1));
    // A peer that lacks something has not completed.
    world.told(&Announce { event: Event::Completed, ..leecher(3) });
    assert_eq!(world.counts(0), counts(2, 1, 1));
    let stopped = world.told(&Announce { event: Event::Stopped, ..leecher(3) });
    assert_eq!((stopped, world.counts(0)), (Vec::new(), counts(2, 0, 1)));
    assert_eq!(world.counts(7), counts(0, 0, 0));
}

#[test]
fn a_swarm_that_nobody_listed_is_forgotten_with_its_last_member() {
    let mut world = World::new();
    world.told(&leecher(1));
    assert_eq!(world.0.torrents().len(), 1);
    world.told(&Announce { event: Event::Stopped, ..leecher(1) });
    assert_eq!(world.0.torrents().len(), 0);
    // Nor does one come into being by who has gone before it came.
    world.told(&Announce { event: Event::Stopped, ..leecher(1) });
    assert_eq!(world.0.torrents().len(), 0);
}

#[test]
fn only_the_listed_swarms_are_served_and_they_stay() {
    let mut world = World(Registry::new(LIMITS, Some(&[hash(1)]), StdRng::seed_from_u64(1)));
    assert_eq!(world.announce(&leecher(1), ip(1), 0), Err(Refusal::NotServed));
    assert_eq!(world.0.scrape(&[hash(0), hash(1)], 0), [(hash(0), None), (hash(1), Some(counts(0, 0, 0)))]);
    let completed = Announce { info_hash: hash(1), has_all: true, event: Event::Completed, ..leecher(1) };
    world.told(&completed);
    world.told(&Announce { event: Event::Stopped, ..completed });
    assert_eq!(world.counts(1), counts(0, 0, 1));
    assert_eq!((world.0.tally().announces, world.0.tally().refused), (2, 1));
    // An empty list serves nobody.
    let mut world = World(Registry::new(LIMITS, Some(&[]), StdRng::seed_from_u64(1)));
    assert_eq!(world.announce(&leecher(1), ip(1), 0), Err(Refusal::NotServed));
}

#[test]
fn who_does_not_announce_any_more_is_gone_after_the_patience() {
    let mut world = World::new();
    let mut told = |number: u8, now_secs| names(&world.announce(&leecher(number), ip(number), now_secs).expect("room"));
    told(1, 0);
    told(2, 50);
    assert_eq!(told(3, 99), [1, 2]);
    assert_eq!(told(3, 100), [2]);
    assert_eq!(told(2, 149), [3]);
    assert_eq!(told(3, 150), [2]);
    assert_eq!(told(1, 1000), [0; 0]);
    assert_eq!(world.0.tally().expired, 3);
    // A clock that goes back expires nobody.
    assert_eq!(names(&world.announce(&leecher(2), ip(2), 0).expect("room")), [1]);
}

#[test]
fn only_the_key_or_else_the_same_address_changes_or_stops_a_member() {
    let key = |word: &str| Some(word.as_bytes().to_vec());
    let stopped = Announce { event: Event::Stopped, ..leecher(1) };
    let mut world = World::new();
    // Without a key the caller's address counts.
    world.told(&leecher(1));
    for announce in [&stopped, &leecher(1), &Announce { key: key("k"), ..leecher(1) }] {
        assert_eq!(world.announce(announce, ip(9), 0), Err(Refusal::NameTaken));
    }
    assert_eq!(world.told(&leecher(2)), [1]);
    world.told(&Announce { key: key("secret"), ..leecher(1) });
    // With one the key counts, and the address does not.
    for other in [None, key("other")] {
        let announce = Announce { key: other, ..stopped.clone() };
        assert_eq!(world.announce(&announce, ip(1), 0), Err(Refusal::NameTaken));
    }
    // So a peer that has got another address is known again: the old one is not told any more.
    let moved = Announce { ip: ip(7), key: key("secret"), ..leecher(1) };
    world.announce(&moved, ip(7), 0).expect("it has the key");
    let answer = world.announce(&leecher(2), ip(2), 0).expect("it is welcome");
    assert_eq!(answer.peers, [Peer { name: Some(name(1)), ip: ip(7), port: 6000 }]);
    world.announce(&Announce { key: key("secret"), ..stopped }, ip(8), 0).expect("it has the key");
    assert_eq!(world.told(&leecher(2)), [0; 0]);
}

/// The announces of a peer over IPv4 and over IPv6.
fn both(number: u8) -> [Announce; 2] {
    let key = Some(b"secret".to_vec());
    let six = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(number)]);
    [Announce { key: key.clone(), ..leecher(number) }, Announce { key, ip: six, ..leecher(number) }]
}

#[test]
fn a_peer_of_both_families_is_told_with_both_addresses_and_counts_once() {
    let mut world = World::new();
    let [four, six] = both(1);
    assert_eq!(world.told(&four), [0; 0]);
    assert_eq!(world.told(&six), [0; 0], "it is not told of itself");
    assert_eq!(world.told(&leecher(2)), [1, 1]);
    let answer = world.announce(&leecher(2), ip(2), 0).expect("it is welcome");
    assert_eq!(answer.peers.iter().map(|peer| peer.ip).collect::<BTreeSet<_>>(), BTreeSet::from([four.ip, six.ip]));
    assert_eq!((answer.counts, world.0.peers()), (counts(0, 2, 0), (2, 0)));
    // Its file is the same over both.
    let completed = |announce: &Announce| Announce { has_all: true, event: Event::Completed, ..announce.clone() };
    world.told(&completed(&six));
    assert_eq!((world.counts(0), world.0.peers()), (counts(1, 1, 1), (2, 1)));
    assert_eq!(world.told(&completed(&four)), [2]);
    assert_eq!(world.counts(0), counts(1, 1, 1));
    // It is gone when it has stopped over both.
    let stopped = |announce: &Announce| Announce { event: Event::Stopped, ..announce.clone() };
    world.told(&stopped(&four));
    assert_eq!((world.told(&leecher(2)), world.counts(0)), (vec![1], counts(1, 1, 1)));
    world.told(&stopped(&six));
    assert_eq!((world.told(&leecher(2)), world.counts(0)), (Vec::new(), counts(0, 1, 1)));
}

#[test]
fn each_family_of_a_peer_is_forgotten_by_itself() {
    let mut world = World::new();
    let [four, six] = both(1);
    world.told(&four);
    world.announce(&six, six.ip, 50).expect("it is welcome");
    let mut told = |now_secs| world.announce(&leecher(2), ip(2), now_secs).expect("it is welcome");
    assert_eq!(told(100).peers.iter().map(|peer| peer.ip).collect::<Vec<_>>(), [six.ip]);
    assert_eq!(told(100).counts, counts(0, 2, 0));
    assert_eq!(told(150).counts, counts(0, 1, 0));
}

#[test]
fn nobody_enters_with_the_name_of_another_peer_over_the_other_family() {
    let mut world = World::new();
    let [four, six] = both(1);
    world.told(&four);
    for key in [None, Some(b"other".to_vec())] {
        let claim = Announce { key, ..six.clone() };
        assert_eq!(world.announce(&claim, six.ip, 0), Err(Refusal::NameTaken));
    }
    world.told(&six);
    // Without a key, only the same address is believed.
    world.told(&leecher(3));
    let claim = Announce { key: None, ..both(3)[1].clone() };
    assert_eq!(world.announce(&claim, claim.ip, 0), Err(Refusal::NameTaken));
}

/// As aria2 1.36 has it: its key is the last 8 bytes of its `peer_id`, which others learn.
#[test]
fn a_key_that_stands_in_the_name_is_no_secret() {
    let mut world = World::new();
    let aria2 = Announce { name: *b"A2-1-36-0-xyabcdefgh", key: Some(b"abcdefgh".to_vec()), ..leecher(1) };
    world.told(&aria2);
    let stopped = Announce { event: Event::Stopped, ..aria2 };
    assert_eq!(world.announce(&stopped, ip(2), 0), Err(Refusal::NameTaken));
    world.told(&stopped);
    assert_eq!(world.counts(0), counts(0, 0, 0));
    // A key that is longer than a name is one.
    world.told(&Announce { key: Some(vec![b'x'; 21]), ..leecher(1) });
    assert_eq!(world.announce(&Announce { key: None, ..leecher(1) }, ip(1), 0), Err(Refusal::NameTaken));
}

/// Transmission 3.00 does so at each start.
#[test]
fn who_stops_before_it_starts_is_welcome_afterwards() {
    let mut world = World::new();
    let stopped = Announce { event: Event::Stopped, ..leecher(1) };
    assert_eq!(world.announce(&stopped, ip(1), 0).map(|answer| answer.counts), Ok(counts(0, 0, 0)));
    world.told(&leecher(1));
    assert_eq!(world.told(&leecher(2)), [1]);
}

/// aria2 1.36 does so if it ends with its download, and never says `completed`. BEP 48 counts only that word.
#[test]
fn who_stops_with_the_whole_file_is_no_leecher_any_more_and_not_counted_as_a_download() {
    let mut world = World::new();
    world.told(&leecher(1));
    world.told(&Announce { event: Event::Stopped, has_all: true, wanted: 0, ..leecher(1) });
    assert_eq!(world.counts(0), counts(0, 0, 0));
}

#[test]
fn a_peer_that_starts_again_with_another_name_takes_its_own_place() {
    let mut world = World::new();
    world.told(&Announce { key: Some(b"old".to_vec()), ..leecher(1) });
    let again = Announce { name: name(2), key: Some(b"new".to_vec()), ..leecher(1) };
    assert_eq!(world.told(&again), [0; 0]);
    assert_eq!(world.told(&leecher(3)), [2]);
    // Nobody else may take it by naming its address, except for whom the address really is.
    let claim = Announce { name: name(4), ..leecher(1) };
    assert_eq!(world.announce(&claim, ip(4), 0), Err(Refusal::EndpointTaken));
    world.announce(&Announce { name: name(5), ip: ip(6), ..leecher(1) }, ip(5), 0).expect("nobody is there");
    world.announce(&leecher(6), ip(6), 0).expect("the address is its own");
    assert_eq!(world.told(&leecher(3)), [2, 6]);
    // Another port on the same address is another peer.
    assert_eq!(world.told(&Announce { port: 6001, ..leecher(7) }), [2, 3, 6]);
}

#[test]
fn who_has_no_port_is_told_of_others_and_told_to_nobody() {
    let mut world = World::new();
    world.told(&leecher(1));
    world.told(&leecher(2));
    assert_eq!(world.told(&Announce { port: 0, ..leecher(2) }), [1]);
    assert_eq!(world.told(&leecher(1)), [0; 0]);
}

#[test]
fn a_source_has_a_limit_and_a_flood_from_it_pushes_out_nobody() {
    let mut world = World::new();
    // Three others, then a flood from one address that fills the tracker.
    for number in 1..=3 {
        world.told(&leecher(number));
    }
    let mut flood = |number: u8| {
        let announce = Announce { name: name(number), ip: ip(100), port: 1000 + u16::from(number), ..leecher(0) };
        world.announce(&announce, ip(100), 0).map(|_| ())
    };
    for number in 100..105 {
        assert_eq!(flood(number), Ok(()));
    }
    for number in 105..200 {
        assert_eq!(flood(number), Err(Refusal::SourceFull));
    }
    // It is full, and newcomers take the places of the flood until all have the same.
    for number in 4..=7 {
        world.told(&leecher(number));
        assert!(world.told(&leecher(1)).iter().filter(|name| **name < 100).count() == usize::from(number) - 1);
    }
    assert_eq!(world.announce(&leecher(8), ip(8), 0), Err(Refusal::Full));
    assert_eq!((world.0.peers(), world.0.tally().displaced), ((8, 0), 4));
    // A refused newcomer leaves no swarm behind, and who is there may go on.
    let stranger = Announce { info_hash: hash(5), ..leecher(8) };
    assert_eq!(world.announce(&stranger, ip(8), 0), Err(Refusal::Full));
    assert_eq!(world.0.torrents().len(), 1);
    world.told(&leecher(3));
}

#[test]
fn each_other_member_is_told_equally_often() {
    let mut world = World(Registry::new(Limits { members: 100, ..LIMITS }, None, StdRng::seed_from_u64(7)));
    for number in 0..21 {
        world.told(&leecher(number));
    }
    let mut told = BTreeMap::<u8, u32>::new();
    for _ in 0..4000 {
        let answer = world.0.announce(&Announce { wanted: 5, ..leecher(0) }, ip(0), 0).expect("it is welcome");
        assert_eq!(names(&answer).into_iter().collect::<BTreeSet<_>>().len(), 5);
        for name in names(&answer) {
            *told.entry(name).or_default() += 1;
        }
    }
    // 1000 are expected for each; the standard deviation is 27.
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), (1..21).collect::<Vec<_>>());
    assert!(told.values().all(|count| (860..1140).contains(count)), "{told:?}");
}

/// One announce out of a small world, so that names and addresses meet again.
fn any_announce() -> impl Strategy<Value = (Announce, IpAddr, u32)> {
    let what = (0..3_u8, 0..10_u8, 0..12_u8, 0..3_u16, any::<bool>(), 0..4_u8, 0..9_usize, 0..3_u8);
    (what, 0..6_u8, 0..60_u32).prop_map(|((swarm, own, address, port, has_all, event, wanted, key), caller, secs)| {
        let ip_of = |address: u8| if address < 6 { ip(address) } else { both(address)[1].ip };
        let event = [Event::Present, Event::Present, Event::Completed, Event::Stopped][usize::from(event)];
        let key = (key > 0).then(|| vec![key]);
        let announce =
            Announce { info_hash: hash(swarm), ip: ip_of(address), port, has_all, event, wanted, key, ..leecher(own) };
        (announce, ip(caller), secs)
    })
}

proptest! {
    #[test]
    fn invariants_hold_whatever_is_announced(
        announces in prop::collection::vec(any_announce(), 1..200),
        only in prop::option::of(Just([hash(0), hash(1)])),
    ) {
        let mut world = World(Registry::new(LIMITS, only.as_ref().map(<[_; 2]>::as_slice), StdRng::seed_from_u64(1)));
        let mut now_secs = 0;
        for (announce, caller, secs) in announces {
            now_secs += secs;
            let before = world.0.table.len();
            if let Ok(answer) = world.announce(&announce, caller, now_secs) {
                let endpoints: BTreeSet<_> = answer.peers.iter().map(|peer| (peer.ip, peer.port)).collect();
                prop_assert_eq!(endpoints.len(), answer.peers.len());
                prop_assert!(answer.peers.len() <= announce.wanted);
                prop_assert!(answer.peers.iter().all(|peer| peer.name != Some(announce.name) && peer.port > 0));
                let all = answer.counts.complete + answer.counts.incomplete;
                let torrent = world.0.table.find(&announce.info_hash);
                let is_in = torrent.is_some_and(|torrent| !world.0.table.places(torrent, &announce.name).is_empty());
                let wanted = if announce.event == Event::Stopped { 0 } else { announce.wanted };
                let told: BTreeSet<_> = answer.peers.iter().filter_map(|peer| peer.name).collect();
                let others = all - usize::from(is_in);
                // A peer of both families may take two places of those that are wanted.
                prop_assert!(told.len() <= others && answer.peers.len() >= wanted.min(others));
                prop_assert!(answer.peers.len() == wanted || told.len() == others);
            } else {
                prop_assert!(world.0.table.len() <= before);
            }
            prop_assert!(world.0.table.len() <= LIMITS.members);
            prop_assert!(only.is_none() || world.0.torrents().len() == 2);
        }
    }
}
