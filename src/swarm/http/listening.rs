//! Where a server listens: the value of its option, the sockets, its URL, and who can reach it.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs, UdpSocket};

use anyhow::{Context, Result, anyhow, ensure};
use peer_process::config::{Listen, plain_host};
use peer_process::system::sockets;
use socket2::SockRef;

use super::source::is_near;
use crate::fault::Usage;

/// Addresses that never answer (RFC 5737, RFC 3849). Nothing is sent there: the system only says which own address it would use.
const ELSEWHERE: [(IpAddr, IpAddr); 2] = [
    (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
    (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
];

/// The sockets, and what people are told about them.
#[derive(Debug)]
pub struct Listening {
    /// The sockets, at least one.
    pub listeners: Vec<TcpListener>,
    /// The host as it was written.
    host: String,
    /// The addresses of the sockets.
    addresses: Vec<SocketAddr>,
}

impl Listening {
    /// Listens at all addresses of a host, such as `127.0.0.1:6969`, `[::]:6969` or `localhost:0`. `option` has the text.
    ///
    /// # Errors
    /// One sentence if the text is wrong, the host is unknown or not this machine, or another program has the port.
    pub fn at(option: &str, text: &str) -> Result<Self> {
        let (host, port) = parse(text).map_err(|wrong| Usage::error(format!("{option} {wrong}")))?;
        let plain = plain_host(host);
        let found = (plain, port).to_socket_addrs().with_context(|| format!("cannot look up the host '{plain}'"))?;
        let (mut listeners, mut addresses) = (Vec::new(), Vec::<SocketAddr>::new());
        let mut missing = None;
        for mut address in found {
            // All addresses of the host get the port that the first one got.
            address.set_port(addresses.first().map_or(port, SocketAddr::port));
            if addresses.contains(&address) {
                continue;
            }
            match listen(address) {
                Ok(listener) => {
                    addresses.push(listener.local_addr().context("cannot read the address of a socket")?);
                    listeners.push(listener);
                }
                // The name may have addresses of a kind that this machine does not have now.
                Err(error) if is_missing(&error) => missing = missing.or(Some(sentence(address, &error))),
                Err(error) => return Err(anyhow!(sentence(address, &error))),
            }
        }
        if listeners.is_empty() {
            // As for a peer, an address of another machine is a wrong usage.
            return Err(Usage::error(missing.unwrap_or_else(|| format!("the host '{plain}' has no address"))));
        }
        Ok(Self { listeners, host: host.to_owned(), addresses })
    }

    /// Returns the URL of this path, by which others reach the server.
    pub fn url(&self, path: &str) -> String {
        let address = self.addresses[0];
        let host = if address.ip().is_unspecified() {
            let ip = outgoing(address.ip()).unwrap_or(Ipv4Addr::LOCALHOST.into());
            SocketAddr::new(ip, address.port()).to_string()
        } else {
            format!("{}:{}", self.host, address.port())
        };
        format!("http://{host}{path}")
    }

    /// Returns the host as it was written.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.addresses[0].port()
    }

    /// Returns who can reach the server.
    pub fn reach(&self) -> Reach {
        let all = |is_such: fn(IpAddr) -> bool| self.addresses.iter().all(|address| is_such(address.ip()));
        if all(|ip| ip.is_loopback()) {
            Reach::Machine
        } else if all(is_near) {
            Reach::Network
        } else {
            Reach::Everybody
        }
    }
}

/// Who can reach a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Only programs on this machine.
    Machine,
    /// Everybody in the network of this machine.
    Network,
    /// Everybody who can reach this machine.
    Everybody,
}

impl Reach {
    /// Returns the words for them.
    pub fn who(self) -> &'static str {
        match self {
            Self::Machine => "only programs on this machine",
            Self::Network => "everybody in the network of this machine",
            Self::Everybody => "everybody who can reach this machine",
        }
    }
}

