//! Swarms that end well with a manifest, whatever program wrote it.

use peer_process::disk::hashing::HashKind;

use crate::given::{give, swarm, text};

#[test]
fn a_swarm_with_a_manifest_of_any_kind_ends_well() {
    for kind in HashKind::ALL {
        let swarm = swarm(&[1002, 1003]);
        give(&swarm, &[1001, 1002, 1003], &text(&swarm, kind, false));
        let peers = swarm.start_all(&[]);
        peers[0].wait_for(&format!("the file matches the {kind} hashes in "));
        for peer in &peers[1..] {
            peer.wait_for(&format!("checking every piece against its {kind} in "));
        }
        swarm.wait_for_end(peers);
        assert_eq!(swarm.count_in_log(1002, "has downloaded the piece"), 60);
    }
}

#[test]
fn what_a_public_project_writes_is_sha_1_and_one_may_have_it_alone() {
    let swarm = swarm(&[1002, 1003]);
    give(&swarm, &[1003], &text(&swarm, HashKind::Sha1, true));
    let peers = swarm.start_all(&[]);
    peers[2].wait_for("checking every piece against its sha1 in ");
    assert!(peers[..2].iter().all(|peer| peer.lines_with("checks every piece").is_empty()));
    swarm.wait_for_end(peers);
}

#[test]
fn a_manifest_that_is_named_is_taken_from_there() {
    let swarm = swarm(&[1002]);
    // The one beside the configuration is not even read.
    give(&swarm, &[1001, 1002], "not a manifest");
    let path = swarm.root().join("elsewhere.json");
    std::fs::write(&path, text(&swarm, HashKind::Blake3, false)).expect("a file");
    let path = path.to_str().expect("a plain name");
    let peers = swarm.start_all(&["--manifest", path]);
    peers[0].wait_for(&format!("the file matches the blake3 hashes in {path}"));
    peers[1].wait_for(&format!("checking every piece against its blake3 in {path}"));
    swarm.wait_for_end(peers);
}

#[test]
fn no_verify_without_a_manifest_is_harmless() {
    let swarm = swarm(&[1002]);
    let peers = swarm.start_all(&["--no-verify"]);
    assert!(peers.iter().all(|peer| peer.lines_with("checks every piece").is_empty()));
    swarm.wait_for_end(peers);
}

#[test]
fn an_empty_file_has_a_manifest_too() {
    let plan =
        crate::support::swarm::Plan { k: 1, file_size: 0, piece_size: 1000, peers: vec![(1001, true), (1002, false)] };
    let swarm = crate::support::swarm::Swarm::on_loopback(plan);
    give(&swarm, &[1001, 1002], &text(&swarm, HashKind::Sha256, true));
    swarm.wait_for_end(swarm.start_all(&[]));
}
