//! What a peer needs before it has a connection: the `claim` on its ID, enough [`descriptors`], its [`files`], and a word on
//! [`memory`].

mod claim;

pub mod descriptors;
pub mod files;
pub mod memory;

pub use self::claim::{Claim, claim};
