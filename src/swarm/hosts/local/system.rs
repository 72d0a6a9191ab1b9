//! Processes, as this system has them. The other files of this folder are the same on all systems.

#[cfg(unix)]
pub use super::unix::*;
#[cfg(not(unix))]
pub use super::windows::*;
