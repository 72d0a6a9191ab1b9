//! `Elsewhere`: the peers that `--here` leaves to others, as the peers of this machine know them.
//!
//! A peer's log tells who was connected and what was announced, no matter who wrote the peer. Our own peers also write a progress
//! file, which has bitfields, and connections that have ended.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use peer_process::config::PeerInfo;
use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::peer_id::PeerId;

use crate::copies::report::{ELSEWHERE, Kind, Row};
use crate::hosts::Program;
use crate::out::named;
use crate::run::neighbors::{self, Neighbor};
use crate::run::peer_options::{PROGRESS_OPTION, of_peer, progress_file};
use crate::run::watched::Watched;
use crate::swarm_dir::{SwarmDir, progress_name};
use crate::words::first_of;

/// Returns the options by which our own peers tell what they know of their neighbors, unless they do it already. None if no peer
/// is elsewhere, or for peers of another author.
pub fn options(swarm: &SwarmDir, program: &Program, given: &[String]) -> Vec<String> {
    let is_needed = matches!(program, Program::Ours(_)) && swarm.elsewhere().next().is_some();
    if !is_needed || progress_file(given).is_some() {
        return Vec::new();
    }
    vec![PROGRESS_OPTION.to_owned(), progress_name("{id}")]
}

/// Returns the view of the peers elsewhere for a run with these options.
pub fn view(swarm: &SwarmDir, options: &[String]) -> Elsewhere {
    let name = progress_file(options);
    Elsewhere::of(swarm, |id| of_peer(name.as_slice(), id).next())
}

/// Returns which peers are started here and which are somebody else's. `None` if all are of this machine.
pub fn sentence(swarm: &SwarmDir) -> Option<String> {
    let own: Vec<_> = swarm.peers.iter().map(|peer| peer.id).collect();
    let others: Vec<_> = swarm.elsewhere().map(|peer| format!("{} on {}", peer.id, peer.host)).collect();
    (!others.is_empty()).then(|| format!("{} here; start elsewhere: {}", named(&own), first_of(&others)))
}

/// The peers on other machines.
#[derive(Debug)]
pub struct Elsewhere {
    layout: FileLayout,
    known: BTreeMap<PeerId, Known>,
    /// The progress file of each peer here.
    files: BTreeMap<PeerId, PathBuf>,
    neighbor_count: usize,
}

/// Whether a peer is connected to one here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Link {
    Never,
    Lost,
    Connected,
}

/// What is known of a peer.
#[derive(Clone, Debug)]
pub struct Known {
    info: PeerInfo,
    link: Link,
    /// Number of its pieces, at least.
    pieces: u32,
    piece_count: u32,
    is_complete: bool,
    /// Whether a progress file has told of a connection to it.
    was_told: bool,
}

impl Elsewhere {
    /// Makes the view of the peers that are not of this machine. Those here may have their progress files under other names.
    pub fn of(swarm: &SwarmDir, names: impl Fn(PeerId) -> Option<String>) -> Self {
        let layout = swarm.common.layout;
        let known = swarm.elsewhere().map(|info| (info.id, Known::of(info, layout))).collect();
        let file = |id: PeerId| swarm.path_of(&names(id).unwrap_or_else(|| progress_name(id)));
        let files = swarm.peers.iter().map(|peer| (peer.id, file(peer.id))).collect();
        Self { layout, known, files, neighbor_count: swarm.listed.len() }
    }

    /// Reports whether all peers are of this machine.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Returns their IDs.
    pub fn ids(&self) -> BTreeSet<PeerId> {
        self.known.keys().copied().collect()
    }

    /// Returns what is known of each.
    pub fn all(&self) -> impl Iterator<Item = &Known> {
        self.known.values()
    }

