//! Arguments and values of options that several subcommands take.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use peer_process::protocol::peer_id::PeerId;

/// Where a live page is served unless the user says it: any free port that only this machine reaches.
pub const USUAL_PLACE: &str = "127.0.0.1:0";

/// The directory, an argument of most subcommands.
#[derive(Debug, Args)]
pub struct DirArgs {
    /// The swarm's directory
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub dir: PathBuf,
}

/// Peers by their IDs.
#[derive(Clone, Debug)]
pub struct Ids(pub Vec<PeerId>);

/// Accepts IDs with commas between them. The error is a sentence that names the option and the text.
pub fn ids(option: &'static str) -> impl Fn(&str) -> Result<Ids, String> + Clone {
    move |text| {
        let id = |word: &str| word.trim().parse().ok().and_then(PeerId::new);
        let ids: Option<Vec<_>> = text.split(',').map(id).collect();
        ids.map(Ids).ok_or_else(|| format!("{option} '{text}' is not a list of peer IDs, such as {option}=1001,1002"))
    }
}

/// Accepts seconds with or without decimals. The error is a sentence that names the option and the text.
pub fn seconds(option: &'static str) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    move |text| {
        // A time so far away can still be added to.
        let secs = text.parse().ok().filter(|secs| *secs <= f64::from(u32::MAX));
        let duration = secs.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
        duration.ok_or_else(|| format!("{option} '{text}' is not a number of seconds from 0 to {}", u32::MAX))
    }
}
