//! `Registry`: who is in which swarm, and who may change that. Pure: the time comes as a number of seconds.
//!
//! [`Limits`] bounds everything that can grow. A tracker that is full takes a newcomer only in the place of a member from the
//! source that has the most members. It takes one at random, and only if that source has at least two more than the newcomer's.
//! Otherwise it refuses the newcomer. So one address cannot push out others, however many names and ports it invents.
//!
//! A swarm exists while it has members, so their limit bounds the swarms, too.
//!
//! A peer that announces over IPv4 and over IPv6 is two members with one name: both addresses are told. In the counts it is one
//! peer, because others wait for those without the file. An announce tells of its file for both members. Each
//! member ends by itself: with its own `stopped`, or when its own family is silent.

mod sample;
mod sources;
mod table;

#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use peer_process::discovery::identity::InfoHash;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

pub use self::table::Torrent;
use self::table::{Endpoint, Listed, Member, Table, family};
use super::request::{Announce, Event, Form, PeerName};
use crate::http::source::Source;

/// The bounds of a registry.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum number of members of all swarms together.
    pub members: usize,
    /// Maximum number of members from one source: an IPv4 address, or an IPv6 site.
    pub of_source: usize,
    /// Number of seconds after which a member that does not announce has gone.
    pub patience_secs: u32,
}

/// The reason why an announce changes nothing. The sentence goes to the caller as `failure reason`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The swarm is not among those that this tracker serves.
    NotServed,
    /// The name belongs to somebody else.
    NameTaken,
    /// The address and port belong to somebody else.
    EndpointTaken,
    /// The source has as many members as one source may have.
    SourceFull,
    /// No member has to make room for this one.
    Full,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotServed => "this tracker does not serve this swarm",
            Self::NameTaken => {
                "another peer has announced with this peer_id; only its key, or its address if it has none, may change it"
            }
            Self::EndpointTaken => "another peer has announced with this address and port",
            Self::SourceFull => "too many peers announce from this address",
            Self::Full => "this tracker is full",
        })
    }
}

/// The counts of a swarm.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Number of peers that have the whole file.
    pub complete: usize,
    /// Number of peers that do not have it.
    pub incomplete: usize,
    /// Number of peers that have told that they got their last byte.
    pub downloaded: u64,
}

impl Counts {
    /// Returns the counts of this swarm.
    pub fn of(torrent: &Torrent) -> Self {
        Self { complete: torrent.seeders, incomplete: torrent.leechers(), downloaded: torrent.downloaded }
    }
}

/// The answer to an announce.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The counts, with the caller in them.
    pub counts: Counts,
    /// Other members, chosen at random.
    pub peers: Vec<Peer>,
}

/// What others learn about a member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Peer {
    /// Its `peer_id`, if the caller wants to know it.
    pub name: Option<PeerName>,
    /// Its address.
    pub ip: IpAddr,
    /// Its port.
    pub port: u16,
}

/// What has happened since the start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// Number of announces that were answered with peers.
    pub announces: u64,
    /// Number of announces that were refused.
    pub refused: u64,
    /// Number of members that did not announce any more.
    pub expired: u64,
    /// Number of members that had to make room.
    pub displaced: u64,
}

/// All swarms and members.
#[derive(Debug)]
pub struct Registry {
    table: Table,
    tally: Tally,
    limits: Limits,
    /// Whether a swarm that nobody has listed is served.
    is_open: bool,
    rng: StdRng,
    key_hasher: RandomState,
}

impl Registry {
    /// Returns a registry for these swarms, or for all if there is no list.
    pub fn new(limits: Limits, only: Option<&[InfoHash]>, rng: StdRng) -> Self {
        let mut table = Table::default();
        for info_hash in only.unwrap_or_default() {
            table.open(*info_hash, true);
        }
        Self { table, tally: Tally::default(), limits, is_open: only.is_none(), rng, key_hasher: RandomState::new() }
    }

    /// Takes an announce that came from `caller`.
    ///
    /// # Errors
    /// If it is refused. Then nothing has changed.
    pub fn announce(&mut self, announce: &Announce, caller: IpAddr, now_secs: u32) -> Result<Answer, Refusal> {
        self.expire(now_secs);
        let known = self.table.find(&announce.info_hash);
        if known.is_none() && !self.is_open {
            self.tally.refused += 1;
            return Err(Refusal::NotServed);
        }
        let torrent = self.table.open(announce.info_hash, false);
        let entered = self.enter(torrent, announce, caller.to_canonical(), now_secs);
        if entered.is_err() {
            self.tally.refused += 1;
        }
        let answer = entered.map(|()| {
            self.tally.announces += 1;
            self.table.torrent_mut(torrent).announces += 1;
            let wanted = if announce.event == Event::Stopped { 0 } else { announce.wanted };
            let peers = self.choose(torrent, &announce.name, wanted, announce.form == Form::Full);
            Answer { counts: Counts::of(self.table.torrent(torrent)), peers }
        });
        self.table.close(torrent);
        answer
    }

    /// Returns the counts of these swarms; `None` for one that is not served.
    pub fn scrape(&mut self, hashes: &[InfoHash], now_secs: u32) -> Vec<(InfoHash, Option<Counts>)> {
        self.expire(now_secs);
        let counts = |hash: &InfoHash| {
            let torrent = self.table.find(hash).map(|torrent| Counts::of(self.table.torrent(torrent)));
            torrent.or_else(|| self.is_open.then(Counts::default))
        };
        hashes.iter().map(|hash| (*hash, counts(hash))).collect()
    }

