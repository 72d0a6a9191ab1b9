//! `--events` where the lines cannot be written: the transfer goes on, and the peer says so once.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::thread;

use crate::env::BINARY;
use crate::left_out::with_own_mounts;
use crate::schema::lines;
use crate::swarm::{Plan, Swarm};

/// A swarm whose leecher writes far more events than a small disk or a pipe takes.
fn many_pieces() -> Swarm {
    Swarm::new(Plan { file_size: 4_000_000, piece_size: 1000, ..Plan::default() })
}

#[test]
fn a_disk_that_is_full_in_mid_run_ends_the_recording_and_not_the_transfer() {
    let swarm = many_pieces();
    fs::create_dir(swarm.env.dir().join("small")).expect("a directory");
    // In a mount namespace of its own, which ends with it; what is on the disk by then is kept.
    let script = "mount -t tmpfs -o size=400k none small || exit; \"$0\" --events small/e 1002; status=$?; \
                  cp small/e kept; exit $status";
    let Some(mut command) = with_own_mounts(script) else { return };
    command.arg(BINARY);
    let leecher = swarm.env.start_command(command);
    let seeder = swarm.start(1001);
    let (leecher, seeder) = (leecher.wait(), seeder.wait());
    assert_eq!((leecher.status, seeder.status), (Some(0), Some(0)), "{leecher:?}");
    assert!(fs::read(swarm.env.dir().join("peer_1002/file.bin")).expect("a copy") == swarm.file, "the copy differs");
    let told: Vec<_> = leecher.stderr.iter().filter(|line| line.contains("small/e")).collect();
    let sentence = "[WARN] cannot write to small/e: No space left on device (os error 28); writing no more events";
    assert!(told.len() == 1 && told[0].contains(sentence), "{told:?}");
    let kept = lines(&swarm.env.dir().join("kept"));
    let pieces = kept.iter().filter(|line| line["event"] == "piece").count();
    assert!((100..4000).contains(&pieces), "{pieces}");
    assert!(kept.iter().all(|line| line["event"] != "end"));
}

#[test]
fn a_disk_that_takes_nothing_ends_the_recording_and_not_the_transfer() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let swarm = Swarm::new(Plan::default());
    let leecher = swarm.env.start(&["--events", "/dev/full", "1002"]);
    leecher.wait_for_line("[WARN] cannot write to /dev/full");
    let seeder = swarm.start(1001);
    let (leecher, seeder) = (leecher.wait(), seeder.wait());
    assert_eq!((leecher.status, seeder.status), (Some(0), Some(0)));
    assert_eq!(leecher.stderr.iter().filter(|line| line.contains("/dev/full")).count(), 1);
}

#[test]
fn a_pipe_takes_the_events_and_one_that_nobody_reads_on_holds_up_nobody() {
    let swarm = many_pieces();
    let path = swarm.env.dir().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    let leecher = swarm.env.start(&["--events", "pipe", "1002"]);
    // It reads the first bytes only, and keeps the pipe open.
    let reading = thread::spawn(move || {
        let mut pipe = fs::File::open(path).expect("a pipe");
        let mut start = [0; 12];
        pipe.read_exact(&mut start).expect("it is written");
        (start, pipe)
    });
    let seeder = swarm.start(1001);
    let (leecher, seeder) = (leecher.wait(), seeder.wait());
    assert_eq!((leecher.status, seeder.status), (Some(0), Some(0)));
    assert!(leecher.stderr.iter().any(|line| line.contains("the last events were not written")), "{leecher:?}");
    assert_eq!(&reading.join().expect("no panic").0, b"{\"version\":1");
}
