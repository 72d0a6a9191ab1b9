//! The ports at which processes listen, where the system shows them (Linux). Nobody is called for it.

#[cfg(target_os = "linux")]
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

#[cfg(target_os = "linux")]
fn tables() -> Vec<String> {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// Returns the port and the inode of each socket of a table that listens.
#[cfg(target_os = "linux")]
fn listening(table: &str) -> impl Iterator<Item = (u16, &str)> {
    table.lines().filter_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
        (*state == LISTENS).then_some((port, *inode))
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
   1: 0100007F:1779 0100007F:B0C4 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0 100 0 0 10 0
";
        assert_eq!(listening(table).collect::<Vec<_>>(), [(6008, "4242")]);
    }

    #[test]
    fn the_ports_of_a_process_are_found() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let own = i32::try_from(std::process::id()).expect("a small number");
        assert!(is_listened_at(port) && ports_of([own].into_iter()).contains(&port));
        drop(listener);
        assert!(!ports_of([own].into_iter()).contains(&port));
    }
}
