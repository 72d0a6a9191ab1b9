//! The event file (`--events`): what the course's log has no words for, as lines of JSON. `docs/events.md` is its contract.
//!
//! `fact` is what happens. `line` writes it as JSON. `recorder` takes facts from all threads, and never waits for the disk.
//! `file` is where the lines go.

mod fact;

mod line;

mod recorder;

mod file;

pub use self::fact::{Fact, Moment, Source, Start};
pub use self::file::EventFile;
pub use self::recorder::Recorder;
