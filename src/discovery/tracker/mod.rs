//! Announces to a tracker over HTTP (BEP 3, 7, 23).
//!
//! Modules in reading order: `url`, `query` and `peers` are the form of requests and answers. `pauses` and `schedule` say when,
//! and `families` over which addresses. `answer` and `telling` say what an answer means. All these are pure. `http` and `run` do it.

mod peers;
mod query;
mod url;

mod pauses;
mod schedule;

mod families;

mod answer;
mod telling;

mod http;
mod run;

pub use self::run::run;
pub use self::url::{NotTrackerUrl, TrackerUrl};
