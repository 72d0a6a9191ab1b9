//! What people and programs see of a tracker: the page, and the figures as JSON. Pure.

use std::collections::HashMap;
use std::fmt::Write as _;

use peer_process::discovery::identity::InfoHash;
use serde::Serialize;

use super::registry::{Registry, Torrent};

/// Maximum number of swarms on the page and in the figures.
const MOST_SHOWN: usize = 200;

/// The content of `/stats.json`, as `docs/tracker.md` describes it.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
pub struct Stats {
    /// Number of seconds since the start.
    uptime_secs: u32,
    /// Number of swarms.
    swarms: usize,
    /// Number of peers that have the whole file.
    seeders: usize,
    /// Number of peers that do not have it.
    leechers: usize,
    /// Number of announces that were answered with peers.
    announces: u64,
    /// Number of scrapes that were answered.
    scrapes: u64,
    /// Number of announces and scrapes that were refused with a `failure reason`.
    refused: u64,
    /// Number of members that did not announce any more.
    expired: u64,
    /// Number of members that had to make room.
    displaced: u64,
    /// Number of open connections.
    connections: usize,
    /// Some of the swarms.
    listed: Vec<Listed>,
}

/// A swarm in `/stats.json`.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
struct Listed {
    info_hash: String,
    name: Option<String>,
    seeders: usize,
    leechers: usize,
    downloaded: u64,
    announces: u64,
}

/// What the registry does not count.
#[derive(Clone, Copy, Default, Debug)]
pub struct Extra {
    /// Number of seconds since the start.
    pub uptime_secs: u32,
    /// Number of scrapes that were answered.
    pub scrapes: u64,
    /// Number of requests that could not be read.
    pub unreadable: u64,
    /// Number of open connections.
    pub connections: usize,
}

impl Stats {
    /// Returns the figures. `names` has the names of the swarms that are known by name.
    pub fn of(registry: &Registry, names: &HashMap<InfoHash, String>, extra: Extra) -> Self {
        let (peers, seeders) = registry.peers();
        let tally = registry.tally();
        let listed = |torrent: &Torrent| Listed {
            info_hash: torrent.info_hash.to_string(),
            name: names.get(&torrent.info_hash).cloned(),
            seeders: torrent.seeders,
            leechers: torrent.leechers(),
            downloaded: torrent.downloaded,
            announces: torrent.announces,
        };
        Self {
            uptime_secs: extra.uptime_secs,
            swarms: registry.torrents().len(),
            seeders,
            leechers: peers - seeders,
            announces: tally.announces,
            scrapes: extra.scrapes,
            refused: tally.refused + extra.unreadable,
            expired: tally.expired,
            displaced: tally.displaced,
            connections: extra.connections,
            listed: registry.torrents().take(MOST_SHOWN).map(listed).collect(),
        }
    }

    /// Returns the figures as JSON, with a line break.
    pub fn json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("these are numbers and texts");
        text + "\n"
    }

    /// Returns the page. It needs nothing but itself. `host` is the host and port by which the browser has found this tracker.
    pub fn page(&self, host: Option<&str>) -> String {
        let mut rows = String::new();
        for swarm in &self.listed {
            let Listed { info_hash, name, seeders, leechers, downloaded, announces } = swarm;
            let name = name.as_deref().map_or_else(String::new, |name| format!("{}<br>", escaped(name)));
            let numbers = [*seeders as u64, *leechers as u64, *downloaded, *announces];
            let cell = |(title, number): (&str, u64)| format!("<td data-of=\"{title}\">{number}</td>");
            let cells = COLUMNS.into_iter().zip(numbers).map(cell).collect::<String>();
            // Writing to a text cannot fail.
            _ = writeln!(rows, "<tr><th scope=\"row\">{name}<code>{info_hash}</code></th>{cells}</tr>");
        }
        let heads = COLUMNS.map(|title| format!("<th scope=\"col\">{title}</th>")).concat();
        let table = if rows.is_empty() {
            "<p>No peer has announced itself yet.</p>\n".to_owned()
        } else {
            format!("<table>\n<tr><th scope=\"col\">swarm</th>{heads}</tr>\n{rows}</table>\n")
        };
        let more = self.swarms - self.listed.len();
        let more = if more > 0 { format!("<p>{more} more swarms are not shown.</p>\n") } else { String::new() };
        let url = host.filter(|host| is_host(host)).map_or_else(String::new, |host| {
            format!("<p>For peers: <code>http://{}/announce</code></p>\n", escaped(host))
        });
        let Self { swarms, seeders, leechers, announces, uptime_secs, .. } = self;
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>swarm track</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>swarm track</h1>\n{url}\
             <p>Swarms: {swarms}. Seeders: {seeders}. Leechers: {leechers}. Announces: {announces}, in {uptime_secs} s. \
             <a href=\"stats.json\">As JSON</a></p>\n{table}{more}</body>\n</html>\n"
        )
    }
}

