//! `Settings`: how to reach the other hosts of a swarm, and the names of its logs. `swarm start` remembers them in `swarm.json`
//! for the other subcommands.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use peer_process::config::{Listen, PEER_INFO, plain_host};
use peer_process::discovery::tracker::TrackerUrl;
use peer_process::protocol::peer_id::PeerId;
use serde::{Deserialize, Serialize};

use super::{Hosts, Reach, peers_here};
use crate::cli::RemoteArgs;
use crate::fault::Usage;
use crate::files::new_file;
use crate::logs::LogPattern;
use crate::swarm_dir::{SETTINGS, SwarmDir};

/// The content of `swarm.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    user: Option<String>,
    ssh_options: Vec<String>,
    remote_dir: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_pattern: Option<String>,
    /// Where the swarm's tracker listens: a host and a port.
    #[serde(skip_serializing_if = "Option::is_none")]
    tracker: Option<String>,
    /// The peers that the last start has chosen with `--here`, if it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    here: Option<Vec<u32>>,
    /// Whether the options of ssh come from `swarm.json`.
    #[serde(skip)]
    options_are_remembered: bool,
}

impl Settings {
    /// Reads the remembered settings of this swarm. The command line overrides them.
    ///
    /// # Errors
    /// When `swarm.json` cannot be read, or is something else.
    pub fn of(swarm: &SwarmDir, said: &RemoteArgs) -> Result<Self> {
        check_owner(swarm, said.trust_dir)?;
        let path = swarm.path_of(SETTINGS);
        let mut settings = Self::read(swarm)?;
        settings.check(said).map_err(|wrong| {
            Usage::error(format!(
                "{}: {wrong}, so swarm does not take it from a file; give it on the command line, or delete that file",
                path.display()
            ))
        })?;
        settings.user = said.user.clone().or(settings.user);
        settings.remote_dir = said.remote_dir.clone().or(settings.remote_dir);
        settings.options_are_remembered = said.ssh_options.is_empty();
        if !said.ssh_options.is_empty() {
            settings.ssh_options.clone_from(&said.ssh_options);
        }
        Ok(settings)
    }

