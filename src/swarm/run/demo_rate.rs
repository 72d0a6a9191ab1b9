//! `--demo-rate`: the upload limit of each peer. On one machine a swarm finishes too quickly to watch choking without it.
//! Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use indicatif::DecimalBytes;
use peer_process::limits::Rate;
use peer_process::protocol::peer_id::PeerId;

use crate::cli::StartArgs;
use crate::fault::Usage;
use crate::swarm_dir::SwarmDir;

/// The option of our peers that sets the limit.
pub const LIMIT_OPTION: &str = "--upload-limit";
/// Approximate number of unchoking intervals that a run lasts.
const INTERVALS: u128 = 10;
/// The default of `--request-timeout`: after it a peer requests a piece from another neighbor.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Returns the limit of each peer; none without `--demo-rate`.
///
/// # Errors
/// When the peers are foreign ones, which have no such limit, or their options have another limit.
pub fn limits(args: &StartArgs, swarm: &SwarmDir) -> Result<BTreeMap<PeerId, Rate>> {
    let Some(asked) = args.demo_rate else { return Ok(BTreeMap::new()) };
    if args.peer_command.is_some() {
        let why = "it needs an option of our own peer_process";
        return Err(Usage::error(format!("--demo-rate cannot be used with --peer-command: {why}")));
    }
    if args.peer_options.iter().any(|option| option.split('=').next() == Some(LIMIT_OPTION)) {
        let why = "it sets that option for each peer";
        return Err(Usage::error(format!("--demo-rate cannot be used with {LIMIT_OPTION} after '--': {why}")));
    }
    let are_seeders: Vec<_> = swarm.listed.iter().map(|peer| peer.has_file).collect();
    let rate = asked.unwrap_or_else(|| {
        rate_for(&are_seeders, swarm.common.layout.file_size(), swarm.common.unchoking_interval_secs)
    });
    Ok(swarm.listed.iter().map(|peer| peer.id).zip(shares(&are_seeders, rate)).collect())
}

/// Returns the limits in a sentence, in the order of `PeerInfo.cfg`.
pub fn sentence(limits: &BTreeMap<PeerId, Rate>, swarm: &SwarmDir) -> String {
    let limited = swarm.peers.iter().filter_map(|peer| limits.get_key_value(&peer.id));
    let shown = limited.map(|(id, rate)| format!("{id}: {}/s", DecimalBytes(rate.bytes_per_second())));
    format!("peers send at most {}", shown.collect::<Vec<_>>().join(", "))
}

/// Returns a warning if the slowest peer is so slow that its neighbors request a piece from others in vain.
pub fn warning(limits: &BTreeMap<PeerId, Rate>, swarm: &SwarmDir) -> Option<String> {
    let slowest = limits.values().min_by_key(|rate| rate.bytes_per_second())?;
    let unchoked_count = u64::from(swarm.common.preferred_count).saturating_add(1).min(limits.len() as u64 - 1);
    let piece_size = u64::from(swarm.common.layout.piece_size()).min(swarm.common.layout.file_size());
    let time = slowest.time_of(piece_size.saturating_mul(unchoked_count));
    let secs = time.as_secs();
    (time >= REQUEST_TIMEOUT).then(|| {
        format!(
            "the slowest peer may take {secs} s for a piece, but after {} s its neighbors request it from others; use a \
             higher rate or smaller pieces",
            REQUEST_TIMEOUT.as_secs()
        )
    })
}

/// Returns a tip for a command line with a blank between the option and its value, where the value counts as a directory.
pub fn tip(words: &[String]) -> Option<String> {
    let own = words.split(|word| word == "--").next().unwrap_or_default();
    own.windows(2).filter(|pair| pair[0] == "--demo-rate").find_map(|pair| tip_for(&pair[1]))
}

/// Returns the tip if this word, which stands for a directory, is a rate.
pub fn tip_for(word: &str) -> Option<String> {
    word.parse::<Rate>().ok().map(|_| format!("a rate needs '=': --demo-rate={word}"))
}

/// Returns the rate of a seeder with which the run lasts about [`INTERVALS`], if each peer always sends as much as it may.
///
/// n leechers need n files. They get `s * rate` from s seeders, and `rate * (1 + ... + n) / n` from each other. A single
/// leecher sends to nobody.
fn rate_for(are_seeders: &[bool], file_size: u64, interval_secs: u32) -> Rate {
    let count_of = |seeders: bool| are_seeders.iter().filter(|is_seeder| **is_seeder == seeders).count() as u128;
    let (seeders, leechers) = (count_of(true), count_of(false));
    // Both sides of the fraction twice, since 1 + ... + n is n * (n + 1) / 2. With fewer than 2^32 peers nothing overflows.
    let needed = 2 * leechers * u128::from(file_size);
    let from_each_other = if leechers == 1 { 0 } else { leechers + 1 };
    let sent = (2 * seeders + from_each_other).max(1);
    let rate = needed / (INTERVALS * u128::from(interval_secs) * sent);
    at_least_one(rate)
}

