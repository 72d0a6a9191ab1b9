//! `Table`: the lines of `PeerInfo.cfg` during an invitation: who has which, and what the file becomes. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use peer_process::config::{PEER_INFO, PeerInfo, plain_host};
use peer_process::protocol::peer_id::{self, PeerId};

use super::line::{Ends, Holder, Line, Number, is_placeholder};
use super::settled::Settled;

/// All lines, and the members.
#[derive(Debug)]
pub struct Table {
    lines: Vec<Line>,
    members: BTreeMap<Number, Ends>,
}

/// Returns the inviter's own lines. They are those in `wanted`, or else those whose host `is_mine` accepts. Otherwise
/// they are those that start with the file and for which `has_copy` reports it here, or else the first line.
///
/// # Errors
/// One sentence if a wanted line is not there, or all lines are the inviter's.
pub fn own_lines(
    peers: &[PeerInfo],
    wanted: &[PeerId],
    is_mine: impl Fn(&str) -> bool,
    has_copy: impl Fn(PeerId) -> bool,
) -> Result<Vec<PeerId>, String> {
    if let Some(unknown) = wanted.iter().find(|id| peers.iter().all(|peer| peer.id != **id)) {
        return Err(format!("--id '{unknown}' is not in {PEER_INFO}; it lists {}", listed(peers)));
    }
    let those = |accepts: &dyn Fn(&PeerInfo) -> bool| -> Vec<PeerId> {
        peers.iter().filter(|peer| accepts(peer)).map(|peer| peer.id).collect()
    };
    let mut own = those(&|peer| wanted.contains(&peer.id));
    if own.is_empty() {
        own = those(&|peer| !is_placeholder(&peer.host) && is_mine(&peer.host));
    }
    if own.is_empty() {
        own = those(&|peer| peer.has_file && has_copy(peer.id));
    }
    if own.is_empty() {
        own = peers.iter().take(1).map(|peer| peer.id).collect();
    }
    if own.len() == peers.len() {
        let all = if own.len() == 1 { "the only line" } else { "each line" };
        return Err(format!("{all} of {PEER_INFO} is this machine's, so nobody could join; --id says which are"));
    }
    Ok(own)
}

fn listed(peers: &[PeerInfo]) -> String {
    peer_id::list(&peers.iter().map(|peer| peer.id).collect::<Vec<_>>())
}

impl Table {
    /// Returns the table of an invitation that begins.
    pub fn new(peers: &[PeerInfo], own: &[PeerId]) -> Self {
        let line = |peer: &PeerInfo| Line {
            peer: peer.clone(),
            holder: if own.contains(&peer.id) { Holder::Inviter } else { Holder::Nobody },
            last: None,
        };
        Self { lines: peers.iter().map(line).collect(), members: BTreeMap::new() }
    }

    /// Gives lines to a member: those that it wants, all or none. If any will do, it gets one: the line that it had before, the
    /// line whose host is its address, or the first free one.
    ///
    /// # Errors
    /// One sentence if it gets none.
    pub fn take(&mut self, member: Number, ends: Ends, wanted: &[PeerId]) -> Result<Vec<PeerId>, String> {
        if wanted.is_empty() {
            let place = self.free_for(ends.member).ok_or("all lines are taken")?;
            self.give(&[place], member, ends);
            return Ok(vec![self.lines[place].peer.id]);
        }
        let mut places = BTreeSet::new();
        for id in wanted {
            places.insert(self.place_if_free(*id)?);
        }
        let places: Vec<_> = places.into_iter().collect();
        self.give(&places, member, ends);
        Ok(places.into_iter().map(|place| self.lines[place].peer.id).collect())
    }

    fn free_for(&self, address: IpAddr) -> Option<usize> {
        let is_at = |line: &Line| plain_host(&line.peer.host).parse::<IpAddr>().is_ok_and(|ip| ip == address);
        let free = || self.lines.iter().enumerate().filter(|(_, line)| line.holder == Holder::Nobody);
        let had = free().find(|(_, line)| line.last == Some(address));
        // All programs of this machine have the same address.
        let had = had.filter(|_| !address.is_loopback());
        had.or_else(|| free().find(|(_, line)| is_at(line))).or_else(|| free().next()).map(|(place, _)| place)
    }

    fn place_if_free(&self, id: PeerId) -> Result<usize, String> {
        let free = match self.free().as_slice() {
            [] => "no line is free".to_owned(),
            [one] => format!("{one} is free"),
            more => format!("{} are free", peer_id::list(more)),
        };
        let Some(place) = self.lines.iter().position(|line| line.peer.id == id) else {
            return Err(format!("{PEER_INFO} has no peer {id}; {free}"));
        };
        match self.lines[place].holder {
            Holder::Nobody => Ok(place),
            Holder::Inviter => Err(format!("{id} is the inviter's own line; {free}")),
            Holder::Member(other) => {
                let address = self.members.get(&other).map_or_else(|| "another".into(), |ends| ends.member.to_string());
                Err(format!("{id} is taken by {address}; {free}"))
            }
        }
    }

    fn give(&mut self, places: &[usize], member: Number, ends: Ends) {
        for place in places {
            let line = &mut self.lines[*place];
            (line.holder, line.last) = (Holder::Member(member), Some(ends.member));
        }
        self.members.insert(member, ends);
    }

    /// Takes the lines of a member that has gone; returns them.
    pub fn leave(&mut self, member: Number) -> Vec<PeerId> {
        let lines = self.of(member);
        for line in self.lines.iter_mut().filter(|line| line.holder == Holder::Member(member)) {
            line.holder = Holder::Nobody;
        }
        self.members.remove(&member);
        lines
    }

