//! One request to a tracker, over one family of addresses. It blocks, for as long as the system takes to look up a name.
//!
//! No proxy is used, whatever the environment says: a tracker hands out the address that it sees, and that would be the proxy's.

use std::io::{self, ErrorKind};
use std::time::Duration;

use ureq::config::IpFamily;
use ureq::{Agent, Error, Timeout};

use super::families::Family;
use super::telling::{Kind, Trouble};
use crate::discovery::words::plain;

/// Maximum length of a body, in bytes, after decompression.
const MOST_BYTES: u64 = 1 << 20;
/// Maximum number of redirects.
const MOST_REDIRECTS: u32 = 4;
/// What this program calls itself.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// An answer of any status.
#[derive(Debug)]
pub struct Reply {
    /// The status, such as 200.
    pub status: u16,
    /// The body, without compression.
    pub body: Vec<u8>,
}

/// Sends a request and returns the answer. Each step may take as long as `patience`: connecting, sending, the head of the answer
/// and its body.
///
/// # Errors
/// The trouble, if no whole answer came.
pub fn get(url: &str, family: Family, patience: Duration) -> Result<Reply, Trouble> {
    let step = Some(patience);
    let ip_family = match family {
        Family::V4 => IpFamily::Ipv4Only,
        Family::V6 => IpFamily::Ipv6Only,
    };
    let config = Agent::config_builder()
        .proxy(None)
        .ip_family(ip_family)
        .http_status_as_error(false)
        .max_redirects(MOST_REDIRECTS)
        .user_agent(USER_AGENT)
        .max_idle_connections(0)
        // A limit on all of it would make `ureq` look up names in a thread of its own.
        .timeout_connect(step)
        .timeout_send_request(step)
        .timeout_recv_response(step)
        .timeout_recv_body(step);
    let agent = config.build().new_agent();
    let told = |error| trouble(error, patience);
    let mut response = agent.get(url).call().map_err(told)?;
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(MOST_BYTES).read_to_vec().map_err(told)?;
    Ok(Reply { status, body })
}

/// Returns what people are told of an error.
fn trouble(error: Error, patience: Duration) -> Trouble {
    let secs = patience.as_secs();
    let (kind, words) = match error {
        Error::HostNotFound => (Kind::NoName, "cannot be reached: its name has no address".to_owned()),
        Error::Io(error) => return io_trouble(&error),
        Error::Timeout(Timeout::Connect) => {
            (Kind::NoConnection, format!("cannot be reached: no connection within {secs} s"))
        }
        Error::Timeout(_) => (Kind::Slow, format!("does not complete its answer within {secs} s")),
        Error::TooManyRedirects => {
            (Kind::Redirect, format!("leads from one address to another, more than {MOST_REDIRECTS} times"))
        }
        Error::TlsRequired | Error::Tls(_) => (
            Kind::Redirect,
            "leads to an https:// address, but this program speaks to trackers over http:// only".to_owned(),
        ),
        Error::BodyExceedsLimit(_) => (Kind::NoAnswer, format!("sends an answer of more than {MOST_BYTES} bytes")),
        Error::Decompress(..) => (Kind::NotHttp, "sends an answer whose gzip is broken".to_owned()),
        other => (Kind::NotHttp, format!("does not answer as HTTP wants it: {}", plain(other.to_string().as_bytes()))),
    };
    Trouble { kind, words }
}

fn io_trouble(error: &io::Error) -> Trouble {
    let text = error.to_string();
    let (kind, words) = match error.kind() {
        ErrorKind::ConnectionReset
        | ErrorKind::UnexpectedEof
        | ErrorKind::BrokenPipe
        | ErrorKind::ConnectionAborted => {
            (Kind::NotHttp, "closes the connection before its answer is complete".to_owned())
        }
        // The library has no kind for it.
        _ if text.starts_with("failed to lookup address information") => {
            (Kind::NoName, "cannot be reached: its name has no address".to_owned())
        }
        ErrorKind::Other => (Kind::NoConnection, format!("cannot be reached: {}", plain(text.as_bytes()))),
        kind => (Kind::NoConnection, format!("cannot be reached: {kind}")),
    };
    Trouble { kind, words }
}
