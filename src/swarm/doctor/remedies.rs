//! What to type or to click on each system. Pure.

use std::env::consts::OS;

use serde::{Deserialize, Serialize};

/// The system of a machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// Any Linux.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
    /// Another one, or an unknown one.
    #[serde(other)]
    Other,
}

impl System {
    /// The system of this machine.
    pub fn here() -> Self {
        match OS {
            "linux" => Self::Linux,
            "macos" => Self::Macos,
            "windows" => Self::Windows,
            _ => Self::Other,
        }
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::Macos => "macOS",
            Self::Windows => "Windows",
            Self::Other => "another system",
        }
    }

    /// Returns the advice for this system, or for all three if it is unknown.
    fn choose(self, windows: String, macos: String, linux: String) -> Vec<String> {
        match self {
            Self::Windows => vec![windows],
            Self::Macos => vec![macos],
            Self::Linux => vec![linux],
            Self::Other => {
                vec![format!("Windows: {windows}"), format!("macOS: {macos}"), format!("Linux: {linux}")]
            }
        }
    }
}

/// Returns how to let others through the firewall of a machine with this system.
pub fn open_port(system: System, port: u16) -> Vec<String> {
    system.choose(
        format!(
            "as administrator: `netsh advfirewall firewall add rule name=peer{port} dir=in action=allow protocol=TCP \
             localport={port}`; and set the network to Private"
        ),
        "System Settings > Network > Firewall: turn it off for the run, or allow the program of your peer and `swarm` in its options"
            .to_owned(),
        format!("`sudo ufw allow {port}/tcp`, or `sudo firewall-cmd --add-port={port}/tcp`"),
    )
}

/// Returns how to set the clock of a machine with this system.
pub fn set_clock(system: System) -> Vec<String> {
    system.choose(
        "Settings > Time & language > Date & time > Sync now".to_owned(),
        "System Settings > General > Date & Time: set it automatically, or `sudo sntp -sS time.apple.com`".to_owned(),
        "`sudo timedatectl set-ntp true`".to_owned(),
    )
}

/// Returns the command that shows the addresses of a machine with this system.
pub fn show_addresses(system: System) -> Vec<String> {
    system.choose(
        "`ipconfig` shows its addresses".to_owned(),
        "`ipconfig getifaddr en0` shows its address".to_owned(),
        "`hostname -I` shows its addresses".to_owned(),
    )
}

/// Returns the command that shows which program of this machine listens at a port.
pub fn who_listens(port: u16) -> String {
    match System::here() {
        System::Linux => format!("`sudo ss -ltnp 'sport = :{port}'`"),
        System::Windows => format!("`netstat -ano | findstr :{port}`, then `tasklist /fi \"pid eq NUMBER\"`"),
        System::Macos | System::Other => format!("`lsof -nP -iTCP:{port} -sTCP:LISTEN`"),
    }
}

/// Returns the command that ends a process of this machine.
pub fn end_process(pid: u32) -> String {
    match System::here() {
        System::Windows => format!("`taskkill /pid {pid}`"),
        _ => format!("`kill {pid}`"),
    }
}

/// Returns what to do about a port that the system does not give.
pub fn refused_port() -> String {
    match System::here() {
        System::Windows => {
            "take another port: Windows reserves some, which `netsh int ipv4 show excludedportrange tcp` lists"
                .to_owned()
        }
        _ => "take another port".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_system_has_its_own_advice_and_an_unknown_one_that_of_all() {
        for advice in [|system| open_port(system, 6001), set_clock, show_addresses] {
            let all = advice(System::Other);
            assert_eq!(all.len(), 3);
            for (system, line) in [System::Windows, System::Macos, System::Linux].into_iter().zip(all) {
                assert_eq!(line, format!("{}: {}", system.name(), advice(system)[0]));
            }
        }
        assert!(open_port(System::Linux, 6001)[0].contains("6001/tcp"));
        assert!(open_port(System::Windows, 6001)[0].contains("localport=6001"));
    }

    #[test]
    fn a_system_that_is_new_to_us_is_another_one() {
        assert_eq!(serde_json::from_str::<System>("\"plan9\"").ok(), Some(System::Other));
        assert_eq!(serde_json::from_str::<System>("\"macos\"").ok(), Some(System::Macos));
    }
}