    /// Removes the members whose last announce is too long ago.
    pub fn expire(&mut self, now_secs: u32) {
        while let Some(oldest) = self.table.oldest()
            && now_secs.saturating_sub(self.table.member(oldest).announced_secs) >= self.limits.patience_secs
        {
            let torrent = self.table.remove(oldest).torrent;
            self.table.close(torrent);
            self.tally.expired += 1;
        }
    }

    /// Returns all swarms.
    pub fn torrents(&self) -> impl ExactSizeIterator<Item = &Torrent> {
        self.table.torrents()
    }

    /// Returns the number of peers of all swarms, and the number of seeders among them.
    pub fn peers(&self) -> (usize, usize) {
        (self.table.peers(), self.table.seeders())
    }

    /// Returns what has happened.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Makes the change that an announce asks for.
    fn enter(&mut self, torrent: u32, announce: &Announce, caller: IpAddr, now_secs: u32) -> Result<(), Refusal> {
        let key = announce.key.as_ref().filter(|key| is_secret(key, &announce.name));
        let key = key.map(|key| self.key_hasher.hash_one(key));
        let named = self.table.named(torrent, &announce.name);
        let own = named[family(announce.ip)];
        // The same peer over the other family has the same key.
        let old = own.or(named[1 - family(announce.ip)]).map(|old| self.table.member(old));
        if let Some(old) = old
            && !may_change(old, key, caller)
        {
            return Err(Refusal::NameTaken);
        }
        // A peer that cannot be dialed is told of others, and told to nobody.
        if announce.event == Event::Stopped || announce.port == 0 {
            if let Some(own) = own {
                self.table.remove(own);
            }
            return Ok(());
        }
        let was_counted = old.is_some_and(|old| old.is_counted);
        let is_counted = was_counted || (announce.event == Event::Completed && announce.has_all);
        let key = key.or(old.and_then(|old| old.key));
        let endpoint = (announce.ip, announce.port);
        // Most announces change nothing: then nobody else can be there.
        let has_stayed = own.is_some_and(|own| self.table.member(own).endpoint == endpoint);
        let before = if has_stayed { None } else { self.table.at(torrent, endpoint) };
        if let Some(before) = before
            && !may_take(self.table.member(before), endpoint, caller)
        {
            return Err(Refusal::EndpointTaken);
        }
        let member = Member {
            torrent,
            name: announce.name,
            endpoint,
            caller,
            key,
            has_all: announce.has_all,
            is_counted,
            announced_secs: now_secs,
        };
        if own.is_none() {
            self.make_room(torrent, caller, before)?;
        }
        if let Some(before) = before {
            // The one that was there has started again with another name.
            self.table.remove(before);
        }
        if let Some(own) = own {
            self.table.update(own, member);
        } else {
            self.table.add(member);
        }
        self.table.torrent_mut(torrent).downloaded += u64::from(is_counted && !was_counted);
        Ok(())
    }

    /// Makes room for one more member from this caller; `leaving` goes anyway.
    fn make_room(&mut self, torrent: u32, caller: IpAddr, leaving: Option<u32>) -> Result<(), Refusal> {
        let source = Source::of(caller);
        let gives_way = leaving.is_some_and(|leaving| Source::of(self.table.member(leaving).caller) == source);
        let own_count = self.table.sources().count(source) - usize::from(gives_way);
        if own_count >= self.limits.of_source {
            return Err(Refusal::SourceFull);
        }
        if leaving.is_some() || self.table.len() < self.limits.members {
            return Ok(());
        }
        let largest = self.table.sources().largest();
        if largest.len() < own_count + 2 {
            return Err(Refusal::Full);
        }
        let displaced = *largest.choose(&mut self.rng).expect("it has at least two");
        let other = self.table.remove(displaced).torrent;
        if other != torrent {
            self.table.close(other);
        }
        self.tally.displaced += 1;
        Ok(())
    }

    /// Chooses members at random, but not the caller. The work depends on the number that is wanted, not on the swarm.
    fn choose(&mut self, torrent: u32, own: &PeerName, wanted: usize, with_names: bool) -> Vec<Peer> {
        let members = &self.table.torrent(torrent).members;
        let own = self.table.places(torrent, own);
        let others = members.len() - own.len();
        let chosen = sample::sample(&mut self.rng, others, wanted.min(others));
        let peer = |place: usize| {
            // The places behind each of the caller's own move up by one.
            let place = own.iter().fold(place, |place, own| place + usize::from(place >= *own));
            let Listed { member, endpoint: (ip, port) } = members[place];
            Peer { name: with_names.then(|| self.table.member(member).name), ip, port }
        };
        chosen.into_iter().map(peer).collect()
    }
}

/// Reports whether a key tells anything that others do not know. The key of aria2 is the end of its name, which others learn.
fn is_secret(key: &[u8], name: &PeerName) -> bool {
    !name.windows(key.len()).any(|part| part == key)
}

/// Reports whether this caller may change or stop a member: it has the key, or, if the member has none, the same address.
fn may_change(member: &Member, key: Option<u64>, caller: IpAddr) -> bool {
    match member.key {
        Some(own) => key == Some(own),
        None => member.caller == caller,
    }
}

/// Reports whether this caller may take the endpoint of a member: it comes from the same address, or the address is its own.
fn may_take(member: &Member, (ip, _): Endpoint, caller: IpAddr) -> bool {
    member.caller == caller || ip == caller
}
