//! `swarm start --here` on laptops in one network, which no ssh joins.

use crate::laptops::Laptops;

const FILE_SIZE: usize = 200_001;

/// The bytes that all shall have.
fn content() -> Vec<u8> {
    (0..FILE_SIZE).map(|place| u8::try_from(place * place % 251).expect("it is below 251")).collect()
}

/// Puts the same two files on each laptop, and the file on the first.
fn configure(laptops: &Laptops, count: u8, peer_info: &str) {
    let common = format!(
        "NumberOfPreferredNeighbors 2\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\nFileName file.bin\n\
         FileSize {FILE_SIZE}\nPieceSize 16384\n"
    );
    for number in 1..=count {
        laptops.write(number, "Common.cfg", &common);
        laptops.write(number, "PeerInfo.cfg", peer_info);
    }
    laptops.write(1, "peer_1001/file.bin", content());
}

/// The words of a line of a table that has this peer.
fn row<'a>(lines: &'a [String], id: &str) -> Vec<&'a str> {
    let line = lines.iter().find(|line| line.trim_start().starts_with(id) && !line.contains('['));
    line.unwrap_or_else(|| panic!("{lines:#?}")).split_whitespace().collect()
}

#[test]
fn three_laptops_start_their_own_peers_by_address_by_name_and_by_hand() {
    let Some(laptops) = Laptops::new("here", 3) else { return };
    let second = Laptops::address(2);
    let peer_info = format!(
        "1001 {} 6001 1\n1002 anna-laptop 6002 0\n1003 {second} 6003 0\n1004 {} 6004 0\n",
        Laptops::address(1),
        Laptops::address(3)
    );
    configure(&laptops, 3, &peer_info);
    for number in 1..=3 {
        laptops.know(number, &format!("{second} anna-laptop"));
    }
    let first = laptops.swarm(1, "start --here");
    first.wait_for("peer 1001 here; start elsewhere: 1002 on anna-laptop, 1003 on ");
    let anna = laptops.swarm(2, "start --here");
    anna.wait_for("peers 1002, 1003 here; start elsewhere: 1001 on ");
    let by_hand = laptops.peer(3, "1004");
    let (first, anna) = (first.wait_for_success().lines, anna.wait_for_success().lines);
    by_hand.wait_for_success();
    for (number, id) in [(2, 1002), (2, 1003), (3, 1004)] {
        let path = laptops.path(number, &format!("peer_{id}/file.bin"));
        assert!(std::fs::read(path).expect("a file") == content(), "{id}");
    }
    // Peer, host, time and its unit, exit, file, and the words.
    let [seeder, leecher] = [row(&first, "1001"), row(&anna, "1002")];
    assert_eq!(
        (seeder[4], seeder[5], leecher[4], leecher[5]),
        ("0", "original", "0", "complete"),
        "{first:#?} {anna:#?}"
    );
    assert_eq!(seeder[6..10], leecher[6..10], "the words that people compare");
    assert_eq!(row(&anna, "1003")[5], "identical");
    for (lines, id) in [(&first, "1002"), (&first, "1003"), (&first, "1004"), (&anna, "1001"), (&anna, "1004")] {
        let row = row(lines, id);
        assert_eq!((row[4], row[row.len() - 3..].join(" ").as_str()), ("elsewhere", "has the file"), "{lines:#?}");
    }
}

#[test]
fn a_laptop_without_a_peer_says_who_it_is_and_its_peer_can_be_named() {
    let Some(laptops) = Laptops::new("here-nat", 2) else { return };
    // Anna's laptop got another address since the file was written.
    let peer_info = format!("1001 {} 6001 1\n1002 10.77.0.9 6002 0\n", Laptops::address(1));
    configure(&laptops, 2, &peer_info);
    let refused = laptops.swarm(2, "start --here").wait();
    assert_eq!(refused.status, Some(2), "{:#?}", refused.lines);
    let [sentence] = &refused.lines[..] else { panic!("{:#?}", refused.lines) };
    let own = Laptops::address(2);
    for part in [own.as_str(), "no host in PeerInfo.cfg is this machine", "1002 has 10.77.0.9", "--here=ID,..."] {
        assert!(sentence.contains(part), "no '{part}' in {sentence}");
    }
    // Its peer dials the others, so it needs no right address of its own while it is the last.
    let first = laptops.swarm(1, "start --here");
    first.wait_for("peer 1001 here; start elsewhere: 1002 on 10.77.0.9");
    let anna = laptops.swarm(2, "start --here=1002");
    let (first, anna) = (first.wait_for_success().lines, anna.wait_for_success().lines);
    assert_eq!(row(&first, "1001")[6..10], row(&anna, "1002")[6..10]);
    // The address is still wrong, and the other subcommands know which peer it was.
    let status = laptops.swarm(2, "status").wait_for_success().lines;
    assert_eq!(row(&status, "1002")[2], "exited", "{status:#?}");
}
