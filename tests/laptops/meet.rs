//! `swarm doctor --meet` on laptops with wrong addresses, firewalls, unequal files, wrong clocks and routers: each sees what is wrong.

use serde_json::Value;

use crate::laptops::Laptops;
use crate::support::left_out::find;
use crate::support::process::{Ended, Process};

const COMMON: &str = "NumberOfPreferredNeighbors 2\nUnchokingInterval 1\nOptimisticUnchokingInterval 2\nFileName a.dat\n\
    FileSize 7\nPieceSize 4\n";
const SWARM: &str = env!("CARGO_BIN_EXE_swarm");
/// All ends long before.
const MEET: &str = "doctor --meet --for 50";

/// Gives each laptop the same two files; peers 1001, 1002, ... are at these places, the first with the file.
pub fn give(laptops: &Laptops, count: u8, places: &[&str]) {
    let line = |(id, place): (u32, &&str)| format!("{id} {place} 6001 {}\n", u8::from(id == 1001));
    let lines: String = (1001..).zip(places).map(line).collect();
    for number in 1..=count {
        laptops.write(number, "Common.cfg", COMMON);
        laptops.write(number, "PeerInfo.cfg", &lines);
        laptops.write(number, "peer_1001/a.dat", "content");
    }
}

/// What was printed about something: the verdict and the sentence, and the advice below it.
pub fn said(ended: &Ended, about: &str) -> Vec<String> {
    // The columns are aligned by blanks.
    let lines = ended.lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut found: Vec<String> = Vec::new();
    let mut is_about = false;
    for line in lines {
        if line.starts_with('>') {
            found.extend(is_about.then_some(line));
            continue;
        }
        let rest = line.strip_prefix(about).and_then(|rest| rest.strip_prefix(' '));
        let rest = rest.filter(|rest| ["ok ", "warning ", "FAULT "].iter().any(|verdict| rest.starts_with(verdict)));
        is_about = rest.is_some();
        found.extend(rest.map(str::to_owned));
    }
    found
}

/// Asserts that a line was printed about something, and the first of its advice.
#[track_caller]
pub fn check(ended: &Ended, about: &str, says: &str, advice: Option<&str>) {
    let said = said(ended, about);
    let place = said.iter().position(|line| line == says);
    let place = place.unwrap_or_else(|| panic!("no '{says}' of {about}, but {said:#?} in {:#?}", ended.lines));
    if let Some(advice) = advice {
        assert_eq!(said.get(place + 1).map(String::as_str), Some(&*format!("> {advice}")), "{said:#?}");
    }
}

/// Lets all laptops meet; returns how each ended.
fn meet(laptops: &Laptops, count: u8) -> Vec<Ended> {
    let doctors: Vec<_> = (1..=count).map(|number| laptops.swarm(number, MEET)).collect();
    doctors.into_iter().map(Process::wait).collect()
}

const ADDRESSES: [&str; 3] = ["10.77.0.1", "10.77.0.2", "10.77.0.3"];

#[test]
fn three_laptops_that_reach_each_other_say_so_and_end_early() {
    let Some(laptops) = Laptops::new("meet-well", 3) else { return };
    give(&laptops, 3, &ADDRESSES);
    let (first, third) = (laptops.swarm(1, MEET), laptops.swarm(3, "doctor --meet --for 50 --json"));
    first.wait_for("1003 has come: Linux with 10.77.0.3");
    // One comes later.
    let second = laptops.swarm(2, MEET);
    for ended in [first.wait(), second.wait()] {
        assert_eq!(ended.status, Some(0), "{:#?}", ended.lines);
        check(&ended, "calls", "ok all 3 machines reach each other", None);
        check(&ended, "PeerInfo.cfg", "ok the same on all 3 machines", None);
        check(&ended, "clocks", "ok those of all 3 machines agree to the second", None);
        assert_eq!(ended.lines.last().map(String::as_str), Some("all is well"));
    }
    let ended = third.wait();
    assert_eq!(ended.status, Some(0), "{:#?}", ended.lines);
    let text: Vec<_> = ended.lines.iter().filter(|line| !line.starts_with("swarm: ")).cloned().collect();
    let report: Value = serde_json::from_str(&text.join("\n")).expect("JSON");
    let machines = report["meet"]["machines"].as_array().expect("a list");
    assert_eq!(machines.len(), 3);
    // It also knows the calls between the two others.
    for machine in machines {
        let cells = machine["cells"].as_object().expect("an object");
        assert_eq!(cells.len(), 2, "{machine}");
        for cell in cells.values() {
            let met = &cell["outcome"]["met"];
            assert!(met["seen"] == met["local"] && met["round_trip_micros"].is_u64(), "{cell}");
        }
        assert!(
            cells.values().all(|cell| cell["outcome"]["met"]["rate"].as_u64().is_some_and(|rate| rate > 0)),
            "{machine}"
        );
    }
}

