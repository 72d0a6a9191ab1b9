//! `swarm verify`: whether all copies are the same.

use std::fs;

use crate::swarm::{Swarm, content, copy_of};

/// Gives each peer a copy, as in `same other - same` for the four of them, and asserts what is found of each.
fn check(peers: &str, copies: &str, status: i32, expected: &[&str]) {
    let swarm = Swarm::new(peers);
    for (id, copy) in swarm.ids.iter().zip(copies.split(' ')) {
        fs::create_dir_all(swarm.place.path(&format!("peer_{id}"))).expect("it can be made");
        let path = swarm.place.path(&copy_of(*id));
        _ = fs::remove_file(&path);
        match copy {
            "same" => fs::write(path, content()),
            // One bit, in the last piece.
            "other" => fs::write(path, {
                let mut bytes = content();
                *bytes.last_mut().expect("many") ^= 1;
                bytes
            }),
            "short" => fs::write(path, b"short"),
            "folder" => fs::create_dir(path),
            _ => Ok(()),
        }
        .expect("it can be made");
    }
    let outcome = swarm.run("verify");
    outcome.assert_status(status);
    assert_eq!(outcome.stderr, "");
    let found: Vec<_> = outcome.stdout.lines().skip(1).take(swarm.ids.len()).collect();
    for (line, expected) in found.iter().zip(expected) {
        assert!(line.contains(&format!("  {expected}  ")), "{copies}: {outcome:?}");
    }
    let report = swarm.run("verify --json");
    report.assert_status(status);
    let report = report.json();
    assert_eq!((&report["command"], &report["all_well"]), (&"verify".into(), &(status == 0).into()));
    let words = report["peers"].as_array().expect("a list").iter().map(|peer| peer["copy"].as_str().expect("a word"));
    let told = |word: &&str| match *word {
        "compared with" => "reference".to_owned(),
        word => word.to_lowercase(),
    };
    assert_eq!(words.collect::<Vec<_>>(), expected.iter().map(told).collect::<Vec<_>>());
}

#[test]
fn copies_are_compared_with_the_seeder_s_file() {
    check("1001* 1002 1003", "same same same", 0, &["original", "identical", "identical"]);
    check("1002 1001* 1003*", "same same same", 0, &["identical", "original", "identical"]);
    check("1001* 1002 1003", "same other same", 1, &["original", "DIFFERENT", "identical"]);
    check("1001* 1002 1003", "same short -", 1, &["original", "DIFFERENT", "MISSING"]);
    check("1001* 1002* 1003", "- same same", 1, &["MISSING", "original", "identical"]);
    check("1001* 1002", "same folder", 1, &["original", "unknown"]);
}

#[test]
fn without_a_seeder_s_file_they_are_compared_with_the_first_and_it_is_not_well() {
    check("1001* 1002 1003", "- same same", 1, &["MISSING", "compared with", "identical"]);
    check("1001* 1002", "- -", 1, &["MISSING", "MISSING"]);
}

#[test]
fn the_table_shows_the_digests() {
    let swarm = Swarm::new("1001* 1002");
    let outcome = swarm.run("verify");
    assert_eq!(outcome.table()[0], ["peer", "host", "file", "SHA-256"]);
    assert_eq!(outcome.columns(&["peer", "file"]), ["1001 original", "1002 MISSING"]);
    let digest = &swarm.run("verify --json").json()["peers"][0]["sha256"];
    let shown = &outcome.columns(&["SHA-256"])[0];
    assert!(shown.len() == 16 && digest.as_str().expect("text").starts_with(shown.as_str()), "{shown} {digest}");
}
