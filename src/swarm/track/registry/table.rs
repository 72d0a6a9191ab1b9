//! `Table`: the swarms and their members, and how one is found by name, by address, by age and by source.
//!
//! It adds, removes and finds. [`super`] decides who may do what.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use peer_process::discovery::identity::InfoHash;
use slab::Slab;

use super::sources::Sources;
use crate::http::source::Source;
use crate::track::request::PeerName;

/// A swarm with its members.
#[derive(Debug)]
pub struct Torrent {
    /// Its hash.
    pub info_hash: InfoHash,
    /// Whether it stays although nobody is in it.
    pub stays: bool,
    /// Its members, in any order.
    pub members: Vec<Listed>,
    /// Number of peers: a peer with an IPv4 and an IPv6 address is one, although it is two members.
    pub peers: usize,
    /// Number of peers that have the whole file.
    pub seeders: usize,
    /// Number of peers that have told that they got their last byte.
    pub downloaded: u64,
    /// Number of announces.
    pub announces: u64,
}

impl Torrent {
    /// Returns the number of peers that do not have the whole file.
    pub fn leechers(&self) -> usize {
        self.peers - self.seeders
    }
}

/// A member in the list of its swarm, with what most answers need of it: looking at the member itself costs more.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// The number of the member.
    pub member: u32,
    /// Its endpoint.
    pub endpoint: Endpoint,
}

/// A member of a swarm: a peer at its address of one family.
#[derive(Clone, Debug)]
pub struct Member {
    /// The number of its swarm.
    pub torrent: u32,
    /// Its `peer_id`.
    pub name: PeerName,
    /// The address and port that others dial.
    pub endpoint: Endpoint,
    /// The address that its announces come from.
    pub caller: IpAddr,
    /// The secret of those who may change it, as a hash.
    pub key: Option<u64>,
    /// Whether it has the whole file.
    pub has_all: bool,
    /// Whether its `completed` was counted.
    pub is_counted: bool,
    /// The second of its last announce.
    pub announced_secs: u32,
}

/// The address and the port that others dial.
pub type Endpoint = (IpAddr, u16);

/// The members that one peer is: that with an IPv4 endpoint, and that with an IPv6 endpoint.
pub type Named = [Option<u32>; 2];

/// Returns the place in [`Named`] of a member with this address.
pub fn family(ip: IpAddr) -> usize {
    usize::from(ip.is_ipv6())
}

/// A member with its places in two lists.
#[derive(Debug)]
struct Entry {
    member: Member,
    in_torrent: u32,
    in_source: u32,
}

/// All swarms and members.
///
/// Invariant: each member is listed exactly once by each index, by its swarm and by its source, at the place that its entry
/// has. Both members of a peer have the same key and the same state of the file. A swarm without members exists only if it
/// stays.
#[derive(Debug, Default)]
pub struct Table {
    torrents: Slab<Torrent>,
    by_hash: HashMap<InfoHash, u32>,
    entries: Slab<Entry>,
    by_name: HashMap<(u32, PeerName), Named>,
    by_endpoint: HashMap<(u32, Endpoint), u32>,
    by_age: BTreeSet<(u32, u32)>,
    sources: Sources,
    seeders: usize,
}

impl Table {
    /// Returns the number of this swarm, if it is known.
    pub fn find(&self, info_hash: &InfoHash) -> Option<u32> {
        self.by_hash.get(info_hash).copied()
    }

    /// Returns the number of this swarm; makes it if it is not known.
    pub fn open(&mut self, info_hash: InfoHash, stays: bool) -> u32 {
        if let Some(torrent) = self.find(&info_hash) {
            return torrent;
        }
        let torrent =
            Torrent { info_hash, stays, members: Vec::new(), peers: 0, seeders: 0, downloaded: 0, announces: 0 };
        let torrent = number(self.torrents.insert(torrent));
        self.by_hash.insert(info_hash, torrent);
        torrent
    }

    /// Forgets this swarm if nobody is in it and it need not stay.
    pub fn close(&mut self, torrent: u32) {
        let Torrent { members, stays, .. } = self.torrent(torrent);
        if members.is_empty() && !stays {
            let gone = self.torrents.remove(torrent as usize);
            self.by_hash.remove(&gone.info_hash);
        }
    }