/// Returns the limits. A seeder's limit is the rate itself, and the limit of the i-th of n leechers is i/n of it. Peers that
/// choose by rate need different rates.
fn shares(are_seeders: &[bool], rate: Rate) -> Vec<Rate> {
    let leechers = are_seeders.iter().filter(|is_seeder| !**is_seeder).count() as u128;
    let mut place = 0;
    let share = |is_seeder: &bool| {
        if *is_seeder {
            return rate;
        }
        place += 1;
        at_least_one(u128::from(rate.bytes_per_second()) * place / leechers)
    };
    are_seeders.iter().map(share).collect()
}

/// Returns a rate of at least one byte a second. With a rate of 0, the others would wait for that peer without end.
fn at_least_one(bytes_per_second: u128) -> Rate {
    let rate = u64::try_from(bytes_per_second.max(1)).unwrap_or(u64::MAX);
    Rate::new(rate).expect("it is not 0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use peer_process::protocol::layout::FileLayout;

    /// Reads a drawing: `*` is a seeder, `-` a leecher.
    fn drawn(peers: &str) -> Vec<bool> {
        peers.chars().map(|peer| peer == '*').collect()
    }

    fn check_shares(peers: &str, rate: u64, expected: &[u64]) {
        let rate = Rate::new(rate).expect("it is not 0");
        let shares: Vec<_> = shares(&drawn(peers), rate).into_iter().map(Rate::bytes_per_second).collect();
        assert_eq!(shares, expected, "{peers}");
    }

    #[test]
    fn a_seeder_sends_the_rate_and_leechers_evenly_spread_shares_of_it() {
        check_shares("*-----", 1000, &[1000, 200, 400, 600, 800, 1000]);
        check_shares("-*--*", 100, &[33, 100, 66, 100, 100]);
        check_shares("---", 90, &[30, 60, 90]);
        check_shares("**", 7, &[7, 7]);
        check_shares("", 7, &[]);
    }

    #[test]
    fn each_may_send_something_and_no_share_overflows() {
        check_shares("*---", 2, &[2, 1, 1, 2]);
        check_shares("*---", 1, &[1, 1, 1, 1]);
        check_shares("*--", u64::MAX, &[u64::MAX, u64::MAX / 2, u64::MAX]);
    }

    #[test]
    fn without_a_value_a_run_lasts_ten_intervals() {
        for (peers, file_size, interval_secs, expected) in [
            // In a second 1000 of the seeder, and 3000 of the leechers together: 40 000 in ten.
            ("*-----", 8000, 1, 1000),
            ("*-----", 8000, 4, 250),
            ("**----", 9000, 1, 800),
            ("--", 3000, 1, 400),
            ("*-", 1000, 1, 100),
            ("-", 1000, 1, 200),
        ] {
            let rate = rate_for(&drawn(peers), file_size, interval_secs).bytes_per_second();
            assert_eq!(rate, expected, "{peers} {file_size} {interval_secs}");
        }
    }

    #[test]
    fn a_rate_behind_a_blank_is_seen_and_a_directory_is_not() {
        let tip_for = |line: &str| tip(&line.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>());
        let expected = Some("a rate needs '=': --demo-rate=5M/s".to_owned());
        for line in
            ["swarm start --demo-rate 5M/s", "swarm start DIR --demo-rate 5M/s", "swarm start --demo-rate 5M/s DIR"]
        {
            assert_eq!(tip_for(line), expected, "{line}");
        }
        for line in
            ["swarm start --demo-rate", "swarm start --demo-rate DIR", "swarm start DIR 5M", "swarm -- --demo-rate 5M"]
        {
            assert_eq!(tip_for(line), None, "{line}");
        }
    }

    #[test]
    fn a_rate_is_never_0_and_never_overflows() {
        let most = FileLayout::MAX_FILE_SIZE;
        for (peers, file_size, interval_secs, expected) in [
            ("***", 8000, 1, 1),
            ("", 8000, 1, 1),
            ("*-----", 0, 1, 1),
            ("*-----", 8000, u32::MAX, 1),
            ("*-----", most, 1, most / 8),
        ] {
            let rate = rate_for(&drawn(peers), file_size, interval_secs).bytes_per_second();
            assert_eq!(rate, expected, "{peers} {file_size} {interval_secs}");
        }
        let many = vec![false; 100_000];
        assert!(rate_for(&many, most, 1).bytes_per_second() > most / 6);
    }
}
