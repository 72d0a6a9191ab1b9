//! What a peer needs before its first connection: the `claim` on its ID, enough [`descriptors`], its [`files`], and enough
//! [`memory`]. [`words`] has the sentences about it.

mod claim;

pub mod descriptors;
pub mod files;
pub mod memory;
pub mod peer;
pub mod words;

pub use self::claim::{Claim, claim};
