//! `log_of`: finds the log of a peer among the files of a swarm's directory, by their names alone. `LogPattern`: a name that
//! the user gives.
//!
//! The course names `log_peer_<id>.log` in the working directory (protocol A2). Public peers also write into `log/`, `logs/` or
//! `peer_<id>/`, keep the brackets of the course's text, and add a date. Whether a file is of this run, `swarm start` asks
//! the hosts; `swarm grade` takes what lies there.

use crate::swarm_dir::tap_dir;

/// Minimum number of digits of a date, such as `1-1-2025`.
const DATE_DIGITS: usize = 6;
/// The placeholder of the peer's ID.
const ID: &str = "{id}";

/// A log's name with `{id}` for the peer's ID, `*` for any run of characters but `/`, and `?` for one of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogPattern(String);

impl LogPattern {
    /// Reads `--log-pattern`.
    ///
    /// # Errors
    /// The fault, as the end of a sentence that begins with the pattern.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if !text.contains(ID) {
            return Err("has no {id} for the peer's ID");
        }
        if text.contains('\\') || text.contains(char::is_control) {
            return Err("has a backslash or a control character");
        }
        if text.ends_with('/') {
            return Err("names a directory");
        }
        Ok(Self(text.trim_start_matches("./").to_owned()))
    }

    /// Returns the pattern of this peer, in which `*` and `?` stay.
    pub fn of(&self, id: u32) -> String {
        self.0.replace(ID, &id.to_string())
    }

    /// Returns the pattern for a shell, which would take brackets for a choice of characters.
    pub fn glob(&self, id: u32) -> String {
        self.of(id).replace('[', "[[]")
    }

    /// Reports whether it can mean this file.
    pub fn fits(&self, id: u32, name: &str) -> bool {
        fits(self.of(id).as_bytes(), name.as_bytes())
    }
}

/// Reports whether a name fits the pattern. It goes back to the last `*` only, so a long name costs little.
pub fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    // The place after the last star, and the byte of the name to continue with.
    let mut star = None;
    while place < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, place));
                continue;
            }
            Some(&mark) if mark == name[place] || mark == b'?' && name[place] != b'/' => {
                (at, place) = (at + 1, place + 1);
                continue;
            }
            _ => {}
        }
        let Some((behind, taken)) = star.filter(|(_, taken)| name[*taken] != b'/') else { return false };
        star = Some((behind, taken + 1));
        (at, place) = (behind, taken + 1);
    }
    pattern[at..].iter().all(|mark| *mark == b'*')
}

/// Returns the name, relative to the swarm's directory, that is the log of this peer.
///
/// A name that fits the pattern goes first, then the course's own. The working directory goes before others, and a name
/// without a date before one with a date. All that is in the directory of a tap goes before that: it is of the last run. Of equal
/// names the last one wins: in sorted names with the year first, that has the last date.
pub fn log_of<'a>(id: u32, pattern: Option<&LogPattern>, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let ranked = names.into_iter().filter_map(|name| Some((rank(id, pattern, name)?, name)));
    ranked.reduce(|best, next| if next.0 <= best.0 { next } else { best }).map(|(_, name)| name)
}

/// Returns all names that may be the log of this peer; the one that [`log_of`] returns is the first.
pub fn candidates_of<'a>(
    id: u32,
    pattern: Option<&LogPattern>,
    names: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    let mut ranked: Vec<_> = names.into_iter().filter_map(|name| Some((rank(id, pattern, name)?, name))).collect();
    ranked.reverse();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, name)| name).collect()
}

/// The distance of a name from the course's own: less is nearer. In the directory of a tap it is of the last run.
type Rank = (u8, (u8, u8, u8));

fn rank(id: u32, pattern: Option<&LogPattern>, name: &str) -> Option<Rank> {
    let tapped = tap_dir(id) + "/";
    let (distance, name) = name.strip_prefix(&tapped).map_or((1, name), |inside| (0, inside));
    let place = match pattern {
        Some(pattern) if pattern.fits(id, name) => (0, 0, 0),
        _ => place_of(id, name)?,
    };
    Some((distance, place))
}

