//! Hints for a peer that cannot be run: from its command, its last words and its ports to what helps. Pure.

use std::collections::BTreeSet;

use crate::words::typed;

/// What people write in place of {id}. The one with a dollar sign holds {id} itself, so that a shell sees `$1002`.
const LIKE_ID: [&str; 16] = [
    "${id}",
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
/// What Python, Java and C++ programs say when they read an input that has ended.
const END_OF_INPUT: [&str; 4] = ["EOFError", "EOF when reading", "NoSuchElementException", "No line found"];
/// What programs say when their port is taken.
const PORT_TAKEN: [&str; 4] = ["Address already in use", "BindException", "EADDRINUSE", "address already in use"];
/// What shells and interpreters say when the program is not where they look.
const NOT_FOUND: [&str; 8] = [
    ": not found",
    "command not found",
    "can't open file",
    "ModuleNotFoundError",
    "ClassNotFoundException",
    "Could not find or load main class",
    "Unable to access jarfile",
    "Cannot find module",
];
/// The names of both configuration files.
const CONFIGS: [&str; 2] = ["Common.cfg", "PeerInfo.cfg"];

/// What was seen of a peer that gave no sign on the network.
pub struct Seen<'a> {
    /// Its command, with {id}.
    pub command: &'a str,
    /// The directory where it ran.
    pub dir: &'a str,
    /// The last lines that it printed.
    pub printed: &'a [String],
    /// The ports at which it listens, where the system shows them.
    pub ports: &'a BTreeSet<u16>,
    /// The port of its line.
    pub port: Option<u16>,
}

/// Returns what may help, a sentence each.
pub fn hints(seen: &Seen<'_>) -> Vec<String> {
    let hints = [id(seen.command), input(seen), config(seen), port(seen), program(seen)];
    hints.into_iter().flatten().collect()
}

/// Returns a sentence if the command does not tell the peer its ID.
pub fn id(command: &str) -> Option<String> {
    let like = LIKE_ID.iter().find(|like| command.contains(*like));
    match like {
        Some(like @ &"${id}") => Some(format!("--command has '{like}': write {{id}}, without the dollar sign")),
        _ if command.contains("{id}") => None,
        Some(like) => Some(format!("--command has '{like}' where {{id}} belongs, so the peer is not told its ID")),
        None => Some("--command has no {id}, so the peer is not told its ID".to_owned()),
    }
}

/// Returns a sentence if the peer reads its input.
fn input(seen: &Seen<'_>) -> Option<String> {
    let is_prompt = |line: &String| {
        let lower = line.to_ascii_lowercase();
        let asks = ["enter", "input", "type", "id"]
            .iter()
            .any(|word| lower.split(|c: char| !c.is_alphanumeric()).any(|own| own == *word));
        asks && lower.trim_end().ends_with([':', '?', '>'])
    };
    let has_asked = says(seen.printed, &END_OF_INPUT) || seen.printed.last().is_some_and(is_prompt);
    let command = if seen.command.contains("{id}") { "..." } else { seen.command };
    has_asked.then(|| {
        format!(
            "the peer reads its input, which is empty; if it reads its ID there, use --command {}",
            typed(&format!("echo {{id}} | {command}"))
        )
    })
}

/// Returns a sentence if the peer speaks of a configuration file in another place, or by another name.
fn config(seen: &Seen<'_>) -> Option<String> {
    let is_edge = |c: char| c.is_whitespace() || "'\"`()[]<>,;=|".contains(c);
    let words = seen.printed.iter().flat_map(|line| line.split(is_edge));
    words.map(|word| word.trim_end_matches([':', '.', '!'])).find_map(|word| {
        let path = word.strip_prefix(seen.dir).map_or(word, |rest| rest.trim_start_matches('/'));
        let path = path.strip_prefix("./").unwrap_or(path);
        let (dir, name) = path.rsplit_once('/').map_or((None, path), |(dir, name)| (Some(dir), name));
        let right = CONFIGS.iter().find(|right| right.eq_ignore_ascii_case(name))?;
        if name != *right {
            return Some(format!("the peer names '{name}', and the file is named {right}"));
        }
        let dir = dir?;
        if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            return Some(format!(
                "the peer names '{path}', and {right} is in the directory where the command starts; \
                 --config-dir can write it only below that directory"
            ));
        }
        Some(format!("the peer names '{path}'; --config-dir {} writes both files there, too", typed(dir)))
    })
}

/// Returns a sentence if the peer listens elsewhere, or seems to want a port that is taken.
fn port(seen: &Seen<'_>) -> Option<String> {
    let line = seen.port.map_or_else(String::new, |port| format!(", and its line in PeerInfo.cfg says {port}"));
    let others: Vec<_> = seen.ports.iter().filter(|port| Some(**port) != seen.port).map(u16::to_string).collect();
    if let Some(first) = others.first() {
        let noun = if others.len() == 1 { "port" } else { "ports" };
        return Some(format!(
            "the peer listens at {noun} {}{line}; it should read that line, or use --port {first}",
            others.join(", ")
        ));
    }
    says(seen.printed, &PORT_TAKEN).then(|| {
        "the port of the peer's line is free, so the peer wants another one, which is taken; it should read its line, \
         or use --port PORT and end what holds that port"
            .to_owned()
    })
}

