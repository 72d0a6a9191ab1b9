//! Which ports have a listener, without a call to any: a peer would take that for a caller.

use std::collections::BTreeSet;
use std::fs;

/// The system's tables of TCP sockets (Linux).
const TABLES: [&str; 2] = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
/// The state of a listening socket in those tables.
const LISTENS: &str = "0A";

/// Returns the ports of this machine that have a listener, or `None` where the system does not show them.
pub fn ports() -> Option<BTreeSet<u16>> {
    let tables: Vec<_> = TABLES.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    (!tables.is_empty()).then(|| tables.iter().flat_map(|table| table.lines().filter_map(listening)).collect())
}

/// Returns the port of a line of such a table, if its socket listens.
fn listening(line: &str) -> Option<u16> {
    let mut words = line.split_whitespace().skip(1);
    let (own, _, state) = (words.next()?, words.next()?, words.next()?);
    let (_, port) = own.rsplit_once(':').filter(|_| state == LISTENS)?;
    u16::from_str_radix(port, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_listener_of_either_kind_is_seen_and_a_connection_is_none() {
        for (line, port) in [
            ("  sl  local_address rem_address   st tx_queue", None),
            ("   0: 0100007F:1771 00000000:0000 0A 00000000:00000000 00:00000000", Some(6001)),
            ("   1: 00000000000000000000000001000000:1772 0000000000000000:0000 0A 0:0", Some(6002)),
            ("   2: 0100007F:1771 0100007F:D431 01 00000000:00000000", None),
            ("", None),
        ] {
            assert_eq!(listening(line), port, "{line}");
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        assert!(ports().is_none_or(|ports| ports.contains(&port)));
    }
}