    /// Takes what the peers here know now.
    pub fn update(&mut self, own: &BTreeMap<PeerId, Watched>) {
        if self.known.is_empty() {
            return;
        }
        // A peer that was not started has a log and a progress file of an earlier run.
        let started = own.iter().filter(|(_, peer)| peer.record.is_some());
        let told: Vec<_> =
            started.map(|(id, peer)| (peer, neighbors::read(&self.files[id], self.neighbor_count))).collect();
        for (id, known) in &mut self.known {
            let number = id.number();
            let views = told.iter().map(|(peer, told)| (peer.announced.of(number), told.get(&number).copied()));
            let ends = told.iter().map(|(peer, _)| peer.has_ended());
            known.see(views.zip(ends).map(|((announced, told), has_ended)| View { announced, told, has_ended }));
        }
    }

    /// Returns the number of those that have the file.
    pub fn complete_count(&self) -> usize {
        self.known.values().filter(|known| known.is_complete).count()
    }

    /// Returns those for which peers with the file wait, such as `1003 (connected, 12 of 40 pieces announced)`. `None` if all were
    /// connected and have the file.
    pub fn waited_for(&self) -> Option<String> {
        self.lacking(|known| format!("{} ({})", known.info.id, known.describe()))
    }

    /// Returns the same without what is known of each.
    pub fn waited_for_ids(&self) -> Option<String> {
        self.lacking(|known| known.info.id.to_string())
    }

    fn lacking(&self, shown: impl Fn(&Known) -> String) -> Option<String> {
        let lacking = self.known.values().filter(|known| !known.is_complete || known.link == Link::Never);
        let lacking: Vec<_> = lacking.map(shown).collect();
        (!lacking.is_empty()).then(|| first_of(&lacking))
    }

    /// Returns their rows for a report.
    pub fn rows(&self, kind: Kind) -> impl Iterator<Item = Row> {
        self.known.values().map(move |known| known.row(kind, self.layout))
    }
}

/// What one peer here knows of a neighbor elsewhere.
#[derive(Clone, Copy)]
struct View {
    /// Number of pieces that its log names, if it was ever connected.
    announced: Option<u32>,
    /// The last words of its progress file.
    told: Option<Neighbor>,
    /// Whether the peer here has exited.
    has_ended: bool,
}

impl Known {
    fn of(info: &PeerInfo, layout: FileLayout) -> Self {
        let piece_count = layout.piece_count();
        let pieces = if info.has_file { piece_count } else { 0 };
        let is_complete = pieces == piece_count;
        Self { info: info.clone(), link: Link::Never, pieces, piece_count, is_complete, was_told: false }
    }

    /// Takes the views of all peers here.
    fn see(&mut self, views: impl Iterator<Item = View>) {
        let mut link = Link::Never;
        for View { announced, told, has_ended } in views {
            self.was_told |= told.is_some_and(|told| told.connected || told.pieces > 0);
            // A log does not tell that a neighbor has left. A progress file is up to a second old, and may not know it yet.
            let is_known = told.is_some_and(|_| self.was_told);
            let is_connected =
                !has_ended && if is_known { told.is_some_and(|told| told.connected) } else { announced.is_some() };
            link = link.max(match (is_connected, announced) {
                (true, _) => Link::Connected,
                (false, Some(_)) => Link::Lost,
                (false, None) => Link::Never,
            });
            // A progress file of the beginning is older than the log.
            self.pieces = self.pieces.max(announced.unwrap_or(0)).max(told.map_or(0, |told| told.pieces));
            self.is_complete |= told.is_some_and(|told| told.complete) || self.pieces >= self.piece_count;
        }
        self.link = link;
    }

    /// Returns its ID.
    pub fn id(&self) -> PeerId {
        self.info.id
    }

    /// Returns the number of its pieces, as far as it is known.
    pub fn pieces(&self) -> u32 {
        self.pieces
    }

