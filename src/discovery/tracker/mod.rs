//! Announces to a tracker over HTTP (BEP 3, 7, 23).

mod answer;
mod peers;
mod query;
mod schedule;
mod telling;

mod http;

mod run;
mod url;

pub use self::run::run;
pub use self::url::TrackerUrl;
