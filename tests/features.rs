//! The dependencies needed to build only `peer_process`: its own few, and none of `swarm`'s.

use std::path::Path;
use std::process::{Command, Output};

/// All dependencies that `peer_process` itself names in its `Cargo.toml`.
const DIRECT: [&str; 16] = [
    "anyhow",
    "blake3",
    "clap",
    "crc32fast",
    "indicatif",
    "jiff",
    "log",
    "rand",
    "rustix",
    "serde",
    "serde_json",
    "sha1",
    "sha2",
    "signal-hook",
    "simplelog",
    "socket2",
];
/// Dependencies that only `swarm` uses; its `console` is the one that `indicatif` has, too.
const OF_SWARM: [&str; 12] = [
    "bt_bencode",
    "clap_complete",
    "clap_mangen",
    "comfy-table",
    "http-body-util",
    "hyper",
    "hyper-util",
    "mio",
    "quick-xml",
    "slab",
    "tempfile",
    "tokio",
];
/// Dependencies that only the feature `discovery` uses, beside that of bencode.
const OF_DISCOVERY: [&str; 2] = ["if-addrs", "ureq"];

/// The parts of a version of Rust, such as `1.89` or `1.89.0`.
fn version(text: &str) -> Vec<u32> {
    text.split('.').map(|part| part.parse().expect("a number")).chain([0, 0]).take(3).collect()
}

/// Runs cargo on this package without its default features, and returns its stdout.
fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).args(["--no-default-features", "--locked", "--color", "never"]);
    // A target directory of its own: that of the tests may be in use, and would lose its builds with other features.
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("features"));
    let Output { status, stdout, stderr } =
        command.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo starts");
    assert!(status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("it is text")
}

/// Returns the names of the packages that are linked in, without this one's, sorted.
fn packages(more: &[&str]) -> Vec<String> {
    let tree = cargo(&[&["tree", "-e", "normal", "--prefix", "none"], more].concat());
    let names = tree.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty());
    let mut names: Vec<_> = names.filter(|name| *name != env!("CARGO_PKG_NAME")).map(ToOwned::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn peer_process_alone_names_fifteen_packages_and_links_none_of_swarm_s() {
    assert_eq!(packages(&["--depth", "1"]), DIRECT);
    let all = packages(&[]);
    assert!(DIRECT.iter().all(|name| all.iter().any(|other| other == name)), "{all:?}");
    let wrong: Vec<_> =
        OF_SWARM.iter().chain(&OF_DISCOVERY).filter(|name| all.iter().any(|other| other == *name)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn the_check_sees_what_swarm_needs() {
    let all = packages(&["--features", "swarm"]);
    assert!(OF_SWARM.iter().all(|name| all.iter().any(|other| other == name)), "{all:?}");
}

#[test]
fn the_check_sees_what_discovery_needs_and_that_it_needs_nothing_written_in_c() {
    let all = packages(&["--features", "discovery"]);
    assert!(OF_DISCOVERY.iter().all(|name| all.iter().any(|other| other == name)), "{all:?}");
    let tree = cargo(&["tree", "-e", "normal,build", "--prefix", "none", "--features", "discovery"]);
    let built: Vec<_> = tree
        .lines()
        .filter(|line| ["ring ", "aws-lc", "openssl", "libz-"].iter().any(|c| line.starts_with(c)))
        .collect();
    assert!(built.is_empty(), "{built:?}");
}

#[test]
fn peer_process_builds_without_default_features_and_with_discovery_alone() {
    cargo(&["check", "--quiet", "--bin", "peer_process"]);
    cargo(&["check", "--quiet", "--bin", "peer_process", "--features", "discovery"]);
}

/// Cargo refuses to build with the Rust that `Cargo.toml` names if a dependency says that it needs a newer one.
#[test]
fn no_dependency_needs_a_newer_rust_than_this_package() {
    let about = Command::new(env!("CARGO")).arg("-vV").output().expect("cargo starts").stdout;
    let about = String::from_utf8(about).expect("it is text");
    // What only other systems need may not be here, and must not be downloaded for this.
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo tells its platform");
    let told = cargo(&["metadata", "--format-version", "1", "--all-features", "--filter-platform", host]);
    let told: serde_json::Value = serde_json::from_str(&told).expect("it is JSON");
    let own = version(env!("CARGO_PKG_RUST_VERSION"));
    let packages = told["packages"].as_array().expect("a list");
    let needs: Vec<_> = packages
        .iter()
        .filter_map(|package| Some((package["name"].as_str()?, version(package["rust_version"].as_str()?))))
        .collect();
    assert!(needs.iter().any(|(name, _)| *name == "clap"), "{needs:?}");
    let newer: Vec<_> = needs.iter().filter(|(_, needed)| *needed > own).collect();
    assert!(newer.is_empty(), "{newer:?} are newer than {own:?}");
}