    /// Returns this swarm.
    pub fn torrent(&self, torrent: u32) -> &Torrent {
        &self.torrents[torrent as usize]
    }

    /// Returns this swarm to be changed in its counts.
    pub fn torrent_mut(&mut self, torrent: u32) -> &mut Torrent {
        &mut self.torrents[torrent as usize]
    }

    /// Returns all swarms.
    pub fn torrents(&self) -> impl ExactSizeIterator<Item = &Torrent> {
        self.torrents.iter().map(|(_, torrent)| torrent)
    }

    /// Returns the number of members of all swarms.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the number of peers of all swarms.
    pub fn peers(&self) -> usize {
        self.by_name.len()
    }

    /// Returns the number of seeders of all swarms.
    pub fn seeders(&self) -> usize {
        self.seeders
    }

    /// Returns this member.
    pub fn member(&self, member: u32) -> &Member {
        &self.entries[member as usize].member
    }

    /// Returns the members with this name.
    pub fn named(&self, torrent: u32, name: &PeerName) -> Named {
        self.by_name.get(&(torrent, *name)).copied().unwrap_or_default()
    }

    /// Returns the member with this endpoint.
    pub fn at(&self, torrent: u32, endpoint: Endpoint) -> Option<u32> {
        self.by_endpoint.get(&(torrent, endpoint)).copied()
    }

    /// Returns the member whose last announce is the oldest.
    pub fn oldest(&self) -> Option<u32> {
        self.by_age.first().map(|(_, member)| *member)
    }

    /// Returns the members by their source.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Adds a member. Nobody in its swarm has its name in its family, or its endpoint.
    pub fn add(&mut self, member: Member) -> u32 {
        self.share(&member);
        let entry = self.entries.vacant_entry();
        let id = number(entry.key());
        let torrent = &mut self.torrents[member.torrent as usize];
        let in_torrent = number(torrent.members.len());
        torrent.members.push(Listed { member: id, endpoint: member.endpoint });
        let named = self.by_name.entry((member.torrent, member.name)).or_default();
        if *named == Named::default() {
            torrent.peers += 1;
            torrent.seeders += usize::from(member.has_all);
            self.seeders += usize::from(member.has_all);
        }
        named[family(member.endpoint.0)] = Some(id);
        self.by_endpoint.insert((member.torrent, member.endpoint), id);
        self.by_age.insert((member.announced_secs, id));
        let in_source = number(self.sources.add(Source::of(member.caller), id));
        entry.insert(Entry { member, in_torrent, in_source });
        id
    }

    /// Removes a member and returns it. Its swarm stays until it is closed.
    pub fn remove(&mut self, id: u32) -> Member {
        let Entry { member, in_torrent, in_source } = self.entries.remove(id as usize);
        let torrent = &mut self.torrents[member.torrent as usize];
        torrent.members.swap_remove(in_torrent as usize);
        if let Some(moved) = torrent.members.get(in_torrent as usize) {
            self.entries[moved.member as usize].in_torrent = in_torrent;
        }
        let named = self.by_name.get_mut(&(member.torrent, member.name)).expect("a member's name is known");
        named[family(member.endpoint.0)] = None;
        if *named == Named::default() {
            self.by_name.remove(&(member.torrent, member.name));
            torrent.peers -= 1;
            torrent.seeders -= usize::from(member.has_all);
            self.seeders -= usize::from(member.has_all);
        }
        self.by_endpoint.remove(&(member.torrent, member.endpoint));
        self.by_age.remove(&(member.announced_secs, id));
        if let Some(moved) = self.sources.remove(Source::of(member.caller), in_source as usize) {
            self.entries[moved as usize].in_source = in_source;
        }
        member
    }

