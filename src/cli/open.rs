//! The options for swarms whose members no file lists.

use anyhow::{Result, anyhow, bail};
use clap::Args;

use super::values::number;
use crate::config::{Listen, Newcomer};
use crate::discovery::tracker::TrackerUrl;

/// The options that find members, and those that need them.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Members that no file lists")]
pub struct OpenArguments {
    /// Announce this peer to the tracker at URL, such as `http://host:6969/announce`, and learn of others there. May be given
    /// several times. PeerInfo.cfg may then be missing; if it is there, its peers are members from the start
    #[arg(long, value_name = "URL", value_parser = tracker)]
    pub tracker: Vec<TrackerUrl>,
    /// Find peers on the local network, without any server (BEP 14)
    #[arg(long)]
    pub lan: bool,
    /// Listen here [default: the line in PeerInfo.cfg, else any free port on all addresses]
    #[arg(long, value_name = "[HOST:]PORT", allow_negative_numbers = true, value_parser = listen)]
    pub listen: Option<Listen>,
    /// Start with the complete file
    #[arg(long)]
    pub has_file: bool,
    /// Ask trackers to name HOST to others, where the address that they see is another
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub announce_host: Option<String>,
    /// Set this swarm apart from others with the same file
    #[arg(long, value_name = "NAME", value_parser = plain_name)]
    pub swarm: Option<String>,
    /// Do not exit before N members have been seen, this peer included; N is 1 to 1000 [default: 2]
    #[arg(long, value_name = "N", allow_negative_numbers = true,
        value_parser = number("--min-peers", 1..=1000_u16))]
    pub min_peers: Option<u16>,
    /// Stay SECS seconds after all have the file, for those who come late
    #[arg(long, value_name = "SECS", conflicts_with = "forever", allow_negative_numbers = true,
        value_parser = number("--linger", 0..=u32::MAX))]
    pub linger: Option<u32>,
    /// Stay until a signal comes. With the complete file, this peer then gives up on nobody, also with --peer-timeout
    #[arg(long)]
    pub forever: bool,
}

impl OpenArguments {
    /// Reports whether members may join that no file lists.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.lan || !self.tracker.is_empty()
    }

    /// Returns the given options that are of no use without a way to find members.
    #[must_use]
    pub fn useless(&self) -> Vec<&'static str> {
        if self.is_open() {
            return Vec::new();
        }
        let given = [
            ("--listen", self.listen.is_some()),
            ("--has-file", self.has_file),
            ("--swarm", self.swarm.is_some()),
            ("--min-peers", self.min_peers.is_some()),
            ("--linger", self.linger.is_some()),
            ("--forever", self.forever),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(option, _)| option).collect()
    }

    /// Reports whether there is a host for trackers and no tracker.
    #[must_use]
    pub fn announces_to_nobody(&self) -> bool {
        self.announce_host.is_some() && self.tracker.is_empty()
    }

    /// Returns what the options say in place of a line of `PeerInfo.cfg`.
    #[must_use]
    pub fn newcomer(&self) -> Newcomer {
        Newcomer { listen: self.listen.clone(), has_file: self.has_file }
    }

    /// Returns the minimum number of members that must have been seen, this peer included.
    #[must_use]
    pub fn least(&self) -> usize {
        self.min_peers.unwrap_or(2).into()
    }

    /// Returns how many seconds to stay when nothing else holds this peer.
    #[must_use]
    pub fn linger_secs(&self) -> u32 {
        self.linger.unwrap_or_default()
    }
}

/// Accepts a port, with or without a host.
fn listen(text: &str) -> Result<Listen> {
    Listen::parse(text).map_err(|error| anyhow!("--listen {error}"))
}

/// Accepts the address of a tracker.
fn tracker(text: &str) -> Result<TrackerUrl> {
    match text.parse() {
        Ok(url) => Ok(url),
        Err(error) => bail!("--tracker '{text}' is {error}"),
    }
}

/// Accepts the name or the address of a host.
fn host(text: &str) -> Result<String, String> {
    let is_host = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte));
    if is_host && !text.is_empty() {
        return Ok(text.to_owned());
    }
    Err(format!("--announce-host {text:?} is not the name or the address of a host, such as 192.168.1.5"))
}

/// Accepts a name of a swarm that is not empty and has no control characters.
fn plain_name(text: &str) -> Result<String, String> {
    match text {
        "" => Err("--swarm '' is empty".to_owned()),
        text if text.contains(char::is_control) => Err(format!("--swarm {text:?} has a control character")),
        text => Ok(text.to_owned()),
    }
}
