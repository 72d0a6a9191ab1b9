//! What differs between Unix and Windows, each in one place with a body for each system.
//!
//! - [`positioned`]: reads and writes at an offset of a file;
//! - [`facts`]: which file has a name;
//! - [`opening`]: opening a file itself and never what a link leads to;
//! - [`replacing`]: giving a file the name of another one;
//! - [`names`]: names that Windows changes or refuses; pure;
//! - [`signals`]: what asks a process to end;
//! - [`processes`]: whether another process lives;
//! - [`descriptors`]: how many files a process may open;
//! - [`sockets`]: what a socket can do only on some systems;
//! - [`terminal`]: the terminal that stderr may be.
//!
//! On Unix each is the plain call of the system.

pub mod names;

pub mod facts;
pub mod opening;
pub mod positioned;
pub mod replacing;

pub mod descriptors;
pub mod processes;
pub mod signals;

pub mod sockets;
pub mod terminal;