    /// Replaces what is known of a member, which keeps its name, swarm and family. Nobody else in its swarm has its new endpoint.
    pub fn update(&mut self, id: u32, new: Member) {
        self.share(&new);
        let Entry { member: old, in_torrent, in_source } = &mut self.entries[id as usize];
        if old.endpoint != new.endpoint {
            self.by_endpoint.remove(&(old.torrent, old.endpoint));
            self.by_endpoint.insert((new.torrent, new.endpoint), id);
            self.torrents[new.torrent as usize].members[*in_torrent as usize].endpoint = new.endpoint;
        }
        if old.announced_secs != new.announced_secs {
            self.by_age.remove(&(old.announced_secs, id));
            self.by_age.insert((new.announced_secs, id));
        }
        let (from, to) = (Source::of(old.caller), Source::of(new.caller));
        *old = new;
        if from != to {
            let place = *in_source;
            *in_source = number(self.sources.add(to, id));
            if let Some(moved) = self.sources.remove(from, place as usize) {
                self.entries[moved as usize].in_source = place;
            }
        }
    }

    /// Gives all members of a peer what is new of it beside its address. The peer is counted once.
    fn share(&mut self, new: &Member) {
        let named = self.named(new.torrent, &new.name);
        let mut had_all = None;
        for id in named.into_iter().flatten() {
            let member = &mut self.entries[id as usize].member;
            had_all = Some(member.has_all);
            (member.key, member.has_all, member.is_counted) = (new.key, new.has_all, new.is_counted);
        }
        if let Some(had_all) = had_all {
            let torrent = &mut self.torrents[new.torrent as usize];
            torrent.seeders = torrent.seeders - usize::from(had_all) + usize::from(new.has_all);
            self.seeders = self.seeders - usize::from(had_all) + usize::from(new.has_all);
        }
    }

    /// Returns the places of a peer's members in the list of its swarm, in order.
    pub fn places(&self, torrent: u32, name: &PeerName) -> Vec<usize> {
        let place = |id: u32| self.entries[id as usize].in_torrent as usize;
        let mut places: Vec<_> = self.named(torrent, name).into_iter().flatten().map(place).collect();
        places.sort_unstable();
        places
    }
}

/// Numbers are kept in 4 bytes, which suffice: the number of members is bounded.
fn number(key: usize) -> u32 {
    u32::try_from(key).expect("there are far fewer members")
}

#[cfg(test)]
impl Table {
    /// Asserts the invariant.
    pub fn check(&self) {
        for (key, Entry { member, in_torrent, in_source }) in &self.entries {
            let id = number(key);
            let listed = self.torrent(member.torrent).members[*in_torrent as usize];
            assert_eq!((listed.member, listed.endpoint), (id, member.endpoint));
            let named = self.named(member.torrent, &member.name);
            assert_eq!(named[family(member.endpoint.0)], Some(id));
            for other in named.into_iter().flatten().map(|other| self.member(other)) {
                assert_eq!((other.has_all, other.is_counted), (member.has_all, member.is_counted));
                assert_eq!(other.key, member.key);
            }
            assert_eq!(self.at(member.torrent, member.endpoint), Some(id));
            assert!(self.by_age.contains(&(member.announced_secs, id)));
            assert_eq!(self.sources.at(Source::of(member.caller), *in_source as usize), id);
        }
        let lengths = [self.by_endpoint.len(), self.by_age.len(), self.sources.check()];
        assert_eq!(lengths, [self.len(); 3]);
        let members = self.torrents().map(|torrent| torrent.members.len()).sum::<usize>();
        let seeders = self.torrents().map(|torrent| torrent.seeders).sum::<usize>();
        let peers = self.torrents().map(|torrent| torrent.peers).sum::<usize>();
        assert_eq!((members, peers, seeders), (self.len(), self.by_name.len(), self.seeders));
        for (key, torrent) in &self.torrents {
            assert_eq!(self.find(&torrent.info_hash), Some(number(key)));
            assert!(torrent.stays || !torrent.members.is_empty());
            let all = || torrent.members.iter().map(|listed| self.member(listed.member));
            let names = |members: &mut dyn Iterator<Item = &Member>| {
                members.map(|member| member.name).collect::<BTreeSet<_>>().len()
            };
            let seeders = names(&mut all().filter(|member| member.has_all));
            assert_eq!((torrent.peers, torrent.seeders), (names(&mut all()), seeders));
        }
        assert_eq!(self.by_hash.len(), self.torrents.len());
    }
}