/// Returns the distance of a name from the course's name, or `None` if it is not a log of this peer. Less is nearer. The
/// numbers stand for the place, the date and the brackets.
fn place_of(id: u32, name: &str) -> Option<(u8, u8, u8)> {
    let own = format!("peer_{id}");
    let (place, file) = match name.rsplit_once('/') {
        None => (1, name),
        Some(("log", file)) => (2, file),
        Some(("logs", file)) => (3, file),
        Some((folder, file)) if folder == own => (4, file),
        Some(_) => return None,
    };
    let rest = file.strip_prefix("log_peer_")?.strip_suffix(".log")?;
    let id = id.to_string();
    let (brackets, rest) = match rest.strip_prefix('[') {
        Some(inside) => (1, inside.strip_prefix(&id)?.strip_prefix(']')?),
        None => (0, rest.strip_prefix(&id)?),
    };
    if rest.is_empty() {
        return Some((place, 0, brackets));
    }
    let date = rest.strip_prefix(['_', '-'])?;
    let has_digits = date.bytes().filter(u8::is_ascii_digit).count() >= DATE_DIGITS;
    (has_digits && date.starts_with(|first: char| first.is_ascii_digit())).then_some((place, 1, brackets))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(names: &[&str], expected: Option<&str>) {
        assert_eq!(log_of(1002, None, names.iter().copied()), expected, "{names:?}");
        assert_eq!(candidates_of(1002, None, names.iter().copied()).first().copied(), expected, "{names:?}");
    }

    #[test]
    fn each_name_and_place_that_public_peers_use_is_found() {
        for folder in ["", "log/", "logs/", "peer_1002/"] {
            for file in [
                "log_peer_1002.log",
                "log_peer_[1002].log",
                "log_peer_[1002]_2025-04-22.log",
                "log_peer_[1002]_2025-04-22 10:02:21.log",
                "log_peer_1002_20250422.log",
                "log_peer_1002_1-1-2025.log",
                "log_peer_1002-2025.04.22.log",
                "log_peer_1002_12-Dec-2020_05-24-12_PM.log",
            ] {
                let name = format!("{folder}{file}");
                check(&["Common.cfg", &name, "log_peer_1001.log"], Some(&name));
            }
        }
    }

    #[test]
    fn what_is_another_s_or_no_log_is_not_taken() {
        for name in [
            "log_peer_1001.log",
            "log_peer_100.log",
            "log_peer_10021.log",
            "log_peer_21002.log",
            "log_peer_[10021].log",
            "log_peer_[1002.log",
            "log_peer_1002].log",
            "log_peer_1002.txt",
            "log_peer_1002_.log",
            "log_peer_1002_1003.log",
            "log_peer_1002_old.log",
            "log_peer_1002_backup_20250422.log",
            "my_log_peer_1002.log",
            "peer_1001/log_peer_1002.log",
            "old/log_peer_1002.log",
            "old/logs/log_peer_1002.log",
            "peer_1002.err",
            "peer_1002/file.log",
            "log_peer_.log",
            "",
        ] {
            check(&[name], None);
        }
        check(&[], None);
    }

    #[test]
    fn of_several_the_course_s_own_goes_first_and_the_last_date() {
        let (own, bracket) = ("log_peer_1002.log", "log_peer_[1002].log");
        let dated = ["logs/log_peer_[1002]_2025-04-22.log", "logs/log_peer_[1002]_2025-04-23.log"];
        let (below, own_folder) = ("log/log_peer_1002.log", "peer_1002/log_peer_1002.log");
        check(&[own_folder, dated[0], below, bracket, own], Some(own));
        check(&[own, bracket, below, dated[0], own_folder], Some(own));
        check(&[own_folder, dated[0], below, bracket], Some(bracket));
        check(&[dated[0], dated[1]], Some(dated[1]));
        check(&[dated[0], own_folder, dated[1]], Some(dated[1]));
        let tapped = ["swarm.tap/1002/logs/log_peer_1002.log", "swarm.tap/1002/log_peer_1002.log"];
        check(&[own, tapped[0]], Some(tapped[0]));
        check(&[tapped[1], tapped[0], own], Some(tapped[1]));
        check(&["swarm.tap/1001/log_peer_1002.log", "swarm.tap/log_peer_1002.log"], None);
    }

    #[test]
    fn a_pattern_goes_first_and_others_are_still_found() {
        let pattern = LogPattern::parse("./out/[{id}]*.txt").expect("it is one");
        let check = |names: &[&str], expected: Option<&str>| {
            assert_eq!(log_of(1002, Some(&pattern), names.iter().copied()), expected, "{names:?}");
        };
        check(&["out/[1002] of today.txt", "log_peer_1002.log"], Some("out/[1002] of today.txt"));
        check(&["log_peer_1002.log", "out/[1001].txt"], Some("log_peer_1002.log"));
        check(&["out/1.txt", "out/[1002]/x.txt", "out/[1002].txt.gz"], None);
        assert_eq!(pattern.glob(1002), "out/[[]1002]*.txt");
    }

    #[test]
    fn stars_and_question_marks_stay_within_a_directory() {
        let check = |pattern: &str, name: &str, expected: bool| {
            let read = LogPattern::parse(pattern).expect("it is one");
            assert_eq!(read.fits(7, name), expected, "{pattern} {name}");
        };
        check("{id}", "7", true);
        check("{id}", "77", false);
        check("*{id}*", "7", true);
        check("*{id}*", "a7b", true);
        check("*{id}*", "a7/b", false);
        check("*/{id}*", "a/7", true);
        check("*/{id}*", "a/b/7", false);
        check("?{id}?", "a7b", true);
        check("?{id}?", "/7b", false);
        check("?{id}?", "a7", false);
        check("*a*{id}", "aXaX7", true);
        check("*a*{id}", "bbb7", false);
        check("p{id}/*.log", "p7/x.log.log", true);
        check("/var/{id}.log", "/var/7.log", true);
    }

    #[test]
    fn a_pattern_that_cannot_be_meant_is_refused() {
        for (text, told) in [("logs/*.log", "has no {id}"), ("{id}\\x", "has a backslash"), ("{id}/", "a directory")] {
            let fault = LogPattern::parse(text).expect_err(text);
            assert!(fault.contains(told), "{text}: {fault}");
        }
    }

    proptest! {
        #[test]
        fn a_star_matches_as_a_plain_search_does(pattern in "[ab*?/]{0,8}", name in "[ab/]{0,8}") {
            fn plain(pattern: &[u8], name: &[u8]) -> bool {
                match (pattern, name) {
                    ([], []) => true,
                    ([b'*', rest @ ..], _) => {
                        plain(rest, name) || matches!(name, [first, ..] if *first != b'/') && plain(pattern, &name[1..])
                    }
                    ([mark, rest @ ..], [first, others @ ..]) => {
                        (mark == first || *mark == b'?' && *first != b'/') && plain(rest, others)
                    }
                    _ => false,
                }
            }
            prop_assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), plain(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
