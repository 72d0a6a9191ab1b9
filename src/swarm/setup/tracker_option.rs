//! `swarm init --tracker=HOST:PORT`: tips for those who write a blank in the place of `=`. Pure.

use crate::hosts::settings::tracker_url;
use crate::setup::places::is_address;

/// The option.
const OPTION: &str = "--tracker";

/// Returns the host and the port of a tracker's URL as the peers use it, and any other text as it is.
pub fn place(text: &str) -> &str {
    let rest = text.strip_prefix("http://");
    rest.and_then(|rest| rest.strip_suffix("/announce")).filter(|place| !place.contains('/')).unwrap_or(text)
}

/// Returns a tip for a command line that has this word too many. It is the value of `--tracker` behind a blank, or the directory
/// behind that.
pub fn tip(words: &[String], too_many: &str) -> Option<String> {
    if too_many.starts_with('-') || words.get(1).is_none_or(|word| word != "init") {
        return None;
    }
    let value = words.windows(2).find(|pair| pair[0] == OPTION).map(|pair| &pair[1])?;
    Some(format!("the place of a tracker needs '=': {OPTION}={value}"))
}

/// Returns the sentence about a directory whose name is the place of a tracker, such as `127.0.0.1:6969`.
pub fn mistaken(dir: &str) -> Option<String> {
    let is_place = dir.starts_with("http://") || is_address(dir) || (!dir.contains('/') && tracker_url(dir).is_ok());
    is_place.then(|| {
        format!(
            "'{dir}' stands in the place of the directory; the place of a tracker needs '=': {OPTION}={dir}, and './{dir}' is a \
             directory"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_url_that_peers_use_is_cut_to_its_host_and_port() {
        for (text, expected) in [
            ("http://lab:6969/announce", "lab:6969"),
            ("http://[::1]:6969/announce", "[::1]:6969"),
            ("lab:6969", "lab:6969"),
            ("http://lab:6969", "http://lab:6969"),
            ("http://lab:6969/x/announce", "http://lab:6969/x/announce"),
            ("udp://lab:6969/announce", "udp://lab:6969/announce"),
        ] {
            assert_eq!(place(text), expected);
        }
    }

    #[test]
    fn a_value_behind_a_blank_is_seen_and_a_directory_is_not() {
        let check = |line: &str, too_many: &str, value: Option<&str>| {
            let words: Vec<_> = line.split(' ').map(ToOwned::to_owned).collect();
            let expected = value.map(|value| format!("the place of a tracker needs '=': --tracker={value}"));
            assert_eq!(tip(&words, too_many), expected, "{line}");
        };
        check("swarm init s --tracker lab:6969", "lab:6969", Some("lab:6969"));
        check("swarm init --tracker foo s", "s", Some("foo"));
        check("swarm init --tracker s --bogus", "--bogus", None);
        check("swarm init s x", "x", None);
        check("swarm meta export m --tracker x y", "y", None);
        for dir in ["http://lab:6969/announce", "127.0.0.1:6969", "lab:6969", "[::1]:6969", "10.0.0.1", "::1"] {
            assert!(mistaken(dir).is_some(), "{dir}");
        }
        for dir in ["lab", ".", "6969", "./127.0.0.1:6969", "a:b", "C:"] {
            assert_eq!(mistaken(dir), None, "{dir}");
        }
    }
}
