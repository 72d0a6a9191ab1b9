//! Making a swarm before it runs: `swarm init`, and the manifests of `swarm meta`.
//!
//! Modules in reading order:
//!
//! - `sizes`, `names`, `places` and `presets`: the values of the options;
//! - `plan`: decides what to write; [`capacity`]: decides whether this machine can hold the peers;
//! - [`init`] writes the files, and `made` describes them; [`tracker_option`] has tips for `--tracker`;
//! - [`meta`] makes, shows and checks manifests, and turns `.torrent` files into them and back.

mod names;
mod sizes;

mod places;
mod presets;

pub mod capacity;
mod plan;

mod made;
pub mod meta;
pub mod tracker_option;

pub mod init;
