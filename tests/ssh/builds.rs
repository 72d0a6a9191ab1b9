//! Which build of our program a host gets: one for its kind of machine, if such a file lies beside `swarm`.

use std::env::consts::ARCH;
use std::fs;
use std::path::Path;

use crate::world::{Outcome, SWARM, World};

const PEER_PROCESS: &str = env!("CARGO_BIN_EXE_peer_process");

fn link(from: &str, to: &Path) {
    fs::create_dir_all(to.parent().expect("a directory")).expect("a directory");
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop)).expect("a copy");
}

/// The program beside `swarm` cannot run there, as one that needs a newer C library could not. The other build can.
#[test]
fn a_host_gets_the_build_for_its_kind_of_machine_if_there_is_one() {
    for place in ["bin", "lib/peer_process"] {
        let Some(world) = World::new(1) else { return };
        link(SWARM, &world.path("bin/swarm"));
        let mut program = fs::read(PEER_PROCESS).expect("it was built");
        program[18..20].copy_from_slice(&0x7777_u16.to_le_bytes());
        fs::write(world.path("bin/peer_process"), program).expect("a file");
        let words = world.start_words(&[]);
        let start = || {
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            Outcome::of(&mut world.command_of(&world.path("bin/swarm"), &words))
        };
        let outcome = start();
        outcome.assert_status(1);
        assert!(outcome.stderr.contains("our program does not run there"), "{outcome:?}");
        link(PEER_PROCESS, &world.path(place).join(format!("peer_process-linux-{ARCH}")));
        start().assert_status(0);
        let sent = fs::read(world.there(0, "peer_process")).expect("it was sent");
        assert!(sent == fs::read(PEER_PROCESS).expect("it was built"), "another program was sent");
    }
}