    /// Returns the lines of a member.
    pub fn of(&self, member: Number) -> Vec<PeerId> {
        self.held_by(Holder::Member(member))
    }

    /// Returns the lines that nobody has taken.
    pub fn free(&self) -> Vec<PeerId> {
        self.held_by(Holder::Nobody)
    }

    fn held_by(&self, holder: Holder) -> Vec<PeerId> {
        self.lines.iter().filter(|line| line.holder == holder).map(|line| line.peer.id).collect()
    }

    /// Returns the numbers of the members.
    pub fn members(&self) -> impl Iterator<Item = Number> {
        self.members.keys().copied()
    }

    /// Returns what the file becomes if the invitation ends now. Lines that nobody has taken stay, unless `ends` is set and their
    /// host is a placeholder.
    pub fn settle(&self, ends: bool) -> Settled {
        Settled::of(&self.lines, &self.members, ends)
    }
}

#[cfg(test)]
mod tests {
    use peer_process::config::parse_peer_info;

    use super::*;

    fn ids(numbers: &[u32]) -> Vec<PeerId> {
        numbers.iter().filter_map(|number| PeerId::new(*number)).collect()
    }

    fn ends(member: &str) -> Ends {
        Ends { member: member.parse().expect("an address"), inviter: "10.0.0.1".parse().expect("an address") }
    }

    fn table() -> Table {
        let text = "1001 localhost 6001 1\n1002 localhost 6002 0\n1003 10.0.0.3 6003 0\n1004 mona 6004 0\n";
        Table::new(&parse_peer_info(text).expect("it is right"), &ids(&[1001]))
    }

    #[test]
    fn the_inviter_has_what_it_says_or_what_is_here() {
        let text = "1001 localhost 6001 0\n1002 mona 6002 1\n1003 lisa 6003 1\n";
        let peers = parse_peer_info(text).expect("it is right");
        let own = |wanted: &[u32], mine: &str, copies: &[u32]| {
            let has_copy = |id: PeerId| copies.contains(&id.number());
            own_lines(&peers, &ids(wanted), |host| host == mine || host == "localhost", has_copy)
        };
        assert_eq!(own(&[1003, 1001], "mona", &[1002]), Ok(ids(&[1001, 1003])));
        assert_eq!(own(&[], "mona", &[1003]), Ok(ids(&[1002])));
        assert_eq!(own(&[], "", &[1003, 1001]), Ok(ids(&[1003])));
        assert_eq!(own(&[], "", &[1001]), Ok(ids(&[1001])));
        let unknown = "--id '7' is not in PeerInfo.cfg; it lists 1001, 1002, 1003";
        assert_eq!(own(&[7], "", &[]), Err(unknown.into()));
        let all = "each line of PeerInfo.cfg is this machine's, so nobody could join; --id says which are";
        assert_eq!(own(&[1001, 1002, 1003], "", &[]), Err(all.into()));
    }

    #[test]
    fn a_member_gets_its_old_line_or_that_of_its_address_or_the_first_free_one() {
        let mut table = table();
        assert_eq!(table.take(1, ends("10.0.0.9"), &[]), Ok(ids(&[1002])));
        assert_eq!(table.take(2, ends("10.0.0.3"), &[]), Ok(ids(&[1003])));
        assert_eq!(table.take(3, ends("10.0.0.8"), &[]), Ok(ids(&[1004])));
        assert_eq!(table.take(4, ends("10.0.0.7"), &[]), Err("all lines are taken".into()));
        assert_eq!((table.leave(1), table.leave(3)), (ids(&[1002]), ids(&[1004])));
        assert_eq!(table.free(), ids(&[1002, 1004]));
        assert_eq!(table.take(5, ends("10.0.0.8"), &[]), Ok(ids(&[1004])));
        assert_eq!(table.take(6, ends("10.0.0.6"), &[]), Ok(ids(&[1002])));
        assert_eq!(table.members().collect::<Vec<_>>(), [2, 5, 6]);
    }

    #[test]
    fn what_a_member_wants_it_gets_whole_or_not_at_all() {
        let mut table = table();
        assert_eq!(table.take(1, ends("10.0.0.9"), &ids(&[1004, 1002, 1004])), Ok(ids(&[1002, 1004])));
        for (wanted, why) in [
            (&[1003, 1004], "1004 is taken by 10.0.0.9; 1003 is free"),
            (&[1001, 1003], "1001 is the inviter's own line; 1003 is free"),
            (&[1003, 1009], "PeerInfo.cfg has no peer 1009; 1003 is free"),
        ] {
            assert_eq!(table.take(2, ends("10.0.0.8"), &ids(wanted)), Err(why.into()));
        }
        assert_eq!(table.free(), ids(&[1003]));
        assert_eq!(table.take(2, ends("10.0.0.8"), &ids(&[1003])), Ok(ids(&[1003])));
        assert_eq!(
            table.take(3, ends("10.0.0.7"), &ids(&[1002])),
            Err("1002 is taken by 10.0.0.9; no line is free".into())
        );
    }

    #[test]
    fn programs_on_the_inviter_s_machine_are_different_members() {
        let mut table = table();
        assert_eq!(table.take(1, ends("127.0.0.1"), &[]), Ok(ids(&[1002])));
        assert_eq!(table.take(2, ends("127.0.0.1"), &[]), Ok(ids(&[1003])));
    }
}
