//! What a peer keeps on the disk: the pieces of the file, what it needs to come back after a kill, and what the bytes are to be.
//!
//! Modules in reading order: [`hashing`] tells right bytes from wrong ones, and [`manifest`] lists the hashes of a file's pieces;
//! [`lock`] keeps a second process away from a peer's files, and [`links`] us from somebody else's; [`journal`] is what a
//! killed peer needs to resume; [`storage`] holds the pieces.

pub mod hashing;
pub mod manifest;

pub mod links;
pub mod lock;

pub mod journal;
pub mod storage;
