//! The reader of the course's logs, of any author. All of it is pure but `find`, which looks through a directory.
//!
//! `finding` recognizes a log by its name. `kinds` has the course's words, `sentence` reads the words of any author, and `times`
//! what stands before them. `progress` sums up a log that grows, and `read` makes the history of a whole one. `events` reads event
//! files instead.

mod finding;

mod words;

mod kinds;

mod sentence;

#[cfg(test)]
mod dialects;

mod cutting;
#[allow(dead_code, reason = "the replay will read all of them")]
mod events;
mod indexes;
mod progress;

#[allow(dead_code)]
mod times;

mod runs;

mod look;

#[allow(dead_code)]
mod read;

#[allow(dead_code)]
mod find;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod written;

#[allow(unused_imports, reason = "the replay will read event files")]
pub use self::events::{EventFault, EventFile};
#[allow(unused_imports)]
pub use self::find::{Found, Named, find};
pub use self::finding::{LogPattern, log_of};
pub use self::kinds::{Kind, read_exact};
pub use self::progress::Progress;
#[allow(unused_imports)]
pub use self::read::read;
pub use self::sentence::is_of_log;
