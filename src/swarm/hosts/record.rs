//! `Record`: what `peer_<id>.pid` says of a peer's process.
//!
//! The file is written by the shell that starts the peer: the process ID, what tells this process from a later one with the
//! same ID, the time, and the same two of the shell that waits for its end, all in one line. When the peer has ended, a second
//! line says how and when. Times are seconds since 1970, by the clock of the peer's host.

/// What is known of the process that was started last for a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// The process ID on its host.
    pub pid: u32,
    /// When it was started.
    pub begun_secs: u64,
    /// Whether it runs, or how it has ended.
    pub state: State,
}

/// Whether a process runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It does.
    Running,
    /// It has ended with this status, 128 and the signal's number if a signal ended it.
    Ended {
        /// The exit status as a shell reports it.
        status: i32,
        /// When it ended.
        at_secs: u64,
    },
    /// It is gone, and so is who would have noted how: the host was restarted, or both were killed.
    Gone,
}

impl Record {
    /// Reads `<alive> <pid> <begun> [exit <status> <time>]`, as the look at a host tells it; `None` if that is something else.
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

    /// For how long it ran, if it has ended.
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