#[test]
fn a_wrong_address_is_told_with_the_right_one() {
    let Some(laptops) = Laptops::new("meet-wrong", 3) else { return };
    give(&laptops, 3, &["10.77.0.1", "10.77.0.9", "10.77.0.3"]);
    for ended in meet(&laptops, 3) {
        assert_eq!(ended.status, Some(1), "{:#?}", ended.lines);
        let says = "FAULT 1003 cannot call 10.77.0.9:6001: no machine has the address; the address is probably wrong: a machine \
            without a line has 10.77.0.2";
        check(&ended, "1002", says, Some("write 10.77.0.2 into that line, in all copies of PeerInfo.cfg"));
    }
}

#[test]
fn a_port_that_a_firewall_drops_is_told_with_the_side_and_its_system() {
    let Some(laptops) = Laptops::new("meet-drop", 2) else { return };
    give(&laptops, 2, &ADDRESSES[..2]);
    laptops.block(1, 6001);
    for ended in meet(&laptops, 2) {
        assert_eq!(ended.status, Some(1), "{:#?}", ended.lines);
        let says = "FAULT 1002 cannot call 10.77.0.1:6001: no answer; the network joins the two, so a firewall on the called \
            machine drops the call";
        let advice = "there (Linux): `sudo ufw allow 6001/tcp`, or `sudo firewall-cmd --add-port=6001/tcp`";
        check(&ended, "1001", says, Some(advice));
        assert!(
            ended.lines.iter().any(|line| line.split_whitespace().eq(["1002", "!", "silent", "-"])),
            "{:#?}",
            ended.lines
        );
    }
}

#[test]
fn laptops_that_the_network_keeps_apart_are_told_so() {
    let Some(laptops) = Laptops::new("meet-apart", 3) else { return };
    give(&laptops, 3, &ADDRESSES);
    laptops.isolate(&[2, 3]);
    for ended in meet(&laptops, 3) {
        assert_eq!(ended.status, Some(1), "{:#?}", ended.lines);
        let says = "FAULT 1003 cannot call 10.77.0.2:6001: no machine has the address; both reach others, so the network keeps its \
            guests apart";
        check(&ended, "1002", says, Some("use a phone's hotspot, or a network that is not for guests"));
        let spare = &said(&ended, "1003");
        assert!(spare.iter().any(|line| line.starts_with("warning 1002 cannot call 10.77.0.3:6001: ")), "{spare:#?}");
    }
}

#[test]
fn an_unequal_file_is_told_with_the_words_of_both_and_line_ends_do_not_count() {
    let Some(laptops) = Laptops::new("meet-files", 2) else { return };
    give(&laptops, 2, &ADDRESSES[..2]);
    laptops.write(2, "PeerInfo.cfg", laptops.read(2, "PeerInfo.cfg").replace('\n', "\r\n"));
    laptops.write(2, "Common.cfg", COMMON.replace("PieceSize 4", "PieceSize 5"));
    let ended = meet(&laptops, 2);
    let words: Vec<_> = ended
        .iter()
        .map(|ended| said(ended, "Common.cfg")[0].rsplit_once("words: ").expect("words").1.to_owned())
        .collect();
    assert_ne!(words[0], words[1]);
    for (ended, own, other, id) in [(&ended[0], &words[0], &words[1], 1002), (&ended[1], &words[1], &words[0], 1001)] {
        assert_eq!(ended.status, Some(1), "{:#?}", ended.lines);
        let says = format!("FAULT \"{other}\" on the machine of {id}, \"{own}\" on this one");
        check(ended, "Common.cfg", &says, Some("copy the right file to all machines"));
        check(ended, "PeerInfo.cfg", "ok the same on both machines", None);
    }
}