    /// Reads `swarm.json`, if it exists.
    fn read(swarm: &SwarmDir) -> Result<Self> {
        let path = swarm.path_of(SETTINGS);
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
            Ok(text) => serde_json::from_str(&text)
                .map_err(|error| Usage::error(format!("{} cannot be read: {error}; delete it", path.display()))),
        }
    }

    /// Remembers where the swarm's tracker listens, or that it has none. Other settings stay as they are.
    ///
    /// # Errors
    /// When `swarm.json` cannot be read or written.
    pub fn remember_tracker(swarm: &SwarmDir, tracker: Option<&str>) -> Result<()> {
        let mut settings = Self::read(swarm)?;
        if settings.tracker.as_deref() != tracker {
            settings.tracker = tracker.map(ToOwned::to_owned);
            settings.save(swarm)?;
        }
        Ok(())
    }

    /// Returns where the swarm's tracker listens, if it has one.
    pub fn tracker(&self) -> Option<&str> {
        self.tracker.as_deref()
    }

    /// Keeps the peers of `--here` for a start, and remembers them for the other subcommands. Without `--here` it keeps all, and
    /// forgets those of an earlier start. Reports whether there is something to save or to forget.
    ///
    /// # Errors
    /// When an ID is not in `PeerInfo.cfg`, or no host there is this machine.
    pub fn begin_here(&mut self, swarm: SwarmDir, said: &RemoteArgs) -> Result<(SwarmDir, bool)> {
        let had_some = self.here.take().is_some();
        let Some(asked) = &said.here else { return Ok((swarm, had_some)) };
        let chosen = chosen(&swarm, asked.as_ref().map(|ids| ids.0.as_slice()))?;
        self.here = Some(chosen.iter().map(|id| id.number()).collect());
        Ok((swarm.only(&chosen), true))
    }

    /// Keeps the peers of `--here` for another subcommand. Those of the last start count if the command line has no IDs. An option
    /// for other hosts overrides them.
    ///
    /// # Errors
    /// When an ID is not in `PeerInfo.cfg`, or no host there is this machine.
    fn go_on_here(&self, swarm: SwarmDir, said: &RemoteArgs) -> Result<SwarmDir> {
        let asked = match &said.here {
            Some(Some(ids)) => Some(ids.0.clone()),
            None if said.user.is_some() || said.remote_dir.is_some() || !said.ssh_options.is_empty() => {
                return Ok(swarm);
            }
            None if self.here.is_none() => return Ok(swarm),
            Some(None) | None => {
                // The file may be older than PeerInfo.cfg.
                let started = self.here.iter().flatten().filter_map(|number| PeerId::new(*number));
                let listed: Vec<_> = started.filter(|id| swarm.listed.iter().any(|peer| peer.id == *id)).collect();
                Some(listed).filter(|listed| !listed.is_empty())
            }
        };
        let chosen = chosen(&swarm, asked.as_deref())?;
        Ok(swarm.only(&chosen))
    }

    /// Opens a swarm for `status`, `stop`, `clean` or `verify`: its peers, or those of `--here`, and their hosts.
    ///
    /// # Errors
    /// Those of [`SwarmDir::open`], [`Settings::of`] and [`Hosts::of`], and when `--here` chooses no peer.
    pub fn open(dir: &Path, said: &RemoteArgs) -> Result<(SwarmDir, Hosts)> {
        let swarm = SwarmDir::open(dir)?;
        let settings = Self::of(&swarm, said)?;
        let swarm = settings.go_on_here(swarm, said)?;
        let hosts = Hosts::of(&swarm, &settings.reach(&swarm))?;
        Ok((swarm, hosts))
    }

    /// Checks the settings that come from the file alone, because another person may have written it.
    fn check(&self, said: &RemoteArgs) -> Result<(), String> {
        let is_plain = |user: &str| {
            !user.starts_with('-')
                && user.chars().all(|c| c.is_alphanumeric() || "._-@".contains(c))
                && !user.is_empty()
        };
        if let Some(user) = self.user.as_deref().filter(|user| said.user.is_none() && !is_plain(user)) {
            return Err(format!("'{}' is a strange user name", user.escape_debug()));
        }
        let mut options = self.ssh_options.iter().filter(|_| said.ssh_options.is_empty());
        match options.find(|option| !is_harmless(option)) {
            Some(option) => Err(format!("the ssh option '{}' may run commands", option.escape_debug())),
            None => Ok(()),
        }
    }

    /// Takes the value of `--log-pattern`, if there is one. An empty one forgets the remembered pattern. Reports whether
    /// there is a pattern to save or to forget.
    ///
    /// # Errors
    /// When it is not a pattern, or also names a file that is not a log.
    pub fn take_log_pattern(&mut self, said: Option<&str>, swarm: &SwarmDir) -> Result<bool> {
        if said == Some("") {
            return Ok(self.log_pattern.take().is_some());
        }
        if let Some(said) = said {
            let pattern =
                LogPattern::parse(said).map_err(|wrong| Usage::error(format!("--log-pattern '{said}' {wrong}")))?;
            let ids = swarm.peers.iter().map(|peer| peer.id);
            let others = ids.flat_map(|id| swarm.names_of(id).into_iter().map(move |name| (id, name)));
            if let Some((_, name)) = { others }.find(|(id, name)| pattern.fits(id.number(), name)) {
                return Err(Usage::error(format!("--log-pattern '{said}' also names {name}, which is not a log")));
            }
            self.log_pattern = Some(said.to_owned());
        }
        Ok(self.log_pattern.is_some())
    }

    /// Returns the pattern of the logs. The file may have been edited: what is no pattern is left out.
    pub fn log_pattern(&self) -> Option<LogPattern> {
        self.log_pattern.as_deref().and_then(|text| LogPattern::parse(text).ok())
    }

    /// Saves everything, except for options of ssh that may run commands; returns those.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, swarm: &SwarmDir) -> Result<Vec<String>> {
        let path = swarm.path_of(SETTINGS);
        let (ssh_options, forgotten): (Vec<_>, Vec<_>) =
            self.ssh_options.iter().cloned().partition(|option| is_harmless(option));
        let kept = Self { ssh_options, ..self.clone() };
        let text = serde_json::to_string_pretty(&kept).context("cannot write JSON")?;
        // In the place of a link, not through it.
        new_file::write_text(&path, &(text + "\n"))?;
        Ok(forgotten)
    }

    /// Returns the settings for the code that reaches the hosts. By default the directory there has the same name as here.
    pub fn reach(&self, swarm: &SwarmDir) -> Reach {
        let remote_dir = self.remote_dir.clone().unwrap_or_else(|| swarm.name());
        let log_pattern = self.log_pattern();
        // `swarm.json` must not make ssh write host keys into a file that it names; `start` has accepted them already. If an
        // option is given twice, ssh takes the first.
        let read_only = ["StrictHostKeyChecking=yes", "UpdateHostKeys=no", "CheckHostIP=no"].map(String::from);
        let read_only = read_only.into_iter().filter(|_| self.options_are_remembered && !self.ssh_options.is_empty());
        let ssh_options = read_only.chain(self.ssh_options.iter().cloned()).collect();
        Reach { user: self.user.clone(), ssh_options, remote_dir, log_pattern }
    }
}

