//! `PeerCommand`: what starts one peer on its host.

use crate::words::{all_quoted, quoted};

/// The command of one peer. It runs in the swarm's directory, or in a directory below it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerCommand {
    /// The directory below the swarm's, if it is another.
    pub dir: Option<String>,
    /// What runs there.
    pub what: What,
}

/// What runs as a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// This program with these arguments.
    Program(String, Vec<String>),
    /// This line for a shell, and further words behind it, which are taken as they are.
    Line(String, Vec<String>),
}

impl PeerCommand {
    /// Returns it for a peer in this directory below the swarm's.
    #[must_use]
    pub fn in_dir(self, dir: String) -> Self {
        Self { dir: Some(dir), ..self }
    }

    /// Returns it as a line for a shell in the swarm's directory.
    pub fn line(&self) -> String {
        let enter = self.dir.as_ref().map_or_else(String::new, |dir| format!("cd {} || exit\n", quoted(dir)));
        enter + &self.what.line()
    }
}

impl What {
    /// Returns it as a line for a shell, which becomes the program if it can.
    pub fn line(&self) -> String {
        let more = |words: &[String]| all_quoted(&words.iter().map(String::as_str).collect::<Vec<_>>());
        match self {
            Self::Program(path, words) => format!("exec {}{}", quoted(path), more(words)),
            Self::Line(line, words) => {
                let exec = if is_simple(line) { "exec " } else { "" };
                format!("{exec}{line}{}", more(words))
            }
        }
    }
}

/// Reports whether a shell can become the program that the command names, so that the recorded process is the peer itself.
/// When in doubt, it cannot: then the peer is a child of the recorded shell.
fn is_simple(command: &str) -> bool {
    let first = command.split_whitespace().next().unwrap_or_default();
    let is_special = first.contains('=') || ["!", ".", "{", "builtin", "command", "eval", "exec"].contains(&first);
    !is_special && !command.contains([';', '&', '|', '(', '`', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_becomes_the_program_only_if_the_command_is_simple() {
        let check = |commands: &[&str], expected| {
            for command in commands {
                assert_eq!(is_simple(command), expected, "{command}");
            }
        };
        check(&["java peerProcess {id}", "./peer {id} >out 2>err", "'my peer' \"$HOME\" {id} # one"], true);
        check(
            &["A=1 java peerProcess {id}", "cd bin && java peerProcess {id}", "make; ./peer {id}", "exec ./peer {id}"],
            false,
        );
        check(&["./peer {id} | tee said", "(./peer {id})", "sh -c './peer {id} & wait'", "! ./peer {id}"], false);
    }

    #[test]
    fn a_line_enters_the_directory_and_keeps_each_further_word() {
        let words = ["1001", "a b"].map(String::from).to_vec();
        let ours = PeerCommand { dir: None, what: What::Program("/a b/peer".into(), words.clone()) };
        assert_eq!(ours.line(), "exec '/a b/peer' '1001' 'a b'");
        let line = PeerCommand { dir: None, what: What::Line("java peerProcess 1001".into(), words) };
        assert_eq!(
            line.clone().in_dir("it's".into()).line(),
            "cd 'it'\\''s' || exit\nexec java peerProcess 1001 '1001' 'a b'"
        );
    }
}
