//! The command lines of `swarm invite` and `swarm join`.

use std::time::Duration;

use clap::Args;
use peer_process::cli::{number, paragraphs};

use super::values::DirArgs;

/// Maximum of `--minutes`: a day.
const MOST_MINUTES: f64 = 1440.0;

/// `swarm invite`.
#[derive(Debug, Args)]
#[command(after_help = paragraphs(&[
    "The code is six letters and digits. Ten wrong codes from one address, or a hundred in all, and no other is looked at. It is \
     sent as it is: it keeps out neighbors, not somebody who reads the network's packets.",
    "Exit status: 0 all that have joined have the files, 1 nobody has joined or not all have the files, 2 wrong usage or \
     configuration, 129, 130 or 143 stopped by SIGHUP, SIGINT or SIGTERM; then nobody has new files.",
]))]
pub struct InviteArgs {
    #[command(flatten)]
    pub dir: DirArgs,
    /// The lines of PeerInfo.cfg that are this machine's. Without it, they are those whose host is this machine. If none is, they
    /// are those whose file is here, or else the first
    #[arg(long = "id", value_name = "ID,...", value_delimiter = ',', allow_negative_numbers = true,
        value_parser = number("--id", 1..=u32::MAX))]
    pub ids: Vec<u32>,
    /// End after N minutes, such as 30 or 0.5
    #[arg(long = "minutes", value_name = "N", default_value = "10", allow_negative_numbers = true, value_parser = minutes)]
    pub time: Duration,
    /// Listen on PORT [default: 6970, or a free one]
    #[arg(long, value_name = "PORT", allow_negative_numbers = true, value_parser = number("--port", 1..=u16::MAX))]
    pub port: Option<u16>,
}

/// `swarm join`.
#[derive(Debug, Args)]
#[command(after_help = paragraphs(&[
    "It writes Common.cfg, PeerInfo.cfg, and FileName.meta.json if the inviter has it, all or none, and no other file.",
    "Exit status: 0 the files are here, 1 they are not, 2 wrong usage, or DIR has other files, 129, 130 or 143 stopped by \
     SIGHUP, SIGINT or SIGTERM.",
]))]
pub struct JoinArgs {
    /// What `swarm invite` prints on the other machine
    #[arg(value_name = "CODE@HOST")]
    pub place: String,
    #[command(flatten)]
    pub dir: DirArgs,
    /// Take these lines of PeerInfo.cfg, with one peer for each [default: the first free line]
    #[arg(long = "id", value_name = "ID,...", value_delimiter = ',', allow_negative_numbers = true,
        value_parser = number("--id", 1..=u32::MAX))]
    pub ids: Vec<u32>,
    /// Replace other files of these names
    #[arg(long)]
    pub force: bool,
}

/// Accepts minutes with or without decimals.
fn minutes(text: &str) -> Result<Duration, String> {
    let minutes = text.parse().ok().filter(|minutes| *minutes > 0.0 && *minutes <= MOST_MINUTES);
    let duration = minutes.and_then(|minutes: f64| Duration::try_from_secs_f64(60.0 * minutes).ok());
    duration.ok_or_else(|| format!("--minutes '{text}' is not a number of minutes above 0 and up to {MOST_MINUTES}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_may_have_decimals_and_end_within_a_day() {
        assert_eq!(minutes("0.5"), Ok(Duration::from_secs(30)));
        assert_eq!(minutes("1440"), Ok(Duration::from_secs(86_400)));
        for text in ["", "0", "-1", "1441", "NaN", "inf", "1e-400", "5 min"] {
            let fault = format!("--minutes '{text}' is not a number of minutes above 0 and up to 1440");
            assert_eq!(minutes(text), Err(fault));
        }
    }
}
