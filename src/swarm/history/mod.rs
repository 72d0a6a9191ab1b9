//! What happened in a swarm, from the logs and the event files of its peers; pure.
//!
//! `swarm grade` judges a [`Record`], and `swarm replay` shows it. Neither knows where a line came from but by its number.

mod event;

mod moment;

mod record;

pub use self::event::{Entry, Event, Kind, Message, NO_NUMBER};
pub use self::moment::Moment;
pub use self::record::{Lines, Look, PeerRecord, Plan, Record, Source};
