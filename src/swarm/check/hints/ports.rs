//! Hints from the ports at which a peer listens, and from what it printed about one that is taken.

use super::seen::Seen;

/// What programs say when their port is taken, in lower case.
const PORT_TAKEN: [&str; 4] =
    ["address already in use", "address in use", "eaddrinuse", "only one usage of each socket"];

/// Returns a sentence if the peer listens elsewhere, or wants a port that is taken.
pub fn port(seen: &Seen<'_>) -> Option<String> {
    let is_taken = seen.printed.iter().any(|line| {
        let lower = line.to_lowercase();
        PORT_TAKEN.iter().any(|words| lower.contains(words))
    });
    if is_taken {
        let fixed =
            if seen.has_port { "" } else { "; if it wants a port of its own, end what holds that and use --port" };
        return Some(format!(
            "the peer wants a port that is taken, perhaps its own for a second time, or that of another line; it should \
             listen only once, at the port of its line{fixed}"
        ));
    }
    if seen.listens_at_its_port() {
        return Some(format!(
            "the peer listens at the port of its line, and no call to {} reaches it: its address may be another one; \
             it should listen at all addresses (0.0.0.0), or use --host with its address",
            seen.host
        ));
    }
    let ports: Vec<_> = seen.ports.iter().map(u16::to_string).collect();
    let (first, line) = (ports.first()?, seen.port.map_or_else(String::new, line));
    let (noun, value) = if ports.len() == 1 { ("port", first.as_str()) } else { ("ports", "with the right one") };
    let ports = ports.join(", ");
    Some(format!(
        "the peer listens at {noun} {ports}{line}; if that is for its neighbors, it should read that line, or use \
         --port {value}"
    ))
}

fn line(port: u16) -> String {
    format!(", and its line in PeerInfo.cfg says {port}")
}
