//! `TrackerUrl`: the address of a tracker, as `--tracker` gives it.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Maximum length of an address, in bytes.
const MOST_BYTES: usize = 2000;

/// The address of a tracker: `http://host:port/announce`. Its query, if it has one, is kept.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TrackerUrl(String);

/// Why a text is not the address of a tracker; the sentence follows "is".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotTrackerUrl {
    /// It is `https://…`.
    Https,
    /// It is `udp://…`.
    Udp,
    /// It does not begin with `http://`.
    NoScheme,
    /// It has a blank.
    Blank,
    /// It has a character that no such URL has.
    Character,
    /// It is too long.
    Long,
    /// It has no host.
    NoHost,
    /// Its IPv6 address has no brackets.
    NoBrackets,
    /// Its host is neither a name nor an address.
    Host,
    /// Its port is not a number in range.
    Port,
}

impl TrackerUrl {
    /// Returns the address as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reports whether it is an address as most trackers have it: the last part of its path begins with `announce`.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        self.to_string().rsplit('/').next().is_some_and(|last| last.starts_with("announce"))
    }

    /// Returns it with these parameters behind its own.
    pub(super) fn with_query(&self, query: &str) -> String {
        let join = match self.0.split_once('?') {
            None => "?",
            Some((_, own)) if own.is_empty() || own.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{}{join}{query}", self.0)
    }

    /// Returns where the tracker tells its counts, by the convention of BEP 48. The last part of the path begins with
    /// `announce`, and `scrape` takes its place.
    pub(super) fn scrape(&self) -> Option<Self> {
        let path_len = self.0.find('?').unwrap_or(self.0.len());
        let last = self.0[..path_len].rfind('/')? + 1;
        let rest = self.0[last..].strip_prefix("announce")?;
        Some(Self(format!("{}scrape{rest}", &self.0[..last])))
    }

    /// Returns the host, if it is an address and no name.
    pub(super) fn address(&self) -> Option<IpAddr> {
        authority(&self.0).and_then(|(host, _)| host.parse().ok())
    }
}

/// Returns the host, without brackets, and the port of an address.
fn authority(url: &str) -> Option<(&str, Option<&str>)> {
    let rest = url.get("http://".len()..)?;
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        return if port.is_empty() { Some((host, None)) } else { Some((host, Some(port.strip_prefix(':')?))) };
    }
    Some(authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))))
}

impl FromStr for TrackerUrl {
    type Err = NotTrackerUrl;

    fn from_str(text: &str) -> Result<Self, NotTrackerUrl> {
        let has_scheme =
            |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
        if has_scheme("https://") {
            return Err(NotTrackerUrl::Https);
        }
        if has_scheme("udp://") {
            return Err(NotTrackerUrl::Udp);
        }
        let is_clean = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#@".contains(&byte));
        for (is_so, wrong) in [
            (!has_scheme("http://"), NotTrackerUrl::NoScheme),
            (text.contains(char::is_whitespace), NotTrackerUrl::Blank),
            (!is_clean, NotTrackerUrl::Character),
            (text.len() > MOST_BYTES, NotTrackerUrl::Long),
        ] {
            if is_so {
                return Err(wrong);
            }
        }
        let text = format!("http://{}", &text["http://".len()..]);
        let (host, port) = authority(&text).ok_or(NotTrackerUrl::Host)?;
        if port.is_some_and(|port| port.contains(':')) {
            return Err(NotTrackerUrl::NoBrackets);
        }
        let is_port = |port: &str| !port.starts_with('+') && port.parse::<u16>().is_ok_and(|port| port > 0);
        let has_port = port.is_none_or(is_port);
        let is_host = if text["http://".len()..].starts_with('[') {
            host.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6())
        } else {
            !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        };
        match (is_host, has_port) {
            (true, true) => Ok(Self(text)),
            (true, false) => Err(NotTrackerUrl::Port),
            (false, _) if host.is_empty() => Err(NotTrackerUrl::NoHost),
            (false, _) => Err(NotTrackerUrl::Host),
        }
    }
}

impl fmt::Display for TrackerUrl {
    /// Writes it as people see it: without the query, which may have a key that nobody else should know.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.split('?').next().unwrap_or_default())
    }
}

