//! Builds of our program for other machines, which lie beside the one that runs here.
//!
//! The program here needs a C library at least as new as that of the machine where it was built. Older servers need a static
//! build, and machines of another kind one of their own. This module only finds them; `supply` sends them.

use std::path::{Path, PathBuf};

/// Where builds for other machines are, seen from the directory of our program: beside it, or as packages lay them.
const PLACES: [&str; 2] = ["", "../lib/peer_process"];

/// Returns the build of our program for a machine of this kind, in the words of `uname -sm`: `peer_process-linux-x86_64` for
/// `Linux x86_64`. Without such a file it is the program itself.
pub fn build_for(kind: &str, program: &Path) -> PathBuf {
    name_for(kind)
        .and_then(|name| {
            let beside = program.parent()?;
            PLACES.iter().map(|place| beside.join(place).join(&name)).find(|path| path.is_file())
        })
        .unwrap_or_else(|| program.to_owned())
}

/// Returns the name of the build for this kind of machine.
fn name_for(kind: &str) -> Option<String> {
    let machine = kind.strip_prefix("Linux ")?;
    // The other machine says its kind: it must not name a file elsewhere.
    let is_plain = !machine.is_empty() && machine.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_plain.then(|| format!("peer_process-linux-{machine}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_machine_gets_the_build_of_its_kind_and_otherwise_the_program_itself() {
        let root = tempfile::tempdir().expect("a directory");
        let path = |name: &str| root.path().join(name);
        for folder in ["bin", "lib/peer_process"] {
            fs::create_dir_all(path(folder)).expect("a directory");
        }
        let program = path("bin/peer_process");
        let builds = ["bin/peer_process-linux-x86_64", "lib/peer_process/peer_process-linux-aarch64"];
        for name in ["bin/peer_process", "lib/other"].iter().chain(&builds) {
            fs::write(path(name), "").expect("a file");
        }
        for (kind, name) in [
            ("Linux x86_64", "bin/peer_process-linux-x86_64"),
            ("Linux aarch64", "lib/peer_process/peer_process-linux-aarch64"),
            ("Linux riscv64", "bin/peer_process"),
            ("Darwin x86_64", "bin/peer_process"),
            ("Linux ", "bin/peer_process"),
            ("Linux ../other", "bin/peer_process"),
            ("", "bin/peer_process"),
        ] {
            let build = build_for(kind, &program);
            let same = |path: &Path| path.canonicalize().expect("it is there");
            assert_eq!(same(&build), same(&path(name)).as_path(), "{kind}");
        }
    }
}
