//! `Live`: the display while the peers run. It goes to stderr.
//!
//! A terminal shows a line for all peers, and a line for each peer, the most urgent first, as far as there is room. Elsewhere
//! there is a plain line every few seconds.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use peer_process::output::console::shown_rate;
use peer_process::output::stderr;
use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::peer_id::PeerId;

use crate::copies::report::ELSEWHERE;
use crate::out::say;
use crate::run::choice::{Concern, Standing, choose};
use crate::run::elsewhere::Elsewhere;
use crate::run::watched::{DOWNLOADING, Watched};

/// Time between two plain lines.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
/// Minimum time between two drawings on a terminal.
const DRAW_INTERVAL: Duration = Duration::from_millis(50);
/// Number of columns of a bar.
const BAR_WIDTH: u64 = 8;
/// Number of lines of a terminal that stay free.
const FREE_LINES: usize = 1;

/// The live view of a swarm.
#[derive(Debug)]
pub struct Live {
    layout: FileLayout,
    /// The peers that are somebody else's.
    elsewhere: Elsewhere,
    begun: Instant,
    /// When it was last shown, if ever.
    shown: Option<Instant>,
    /// Whether stderr is a terminal on which lines can move.
    draws: bool,
}

impl Live {
    /// Makes the view of a swarm with this file. It shows nothing yet.
    pub fn new(layout: FileLayout, elsewhere: Elsewhere) -> Self {
        Self { layout, elsewhere, begun: Instant::now(), shown: None, draws: stderr::draws() }
    }

    /// Shows the present state of the peers.
    pub fn show(&mut self, peers: &BTreeMap<PeerId, Watched>) {
        let interval = if self.draws { DRAW_INTERVAL } else { LINE_INTERVAL };
        let now = Instant::now();
        // There is no plain line before the first interval is over.
        let since = if self.draws { self.shown } else { self.shown.or(Some(self.begun)) };
        if since.is_some_and(|since| now - since < interval) {
            return;
        }
        self.shown = Some(now);
        self.elsewhere.update(peers);
        if self.draws {
            let (columns, rows) = stderr::size();
            stderr::draw(&self.lines(peers, columns.into(), rows.into()));
        } else {
            say(&self.sum_up(peers));
        }
    }

    /// Removes the lines that move. Returns what is known of the peers elsewhere.
    pub fn finish(self) -> Elsewhere {
        if self.draws && self.shown.is_some() {
            stderr::draw(&[]);
        }
        self.elsewhere
    }

    /// Returns the lines for a terminal of this size.
    fn lines(&self, peers: &BTreeMap<PeerId, Watched>, columns: usize, rows: usize) -> Vec<String> {
        let own = peers.values().map(|peer| (peer.info.id, standing(peer), self.bar(peer), self.describe(peer)));
        let others = self.elsewhere.all().map(|known| {
            let concern = if known.is_complete() { Concern::Well } else { Concern::Behind };
            let standing = Standing { concern, pieces: known.pieces() };
            (known.id(), standing, self.bar_of(known.pieces()), format!("{ELSEWHERE}, {}", known.describe()))
        });
        let mut all: Vec<_> = own.chain(others).collect();
        all.sort_by_key(|(id, ..)| *id);
        let standings: Vec<_> = all.iter().map(|(_, standing, ..)| *standing).collect();
        let choice = choose(&standings, rows.saturating_sub(1 + FREE_LINES));
        let width = all.iter().map(|(id, ..)| id.to_string().len()).max().unwrap_or_default();
        let shown = choice.shown.iter().map(|place| {
            let (id, _, bar, described) = &all[*place];
            format!("{id:>width$} [{bar}] {described}")
        });
        let others = (choice.hidden > 0).then(|| format!("and {} more", choice.hidden));
        let lines = [self.sum_up_shortly(peers, &standings)].into_iter().chain(shown).chain(others);
        // A narrow terminal cuts lines off.
        lines.map(|line| console::truncate_str(&line, columns, "...").into_owned()).collect()
    }

    fn bar(&self, peer: &Watched) -> String {
        self.bar_of(if peer.is_counted() { peer.progress.pieces() } else { 0 })
    }

    fn bar_of(&self, pieces: u32) -> String {
        let done = (u64::from(pieces) * BAR_WIDTH).checked_div(self.layout.piece_count().into()).unwrap_or(BAR_WIDTH);
        let mark = |place: u64| match place.cmp(&done) {
            Ordering::Less => '=',
            Ordering::Equal => '>',
            Ordering::Greater => ' ',
        };
        (0..BAR_WIDTH).map(mark).collect()
    }

