//! What a command shows: whether it tells the peer its ID, and how it would get that on its input.

use crate::words::typed;

/// This holds {id} itself, so that a shell sees `$1002`.
const WITH_DOLLAR: &str = "${id}";
/// What people write in place of {id}.
const LIKE_ID: [&str; 15] = [
    "{ID}",
    "{Id}",
    "{peerId}",
    "{peerID}",
    "{peer_id}",
    "{pid}",
    "{0}",
    "{}",
    "$id",
    "$ID",
    "$1",
    "<id>",
    "<ID>",
    "%id%",
    "%d",
];

/// Returns a sentence if the command does not tell the peer its ID.
pub fn id(command: &str) -> Option<String> {
    if command.contains(WITH_DOLLAR) {
        return Some(format!("--command has '{WITH_DOLLAR}': write {{id}}, without the dollar sign"));
    }
    match LIKE_ID.iter().find(|like| has_word(command, like)) {
        _ if command.contains("{id}") => None,
        Some(like) => Some(format!("--command has '{like}' and no {{id}}; write {{id}} where the peer's ID belongs")),
        None => Some("--command has no {id}, so it does not tell the peer its ID".to_owned()),
    }
}

/// Reports whether this stands there as a word of its own, not as a part of a longer one, such as `%date%` or `$10`.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "_$%{}".contains(c);
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

/// Returns the value of `--command` that writes the peer's ID to its input, quoted for a shell.
pub fn with_input(command: &str) -> String {
    // The pipe would lead into the first of several commands only.
    let has_several = command.contains([';', '&', '\n']) || command.contains("||");
    // A command with {id} must change, and behind a comment no parenthesis would count.
    let shown = if command.contains("{id}") || command.contains('#') { "..." } else { command };
    typed(&if has_several { format!("echo {{id}} | ({shown})") } else { format!("echo {{id}} | {shown}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_not_told_is_found_in_whatever_form_it_stands() {
        assert_eq!(id("java peerProcess {id}"), None);
        for like in ["{ID}", "$id", "$1", "<id>", "{peerId}", "{}"] {
            let expected = format!("--command has '{like}' and no {{id}}; write {{id}} where the peer's ID belongs");
            for command in [format!("java peerProcess {like}"), format!("java -Did={like} peerProcess")] {
                assert_eq!(id(&command).as_ref(), Some(&expected));
            }
            assert_eq!(id(&format!("java peerProcess {{id}} {like}")), None);
        }
        let dollar = "--command has '${id}': write {id}, without the dollar sign";
        assert_eq!(id("java peerProcess ${id}").as_deref(), Some(dollar));
    }

    #[test]
    fn a_part_of_a_longer_word_stands_for_no_id() {
        let none = "--command has no {id}, so it does not tell the peer its ID";
        for command in ["peer", "peer %date%", "peer $10", "peer $idle", "peer a{}b", "date +%d%m; peer", "peer %%d"] {
            assert_eq!(id(command).as_deref(), Some(none), "{command}");
        }
    }

    #[test]
    fn the_id_comes_to_the_whole_command() {
        for (command, expected) in [
            ("python3 peer.py", "'echo {id} | python3 peer.py'"),
            ("python3 peer.py {id}", "'echo {id} | ...'"),
            ("cd src && python3 peer.py", "'echo {id} | (cd src && python3 peer.py)'"),
            ("make; ./peer", "'echo {id} | (make; ./peer)'"),
            ("./peer || ./other", "'echo {id} | (./peer || ./other)'"),
            ("./peer | tee log", "'echo {id} | ./peer | tee log'"),
            ("cd src && ./peer {id}", "'echo {id} | (...)'"),
            ("cd src; ./peer # quick", "'echo {id} | (...)'"),
        ] {
            assert_eq!(with_input(command), expected, "{command}");
        }
    }
}
