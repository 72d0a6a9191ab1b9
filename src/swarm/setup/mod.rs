//! What a swarm is made of before it runs: `swarm init`, and the manifests of `swarm meta`.
//!
//! Modules in reading order: `sizes`, `places` and `presets` read what the options say; `plan` decides from it what is written,
//! `capacity` whether this machine can hold it; [`init`] writes it, and `made` says what there is now; [`meta`] makes, shows and
//! checks manifests.

mod sizes;

mod places;
mod presets;

mod capacity;
mod plan;

mod made;
pub mod meta;

pub mod init;