#[test]
fn a_clock_that_is_90_s_ahead_is_told() {
    let Some(faketime) = find("faketime") else { return };
    let Some(laptops) = Laptops::new("meet-clock", 3) else { return };
    give(&laptops, 3, &ADDRESSES);
    let others = [laptops.swarm(1, MEET), laptops.swarm(3, MEET)];
    let mut command = laptops.run(2, faketime);
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").args(["-f", "+90s", SWARM]).args(MEET.split(' '));
    let second = Process::spawn_talking(command);
    for ended in others.into_iter().chain([second]).map(Process::wait) {
        assert_eq!(ended.status, Some(0), "{:#?}", ended.lines);
        let says = said(&ended, "clocks");
        let start = says[0].strip_prefix("warning the clock of 1002 is ").unwrap_or_else(|| panic!("{says:#?}"));
        let (secs, rest) = start.split_once(" s ").expect("seconds");
        // The calls went through a moment, not the clocks.
        let secs: f64 = secs.parse().expect("a number");
        assert!((89.5..90.5).contains(&secs) && rest == "ahead of most others", "{says:#?}");
        assert_eq!(says[1], "> there (Linux): `sudo timedatectl set-ntp true`");
    }
}

#[test]
fn a_laptop_behind_a_router_is_told_with_the_address_that_others_see() {
    let Some(laptops) = Laptops::with_routers("meet-nat", 2, &[2]) else { return };
    let inner = Laptops::inner_address(2);
    for (place, options, came) in [
        (inner.as_str(), "", "no way to that network"),
        // Somebody has looked up the router's address, by which others see the laptop.
        ("10.77.0.2", " --here 1001", "connection refused"),
    ] {
        give(&laptops, 2, &[place, "10.77.0.1"]);
        let (first, second) = (laptops.swarm(1, MEET), laptops.swarm(2, &format!("{MEET}{options}")));
        for ended in [first.wait(), second.wait()] {
            assert_eq!(ended.status, Some(1), "{:#?}", ended.lines);
            let says = format!(
                "FAULT 1002 cannot call {place}:6001: {came}; its machine is behind a router (NAT), so nobody can call it; others \
                 see it as 10.77.0.2"
            );
            check(&ended, "1001", &says, Some("connect all machines to one network, such as a phone's hotspot"));
            let pair = ["1001", "1002", &inner, "10.77.0.2"];
            let is_pair = |line: &String| line.split_whitespace().take(4).eq(pair);
            assert!(ended.lines.iter().any(is_pair), "{:#?}", ended.lines);
        }
    }
}

#[test]
fn a_laptop_that_nobody_answers_ends_in_time_or_at_ctrl_c_and_tells_what_it_knows() {
    let Some(laptops) = Laptops::new("meet-alone", 1) else { return };
    give(&laptops, 1, &ADDRESSES[..2]);
    let says = "FAULT nobody has come for 10.77.0.2:6001";
    let ended = laptops.swarm(1, "doctor --meet --for 0").wait();
    assert_eq!(ended.status, Some(1), "{:#?}", ended.lines);
    check(&ended, "1002", says, Some("run `swarm doctor --meet` there, at the same time"));

    let doctor = laptops.swarm(1, MEET);
    doctor.wait_for("listening for 1001, and calling 1002 for up to 50 s");
    doctor.signal("INT");
    let ended = doctor.wait();
    assert_eq!(ended.status, Some(130), "{:#?}", ended.lines);
    assert!(ended.lines.iter().any(|line| line.starts_with("who calls")), "{:#?}", ended.lines);
    assert!(!said(&ended, "1002").is_empty(), "{:#?}", ended.lines);
}
