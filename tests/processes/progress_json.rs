//! `--progress-json`: a line of JSON per second, for programs.

use serde_json::Value;

use crate::swarm::{Plan, Swarm};

/// Returns the lines of the file, each an object.
fn lines(swarm: &Swarm, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(swarm.env.dir().join(name)).expect("it was made");
    assert!(text.ends_with('\n'), "{text:?}");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn the_first_line_is_the_start_and_the_last_one_the_end() {
    let swarm = Swarm::new(Plan { peers: vec![(1001, true), (1002, false)], ..Plan::default() });
    let leecher = swarm.env.start(&["--progress-json", "p.json", "1002"]);
    // It has a line before any neighbor is connected.
    leecher.wait_for_line("listening on port");
    let seeder = swarm.start(1001);
    assert_eq!((leecher.wait().status, seeder.wait().status), (Some(0), Some(0)));
    let lines = lines(&swarm, "p.json");
    assert!(lines.len() >= 2, "{lines:?}");
    let (first, last) = (&lines[0], &lines[lines.len() - 1]);
    let size = swarm.plan.file_size;
    for line in [first, last] {
        assert_eq!((&line["peer"], &line["piece_count"]), (&1002.into(), &swarm.plan.piece_count().into()), "{line}");
        assert_eq!(line["file_size"], size, "{line}");
        assert_eq!(line["neighbors"].as_array().map(Vec::len), Some(1), "{line}");
    }
    assert_eq!((&first["pieces"], &first["neighbors"][0]["received_bytes"]), (&0.into(), &0.into()));
    let neighbor = &last["neighbors"][0];
    assert_eq!(
        (&last["pieces"], &neighbor["received_bytes"]),
        (&swarm.plan.piece_count().into(), &size.into()),
        "{last}"
    );
    assert_eq!((&last["received_bytes"], &last["sent_bytes"]), (&size.into(), &0.into()), "{last}");
    assert_eq!((&neighbor["peer"], &neighbor["complete"]), (&1001.into(), &true.into()), "{last}");
    let times: Vec<_> = lines.iter().map(|line| line["time"].as_f64().expect("a number")).collect();
    assert!(times.is_sorted() && times[0] > 1_700_000_000.0, "{times:?}");
}

#[test]
fn a_file_that_cannot_be_made_is_told_in_a_sentence_and_one_that_cannot_be_written_in_a_warning() {
    let swarm = Swarm::new(Plan { peers: vec![(1001, true), (1002, false)], ..Plan::default() });
    let ended = swarm.env.run(&["-q", "--progress-json", "no/such/p.json", "1002"]);
    ended.assert_one_sentence(1, &["cannot create no/such/p.json"]);
    if std::path::Path::new("/dev/full").exists() {
        let leecher = swarm.env.start(&["--progress-json", "/dev/full", "1002"]);
        leecher.wait_for_line("[WARN] cannot write to /dev/full");
        let seeder = swarm.start(1001);
        assert_eq!((leecher.wait().status, seeder.wait().status), (Some(0), Some(0)));
    }
}

#[test]
fn what_is_no_progress_is_not_overwritten() {
    let swarm = Swarm::new(Plan { peers: vec![(1001, true)], ..Plan::default() });
    for name in ["peer_1001/file.bin", "Common.cfg"] {
        let ended = swarm.env.run(&["-q", "--progress-json", name, "1001"]);
        ended.assert_one_sentence(1, &[&format!("{name} already exists and is not a progress file")]);
    }
    assert!(std::fs::read(swarm.env.dir().join("peer_1001/file.bin")).expect("it is there") == swarm.file);
    swarm.env.write("p.json", "");
    for _ in 0..2 {
        assert_eq!(swarm.env.run(&["--progress-json", "p.json", "1001"]).status, Some(0));
    }
    assert_eq!(lines(&swarm, "p.json")[0]["peer"], 1001);
}
