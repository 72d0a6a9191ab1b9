//! The ports at which processes listen, where the system shows them (Linux). Nobody is called for it.

use serde::Serialize;

use std::collections::BTreeSet;
#[cfg(target_os = "linux")]
use std::fs;

/// The state of a socket that listens, in the system's tables.
#[cfg(target_os = "linux")]
const LISTENS: &str = "0A";

/// Reports whether somebody listens at this port; never on systems that do not show it.
#[cfg(target_os = "linux")]
pub fn is_listened_at(port: u16) -> bool {
    tables().iter().any(|table| listening(table).any(|(own, _)| own == port))
}

/// Returns the ports of this machine that have a listener; `None` where the system does not show them.
#[cfg(target_os = "linux")]
pub fn listened_at() -> Option<BTreeSet<u16>> {
    let tables = tables();
    let ports = || tables.iter().flat_map(|table| listening(table)).map(|(port, _)| port);
    (!tables.is_empty()).then(|| ports().collect())
}

/// Returns the ports of this machine that have a listener; `None` where the system does not show them.
#[cfg(not(target_os = "linux"))]
pub const fn listened_at() -> Option<BTreeSet<u16>> {
    None
}

/// Returns the ports at which these processes listen.
#[cfg(target_os = "linux")]
pub fn ports_of(pids: impl Iterator<Item = i32>) -> BTreeSet<u16> {
    let entries = pids.filter_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).ok()).flatten().filter_map(Result::ok);
    let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    let sockets: BTreeSet<String> = links.map(|link| link.to_string_lossy().into_owned()).collect();
    let tables = tables();
    let all = tables.iter().flat_map(|table| listening(table));
    all.filter(|(_, inode)| sockets.contains(&format!("socket:[{inode}]"))).map(|(port, _)| port).collect()
}

/// A process that listens at a port.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Holder {
    /// The number of its user.
    pub user: u32,
    /// Its ID and its command line, if this user may see them.
    pub process: Option<(u32, String)>,
}

/// Returns who listens at this port; nobody on systems that do not show it.
#[cfg(target_os = "linux")]
pub fn holder(port: u16) -> Option<Holder> {
    let tables = tables();
    let (_, inode, user) = tables.iter().flat_map(|table| sockets(table)).find(|(own, ..)| *own == port)?;
    let socket = format!("socket:[{inode}]");
    let has_it = |entry: &fs::DirEntry| {
        let links = fs::read_dir(entry.path().join("fd")).into_iter().flatten().filter_map(Result::ok);
        links.filter_map(|link| fs::read_link(link.path()).ok()).any(|link| link.as_os_str() == socket.as_str())
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let process = processes.filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let command = has_it(&entry).then(|| fs::read(entry.path().join("cmdline")).unwrap_or_default())?;
        let words = command.split(|byte| *byte == 0).filter(|word| !word.is_empty());
        Some((pid, words.map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")))
    });
    // A child may have inherited the socket; the one that opened it is older.
    Some(Holder { user, process: process.min_by_key(|(pid, _)| *pid) })
}

/// Returns who listens at this port; nobody on systems that do not show it.
#[cfg(not(target_os = "linux"))]
pub const fn holder(_port: u16) -> Option<Holder> {
    None
}

#[cfg(target_os = "linux")]
fn tables() -> Vec<String> {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// Returns the port and the inode of each socket of a table that listens.
#[cfg(target_os = "linux")]
fn listening(table: &str) -> impl Iterator<Item = (u16, &str)> {
    sockets(table).map(|(port, inode, _)| (port, inode))
}

/// The same with the number of the socket's user.
#[cfg(target_os = "linux")]
fn sockets(table: &str) -> impl Iterator<Item = (u16, &str, u32)> {
    table.lines().filter_map(|line| {
        // Most lines are of connections, so each is read only as far as its state.
        let mut fields = line.split_whitespace();
        let (local, state) = (fields.nth(1)?, fields.nth(1)?);
        let (user, inode) =
            Some(&mut fields).filter(|_| state == LISTENS).and_then(|rest| rest.nth(3).zip(rest.nth(1)))?;
        let port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
        Some((port, inode, user.parse().ok()?))
    })
}

/// Reports whether somebody listens at this port; never on systems that do not show it.
#[cfg(not(target_os = "linux"))]
pub const fn is_listened_at(_port: u16) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_sockets_that_listen_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1778 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0 0 10 0
   1: 00000000000000000000000001000000:1772 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 \
00000000     0        0 4244 1 0 100 0 0 10 0
   2: 0100007F:1779 0100007F:B0C4 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0 100 0 0 10 0
";
        assert_eq!(listening(table).collect::<Vec<_>>(), [(6008, "4242"), (6002, "4244")]);
    }

    #[test]
    fn the_ports_of_a_process_are_found() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let own = i32::try_from(std::process::id()).expect("a small number");
        assert!(is_listened_at(port) && listened_at().is_some_and(|ports| ports.contains(&port)));
        assert!(ports_of([own].into_iter()).contains(&port));
        let (pid, command) = holder(port).and_then(|holder| holder.process).expect("it is ours");
        assert!(pid == std::process::id() && command.contains("swarm"), "{command}");
        drop(listener);
        assert_eq!(holder(port), None);
        assert!(!ports_of([own].into_iter()).contains(&port));
    }
}
