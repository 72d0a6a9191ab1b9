//! Files that appear whole or not at all ([`new_file`]), and their remains after a kill ([`litter`]). [`project`] puts the files
//! that a peer of any author needs into a directory of its own.

pub mod litter;
pub mod new_file;
pub mod project;