    /// Reports whether it has all pieces.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    fn link_words(&self) -> &'static str {
        match self.link {
            Link::Never => "not connected yet",
            Link::Lost => "no longer connected",
            Link::Connected => "connected",
        }
    }

    /// Describes it, such as `connected, 12 of 40 pieces announced`.
    pub fn describe(&self) -> String {
        format!("{}{}", self.link_words(), self.has().map_or_else(String::new, |has| format!(", {has}")))
    }

    /// Returns what it has, unless nothing is known of that.
    fn has(&self) -> Option<String> {
        match self.link {
            _ if self.is_complete => Some("has the file".to_owned()),
            Link::Never => None,
            Link::Lost | Link::Connected => Some(format!("{} of {} pieces announced", self.pieces, self.piece_count)),
        }
    }

    /// Returns its row for a report. The end of a run ends all connections, so the note says only what it has.
    fn row(&self, kind: Kind, layout: FileLayout) -> Row {
        let pieces = (self.link != Link::Never || self.is_complete).then_some(self.pieces);
        let note = match self.link {
            _ if kind != Kind::Start => None,
            Link::Never => Some("was never connected".to_owned()),
            Link::Lost | Link::Connected => self.has(),
        };
        let state = format!("{ELSEWHERE}, {}", self.link_words());
        Row { state, pieces, note, ..Row::elsewhere(&self.info, layout) }
    }
}

#[cfg(test)]
mod tests {
    use peer_process::config::parse_peer_info;

    use super::*;

    const PIECES: u32 = 40;

    fn known(has_file: bool) -> Known {
        let text = format!("1003 lab3 6003 {}\n", u8::from(has_file));
        let info = parse_peer_info(&text).expect("a right line").remove(0);
        Known::of(&info, FileLayout::new(PIECES.into(), 1).expect("a right layout"))
    }

    fn view(announced: Option<u32>, told: Option<(bool, u32)>, has_ended: bool) -> View {
        let told = told.map(|(connected, pieces)| Neighbor::new(1003, connected, pieces, pieces == PIECES));
        View { announced, told, has_ended }
    }

    fn check(has_file: bool, views: &[View], described: &str, note: &str) {
        let mut known = known(has_file);
        known.see(views.iter().copied());
        assert_eq!(known.describe(), described);
        let row = known.row(Kind::Start, FileLayout::new(PIECES.into(), 1).expect("a right layout"));
        assert_eq!((row.note.as_deref(), row.is_elsewhere()), (Some(note), true));
    }

    #[test]
    fn what_the_peers_here_know_of_another_is_put_together() {
        check(false, &[], "not connected yet", "was never connected");
        check(true, &[], "not connected yet, has the file", "was never connected");
        let announced = "12 of 40 pieces announced";
        // By the log alone, as of a peer by another author.
        check(false, &[view(Some(12), None, false)], &format!("connected, {announced}"), announced);
        check(false, &[view(Some(12), None, true)], &format!("no longer connected, {announced}"), announced);
        check(false, &[view(Some(40), None, true)], "no longer connected, has the file", "has the file");
        // The file's first line is from before the connection.
        check(
            false,
            &[view(Some(0), Some((false, 0)), false)],
            "connected, 0 of 40 pieces announced",
            "0 of 40 pieces announced",
        );
        // A bitfield is in no log, and no log says that a connection has ended.
        check(false, &[view(Some(2), Some((true, 12)), false)], &format!("connected, {announced}"), announced);
        check(
            false,
            &[view(Some(2), Some((false, 12)), false)],
            &format!("no longer connected, {announced}"),
            announced,
        );
        check(false, &[view(Some(0), Some((true, 40)), false)], "connected, has the file", "has the file");
        // One of two knows more.
        let both = [view(Some(12), Some((false, 12)), false), view(Some(9), Some((true, 9)), false)];
        check(false, &both, &format!("connected, {announced}"), announced);
        check(
            false,
            &[view(None, Some((false, 0)), false), both[1]],
            "connected, 9 of 40 pieces announced",
            "9 of 40 pieces announced",
        );
    }
}
