//! Faults of the disk end the process with status 1 and one sentence, and nothing is announced that is not written.

use std::fs;
use std::process::Command;

use crate::client::{Client, HAVE, REQUEST, index, listen};
use crate::env::{BINARY, Ended, Running};
use crate::left_out::with_own_mounts;
use crate::log::Event;
use crate::swarm::{Plan, Swarm};

/// A leecher exits at once, with this sentence, and changes nothing.
fn check_start(spoiled: &Swarm, sentence: &str) {
    let before = spoiled.env.listing();
    spoiled.env.run(&["1002"]).assert_one_sentence(1, &[sentence]);
    assert_eq!(spoiled.env.listing(), before);
}

#[test]
fn what_stands_in_the_way_of_a_download_is_told_at_the_start() {
    let swarm = Swarm::new(Plan::default());
    swarm.env.write("peer_1002", "not a directory");
    check_start(&swarm, "cannot make the directory ./peer_1002: File exists");

    let swarm = Swarm::new(Plan::default());
    swarm.env.write("peer_1002/file.bin.part/inside", "");
    check_start(&swarm, "./peer_1002/file.bin.part is not a plain file, so nothing is written to it");

    let swarm = Swarm::new(Plan::default());
    swarm.env.write("peer_1002/file.bin/inside", "");
    check_start(&swarm, "./peer_1002/file.bin is a directory, so no file can have that name");
}

#[test]
fn a_log_that_cannot_be_written() {
    let swarm = Swarm::new(Plan::default());
    swarm.env.write("log_peer_1001.log/inside", "");
    swarm.env.run(&["1001"]).assert_one_sentence(1, &["cannot create ./log_peer_1001.log: Is a directory"]);
}

#[test]
fn a_final_name_that_becomes_a_directory() {
    let swarm = Swarm::new(Plan::default());
    let listener = listen(&swarm, 1001);
    let leecher = swarm.start(1002);
    let mut client = Client::seed(&swarm, &listener, 1001, 1002);
    swarm.env.write("peer_1002/file.bin/inside", "");
    client.serve(&swarm, 24);
    // Whether its `have` still comes is a matter of luck.
    client.pay(&swarm);
    client.wait_for_end();
    leecher.wait().assert_one_sentence(1, &["cannot rename ./peer_1002/file.bin.part to ./peer_1002/file.bin: "]);
    assert!(!swarm.env.log(1002).iter().any(|entry| entry.event == Event::Complete));
    assert_eq!(fs::read(swarm.env.dir().join("peer_1002/file.bin.part")).expect("kept"), swarm.file);
}

/// Feeds a leecher whose disk takes only a part; its announcements must match its own account.
fn feed(swarm: &Swarm, client: &mut Client, leecher: Running) -> (Ended, Vec<u32>) {
    let mut haves = vec![];
    loop {
        match client.hear() {
            Some((REQUEST, piece)) => client.say_piece(swarm, index(&piece)),
            Some((HAVE, piece)) => haves.push(index(&piece)),
            Some(other) => panic!("{other:?}"),
            None => break,
        }
    }
    let ended = leecher.wait();
    let logged = swarm.env.log(1002).into_iter().filter_map(|entry| match entry.event {
        Event::Downloaded { piece, .. } => Some(piece),
        _ => None,
    });
    assert_eq!(logged.collect::<Vec<_>>(), haves);
    (ended, haves)
}

#[test]
fn a_full_disk() {
    let swarm = Swarm::new(Plan::default());
    let listener = listen(&swarm, 1001);
    fs::create_dir(swarm.env.dir().join("peer_1002")).expect("a directory");
    // In a mount namespace of its own, which ends with it.
    let script = "mount -t tmpfs -o size=40k none peer_1002 && exec \"$0\" 1002";
    let Some(mut command) = with_own_mounts(script) else { return };
    command.arg(BINARY);
    let leecher = swarm.env.start_command(command);
    let mut client = Client::seed(&swarm, &listener, 1001, 1002);
    let (ended, haves) = feed(&swarm, &mut client, leecher);
    ended.assert_one_sentence(1, &["cannot write piece ", "peer_1002/file.bin.part: No space left on device"]);
    // 40 KiB hold ten pieces of 4096 bytes at most.
    assert!((1..=10).contains(&haves.len()), "{haves:?}");
}

#[test]
fn a_limit_on_the_size_of_files() {
    let swarm = Swarm::new(Plan::default());
    // Blocks of 512 or 1024 bytes, depending on the shell: less than the file in any case.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 50 && exec \"$0\" 1002", BINARY]);
    swarm.env.start_command(command).wait().assert_one_sentence(1, &["peer_1002/file.bin.part", "File too large"]);
}

#[test]
fn a_seeder_s_file_that_has_become_shorter() {
    let swarm = Swarm::new(Plan::default());
    let seeder = swarm.start_and_wait(1001);
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say(crate::client::INTERESTED, &[]);
    client.hear().expect("an unchoke");
    swarm.env.write("peer_1001/file.bin", "short");
    client.say_index(REQUEST, 24);
    client.wait_for_end();
    // It cannot read piece 24, or has just checked the file.
    seeder.wait().assert_one_sentence(1, &["./peer_1001/file.bin"]);
}
