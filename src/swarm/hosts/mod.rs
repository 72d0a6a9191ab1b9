//! The machines on which peers run, this one and others, and all that can be asked of them.
//!
//! Everything is done by small scripts for a POSIX shell (`scripts`), which runs here or at the other end of ssh (`shell`, `ssh`), so
//! that there is one way to start a peer, to look at it and to stop it. Only files of this machine are read directly.
//!
//! Modules in reading order: [`record`] and [`digest`] are what a host tells of a process and of a copy; `host` is one machine,
//! with `guard`, `logs`, `sight` and `supply` beside it for what has more to say; `all` is all machines of a swarm; [`settings`]
//! is how they were reached the last time; [`running`], [`locks`] and [`interrupts`] are what every subcommand needs that starts,
//! stops or deletes something there.

pub mod digest;
pub mod record;

mod scripts;

mod gates;
mod ssh;

mod shell;

mod host;
mod sight;

mod guard;
mod logs;
mod supply;

mod all;

pub mod settings;

pub mod interrupts;
pub mod locks;
pub mod running;

pub use self::all::Hosts;
pub use self::guard::Owned;
pub use self::host::{Host, Reach};
pub use self::shell::NoDirectory;
pub use self::sight::{Reading, Sight};
pub use self::supply::Program;
