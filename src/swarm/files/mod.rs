//! Files that appear whole or not at all ([`new_file`]), and their remains after a kill ([`litter`]).

pub mod litter;
pub mod new_file;
