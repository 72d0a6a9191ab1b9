//! `Parting`: what keeps a peer in an open swarm after its file is complete, and the sentences about it.
//!
//! `Peer` knows whether its members are complete. This adds what trackers count, and what the user wants.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::output::console::counted;
use crate::peer::{Holding, NeighborView};

/// Minimum time from the moment when nothing holds this peer any more. Trackers hear first that its file is complete.
const SETTLING: Duration = Duration::from_millis(500);
/// Maximum number of members that a sentence names.
const MOST_NAMED: usize = 5;

/// The user's wishes for the end of a peer in an open swarm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stay {
    /// Minimum number of members that must have been seen, this peer included.
    pub least: usize,
    /// How long to stay when nothing else holds this peer.
    pub linger: Duration,
    /// Whether to stay until a signal comes.
    pub forever: bool,
}

/// What a tracker says about peers without the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Count {
    /// It has not answered yet, and has not failed either.
    Awaited,
    /// It cannot be reached, or does not say.
    Unknown,
    /// Number of peers without the complete file.
    Leechers(u32),
}

/// Decides whether something besides the members holds this peer.
#[derive(Debug)]
pub struct Parting {
    stay: Stay,
    /// By the place of the tracker on the command line.
    counts: BTreeMap<usize, (String, Count)>,
    /// The time since when nothing else holds this peer.
    free_since: Option<Instant>,
}

/// The present state: whether this peer is held, and why it stays, in a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whether something besides the members holds it.
    pub held: bool,
    /// Whether only the trackers' counts hold it.
    pub awaits_counts: bool,
    /// Whether too few members have come.
    pub lacks_members: bool,
    /// Whether it has the file and stays until a signal comes.
    pub stays_for_good: bool,
    /// What is waited for; `None` while its own file is not complete.
    pub sentence: Option<String>,
}

impl Parting {
    /// Starts without trackers.
    pub fn new(stay: Stay) -> Self {
        Self { stay, counts: BTreeMap::new(), free_since: None }
    }

    /// Adds trackers by their names, which may be the same. They have not answered yet.
    pub fn await_trackers(&mut self, names: impl IntoIterator<Item = String>) {
        self.counts = (0..).zip(names.into_iter().map(|name| (name, Count::Awaited))).collect();
    }

    /// Takes a tracker's count of peers without the complete file; `None` is unknown.
    pub fn counted(&mut self, tracker: usize, leechers: Option<u32>) {
        if let Some((_, count)) = self.counts.get_mut(&tracker) {
            *count = leechers.map_or(Count::Unknown, Count::Leechers);
        }
    }

    /// Returns a tracker that answers and counts.
    pub fn counting(&self) -> Option<&str> {
        let mut counting = self.counts.values().filter(|(_, count)| matches!(count, Count::Leechers(_)));
        counting.next().map(|(tracker, _)| tracker.as_str())
    }

    /// Returns since when all members have the file, as far as this peer and the trackers know.
    pub const fn free_since(&self) -> Option<Instant> {
        self.free_since
    }

    /// Decides, given what the peer itself waits for, its members, and the number of pieces of the file.
    pub fn look(
        &mut self,
        now: Instant,
        holding: Holding,
        members: impl Iterator<Item = NeighborView>,
        piece_count: u32,
    ) -> Verdict {
        let of_trackers = self.counts.values().find_map(|(tracker, count)| match count {
            Count::Awaited => Some(format!("staying until the tracker {tracker} answers")),
            Count::Leechers(leechers @ 1..) => {
                let peers = counted(*leechers, "peer");
                Some(format!("staying because the tracker {tracker} counts {peers} without the complete file"))
            }
            Count::Unknown | Count::Leechers(0) => None,
        });
        let is_free = holding == Holding::Nothing && of_trackers.is_none();
        self.free_since = if is_free { self.free_since.or(Some(now)) } else { None };
        let ends = |stay: Duration| self.free_since.is_some_and(|since| since + stay <= now);
        let lingers = is_free && !ends(self.stay.linger);
        let settles = is_free && !self.counts.is_empty() && !ends(SETTLING);
        let sentence = match holding {
            Holding::OwnFile => None,
            _ if self.stay.forever => Some("staying until it is stopped (--forever)".to_owned()),
            Holding::Members => Some(format!("staying for {}", incomplete(members, piece_count))),
            Holding::MembersSeen(seen) => {
                let came = match seen - 1 {
                    0 => "nobody has come".to_owned(),
                    1 => "1 has come".to_owned(),
                    others => format!("{others} have come"),
                };
                let wanted = counted(self.stay.least - 1, "other member");
                let have = if self.stay.least == 2 { "has" } else { "have" };
                let least = self.stay.least;
                Some(format!("staying until {wanted} {have} come (--min-peers is {least}); so far {came}"))
            }
            Holding::Nothing if of_trackers.is_some() => of_trackers.clone(),
            // Not the time that is left, which changes all the time.
            Holding::Nothing => lingers
                .then(|| format!("staying for {} s after all have the file (--linger)", self.stay.linger.as_secs())),
        };
        Verdict {
            held: self.stay.forever || of_trackers.is_some() || !is_free || lingers || settles,
            lacks_members: matches!(holding, Holding::MembersSeen(_)),
            stays_for_good: holding != Holding::OwnFile && self.stay.forever,
            awaits_counts: holding == Holding::Nothing && of_trackers.is_some() && !self.stay.forever,
            sentence,
        }
    }
}