    /// Describes a peer, the most important first.
    fn describe(&self, peer: &Watched) -> String {
        let all = self.layout.piece_count();
        let pieces = peer.progress.pieces();
        if !peer.is_counted() {
            return format!("{}, no log found", peer.state());
        }
        let percent = if all == 0 { 100 } else { u64::from(pieces) * 100 / u64::from(all) };
        let rate = peer.rate().map_or_else(String::new, |rate| format!(", {}", shown_rate(rate)));
        let unchoking = if peer.has_ended() {
            String::new()
        } else if peer.progress.is_complete() {
            format!(", unchokes {}", listed(peer.progress.unchokes().iter()))
        } else {
            format!(", unchoked by {}", listed(peer.progress.unchoked_by().iter()))
        };
        // The rate already shows that it downloads.
        let state = peer.state();
        let state = if state == DOWNLOADING { String::new() } else { format!(", {state}") };
        format!("{pieces}/{all} {percent} %{rate}{state}{unchoking}")
    }

    /// Returns a line for all peers, above the lines for each.
    fn sum_up_shortly(&self, peers: &BTreeMap<PeerId, Watched>, standings: &[Standing]) -> String {
        let count = |concern| standings.iter().filter(|standing| standing.concern == concern).count();
        let told = |concern, word: &str| {
            Some(count(concern)).filter(|count| *count > 0).map(|count| format!(", {count} {word}"))
        };
        let failed = told(Concern::Failing, "failed").unwrap_or_default();
        let warning = told(Concern::Warning, "with a warning").unwrap_or_default();
        let rate = shown_rate(peers.values().filter_map(Watched::rate).sum());
        // The lines below tell more of those.
        let waiting = self.waiting(peers, Elsewhere::waited_for_ids);
        format!("{}{failed}{warning}{waiting}; {rate} in total{}", self.shares(peers), trouble(peers))
    }

    /// Returns a line for all peers, without lines for each.
    fn sum_up(&self, peers: &BTreeMap<PeerId, Watched>) -> String {
        let all = self.layout.piece_count();
        let rate = peers.values().filter_map(Watched::rate).sum();
        let lacking = peers.values().filter(|peer| peer.is_counted() && !peer.progress.is_complete());
        let last = lacking.min_by_key(|peer| peer.progress.pieces()).map_or_else(String::new, |peer| {
            let (id, pieces) = (peer.info.id, peer.progress.pieces());
            format!(", peer {id} has {pieces} of {all} pieces, the fewest; {} in total", shown_rate(rate))
        });
        format!("{}{last}{}{}", self.shares(peers), self.waiting(peers, Elsewhere::waited_for), trouble(peers))
    }

    /// Returns for whom the peers here wait, if all of them have the file and some still run.
    fn waiting(&self, peers: &BTreeMap<PeerId, Watched>, whom: fn(&Elsewhere) -> Option<String>) -> String {
        let is_waiting = peers.values().all(|peer| peer.is_counted() && peer.progress.is_complete())
            && peers.values().any(|peer| !peer.has_ended());
        let waited_for = whom(&self.elsewhere).filter(|_| is_waiting);
        waited_for.map_or_else(String::new, |peers| format!("; waiting for {peers}"))
    }

    fn shares(&self, peers: &BTreeMap<PeerId, Watched>) -> String {
        let complete = peers.values().filter(|peer| peer.is_counted() && peer.progress.is_complete()).count();
        let ended = peers.values().filter(|peer| peer.has_ended()).count();
        let secs = self.begun.elapsed().as_secs();
        let lost = peers.values().filter(|peer| !peer.is_counted()).count();
        let lost = if lost == 0 { String::new() } else { format!(", {lost} without a log") };
        if self.elsewhere.is_empty() {
            return format!("{secs} s: {complete} of {} peers complete, {ended} exited{lost}", peers.len());
        }
        let (known, others) = (self.elsewhere.complete_count(), self.elsewhere.all().count());
        format!(
            "{secs} s: here {complete} of {} peers complete, {ended} exited{lost}; elsewhere {known} of {others} complete",
            peers.len()
        )
    }
}

/// Returns the reason why a host cannot be reached, if there is such a host.
fn trouble(peers: &BTreeMap<PeerId, Watched>) -> String {
    let trouble = peers.values().find_map(|peer| peer.unreachable.as_deref());
    trouble.map_or_else(String::new, |trouble| format!("; {trouble}"))
}

/// Returns how much a peer needs attention.
fn standing(peer: &Watched) -> Standing {
    let well = peer.status() == Some(0);
    let concern = if peer.unreachable.is_some() || peer.has_failed() {
        Concern::Failing
    } else if peer.warnings.worst(well || peer.progress.is_complete()).is_some() {
        Concern::Warning
    } else if well || peer.progress.is_complete() {
        Concern::Well
    } else {
        Concern::Behind
    };
    Standing { concern, pieces: peer.progress.pieces() }
}

fn listed<'a>(neighbors: impl Iterator<Item = &'a u32>) -> String {
    let list = neighbors.map(ToString::to_string).collect::<Vec<_>>().join(" ");
    if list.is_empty() { "nobody".into() } else { list }
}
