//! The numbers of the message types, and their names (protocol A5).

pub const CHOKE: u8 = 0;
pub const UNCHOKE: u8 = 1;
pub const INTERESTED: u8 = 2;
pub const NOT_INTERESTED: u8 = 3;
pub const HAVE: u8 = 4;
pub const BITFIELD: u8 = 5;
pub const REQUEST: u8 = 6;
pub const PIECE: u8 = 7;

/// The names of the types, spelled as in the protocol, by number.
pub const NAMES: [&str; 8] =
    ["choke", "unchoke", "interested", "not interested", "have", "bitfield", "request", "piece"];
