//! `Record`: the content of `peer_<id>.pid`, the record of a peer's process.
//!
//! The shell that starts the peer writes one line. It has the process ID, the identity of the process, and the time. The ID
//! and the identity of the shell that waits for the peer follow. The identity distinguishes a process from a later one with
//! the same ID. When the peer has exited, a second line says how and when. Times are seconds since 1970, by the clock of the
//! peer's host.

/// The facts on the last process that was started for a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// The process ID on its host.
    pub pid: u32,
    /// When it was started.
    pub begun_secs: u64,
    /// Whether it runs, or how it exited.
    pub state: State,
}

/// The state of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It runs.
    Running,
    /// It has exited with this status, which is 128 plus the signal's number if a signal ended it.
    Ended {
        /// The exit status as a shell reports it.
        status: i32,
        /// When it exited.
        at_secs: u64,
    },
    /// It is gone, and so is the shell that would have noted its status: the host was restarted, or both were killed.
    Gone,
}

impl Record {
    /// Parses `<alive> <pid> <begun> [exit <status> <time>]`, a part of a look's output; returns `None` for anything else.
    pub fn parse(words: &str) -> Option<Self> {
        let mut words = words.split_whitespace();
        let alive = words.next()?;
        let (pid, begun_secs) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let state = match (alive, words.next()) {
            (_, Some("exit")) => {
                State::Ended { status: words.next()?.parse().ok()?, at_secs: words.next()?.parse().ok()? }
            }
            ("alive", None) => State::Running,
            ("gone", None) => State::Gone,
            _ => return None,
        };
        Some(Self { pid, begun_secs, state })
    }

    /// Returns how long it ran, if it has exited.
    pub fn seconds(&self) -> Option<u64> {
        match self.state {
            State::Ended { at_secs, .. } => Some(at_secs.saturating_sub(self.begun_secs)),
            State::Running | State::Gone => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_or_refused() {
        let check = |words: &str, expected: Option<(u32, u64, State)>| {
            let expected = expected.map(|(pid, begun_secs, state)| Record { pid, begun_secs, state });
            assert_eq!(Record::parse(words), expected, "{words:?}");
        };
        check("alive 12 700", Some((12, 700, State::Running)));
        check("gone 12 700", Some((12, 700, State::Gone)));
        let ended = |status| Some((12, 700, State::Ended { status, at_secs: 703 }));
        check("gone 12 700 exit 0 703", ended(0));
        // It was looked at between its end and the note of it, or while another process got its number.
        check("alive 12 700 exit 137 703", ended(137));
        for wrong in ["", "none", "alive", "alive x 1", "alive 1", "gone 1 2 exit", "gone 1 2 exit x 3", "gone 1 2 3"] {
            check(wrong, None);
        }
    }
}