/// Returns the peers that `--here` chooses in this swarm.
fn chosen(swarm: &SwarmDir, asked: Option<&[PeerId]>) -> Result<BTreeSet<PeerId>> {
    let lines: Vec<_> = swarm.listed.iter().map(|peer| (peer.id, peer.host.as_str())).collect();
    peers_here(&lines, asked, PEER_INFO)
}

/// The port of a tracker in examples.
const USUAL_PORT: u16 = 6969;

/// Returns the URL of the tracker that listens at this host and port.
///
/// # Errors
/// When it is not a host and a port.
pub fn tracker_url(place: &str) -> Result<String> {
    ensure!(!place.contains('/'), "'{place}': give HOST:PORT without http:// and /announce");
    let is_number = !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_digit());
    let has_port = if place.starts_with('[') { !place.ends_with(']') } else { place.contains(':') || is_number };
    ensure!(
        has_port,
        "'{place}': the port is missing; give both, such as {}:{USUAL_PORT}",
        if place.is_empty() { "192.168.1.5" } else { place }
    );
    let listen = Listen::parse(place)?;
    ensure!(place.contains(':') && listen.port > 0, "'{place}' is not a host and a port, such as 192.168.1.5:6969");
    let is_any = plain_host(&listen.host).parse::<IpAddr>().is_ok_and(|address| address.is_unspecified());
    ensure!(!is_any, "'{place}' is no address that peers can use; name one of this machine that they reach");
    let url: TrackerUrl = format!("http://{place}/announce").parse().map_err(|_| anyhow!("'{place}' is no host"))?;
    Ok(url.to_string())
}

/// Options of ssh that run no command and load no program, in lower case. No other option is taken from `swarm.json`, because
/// new versions of ssh add options.
const HARMLESS: [&str; 28] = [
    "addressfamily",
    "bindaddress",
    "bindinterface",
    "checkhostip",
    "ciphers",
    "compression",
    "connectionattempts",
    "connecttimeout",
    "globalknownhostsfile",
    "hashknownhosts",
    "hostkeyalgorithms",
    "hostkeyalias",
    "hostname",
    "identitiesonly",
    "identityfile",
    "ipqos",
    "kexalgorithms",
    "loglevel",
    "macs",
    "passwordauthentication",
    "port",
    "preferredauthentications",
    "pubkeyauthentication",
    "serveralivecountmax",
    "serveraliveinterval",
    "stricthostkeychecking",
    "user",
    "userknownhostsfile",
];

/// Reports whether an option of ssh may come from `swarm.json`. Another ssh reaches a jump host, so its words must be plain.
fn is_harmless(option: &str) -> bool {
    let (name, value) = option.split_once(['=', ' ']).unwrap_or((option, ""));
    let name = name.trim().to_ascii_lowercase();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-@:,[]/".contains(c);
    let is_jump =
        name == "proxyjump" && !value.starts_with('-') && !value.contains(",-") && value.chars().all(is_plain);
    let is_harmless = HARMLESS.contains(&name.as_str()) || is_jump;
    let is_known = |c: char| c.is_alphanumeric() || "._-@:,[]/~+=%^* ".contains(c);
    is_harmless && !value.trim_start().starts_with('-') && value.chars().all(is_known)
}

/// Refuses a directory of another user, who controls its content.
fn check_owner(swarm: &SwarmDir, trusted: bool) -> Result<()> {
    let metadata = fs::metadata(&swarm.path).with_context(|| format!("cannot look at {}", swarm.path.display()))?;
    let (owner, own) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if trusted || owner == own || owner == 0 {
        return Ok(());
    }
    let path = swarm.path.display();
    Err(Usage::error(format!("{path} belongs to another user (ID {owner}); --trust-dir uses it anyway")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_may_run_commands_are_not_harmless_however_they_are_written() {
        for option in ["Port=2222", "port 2222", "IdentityFile=~/.ssh/course", "StrictHostKeyChecking=accept-new"] {
            assert!(is_harmless(option), "{option}");
        }
        for option in ["ProxyJump=me@jump:22,other", "proxyjump=[fd00::1]:22"] {
            assert!(is_harmless(option), "{option}");
        }
        for option in [
            "ProxyCommand=touch x",
            "proxycommand touch x",
            " ProxyCommand=touch x",
            "LocalCommand=touch x",
            "PermitLocalCommand=yes",
            "KnownHostsCommand=/bin/x",
            "Include=/tmp/x",
            "Match=exec x",
            "PKCS11Provider=/tmp/x.so",
            "SecurityKeyProvider=/tmp/x.so",
            "ProxyJump=-oProxyCommand=x",
            "ProxyJump=jump;x",
            "Hostname=-oProxyCommand=x",
            "Port=22\nProxyCommand=x",
            "SendEnv=X",
            "Hostname=a$(x)",
            "IdentityFile=a'b",
            "",
        ] {
            assert!(!is_harmless(option), "{option}");
        }
    }
}