/// The columns with numbers.
const COLUMNS: [&str; 4] = ["seeders", "leechers", "downloads", "announces"];

/// On a narrow screen the numbers of a swarm stand below its name, each with the title of its column.
const STYLE: &str = "body{font:16px sans-serif;margin:2em}code{overflow-wrap:anywhere}td,th{padding:.3em 1em;text-align:right}\
                     td{font-variant-numeric:tabular-nums}tr>:first-child{text-align:left;padding-left:0}\
                     th[scope=row]{font-weight:normal}tr{border-bottom:1px solid #8888}table{border-collapse:collapse}\
                     @media(max-width:50em){body{margin:1em}tr,th{display:block}tr:first-child{display:none}\
                     tr{padding:.4em 0}th,td{padding:0}td{display:inline-block;margin-right:1em}\
                     td::before{content:attr(data-of) \" \"}}";

/// Reports whether these are the characters of a host and a port.
fn is_host(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:[]".contains(c))
}

/// Replaces what means something in HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::track::registry::Limits;

    fn registry(swarms: u8) -> Registry {
        let hashes: Vec<_> = (0..swarms).map(|number| InfoHash::new([number; 20])).collect();
        Registry::new(Limits { members: 9, of_source: 9, patience_secs: 9 }, Some(&hashes), StdRng::seed_from_u64(1))
    }

    #[test]
    fn names_are_escaped() {
        let names = HashMap::from([(InfoHash::new([0; 20]), "<a href='x'>\"&".to_owned())]);
        let stats = Stats::of(&registry(1), &names, Extra::default());
        let page = stats.page(None);
        assert!(page.contains("&lt;a href=&#39;x&#39;&gt;&quot;&amp;<br><code>0000"), "{page}");
        assert!(stats.json().contains(r#""name": "<a href='x'>\"&""#), "{}", stats.json());
    }

    #[test]
    fn the_page_shows_the_url_for_peers_by_the_host_that_the_browser_used() {
        let page = |host| Stats::of(&registry(0), &HashMap::new(), Extra::default()).page(host);
        for host in ["192.168.1.5:6969", "[::1]:6969", "lab-7.example"] {
            let shown = page(Some(host));
            assert!(shown.contains(&format!("<code>http://{host}/announce</code>")), "{shown}");
            assert!(shown.contains("No peer has announced itself yet") && !shown.contains("<table>"), "{shown}");
        }
        for host in [None, Some(""), Some("<b>"), Some("a b"), Some("a\"b")] {
            assert!(!page(host).contains("/announce"), "{host:?}");
        }
    }

    #[test]
    fn the_page_is_bounded() {
        let stats = Stats::of(&registry(203), &HashMap::new(), Extra::default());
        let page = stats.page(None);
        assert_eq!(page.matches("<code>").count(), MOST_SHOWN);
        assert!(page.contains("<p>3 more swarms are not shown.</p>"), "{page}");
        assert!(!Stats::of(&registry(200), &HashMap::new(), Extra::default()).page(None).contains("not shown"));
    }

    #[test]
    fn the_figures_have_the_documented_fields() {
        let extra = Extra { uptime_secs: 1, scrapes: 2, unreadable: 3, connections: 4 };
        let json: serde_json::Value =
            serde_json::from_str(&Stats::of(&registry(1), &HashMap::new(), extra).json()).expect("it is JSON");
        let swarm = serde_json::json!({"info_hash": "00".repeat(20), "name": null, "seeders": 0, "leechers": 0,
            "downloaded": 0, "announces": 0});
        assert_eq!(
            json,
            serde_json::json!({"uptime_secs": 1, "swarms": 1, "seeders": 0, "leechers": 0, "announces": 0, "scrapes": 2,
                "refused": 3, "expired": 0, "displaced": 0, "connections": 4, "listed": [swarm]})
        );
    }
}
