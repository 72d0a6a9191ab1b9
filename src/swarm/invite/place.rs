//! `Place`: what follows `swarm join`: the code and the inviter's host. Pure.

use anyhow::Result;
use peer_process::config::{Listen, plain_host};

use super::code::Code;
use crate::fault::Usage;

/// The port of an invitation, unless another program has it.
pub const USUAL_PORT: u16 = 6970;

/// The code and where to say it.
#[derive(PartialEq, Eq, Debug)]
pub struct Place {
    /// The code.
    pub code: Code,
    /// A name or an address, without brackets.
    pub host: String,
    /// The port, [`USUAL_PORT`] if none was given.
    pub port: u16,
}

impl Place {
    /// Reads `CODE@HOST` or `CODE@HOST:PORT`. An IPv6 address with a port stands in brackets.
    ///
    /// # Errors
    /// One sentence for a wrong text.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Usage::error(format!("'{}' is not CODE@HOST, as `swarm invite` prints it: {why}", text.escape_debug()))
        };
        let Some((code, place)) = text.split_once('@') else { return Err(wrong("it has no @")) };
        let code = Code::parse(code).ok_or_else(|| wrong("a code is six letters and digits, such as k7m-4qx"))?;
        if place.is_empty() {
            return Err(wrong("the host is missing"));
        }
        let is_address = plain_host(place).parse::<std::net::Ipv6Addr>().is_ok();
        if is_address || !place.contains(':') {
            if place.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@') {
                return Err(wrong("a host has no blanks and no @"));
            }
            return Ok(Self { code, host: plain_host(place).to_owned(), port: USUAL_PORT });
        }
        let Listen { host, port } = Listen::parse(place).map_err(|error| wrong(&format!("{error:#}")))?;
        let host = plain_host(&host).to_owned();
        if host.is_empty() || port == 0 {
            return Err(wrong(if port == 0 { "there is no port 0" } else { "the host is missing" }));
        }
        Ok(Self { code, host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_printed_and_as_people_shorten_it() {
        for (text, host, port) in [
            ("k7m-4qx@10.0.0.1", "10.0.0.1", 6970),
            ("K7M4QX@mona.local", "mona.local", 6970),
            ("k7m-4qx@mona:7000", "mona", 7000),
            ("k7m-4qx@fd00::1", "fd00::1", 6970),
            ("k7m-4qx@[fd00::1]", "fd00::1", 6970),
            ("k7m-4qx@[fd00::1]:7000", "fd00::1", 7000),
        ] {
            let place = Place::parse(text).expect(text);
            assert_eq!((place.host.as_str(), place.port, place.code.to_string().as_str()), (host, port, "k7m-4qx"));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, why) in [
            ("k7m-4qx", "it has no @"),
            ("k7m@10.0.0.1", "a code is six letters and digits, such as k7m-4qx"),
            ("k7m-4qx@", "the host is missing"),
            ("k7m-4qx@a b", "a host has no blanks and no @"),
            ("k7m-4qx@mona:", "'mona:': the port is missing, as in mona:6001"),
            ("k7m-4qx@mona:0", "there is no port 0"),
            ("k7m-4qx@mona:70000", "'mona:70000': '70000' is not a port from 0 to 65535"),
        ] {
            let error = Place::parse(text).expect_err(text);
            assert!(error.is::<Usage>());
            let sentence = format!("'{text}' is not CODE@HOST, as `swarm invite` prints it: {why}");
            assert_eq!(error.to_string(), sentence);
        }
    }
}