/// Returns a sentence if the program was not found.
fn program(seen: &Seen<'_>) -> Option<String> {
    says(seen.printed, &NOT_FOUND).then(|| {
        "the program is not there: --project names the directory that holds it, --setup compiles it, and --command \
         starts it from that directory"
            .to_owned()
    })
}

fn says(printed: &[String], words: &[&str]) -> bool {
    printed.iter().any(|line| words.iter().any(|word| line.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints_of(command: &str, printed: &[&str], ports: &[u16]) -> Vec<String> {
        let printed: Vec<String> = printed.iter().map(|line| (*line).to_owned()).collect();
        let ports = ports.iter().copied().collect();
        hints(&Seen { command, dir: "/tmp/x/1", printed: &printed, ports: &ports, port: Some(20_001) })
    }

    fn hint_of(printed: &str) -> Option<String> {
        let hints = hints_of("java peerProcess {id}", &[printed], &[]);
        assert!(hints.len() < 2, "{hints:?}");
        hints.into_iter().next()
    }

    #[test]
    fn an_id_that_is_not_told_is_found_in_whatever_form_it_stands() {
        assert_eq!(id("java peerProcess {id}"), None);
        for like in ["{ID}", "$id", "$1", "<id>", "{peerId}"] {
            let expected = format!("--command has '{like}' where {{id}} belongs, so the peer is not told its ID");
            assert_eq!(id(&format!("java peerProcess {like}")), Some(expected));
        }
        let dollar = "--command has '${id}': write {id}, without the dollar sign";
        assert_eq!(id("java peerProcess ${id}").as_deref(), Some(dollar));
        let none = "--command has no {id}, so the peer is not told its ID";
        assert_eq!(id("java peerProcess").as_deref(), Some(none));
    }

    #[test]
    fn a_peer_that_reads_its_input_is_found_by_its_words() {
        let hint =
            "the peer reads its input, which is empty; if it reads its ID there, use --command 'echo {id} | ...'";
        for printed in [
            "EOFError: EOF when reading a line",
            "java.util.NoSuchElementException: No line found",
            "Enter the peer's ID: ",
            "ID?",
        ] {
            assert_eq!(hint_of(printed).as_deref(), Some(hint), "{printed}");
        }
        assert_eq!(hint_of("Peer 1002 waits for valid peers:"), None);
        let hints = hints_of("python3 peer.py", &["ID: "], &[]);
        assert!(hints[1].ends_with("--command 'echo {id} | python3 peer.py'"), "{hints:?}");
    }

    #[test]
    fn a_configuration_that_is_looked_for_elsewhere_is_found_by_its_path() {
        let there = "the peer names 'config/Common.cfg'; --config-dir config writes both files there, too";
        for printed in [
            "FileNotFoundError: [Errno 2] No such file or directory: 'config/Common.cfg'",
            "java.io.FileNotFoundException: ./config/Common.cfg (No such file or directory)",
            "cannot open /tmp/x/1/config/Common.cfg.",
        ] {
            assert_eq!(hint_of(printed).as_deref(), Some(there), "{printed}");
        }
        let above = hint_of("open(\"../PeerInfo.cfg\")").expect("a hint");
        assert!(above.starts_with("the peer names '../PeerInfo.cfg', and PeerInfo.cfg is in the directory"), "{above}");
        assert!(hint_of("cannot open /home/me/Common.cfg").is_some());
        let name = hint_of("no file peerInfo.cfg").expect("a hint");
        assert_eq!(name, "the peer names 'peerInfo.cfg', and the file is named PeerInfo.cfg");
        assert_eq!(hint_of("reading Common.cfg"), None);
        assert_eq!(hint_of("reading /tmp/x/1/Common.cfg"), None);
    }

    #[test]
    fn a_port_of_its_own_is_found_by_the_socket_or_by_its_words() {
        let hints = hints_of("java peerProcess {id}", &[], &[6008]);
        let listens = "the peer listens at port 6008, and its line in PeerInfo.cfg says 20001; it should read that line, \
            or use --port 6008";
        assert_eq!(hints, [listens]);
        assert!(hints_of("java peerProcess {id}", &[], &[20_001]).is_empty());
        let taken = hint_of("java.net.BindException: Address already in use").expect("a hint");
        assert!(taken.contains("--port PORT"), "{taken}");
    }

    #[test]
    fn a_program_that_is_not_there_is_found_by_what_others_say() {
        for printed in ["sh: 1: javac: not found", "Error: Could not find or load main class peerProcess"] {
            assert!(hint_of(printed).is_some_and(|hint| hint.contains("--project")), "{printed}");
        }
        assert_eq!(hint_of("Segmentation fault"), None);
    }
}
