//! `swarm invite` and `swarm join`: one machine has the two files, the others fetch them, and each machine's address gets into its
//! line of `PeerInfo.cfg`. At the end all have the same files.
//!
//! Modules in reading order; those of the first three lines are pure:
//!
//! - `code`: what keeps others out; `place`: what follows `swarm join`;
//! - `line`, `settled` and `lines`: who has which line, and what the file becomes;
//! - `bundle`: the texts; `message`: what the two sides say; `told`: sentences;
//! - `folder`: the files in the directory;
//! - `channel`: the way between the two sides;
//! - `places`: where the inviter listens; `visit`: what it says to a member; `inviter`: `swarm invite`;
//! - `member`: `swarm join`.

mod code;
mod place;

mod line;

mod settled;

mod lines;

mod bundle;
mod message;
mod told;

mod folder;

mod channel;

mod places;
mod visit;

mod inviter;

mod member;

pub use self::inviter::invite;
pub use self::member::join;
