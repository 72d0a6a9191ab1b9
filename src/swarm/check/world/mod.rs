//! `World`: the peer that is checked as a process, and all its neighbors, which the tester plays on sockets of its own.
//!
//! One thread runs a world: it waits for sockets, and lets its neighbors act, the judge judge and the case ask. So nothing in a
//! world happens at the same time as anything else.
//!
//! Modules in reading order; each knows only those before it:
//!
//! - `env`: what all worlds have in common; `names`: words; `places`: ports and addresses;
//! - `link`, `links`: the sockets; `printed`, `process`: the peer; `scene`: the world that holds them all;
//! - `events`, `acting`, `parts`: what happens, and what neighbors do; `clock`: how time passes;
//! - `waits`, `meeting`: what cases wait for.

mod acting;
mod clock;
mod env;
mod events;
mod link;
mod links;
mod meeting;
mod names;
mod parts;
mod places;
mod printed;
mod process;
mod scene;
mod waits;

pub use self::env::{Env, Stop};
pub use self::names::secs;
pub use self::places::addresses;
pub use self::process::Process;
pub use self::scene::{FILE_NAME, Remains, World};
pub use self::waits::Wait;
