//! How well limits are kept: the average over any 5 s, as the limited peer itself tells it once a second.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::Bench;
use crate::report::{Bar, Figure};
use crate::swarm::{Plan, SEEDER};

/// Bytes a second and the piece sizes of uploads and downloads; a download comes in whole pieces, so they are smaller there.
const RATES: [(u32, u32, u32); 4] = [
    (50_000, 32 << 10, 1 << 10),
    (500_000, 64 << 10, 8 << 10),
    (5_000_000, 64 << 10, 32 << 10),
    (500_000_000, 256 << 10, 256 << 10),
];
/// Over so long a time.
const WINDOW_SECS: f64 = 5.0;

/// The upload of a seeder to one leecher, then the download of a leecher from one seeder.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (rate, upload_piece, download_piece) in RATES {
        // Enough for a look a second before and after the time.
        let file_size = if bench.quick { rate.min(400_000) } else { rate / 2 * 15 };
        let source = bench.source(file_size.into())?;
        let cases = [("upload", "sent_bytes", upload_piece), ("download", "received_bytes", download_piece)];
        for (direction, key, piece_size) in cases {
            let plan = Plan::of(file_size.into(), piece_size, 1);
            let limited = if direction == "upload" { SEEDER } else { SEEDER + 1 };
            let progress = bench.progress_file();
            let options = |id: u32| {
                let limit = [format!("--{direction}-limit"), rate.to_string()];
                let told = ["--progress-json".to_owned(), progress.display().to_string()];
                if id == limited { [limit, told].concat() } else { Vec::new() }
            };
            let mut worst = Vec::new();
            for round in bench.rounds() {
                let place = crate::swarm::Place { options: &options, ..bench.place(&source, round) };
                plan.run_peers(&place)?;
                let text = fs::read_to_string(&progress).context("the progress of the limited peer")?;
                worst.push(worst_average(&text, key, rate.into(), file_size.into())?);
            }
            let limits = vec![f64::from(rate) / 1e6; worst.len()];
            let name = format!("{direction}, {} kB/s: the average over 5 s that is farthest off", rate / 1000);
            let averages: Vec<_> = worst.iter().map(|average| average / 1e6).collect();
            figures.push(Figure::against(name, "MB/s", &averages, &limits).bar(Bar::RatioOffBy(0.05)));
        }
    }
    Ok(figures)
}

/// Of all averages over 5 s that begin and end while bytes flow the one that is farthest from the rate; where it all took less
/// time, the average of what was seen.
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
        // A line comes a little more or less than a second after the one before it.
        if let Some(to) = flowing[place..].iter().find(|to| to.0 - from.0 > WINDOW_SECS - 0.1) {
            averages.push(average(from, to));
        }
    }
    let off = |average: &f64| (average / rate - 1.0).abs();
    let worst = averages.into_iter().max_by(|one, other| off(one).total_cmp(&off(other)));
    let whole = moments.first().zip(moments.last()).context("no progress")?;
    Ok(worst.unwrap_or_else(|| average(whole.0, whole.1)))
}
