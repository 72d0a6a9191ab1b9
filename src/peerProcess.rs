//! `peerProcess <peer ID>`: `peer_process` by the name that the course gives it.

use std::process::ExitCode;

#[path = "main.rs"]
mod program;

fn main() -> ExitCode {
    program::main()
}
