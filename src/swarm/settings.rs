//! `Settings`: how the other hosts of a swarm are reached, and how its logs are called. `swarm start` remembers it in `swarm.json`, so that the other subcommands
//! need not be told again.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::cli::RemoteArgs;
use crate::fault::Usage;
use crate::hosts::Reach;
use crate::logs::LogPattern;
use crate::swarm_dir::{SETTINGS, SwarmDir};

/// What `swarm.json` says.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    user: Option<String>,
    ssh_options: Vec<String>,
    remote_dir: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_pattern: Option<String>,
}

impl Settings {
    /// What is remembered of this swarm, with what was said now in its place.
    ///
    /// # Errors
    /// When `swarm.json` cannot be read, or is something else.
    pub fn of(swarm: &SwarmDir, said: &RemoteArgs) -> Result<Self> {
        let path = swarm.path_of(SETTINGS);
        let mut settings: Self = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
            Ok(text) => serde_json::from_str(&text)
                .map_err(|error| Usage::error(format!("{} cannot be read: {error}; delete it", path.display())))?,
        };
        settings.user = said.user.clone().or(settings.user);
        settings.remote_dir = said.remote_dir.clone().or(settings.remote_dir);
        if !said.ssh_options.is_empty() {
            settings.ssh_options.clone_from(&said.ssh_options);
        }
        Ok(settings)
    }

    /// Takes what `--log-pattern` says, if it is there; tells whether that, or what is remembered, has to be kept.
    ///
    /// # Errors
    /// When it is no pattern, or also names what is no log.
    pub fn take_log_pattern(&mut self, said: Option<&str>, swarm: &SwarmDir) -> Result<bool> {
        if let Some(said) = said {
            let pattern =
                LogPattern::parse(said).map_err(|wrong| Usage::error(format!("--log-pattern '{said}' {wrong}")))?;
            let ids = swarm.peers.iter().map(|peer| peer.id);
            let others = ids.flat_map(|id| swarm.names_of(id).into_iter().map(move |name| (id, name)));
            if let Some((_, name)) = { others }.find(|(id, name)| pattern.fits(id.number(), name)) {
                return Err(Usage::error(format!("--log-pattern '{said}' also names {name}, which is no log")));
            }
            self.log_pattern = Some(said.to_owned());
        }
        Ok(self.log_pattern.is_some())
    }

    /// Remembers all of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, swarm: &SwarmDir) -> Result<()> {
        let path = swarm.path_of(SETTINGS);
        let text = serde_json::to_string_pretty(self).context("cannot write JSON")?;
        fs::write(&path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }

    /// The same for whoever reaches the hosts; without a name for the directory there it is the one that it has here.
    pub fn reach(&self, swarm: &SwarmDir) -> Reach {
        let remote_dir = self.remote_dir.clone().unwrap_or_else(|| swarm.name());
        // Somebody may have written something else there.
        let log_pattern = self.log_pattern.as_deref().and_then(|text| LogPattern::parse(text).ok());
        Reach { user: self.user.clone(), ssh_options: self.ssh_options.clone(), remote_dir, log_pattern }
    }
}
