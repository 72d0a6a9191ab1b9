//! The reader of the course's logs, whoever has written them: `sentence` knows what a line tells, and `progress` how a peer stands by
//! all of its lines. Both are pure.

mod words;

mod sentence;

#[cfg(test)]
mod dialects;

mod indexes;
mod progress;

pub use self::progress::Progress;
