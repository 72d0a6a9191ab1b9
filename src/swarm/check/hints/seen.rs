//! `Seen`: what was seen of a peer that gave no sign on the network.

use std::collections::BTreeSet;

/// What was seen of a peer that gave no sign on the network.
pub struct Seen<'a> {
    /// Its command, with {id}.
    pub command: &'a str,
    /// The directory where it ran.
    pub dir: &'a str,
    /// The last lines that it printed.
    pub printed: &'a [String],
    /// The ports at which it listens, where the system shows them.
    pub ports: &'a BTreeSet<u16>,
    /// The port of its line.
    pub port: Option<u16>,
    /// The value of `--host`.
    pub host: &'a str,
    /// The value of `--config-dir`, if it was given.
    pub config_dir: Option<&'a str>,
    /// Whether `--port` was given.
    pub has_port: bool,
}

impl Seen<'_> {
    /// Reports whether it listens at the port of its line, wherever the tester may reach that.
    pub fn listens_at_its_port(&self) -> bool {
        self.port.is_some_and(|port| self.ports.contains(&port))
    }
}
