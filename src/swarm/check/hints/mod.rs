//! Hints for a peer that cannot be run: from its command, its last words and its ports to what helps. Each says only what was
//! seen, and "may" or "perhaps" where it guesses. Pure.

mod command;
mod config;
mod ports;
mod said;
mod seen;

pub use self::command::id;
pub use self::seen::Seen;

/// Returns what may help, a sentence each.
pub fn hints(seen: &Seen<'_>) -> Vec<String> {
    let hints = [id(seen.command), said::input(seen), config::config(seen), ports::port(seen), said::program(seen)];
    hints.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints_with(printed: &[&str], ports: &[u16], config_dir: Option<&str>, has_port: bool) -> Vec<String> {
        let printed: Vec<String> = printed.iter().map(|line| (*line).to_owned()).collect();
        let ports = ports.iter().copied().collect();
        let (command, dir, host, port) = ("java peerProcess {id}", "/tmp/x/1", "localhost", Some(20_001));
        hints(&Seen { command, dir, printed: &printed, ports: &ports, port, host, config_dir, has_port })
    }

    fn hint_of(printed: &[&str]) -> Option<String> {
        let hints = hints_with(printed, &[], None, false);
        assert!(hints.len() < 2, "{hints:?}");
        hints.into_iter().next()
    }

    #[test]
    fn a_peer_that_reads_its_input_is_found_by_its_words() {
        let scanner = ["java.util.NoSuchElementException", "at java.base/java.util.Scanner.next(Scanner.java:1478)"];
        for (printed, reads) in [
            (&["EOFError: EOF when reading a line"][..], "reads its input, which is empty"),
            (
                &["java.util.NoSuchElementException: No line found"],
                "read to the end of something, perhaps of its input, which is empty",
            ),
            (&scanner, "read to the end of something, perhaps of its input, which is empty"),
            (&["Enter the peer's ID: "], "may ask for its ID, and its input is empty"),
            (&["Please enter the number>"], "may ask for its ID, and its input is empty"),
            (&["Peer ID?"], "may ask for its ID, and its input is empty"),
        ] {
            let hint = format!("the peer {reads}; if it reads its ID there, use --command 'echo {{id}} | ...'");
            assert_eq!(hint_of(printed), Some(hint), "{printed:?}");
        }
    }

    #[test]
    fn words_that_only_look_like_a_question_are_no_reading_of_the_input() {
        for printed in [
            &["Peer 1002 waits for valid peers:"][..],
            &["Usage: java peerProcess <peer id>"],
            &["usage: peerProcess ID:"],
            &["started peer with id 1002:"],
            &["Invalid peer ID:"],
            &["unknown message type:"],
            &["EOFError: Ran out of input"],
            &[
                "java.util.NoSuchElementException",
                "at java.base/java.util.StringTokenizer.nextToken(StringTokenizer.java:347)",
            ],
            &["java.util.NoSuchElementException: No value present"],
        ] {
            assert_eq!(hint_of(printed), None, "{printed:?}");
        }
    }

    #[test]
    fn a_configuration_that_is_looked_for_elsewhere_is_found_by_its_path() {
        let there = "the peer names 'config/Common.cfg'; --config-dir config writes both files there, too";
        for printed in [
            "FileNotFoundError: [Errno 2] No such file or directory: 'config/Common.cfg'",
            "java.io.FileNotFoundException: ./config/Common.cfg (No such file or directory)",
            "cannot open /tmp/x/1/config/Common.cfg.",
        ] {
            assert_eq!(hint_of(&[printed]).as_deref(), Some(there), "{printed}");
            for given in ["config", "./config/"] {
                assert!(hints_with(&[printed], &[], Some(given), false).is_empty(), "{printed}: {given}");
            }
            assert_eq!(hints_with(&[printed], &[], Some("conf"), false), [there]);
        }
        let above = hint_of(&["could not open ../PeerInfo.cfg"]).expect("a hint");
        assert!(above.starts_with("the peer names '../PeerInfo.cfg', and PeerInfo.cfg is in the directory"), "{above}");
        assert!(hint_of(&["cannot open /home/me/Common.cfg"]).is_some());
        let name = hint_of(&["no file peerInfo.cfg"]).expect("a hint");
        assert_eq!(name, "the peer names 'peerInfo.cfg', and the file is named PeerInfo.cfg");
    }

    #[test]
    fn a_configuration_that_is_only_named_is_not_missed() {
        for printed in [
            "read config/Common.cfg",
            "parsing peerinfo.cfg ...",
            "File not found: Common.cfg",
            "no /tmp/x/1/Common.cfg",
        ] {
            assert_eq!(hint_of(&[printed]), None, "{printed}");
        }
        assert_eq!(hint_of(&["read config/Common.cfg", "No such file or directory: peer_1002"]), None);
    }

    #[test]
    fn a_port_of_its_own_is_found_by_the_socket() {
        let listens = "the peer listens at port 6008, and its line in PeerInfo.cfg says 20001; if that is for its neighbors, \
            it should read that line, or use --port 6008";
        assert_eq!(hints_with(&[], &[6008], None, false), [listens]);
        let several = &hints_with(&[], &[6008, 7000], None, false)[0];
        assert!(
            several.contains("ports 6008, 7000, and") && several.ends_with("--port with the right one"),
            "{several}"
        );
    }

    #[test]
    fn a_peer_at_the_port_of_its_line_is_not_sent_to_another_one() {
        let elsewhere = "the peer listens at the port of its line, and no call to localhost reaches it: its address may be \
            another one; it should listen at all addresses (0.0.0.0), or use --host with its address";
        for ports in [&[20_001][..], &[5005, 20_001]] {
            assert_eq!(hints_with(&[], ports, None, false), [elsewhere]);
        }
    }

    #[test]
    fn a_port_that_is_taken_is_found_by_its_words_and_no_other_fault_of_an_address() {
        for printed in [
            "java.net.BindException: Address already in use (Bind failed)",
            "OSError: [Errno 98] Address already in use",
        ] {
            for (ports, has_port) in [(&[][..], false), (&[20_001], false), (&[5005], true)] {
                let hints = hints_with(&[printed], ports, None, has_port);
                assert!(hints[0].starts_with("the peer wants a port that is taken, perhaps its own"), "{hints:?}");
                assert!(hints.len() == 1 && hints[0].contains("--port") != has_port, "{hints:?}");
            }
        }
        for printed in
            ["java.net.BindException: Cannot assign requested address", "java.net.BindException: Permission denied"]
        {
            assert_eq!(hint_of(&[printed]), None, "{printed}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_found_by_what_others_say() {
        for printed in [
            "sh: 1: javac: not found",
            "bash: line 1: ./peer: No such file or directory",
            "./run: line 3: javac: command not found",
            "/usr/bin/env: 'python': No such file or directory",
            "python3: can't open file '/tmp/x/1/peer.py': [Errno 2] No such file or directory",
            "Error: Could not find or load main class peerProcess",
            "ModuleNotFoundError: No module named 'numpy'",
            "java.lang.NoClassDefFoundError: Neighbor",
        ] {
            let hint = hint_of(&[printed]).unwrap_or_default();
            assert!(
                hint.starts_with("the program, or a module that it needs, is not found: --project"),
                "{printed}: {hint}"
            );
        }
        for printed in [
            "Segmentation fault",
            "Peer 1003: not found",
            "crash: no line: key not found",
            "can't open file 'peer_1002/check.dat'",
        ] {
            assert_eq!(hint_of(&[printed]), None, "{printed}");
        }
    }
}
