//! What a peer keeps on disk: the pieces of the file, the records that a killed peer resumes from, and the manifest.
//!
//! Modules in reading order: [`hashing`] tells right bytes from wrong ones, and [`manifest`] lists the hashes of a file's
//! pieces. [`lock`] keeps a second process away from a peer's files, and [`links`] protects files behind links from us.
//! [`journal`] holds what a killed peer needs to resume; [`storage`] holds the pieces.

pub mod hashing;
pub mod manifest;

pub mod links;
pub mod lock;

pub mod journal;
pub mod storage;
