//! How well limits are kept: the average over any 5 s, as the limited peer itself reports it once per second.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::Bench;
use crate::report::{Bar, Figure};
use crate::support::relay::Network;
use crate::swarm::{Place, Plan, SEEDER};

/// The time of each average.
const WINDOW_SECS: f64 = 5.0;
/// The rate of the relay; far more than the limit that is measured behind it.
const LINK_RATE: u32 = 50_000_000;

/// One limit, and where it is kept.
struct Case {
    is_upload: bool,
    /// In bytes per second.
    rate: u32,
    piece_size: u32,
    /// The one-way delay of a relay; `None` for loopback without a relay.
    delay: Option<Duration>,
}

/// A download comes in whole pieces, so they must be smaller where it is slow.
const CASES: [Case; 9] = [
    Case { is_upload: true, rate: 50_000, piece_size: 32 << 10, delay: None },
    Case { is_upload: true, rate: 500_000, piece_size: 64 << 10, delay: None },
    Case { is_upload: true, rate: 5_000_000, piece_size: 64 << 10, delay: None },
    Case { is_upload: true, rate: 500_000_000, piece_size: 256 << 10, delay: None },
    Case { is_upload: true, rate: 500_000, piece_size: 32 << 10, delay: Some(Duration::from_millis(20)) },
    Case { is_upload: false, rate: 50_000, piece_size: 1 << 10, delay: None },
    Case { is_upload: false, rate: 500_000, piece_size: 8 << 10, delay: None },
    Case { is_upload: false, rate: 5_000_000, piece_size: 32 << 10, delay: None },
    Case { is_upload: false, rate: 500_000_000, piece_size: 256 << 10, delay: None },
];

/// The upload of a seeder to one leecher, or the download of a leecher from one seeder.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    CASES.iter().map(|case| case.measure(bench)).collect()
}

impl Case {
    fn measure(&self, bench: &Bench) -> Result<Figure> {
        let &Self { is_upload, rate, piece_size, delay } = self;
        // Enough for a look each second before and after the time.
        let file_size = if bench.quick { rate.min(400_000) } else { rate / 2 * 15 };
        let source = bench.source(file_size.into())?;
        let plan = Plan::of(file_size.into(), piece_size, 1);
        let (direction, key, limited) =
            if is_upload { ("upload", "sent_bytes", SEEDER) } else { ("download", "received_bytes", SEEDER + 1) };
        let progress = bench.progress_file();
        let options = |id: u32| {
            let limit = [format!("--{direction}-limit"), rate.to_string()];
            let told = ["--progress-json".to_owned(), progress.display().to_string()];
            if id == limited { [limit, told].concat() } else { Vec::new() }
        };
        let mut worst = Vec::new();
        for round in bench.rounds() {
            let network = delay.map(|delay| Network::new(2, LINK_RATE, delay));
            let place = Place { options: &options, network: network.as_ref(), ..bench.place(&source, round) };
            plan.run_peers(&place)?;
            let text = fs::read_to_string(&progress).context("the progress of the limited peer")?;
            worst.push(worst_average(&text, key, rate.into(), file_size.into())? / 1e6);
        }
        let link = delay.map_or(String::new(), |delay| format!(", {} ms there and back", 2 * delay.as_millis()));
        let name = format!("{direction} of {} kB/s{link}: worst average over 5 s", rate / 1000);
        let limits = vec![f64::from(rate) / 1e6; worst.len()];
        Ok(Figure::against(name, "MB/s", &worst, &limits).bar(Bar::RatioOffBy(0.05)))
    }
}

/// Returns the average that is farthest from the rate, of all averages over 5 s that begin and end while bytes flow. If
/// everything took less time, returns the average of that time.
fn worst_average(text: &str, key: &str, rate: f64, file_size: f64) -> Result<f64> {
    let mut moments = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line)?;
        let bytes = line["neighbors"][0][key].as_f64().context("no bytes in the progress")?;
        moments.push((line["time"].as_f64().context("no time in the progress")?, bytes));
    }
    let flowing: Vec<_> = moments.iter().filter(|(_, bytes)| *bytes > 0.0 && *bytes < file_size).collect();
    let average = |from: &(f64, f64), to: &(f64, f64)| (to.1 - from.1) / (to.0 - from.0);
    let mut averages = Vec::new();
    for (place, from) in flowing.iter().enumerate() {
        // A line comes a little more or less than a second after the previous one.
        if let Some(to) = flowing[place..].iter().find(|to| to.0 - from.0 > WINDOW_SECS - 0.1) {
            averages.push(average(from, to));
        }
    }
    let off = |average: &f64| (average / rate - 1.0).abs();
    let worst = averages.into_iter().max_by(|one, other| off(one).total_cmp(&off(other)));
    let whole = moments.first().zip(moments.last()).context("no progress")?;
    Ok(worst.unwrap_or_else(|| average(whole.0, whole.1)))
}
