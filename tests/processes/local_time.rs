//! The log's times are local, with the offset of each moment: a peer may outlive a change of the offset.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::client::{Client, listen};
use crate::env::{BINARY, Running};
use crate::swarm::{Plan, Swarm};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs()
}

/// Waits for a moment.
fn wait_for(second: u64) {
    while now() < second {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Returns the day of the year that has this second, counted from 0 with leap days, and the time of that day; valid until
/// 2100.
fn day_and_time(second: u64) -> (u64, String) {
    let mut days = second / DAY;
    let mut year = 1970;
    let len = |year: u64| if year.is_multiple_of(4) { 366 } else { 365 };
    while days >= len(year) {
        days -= len(year);
        year += 1;
    }
    let time = second % DAY;
    (days, format!("{}:{:02}:{:02}", time / HOUR, time / 60 % 60, time % 60))
}

/// Returns a zone that is UTC and switches to two hours more at this second, for at least ten hours.
fn zone(change: u64) -> String {
    let (day, time) = day_and_time(change);
    // It is written as the daylight saving time that ends then.
    let (last_day, last_time) = day_and_time(change + 12 * HOUR);
    format!("AAA0BBB-2,{day}/{time},{last_day}/{last_time}")
}

/// Starts a peer in this zone.
fn start(swarm: &Swarm, id: u32, zone: &str) -> Running {
    let mut command = Command::new(BINARY);
    command.arg(id.to_string()).env("TZ", zone);
    swarm.env.start_command(command)
}

/// Returns the second of the day in a line of the log.
fn told(line: &str) -> u64 {
    let time = line.split_once(' ').expect("the date").1;
    let part = |range| time.get(range).and_then(|digits: &str| digits.parse::<u64>().ok()).expect("a time");
    part(0..2) * HOUR + part(3..5) * 60 + part(6..8)
}

/// Reports whether a line's time was about the present one, with this offset.
fn is_of(line: &str, second: u64, offset: u64) -> bool {
    let late = (DAY + (second + offset) % DAY - told(line)) % DAY;
    late < 60
}

#[test]
fn a_log_follows_a_change_of_daylight_saving() {
    let swarm = Swarm::new(Plan::default());
    let listener = listen(&swarm, 1001);
    let change = now() + 4;
    let leecher = start(&swarm, 1002, &zone(change));
    let mut client = Client::seed(&swarm, &listener, 1001, 1002);
    client.serve(&swarm, 3);
    let connected = now();
    // Only the present can be tested: a clock cannot be set here.
    wait_for(change + 1);
    client.serve(&swarm, 3);
    leecher.signal("TERM");
    assert_eq!(leecher.wait().status, Some(143));
    let text = std::fs::read_to_string(swarm.env.dir().join("log_peer_1002.log")).expect("a log");
    let lines: Vec<_> = text.lines().collect();
    if connected < change {
        assert!(is_of(lines[0], connected, 0), "{} is not {connected}, in {text}", told(lines[0]));
    }
    let last = lines.last().expect("some lines");
    assert!(last.contains("has downloaded the piece"), "{text}");
    assert!(is_of(last, now(), 2 * HOUR), "not two hours more at the end of {text}");
}

#[test]
fn a_log_is_in_the_zone_of_tz() {
    for (zone, offset) in [("EST-5", 5 * HOUR), ("<+0330>-3:30", 3 * HOUR + 1800), ("UTC", 0), ("", 0)] {
        let swarm = Swarm::new(Plan::default());
        let peers = [1001, 1002].map(|id| (id, start(&swarm, id, zone).wait_until_up()));
        swarm.finish(peers.into());
        let text = std::fs::read_to_string(swarm.env.dir().join("log_peer_1002.log")).expect("a log");
        assert!(text.lines().all(|line| is_of(line, now(), offset)), "{zone}: {text}");
    }
}

#[test]
fn a_zone_that_nobody_knows_is_told_and_the_log_is_in_utc() {
    let swarm = Swarm::new(Plan::default());
    let peer = start(&swarm, 1001, "Nowhere/Atlantis").wait_until_up();
    let leecher = swarm.start(1002);
    peer.wait_for_line("cannot determine the local time, so the log uses UTC: ");
    assert_eq!(leecher.wait().status, Some(0));
    assert_eq!(peer.wait().status, Some(0));
    let text = std::fs::read_to_string(swarm.env.dir().join("log_peer_1001.log")).expect("a log");
    assert!(text.lines().all(|line| is_of(line, now(), 0)), "{text}");
}