/// Returns `1003 (has 5 pieces), 1004 (has 0 pieces and is not connected)`: the members that lack pieces.
fn incomplete(members: impl Iterator<Item = NeighborView>, piece_count: u32) -> String {
    let lacking: Vec<_> = members.filter(|member| !member.complete).collect();
    let mut text = String::new();
    for (place, member) in lacking.iter().take(MOST_NAMED).enumerate() {
        let comma = if place > 0 { ", " } else { "" };
        let gone = if member.connected { "" } else { " and is not connected" };
        let pieces = match member.piece_count {
            // During a contest, a neighbor does not count as complete.
            all if all == piece_count => "all pieces, but two connections claim to be its".to_owned(),
            some => counted(some, "piece"),
        };
        write!(text, "{comma}{} (has {pieces}{gone})", member.id).expect("text takes everything");
    }
    if let more @ 1.. = lacking.len().saturating_sub(MOST_NAMED) {
        write!(text, " and {more} more").expect("text takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::peer_id::PeerId;

    const STAY: Stay = Stay { least: 2, linger: Duration::ZERO, forever: false };

    fn parting(stay: Stay) -> Parting {
        let mut parting = Parting::new(stay);
        parting.await_trackers(["http://t/announce".to_owned()]);
        parting
    }

    fn member(number: u32, piece_count: u32, connected: bool) -> NeighborView {
        NeighborView {
            id: PeerId::new(number).expect("a positive number"),
            connected,
            piece_count,
            complete: false,
            they_choke_us: true,
            we_choke_them: true,
            they_are_interested: false,
            we_are_interested: false,
            asked_while_choked: 0,
            requested: None,
        }
    }

    #[track_caller]
    fn check(parting: &mut Parting, now: Instant, holding: Holding, held: bool, sentence: Option<&str>) {
        let members = [member(1003, 1, true), member(1004, 0, false)];
        let verdict = parting.look(now, holding, members.into_iter(), 9);
        assert_eq!((verdict.held, verdict.sentence.as_deref()), (held, sentence));
    }

    #[test]
    fn a_peer_stays_while_a_tracker_counts_peers_without_the_file_and_goes_if_it_cannot_be_asked() {
        let (mut parting, now) = (parting(STAY), Instant::now());
        let nothing = Holding::Nothing;
        check(&mut parting, now, nothing, true, Some("staying until the tracker http://t/announce answers"));
        assert!(parting.look(now, nothing, [].into_iter(), 9).awaits_counts);
        assert_eq!(parting.counting(), None);
        parting.counted(0, Some(1));
        assert_eq!(parting.counting(), Some("http://t/announce"));
        let one = "staying because the tracker http://t/announce counts 1 peer without the complete file";
        check(&mut parting, now, nothing, true, Some(one));
        parting.counted(1, Some(7));
        parting.counted(0, Some(0));
        check(&mut parting, now, nothing, true, None);
        let now = now + SETTLING;
        check(&mut parting, now, nothing, false, None);
        parting.counted(0, Some(2));
        parting.counted(0, None);
        check(&mut parting, now, nothing, false, None);
        assert!(!parting.look(now, nothing, [].into_iter(), 9).awaits_counts);
    }

    #[test]
    fn the_time_to_linger_begins_again_if_somebody_comes() {
        let mut parting = Parting::new(Stay { linger: Duration::from_secs(10), ..STAY });
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let lingers = Some("staying for 10 s after all have the file (--linger)");
        check(&mut parting, at(0), Holding::Nothing, true, lingers);
        check(&mut parting, at(9), Holding::Nothing, true, lingers);
        let waits = Some("staying for 1003 (has 1 piece), 1004 (has 0 pieces and is not connected)");
        check(&mut parting, at(9), Holding::Members, true, waits);
        check(&mut parting, at(11), Holding::Nothing, true, lingers);
        check(&mut parting, at(21), Holding::Nothing, false, None);
        assert_eq!(parting.free_since(), Some(at(11)));
    }

    #[test]
    fn each_condition_has_its_sentence() {
        let mut parting = Parting::new(Stay { least: 3, ..STAY });
        let now = Instant::now();
        check(&mut parting, now, Holding::OwnFile, true, None);
        let none = "staying until 2 other members have come (--min-peers is 3); so far nobody has come";
        check(&mut parting, now, Holding::MembersSeen(1), true, Some(none));
        let one = "staying until 2 other members have come (--min-peers is 3); so far 1 has come";
        check(&mut parting, now, Holding::MembersSeen(2), true, Some(one));
        let mut parting = Parting::new(Stay { forever: true, ..STAY });
        let forever = Some("staying until it is stopped (--forever)");
        check(&mut parting, now, Holding::Nothing, true, forever);
    }

    #[test]
    fn a_sentence_names_a_few_members() {
        let members = (1..=8).map(|number| member(number, 0, true));
        assert!(incomplete(members, 9).ends_with("5 (has 0 pieces) and 3 more"));
    }
}