impl fmt::Display for NotTrackerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrong = match self {
            Self::Https => {
                return f.write_str("an https:// address, but this program speaks to trackers over http:// only");
            }
            Self::Udp => return f.write_str("a udp:// address, but this program speaks to trackers over http:// only"),
            Self::NoScheme => "it does not begin with http://",
            Self::Blank => "it has a blank",
            Self::Character => "it has a character that cannot stand in it",
            Self::Long => "it is too long",
            Self::NoHost => "its host is missing",
            Self::NoBrackets => "an IPv6 address stands in brackets, as in [::1]",
            Self::Host => "its host is neither a name nor an address",
            Self::Port => "its port is not a number from 1 to 65535",
        };
        write!(f, "not the address of a tracker, such as http://192.168.1.5:6969/announce: {wrong}")
    }
}

impl Error for NotTrackerUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> TrackerUrl {
        text.parse().expect("an address")
    }

    #[test]
    fn addresses_of_trackers_and_others() {
        for text in [
            "http://t/announce",
            "http://t",
            "http://192.168.1.5:6969/announce",
            "http://[::1]:6969/announce",
            "http://tracker.example.org/x/announce.php?passkey=1&a=%20",
        ] {
            assert_eq!(url(text).as_str(), text);
        }
        assert_eq!(url("HTTP://t/announce").as_str(), "http://t/announce");
        assert_eq!(url("http://t/announce?passkey=1").to_string(), "http://t/announce");
        for (text, wrong) in [
            ("", NotTrackerUrl::NoScheme),
            ("t/announce", NotTrackerUrl::NoScheme),
            ("http://", NotTrackerUrl::NoHost),
            ("http:///announce", NotTrackerUrl::NoHost),
            ("http://t:0/", NotTrackerUrl::Port),
            ("http://t:65536/", NotTrackerUrl::Port),
            ("http://t:x/", NotTrackerUrl::Port),
            ("http://::1/announce", NotTrackerUrl::NoBrackets),
            ("http://[t]/", NotTrackerUrl::Host),
            ("http://[::1/", NotTrackerUrl::Host),
            ("http://[::1]x/", NotTrackerUrl::Host),
            ("http://[1.2.3.4]/", NotTrackerUrl::Host),
            ("http://u@t/", NotTrackerUrl::Character),
            ("http://t/a b", NotTrackerUrl::Blank),
            ("http://t/\n", NotTrackerUrl::Blank),
            ("http://t/ü", NotTrackerUrl::Character),
            ("http://t/#part", NotTrackerUrl::Character),
            ("ftp://t/", NotTrackerUrl::NoScheme),
            ("http://t:+80/", NotTrackerUrl::Port),
        ] {
            assert_eq!(text.parse::<TrackerUrl>(), Err(wrong), "{text}");
        }
        assert_eq!("https://t/announce".parse::<TrackerUrl>(), Err(NotTrackerUrl::Https));
        assert_eq!("UDP://t:80".parse::<TrackerUrl>(), Err(NotTrackerUrl::Udp));
        assert_eq!(format!("http://t/{}", "x".repeat(MOST_BYTES)).parse::<TrackerUrl>(), Err(NotTrackerUrl::Long));
    }

    #[test]
    fn parameters_follow_those_that_are_there() {
        let check = |text: &str, with: &str| assert_eq!(url(text).with_query("a=1"), with);
        check("http://t/announce", "http://t/announce?a=1");
        check("http://t/announce?", "http://t/announce?a=1");
        check("http://t/announce?key=2", "http://t/announce?key=2&a=1");
        check("http://t/announce?key=2&", "http://t/announce?key=2&a=1");
    }

    /// The examples of BEP 48.
    #[test]
    fn the_address_of_scrapes_follows_the_convention() {
        let check = |text: &str, scrape: Option<&str>| {
            assert_eq!(url(text).scrape(), scrape.map(url), "{text}");
        };
        check("http://t/announce", Some("http://t/scrape"));
        check("http://t/x/announce", Some("http://t/x/scrape"));
        check("http://t/announce.php", Some("http://t/scrape.php"));
        check("http://t/a", None);
        check("http://t/announce?x2%0644", Some("http://t/scrape?x2%0644"));
        check("http://t/announce?x=2/4", Some("http://t/scrape?x=2/4"));
        check("http://t/x%064announce", None);
        check("http://t", None);
    }

    #[test]
    fn a_host_that_is_an_address_is_known() {
        assert_eq!(url("http://[::1]:6969/announce").address(), "::1".parse().ok());
        assert_eq!(url("http://127.0.0.1/announce").address(), "127.0.0.1".parse().ok());
        assert_eq!(url("http://localhost:6969").address(), None);
    }
}
