//! `Live`: what a person sees while the peers run: on a terminal one line for each peer that moves, elsewhere a plain line every few
//! seconds. All of it goes to stderr.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use peer_process::console::shown_rate;
use peer_process::layout::FileLayout;
use peer_process::peer_id::PeerId;
use peer_process::stderr;

use crate::out::{self, say};
use crate::watched::{DOWNLOADING, Watched};

/// How often a plain line comes.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The live view of a swarm.
#[derive(Debug)]
pub struct Live {
    layout: FileLayout,
    begun: Instant,
    shown: Instant,
    /// Only on a terminal.
    bars: Option<(MultiProgress, BTreeMap<PeerId, ProgressBar>)>,
}

impl Live {
    /// The view of these peers, in their order; nothing is shown yet.
    pub fn new(layout: FileLayout, peers: impl Iterator<Item = PeerId>) -> Self {
        let bars = io::stderr().is_terminal().then(|| {
            let all = MultiProgress::with_draw_target(stderr::draw_target());
            let style = ProgressStyle::with_template("{prefix} [{bar:8}] {msg}").expect("the template is right");
            let bar = |id: PeerId| {
                let bar = all.add(ProgressBar::new(layout.piece_count().into()));
                bar.set_style(style.clone().progress_chars("=> "));
                bar.set_prefix(id.to_string());
                (id, bar)
            };
            let bars = peers.map(bar).collect();
            (all, bars)
        });
        let now = Instant::now();
        Self { layout, begun: now, shown: now, bars }
    }

    /// Shows the peers as they stand.
    pub fn show(&mut self, peers: &BTreeMap<PeerId, Watched>) {
        if let Some((_, bars)) = &self.bars {
            for (id, peer) in peers {
                let bar = &bars[id];
                bar.set_position(peer.progress.pieces().into());
                // What a narrow terminal does not hold is cut off. There is room left for the ^C that it may show.
                let room = usize::from(out::terminal_width()).saturating_sub(bar.prefix().len() + 14);
                bar.set_message(console::truncate_str(&self.describe(peer), room, "...").into_owned());
            }
        } else if self.shown.elapsed() >= LINE_INTERVAL {
            self.shown = Instant::now();
            say(&self.sum_up(peers));
        }
    }

    /// Takes the lines that move away.
    pub fn finish(&self) {
        if let Some((all, bars)) = &self.bars {
            bars.values().for_each(ProgressBar::finish_and_clear);
            // It is drawn by another thread, so that it cannot fail.
            _ = all.clear();
        }
    }

    /// The most telling first.
    fn describe(&self, peer: &Watched) -> String {
        let all = self.layout.piece_count();
        let pieces = peer.progress.pieces();
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

    /// One line for all peers.
    fn sum_up(&self, peers: &BTreeMap<PeerId, Watched>) -> String {
        let all = self.layout.piece_count();
        let complete = peers.values().filter(|peer| peer.progress.is_complete()).count();
        let ended = peers.values().filter(|peer| peer.has_ended()).count();
        let rate = peers.values().filter_map(Watched::rate).sum();
        let last = peers.values().filter(|peer| !peer.progress.is_complete()).min_by_key(|peer| peer.progress.pieces());
        let last = last.map_or_else(String::new, |peer| {
            let (id, pieces) = (peer.info.id, peer.progress.pieces());
            format!(", peer {id} has {pieces} of {all} pieces, the fewest; {} in all", shown_rate(rate))
        });
        let trouble = peers.values().find_map(|peer| peer.unreachable.as_deref());
        let trouble = trouble.map_or_else(String::new, |trouble| format!("; {trouble}"));
        let secs = self.begun.elapsed().as_secs();
        format!("{secs} s: the file is with {complete} of {} peers, ended: {ended}{last}{trouble}", peers.len())
    }
}

fn listed<'a>(neighbors: impl Iterator<Item = &'a u32>) -> String {
    let list = neighbors.map(ToString::to_string).collect::<Vec<_>>().join(" ");
    if list.is_empty() { "nobody".into() } else { list }
}
