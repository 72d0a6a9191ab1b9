//! Pieces, and the haves that follow them (A1, A5).

pub mod haves;
pub mod wire;