/// Returns the host, as it is written, and the port.
fn parse(text: &str) -> Result<(&str, u16)> {
    let has_port_only = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    ensure!(
        !has_port_only,
        "'{text}': the host is missing; write 127.0.0.1:{text} for this machine only, or 0.0.0.0:{text} for everybody"
    );
    let Listen { port, .. } = Listen::parse(text)?;
    let (host, _) = text.rsplit_once(':').ok_or_else(|| anyhow!("'{text}': the host is missing"))?;
    Ok((host, port))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    // `[::]` means everybody, on systems with another default, too.
    let listener = sockets::listen(address, address.ip().is_unspecified())?;
    // Accepted connections get it, too: several answers on one connection do not wait for each other.
    SockRef::from(&listener).set_tcp_nodelay(true)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Reports whether this machine does not have the address at all.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported)
        || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

fn sentence(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => format!("cannot listen on {address}: another program has this port"),
        ErrorKind::AddrNotAvailable => format!("cannot listen on {address}: this machine does not have the address"),
        _ => format!("cannot listen on {address}: {error}"),
    }
}

/// Returns the address of this machine that others in its network see.
fn outgoing(unspecified: IpAddr) -> Option<IpAddr> {
    // `[::]` takes both kinds, and most networks have IPv4.
    let mut kinds = ELSEWHERE.iter().filter(|(own, _)| unspecified.is_ipv6() || own.is_ipv4());
    let asked = |(own, other): &(IpAddr, IpAddr)| {
        let socket = UdpSocket::bind((*own, 0)).ok()?;
        socket.connect((*other, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    kinds.find_map(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        format!("{:#}", Listening::at("--listen", text).expect_err(text))
    }

    #[test]
    fn a_wrong_value_is_named() {
        let brackets = "an IPv6 address stands in brackets, as in [::1]:6001";
        for (text, why) in [
            ("", ": the port is missing"),
            (
                "6969",
                ": the host is missing; write 127.0.0.1:6969 for this machine only, or 0.0.0.0:6969 for everybody",
            ),
            ("127.0.0.1", ": the port is missing, as in 127.0.0.1:6001"),
            (":6969", ": the host is missing"),
            ("127.0.0.1:", ": the port is missing, as in 127.0.0.1:6001"),
            ("127.0.0.1:65536", ": '65536' is not a port from 0 to 65535"),
            ("::1:6969", &format!(": {brackets}")),
            ("[::1]", ": the port is missing, as in [::1]:6001"),
            ("[]:1", ": the host is missing"),
            ("a b:1", ": a host has no blanks"),
            ("-1", ": '-1' is not a port from 0 to 65535"),
            ("a:b:1", &format!(": {brackets}")),
        ] {
            assert_eq!(fault(text), format!("--listen '{text}'{why}"));
        }
        assert!(Listening::at("--listen", "192.0.2.1:6969").expect_err("it is elsewhere").is::<Usage>());
        assert_eq!(fault("192.0.2.1:6969"), "cannot listen on 192.0.2.1:6969: this machine does not have the address");
        assert!(fault("no.such.host.invalid:1").starts_with("cannot look up the host 'no.such.host.invalid': "));
    }

    #[test]
    fn port_0_is_a_free_one_and_nobody_else_gets_it() {
        let listening = Listening::at("--listen", "127.0.0.1:0").expect("a free port");
        let address = listening.addresses[0];
        assert_eq!(listening.url("/a"), format!("http://{address}/a"));
        let expected = format!("cannot listen on {address}: another program has this port");
        assert_eq!(fault(&address.to_string()), expected);
    }

    #[test]
    fn a_name_stays_in_the_url_and_all_its_addresses_have_one_port() {
        let listening = Listening::at("--listen", "localhost:0").expect("a free port");
        let port = listening.addresses[0].port();
        assert!(listening.addresses.iter().all(|address| address.port() == port), "{listening:?}");
        assert_eq!(listening.url("/a"), format!("http://localhost:{port}/a"));
        assert_eq!((listening.reach(), listening.port()), (Reach::Machine, port));
    }

    #[test]
    fn who_listens_everywhere_is_reached_by_everybody() {
        let listening = Listening::at("--listen", "0.0.0.0:0").expect("a free port");
        assert!(!listening.url("/").contains("0.0.0.0"), "{}", listening.url("/"));
        assert_eq!(listening.reach(), Reach::Everybody);
    }
}
