//! The reader of the course's logs, of any author: `finding` knows a log by its name, `sentence` what a line tells, and
//! `progress` how a peer stands by all of its lines. All are pure.

mod finding;

mod words;

mod sentence;

#[cfg(test)]
mod dialects;

mod indexes;
mod progress;

pub use self::finding::{LogPattern, log_of};
pub use self::progress::Progress;
pub use self::sentence::is_of_log;
