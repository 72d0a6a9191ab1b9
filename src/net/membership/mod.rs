//! An open swarm as threads see it: which addresses to dial, and what keeps this peer there. Everything here is pure.

pub mod candidates;
pub mod own_call;
pub mod parting;
pub mod roll;
pub mod twin;
