//! `Live`: what a person sees while the peers run: on a terminal a line for all peers and one for each that there is room for, those
//! that matter first; elsewhere a plain line every few seconds. All of it goes to stderr.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use peer_process::output::console::shown_rate;
use peer_process::output::stderr;
use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::peer_id::PeerId;

use crate::out::say;
use crate::run::choice::{Concern, Standing, choose};
use crate::run::watched::{DOWNLOADING, Watched};

/// How often a plain line comes.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
/// How often at most the lines on a terminal are drawn.
const DRAW_INTERVAL: Duration = Duration::from_millis(50);
/// How wide a bar is.
const BAR_WIDTH: u64 = 8;
/// How many lines of a terminal are left free.
const FREE_LINES: usize = 1;

/// The live view of a swarm.
#[derive(Debug)]
pub struct Live {
    layout: FileLayout,
    begun: Instant,
    /// When something was shown last, if ever.
    shown: Option<Instant>,
    /// Whether stderr is a terminal on which lines can move.
    draws: bool,
}

impl Live {
    /// The view of a swarm with this file; nothing is shown yet.
    pub fn new(layout: FileLayout) -> Self {
        Self { layout, begun: Instant::now(), shown: None, draws: stderr::draws() }
    }

    /// Shows the peers as they stand.
    pub fn show(&mut self, peers: &BTreeMap<PeerId, Watched>) {
        let interval = if self.draws { DRAW_INTERVAL } else { LINE_INTERVAL };
        let now = Instant::now();
        // A plain line tells nothing before the first interval is over.
        let since = if self.draws { self.shown } else { self.shown.or(Some(self.begun)) };
        if since.is_some_and(|since| now - since < interval) {
            return;
        }
        self.shown = Some(now);
        if self.draws {
            let (columns, rows) = stderr::size();
            stderr::draw(&self.lines(peers, columns.into(), rows.into()));
        } else {
            say(&self.sum_up(peers));
        }
    }

    /// Takes the lines that move away.
    pub fn finish(&self) {
        if self.draws && self.shown.is_some() {
            stderr::draw(&[]);
        }
    }

    /// What is drawn on a terminal of this size.
    fn lines(&self, peers: &BTreeMap<PeerId, Watched>, columns: usize, rows: usize) -> Vec<String> {
        let standings: Vec<_> = peers.values().map(standing).collect();
        let choice = choose(&standings, rows.saturating_sub(1 + FREE_LINES));
        let all: Vec<_> = peers.values().collect();
        let width = peers.keys().map(|id| id.to_string().len()).max().unwrap_or_default();
        let shown = choice.shown.iter().map(|place| {
            let peer = all[*place];
            format!("{:>width$} [{}] {}", peer.info.id, self.bar(peer), self.describe(peer))
        });
        let others = (choice.hidden > 0).then(|| format!("and {} more", choice.hidden));
        let lines = [self.sum_up_shortly(peers, &standings)].into_iter().chain(shown).chain(others);
        // What a narrow terminal does not hold is cut off.
        lines.map(|line| console::truncate_str(&line, columns, "...").into_owned()).collect()
    }

    fn bar(&self, peer: &Watched) -> String {
        let pieces = if peer.is_counted() { u64::from(peer.progress.pieces()) } else { 0 };
        let done = (pieces * BAR_WIDTH).checked_div(self.layout.piece_count().into()).unwrap_or(BAR_WIDTH);
        let mark = |place: u64| match place.cmp(&done) {
            Ordering::Less => '=',
            Ordering::Equal => '>',
            Ordering::Greater => ' ',
        };
        (0..BAR_WIDTH).map(mark).collect()
    }

    /// The most telling first.
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
        // That it downloads is seen.
        let state = peer.state();
        let state = if state == DOWNLOADING { String::new() } else { format!(", {state}") };
        format!("{pieces}/{all} {percent} %{rate}{state}{unchoking}")
    }

    /// One line for all peers, where others tell of each.
    fn sum_up_shortly(&self, peers: &BTreeMap<PeerId, Watched>, standings: &[Standing]) -> String {
        let count = |concern| standings.iter().filter(|standing| standing.concern == concern).count();
        let told = |concern, word: &str| {
            Some(count(concern)).filter(|count| *count > 0).map(|count| format!(", {count} {word}"))
        };
        let failed = told(Concern::Failing, "failed").unwrap_or_default();
        let warning = told(Concern::Warning, "with a warning").unwrap_or_default();
        let rate = shown_rate(peers.values().filter_map(Watched::rate).sum());
        format!("{}{failed}{warning}; {rate} in total{}", self.shares(peers), trouble(peers))
    }

    /// One line for all peers.
    fn sum_up(&self, peers: &BTreeMap<PeerId, Watched>) -> String {
        let all = self.layout.piece_count();
        let rate = peers.values().filter_map(Watched::rate).sum();
        let lacking = peers.values().filter(|peer| peer.is_counted() && !peer.progress.is_complete());
        let last = lacking.min_by_key(|peer| peer.progress.pieces()).map_or_else(String::new, |peer| {
            let (id, pieces) = (peer.info.id, peer.progress.pieces());
            format!(", peer {id} has {pieces} of {all} pieces, the fewest; {} in total", shown_rate(rate))
        });
        format!("{}{last}{}", self.shares(peers), trouble(peers))
    }

    fn shares(&self, peers: &BTreeMap<PeerId, Watched>) -> String {
        let complete = peers.values().filter(|peer| peer.is_counted() && peer.progress.is_complete()).count();
        let ended = peers.values().filter(|peer| peer.has_ended()).count();
        let secs = self.begun.elapsed().as_secs();
        let lost = peers.values().filter(|peer| !peer.is_counted()).count();
        let lost = if lost == 0 { String::new() } else { format!(", {lost} without a log") };
        format!("{secs} s: {complete} of {} peers complete, {ended} ended{lost}", peers.len())
    }
}

/// Why a host cannot be asked, if there is one.
fn trouble(peers: &BTreeMap<PeerId, Watched>) -> String {
    let trouble = peers.values().find_map(|peer| peer.unreachable.as_deref());
    trouble.map_or_else(String::new, |trouble| format!("; {trouble}"))
}

/// How much a peer matters to who watches.
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
