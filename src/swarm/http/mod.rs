//! What a server of HTTP needs: sockets, connections with bounds, and answers. `swarm track` and the live page have one each.
//!
//! Modules in reading order: [`source`] says whose a connection is, [`callers`] limits them, [`listening`] has the sockets, and
//! [`server`] speaks HTTP. [`signals`] ends a process that does nothing else.

pub mod callers;
pub mod listening;
pub mod server;
pub mod signals;
pub mod source;
