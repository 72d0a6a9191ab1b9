//! What a peer of an open swarm that knows no other member waits for, in words; pure.

#[cfg(feature = "discovery")]
use crate::discovery::knows_nobody_else;

/// Returns the sentence, given the number of addresses that were found and the name of a tracker that answers.
#[must_use]
pub fn sentence(found: usize, tracker: Option<&str>) -> String {
    let why = match (found, tracker) {
        (0, Some(tracker)) => format!("the tracker {tracker} {}", knows_nobody_else()),
        (0, None) => "no address was found so far".to_owned(),
        (1, _) => "nobody answers at the one address that was found".to_owned(),
        (count, _) => format!("nobody answers at the {count} addresses that were found"),
    };
    format!("waiting for another member; {why}")
}

/// Without trackers, none answers.
#[cfg(not(feature = "discovery"))]
fn knows_nobody_else() -> &'static str {
    "answers"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracker_counts_only_while_no_address_was_found() {
        let check = |found, tracker, part: &str| {
            let told = sentence(found, tracker);
            assert!(told.starts_with(&format!("waiting for another member; {part}")), "{told}");
        };
        check(0, None, "no address was found so far");
        check(0, Some("http://t/announce"), "the tracker http://t/announce answers");
        check(1, Some("http://t/announce"), "nobody answers at the one address");
        check(7, None, "nobody answers at the 7 addresses");
    }
}
