//! The places of a new swarm's peers: their hosts and their ports.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Result, anyhow};
use peer_process::config::{is_localhost, plain_host};

use crate::cli::{InitArgs, MOST_PEERS};
use crate::fault::Usage;

/// The course's port, for other hosts, whose free ports are unknown.
const USUAL_PORT: u16 = 6001;

/// Returns each peer's host: the hosts of `--hosts`, or this machine for all.
///
/// # Errors
/// One sentence for the first impossible option.
pub fn hosts(args: &InitArgs, default_count: u32) -> Result<Vec<String>> {
    if args.hosts.is_empty() {
        return Ok(vec!["localhost".to_owned(); args.peers.unwrap_or(default_count) as usize]);
    }
    let count = u32::try_from(args.hosts.len()).unwrap_or(u32::MAX);
    if count > MOST_PEERS {
        return Err(Usage::error(format!("--hosts names {count} hosts; a swarm has at most {MOST_PEERS} peers")));
    }
    if let Some(asked) = args.peers.filter(|asked| *asked != count) {
        return Err(Usage::error(format!("--peers is '{asked}', but --hosts names {count}, one for each peer")));
    }
    if let Some(wrong) = args.hosts.iter().find(|host| !is_host(host)) {
        let wrong = wrong.escape_debug();
        return Err(Usage::error(format!("--hosts: '{wrong}' is neither a host's name nor an address")));
    }
    Ok(args.hosts.clone())
}

/// Reports whether it is a word for `PeerInfo.cfg` that ssh does not take for an option: without user, port or blank.
fn is_host(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    // An address may have a scope: fe80::1%eth0.
    let (address, scope) = plain_host(text).split_once('%').unwrap_or((plain_host(text), "0"));
    let is_address = address.parse::<IpAddr>().is_ok() && !scope.is_empty() && scope.chars().all(plain);
    is_address || (!text.is_empty() && !text.starts_with('-') && text.chars().all(plain))
}

/// Reports whether this is an address and not a name.
pub fn is_address(host: &str) -> bool {
    plain_host(host).parse::<IpAddr>().is_ok()
}

/// Reports whether the name means the own machine on every machine.
pub fn is_loopback(host: &str) -> bool {
    is_localhost(host) || plain_host(host).parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Returns each peer's port. Without `--port`, the peers on this machine get ports of `free`.
///
/// # Errors
/// When there are not enough ports.
pub fn ports(first: Option<u16>, hosts: &[String], free: &mut dyn Iterator<Item = u16>) -> Result<Vec<u16>> {
    let mut next: HashMap<String, u32> = HashMap::new();
    let mut ports = Vec::new();
    for host in hosts {
        if first.is_none() && is_loopback(host) {
            ports.push(free.next().ok_or_else(|| {
                anyhow!("this machine has too few free ports for the peers on {host}: name one with --port")
            })?);
            continue;
        }
        // These names mean one address, or two on which a peer may listen at the same time.
        let plain = plain_host(host);
        let address = plain.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        let same =
            is_localhost(plain) || address.is_some_and(|ip| ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST);
        let machine = if same { "localhost".to_owned() } else { plain.to_lowercase() };
        let start = first.unwrap_or(USUAL_PORT);
        let port = next.entry(machine).or_insert(start.into());
        ports.push(u16::try_from(*port).map_err(|_| {
            Usage::error(format!("--port '{start}' is too high for the peers on {host}: one would have port {port}"))
        })?);
        *port += 1;
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    /// Returns `host:port` of each peer, if only the ports 20000 to 20003 are free.
    fn places(options: &str) -> Result<String> {
        let words = ["swarm", "init"].into_iter().chain(options.split(' '));
        let Command::Init(args) = Cli::try_parse_from(words).expect("a right command line").command else {
            panic!("it is init");
        };
        let hosts = hosts(&args, 2)?;
        let ports = ports(args.port, &hosts, &mut (20_000..20_004))?;
        let places = hosts.iter().zip(ports).map(|(host, port)| format!("{host}:{port}"));
        Ok(places.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn each_peer_has_a_place_of_its_own() {
        for (options, expected) in [
            ("-k 1", "localhost:20000 localhost:20001"),
            ("--port 7000", "localhost:7000 localhost:7001"),
            ("--port 65534", "localhost:65534 localhost:65535"),
            ("--hosts lab1,lab2,lab1,LAB1", "lab1:6001 lab2:6001 lab1:6002 LAB1:6003"),
            ("--hosts lab1,lab2,lab1 --port 9", "lab1:9 lab2:9 lab1:10"),
            ("--hosts lab1 --hosts 10.0.0.7", "lab1:6001 10.0.0.7:6001"),
            ("--hosts 127.0.0.2,localhost,::1", "127.0.0.2:20000 localhost:20001 ::1:20002"),
            ("--hosts 127.0.0.2,127.0.0.3 --port 9", "127.0.0.2:9 127.0.0.3:9"),
            ("--hosts 127.0.0.1,LocalHost,::1 --port 9", "127.0.0.1:9 LocalHost:10 ::1:11"),
            ("--hosts lab1,localhost", "lab1:6001 localhost:20000"),
            ("--hosts [::1],localhost. --port 9", "[::1]:9 localhost.:10"),
            ("--hosts [fd00::2],fd00::2,fe80::1%eth0", "[fd00::2]:6001 fd00::2:6002 fe80::1%eth0:6001"),
            ("--hosts 0:0:0:0:0:0:0:1,localhost --port 9", "0:0:0:0:0:0:0:1:9 localhost:10"),
            ("--hosts lab1,lab2 --port 65535", "lab1:65535 lab2:65535"),
        ] {
            assert_eq!(places(options).expect(options), expected, "{options}");
        }
    }

    #[test]
    fn a_host_is_a_plain_word() {
        for (hosts, wrong) in [
            ("", ""),
            ("a,,b", ""),
            ("a,", ""),
            ("-oProxyCommand=x", "-oProxyCommand=x"),
            ("lab1:6001", "lab1:6001"),
            ("me@lab1", "me@lab1"),
            ("lab1;lab2", "lab1;lab2"),
            ("lab\t1", "lab\\t1"),
            ("[lab1]", "[lab1]"),
            ("fe80::1%", "fe80::1%"),
            ("fe80::1%;ls", "fe80::1%;ls"),
        ] {
            let error = places(&format!("--hosts={hosts}")).expect_err(hosts);
            assert_eq!(error.to_string(), format!("--hosts: '{wrong}' is neither a host's name nor an address"));
        }
    }

    #[test]
    fn too_few_ports_are_told() {
        let error = places("--peers 5").expect_err("only 4 are free");
        assert_eq!(
            error.to_string(),
            "this machine has too few free ports for the peers on localhost: name one with --port"
        );
        let hosts = vec!["a"; 1001].join(",");
        let error = places(&format!("--hosts {hosts}")).expect_err("they are too many");
        assert_eq!(error.to_string(), "--hosts names 1001 hosts; a swarm has at most 1000 peers");
    }
}
