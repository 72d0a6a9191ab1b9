//! Two of us at the same hosts, and a peer that somebody runs there by hand: nobody's work is lost, and no process is forgotten.

use std::fs;
use std::iter;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};

use crate::runs::NEEDED;
use crate::support::left_out::locate;
use crate::support::process::wait_until;
use crate::world::{DIR, IN_PLACE, Outcome, World};

/// A process; killed when dropped.
struct ByHand(Child);

impl Drop for ByHand {
    fn drop(&mut self) {
        // Both fail only if it has ended and was waited for.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn what_a_peer_that_runs_by_hand_on_another_host_has_is_not_deleted_even_without_flock() {
    for with_flock in [true, false] {
        let Some(world) = World::new(2) else { return };
        if !with_flock {
            for host in &world.hosts {
                let bin = host.home("bin");
                fs::create_dir(&bin).expect("a directory");
                for name in iter::once("wc").chain(NEEDED) {
                    symlink(locate(name).expect("every machine has it"), bin.join(name)).expect("a link");
                }
                host.log_in_with("PATH=$HOME/bin\n! command -v flock || exit 1");
            }
        }
        world.start(&IN_PLACE).assert_status(0);
        let mut command = Command::new(IN_PLACE[1].trim_end_matches(" {id}"));
        command.arg("1002").current_dir(world.hosts[1].home(DIR)).stdin(Stdio::null()).stderr(Stdio::null());
        let peer = ByHand(command.spawn().expect("it starts"));
        let part = world.there(1, "peer_1002/file.dat.part");
        wait_until("its file", || part.exists());
        let said = format!(
            "swarm: host {}: peer 1002 is running: process {} holds peer_1002.lock; stop it first\n",
            world.hosts[1].address,
            peer.0.id()
        );
        for outcome in [world.run(&["clean", DIR, "--yes"]), world.start(&IN_PLACE)] {
            outcome.assert_status(2);
            assert_eq!(outcome.stderr, said);
        }
        assert!(part.exists() && world.there(0, "log_peer_1001.log").exists());
        drop(peer);
        world.run(&["clean", DIR, "--yes"]).assert_status(0);
        assert!(!part.exists() && !world.there(1, "peer_1002.lock").exists());
        world.assert_no_process();
    }
}

/// Issue 13, item 11, from two machines: there is no directory whose lock both could hold.
#[test]
fn of_starts_from_two_machines_at_the_same_moment_one_works_and_no_process_is_forgotten() {
    let Some(world) = World::new(2) else { return };
    world.nobody_has_the_file();
    fs::create_dir(world.path("other")).expect("a directory");
    for name in ["Common.cfg", "PeerInfo.cfg"] {
        fs::copy(world.here(name), world.path("other").join(name)).expect("a copy");
    }
    let words = [&IN_PLACE[..], &["--detach", "--remote-dir", DIR]].concat();
    for round in 0..4 {
        let start = |dir: &str| {
            let mut all = world.start_words(&words);
            dir.clone_into(&mut all[1]);
            world.command(&all.iter().map(String::as_str).collect::<Vec<_>>()).spawn().expect("it starts")
        };
        let starts = [DIR, "other"].map(start);
        let outputs = starts.map(|child| child.wait_with_output().expect("it ends"));
        let statuses = outputs.each_ref().map(|output| output.status.code());
        assert!([[Some(0), Some(2)], [Some(2), Some(0)]].contains(&statuses), "round {round}: {outputs:#?}");
        let stopped = world.run(&["stop", DIR]);
        assert_eq!(stopped.stdout, "stopped peers 1001, 1002\n", "round {round}: {stopped:?}");
        world.assert_no_process();
    }
}

#[test]
fn nothing_is_replaced_or_deleted_through_a_link_on_another_host() {
    let Some(world) = World::new(2) else { return };
    world.start(&IN_PLACE).assert_status(0);
    let precious = world.hosts[0].home("precious");
    fs::write(&precious, "bytes").expect("a file");
    // Its notes go with the link, so that all is sent again.
    fs::remove_file(world.there(0, "swarm.sent")).expect("it is there");
    symlink(&precious, world.there(0, "swarm.sent")).expect("a link");
    world.start(&IN_PLACE).assert_status(0);
    assert_eq!(fs::read(&precious).expect("a file"), b"bytes");
    let [dir, elsewhere] = [world.there(1, "peer_1002"), world.hosts[1].home("elsewhere")];
    fs::rename(&dir, &elsewhere).expect("it is there");
    symlink(&elsewhere, &dir).expect("a link");
    let outcome: Outcome = world.run(&["clean", DIR, "--yes"]);
    outcome.assert_status(2);
    let host = world.hosts[1].address;
    assert_eq!(outcome.stderr, format!("swarm: host {host}: peer_1002 is a link, so swarm deletes nothing in it\n"));
    assert!(elsewhere.join("file.dat").exists() && world.there(0, "log_peer_1001.log").exists());
    let [dir, elsewhere] = [world.there(0, "peer_1001"), world.hosts[0].home("elsewhere")];
    fs::rename(&dir, &elsewhere).expect("it is there");
    symlink(&elsewhere, &dir).expect("a link");
    fs::write(elsewhere.join("file.dat"), "another one").expect("a file");
    let outcome = world.start(&IN_PLACE);
    outcome.assert_status(2);
    assert!(
        outcome.stderr.contains("peer_1001 is a link, so swarm does not replace peer_1001/file.dat"),
        "{outcome:?}"
    );
    assert_eq!(fs::read(elsewhere.join("file.dat")).expect("a file"), b"another one");
}
