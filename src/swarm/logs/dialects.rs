//! Tests of `sentence`: the dialects in which public peers write the course's sentences.

use proptest::prelude::*;

use super::sentence::Sentence::*;
use super::sentence::*;

fn check(line: &str, expected: impl Into<Option<Sentence>>) {
    let expected = expected.into();
    let read = |line: &[u8]| sentences(line).map(|told| told.sentence).next();
    assert_eq!(read(line.as_bytes()), expected, "{line}");
    for varied in [line.to_uppercase(), line.to_lowercase(), line.replace(' ', "  "), format!("{line}\r\n")] {
        assert_eq!(read(varied.as_bytes()), expected, "{varied}");
    }
    for brackets in ["[]", "{}", "<>", "()"] {
        let (open, close) = brackets.split_at(1);
        let varied = line.replace("1001", &format!("{open}1001{close}")).replace("1002", &format!("{open}1002{close}"));
        assert_eq!(read(varied.as_bytes()), expected, "{varied}");
    }
}

fn downloaded(from: impl Into<Option<u32>>, piece_count: impl Into<Option<u32>>) -> Sentence {
    Downloaded { index: Some(17), from: from.into(), piece_count: piece_count.into() }
}

fn preferred<const N: usize>(ids: [u32; N]) -> Sentence {
    Preferred(ids.into())
}

#[test]
fn the_course_s_own_sentences() {
    let check = |sentence: &str, expected: Option<Sentence>| {
        check(&format!("[2026-11-21 14:03:09]: Peer 1001 {sentence}."), expected);
    };
    check("makes a connection to Peer 1002", Some(Makes(1002)));
    check("is connected from Peer 1002", Some(ConnectedFrom(1002)));
    check("has the preferred neighbors 1002,1003", Some(preferred([1002, 1003])));
    check("has the optimistically unchoked neighbor 1002", Some(Optimistic(1002)));
    check("is unchoked by 1002", Some(UnchokedBy(1002)));
    check("is choked by 1002", Some(ChokedBy(1002)));
    check("received the 'have' message from 1002 for the piece 17", None);
    check("received the 'interested' message from 1002", None);
    check("received the 'not interested' message from 1002", None);
    check("has downloaded the piece 17 from 1002. Now the number of pieces it has is 18", Some(downloaded(1002, 18)));
    check("has downloaded the complete file", Some(Complete));
}

#[test]
fn sentences_as_public_projects_write_them() {
    check(
        "14:03:09.123 : uf.Peer 1001 has downloaded the piece 17 from 1002. Now the number of pieces it has is 18.",
        downloaded(1002, 18),
    );
    check(
        "INFO: Peer [1001] has downloaded the piece [17 from [1002]. Now the number of pieces it has is [18].",
        downloaded(1002, 18),
    );
    check(
        "[x]: Peer 1001 has downloaded the piece 17 from 1002.Now the number of pieces it has is 18",
        downloaded(1002, 18),
    );
    check("Sat Nov 21 14:03:09 2026: Peer[1001] has downloaded the piece17 from Peer[1002]", downloaded(1002, None));
    check("Now the number of pieces it has is 18", PieceCount(18));
    check(
        "2026-11-21 14:03:09,123 INFO root: Peer 1001 has downloaded the piece 17 from Peer: 1002",
        downloaded(1002, None),
    );
    check(
        "Peer 1001 has downloaded the piece 17 from unknown. Now the number of pieces it has is 18/20.",
        downloaded(None, 18),
    );
    check(
        "[Time]: Peer [peer_ID 1001] has downloaded the piece [piece index 17] from [peer_ID 1002].",
        downloaded(1002, None),
    );
    check("2026.11.21 AD at 14:03:09 EST 1001 has downloaded the complete file.", Complete);
    check("21/11/2026 14:03:09:Peer 1001has downloaded complete file", Complete);
    check(": Peer 1001: makes a connection to Peer 1002", Makes(1002));
    check("INFO:  : Peer 1001 makes a TCP connection to Peer1002.", Makes(1002));
    check("Peer {1001} is connected from Peer ID {1002}", ConnectedFrom(1002));
    check("Peer: 1001 is unchoked by Peer:1002", UnchokedBy(1002));
    check("Peer1001 is choked by peer_1002", ChokedBy(1002));
    check("\u{1f513} Peer 1001 is unchoked by \u{2018}1002\u{2019}", UnchokedBy(1002));
    check("[t] Peer 1001 has the preferred neighbors: Peer 1002, Peer 1003,.", preferred([1002, 1003]));
    check("Peer 1001 has the preferred neighbors [1002 1003]", preferred([1002, 1003]));
    check("1001 has selected the preferred neighbors - 1002, 1003", preferred([1002, 1003]));
    check("Peer 1001 has the preferred neighbors [].", preferred([]));
    check("Peer 1001 has the optimistic unchoked neighbor: 1002", Optimistic(1002));
}

/// Checks the sentences in a line, each with its subject.
fn check_all<const N: usize>(line: &str, expected: &[(Option<u32>, Sentence); N]) {
    let told: Vec<_> = sentences(line.as_bytes()).map(|told| (told.subject, told.sentence)).collect();
    assert_eq!(told, *expected, "{line}");
}

#[test]
fn other_words_for_the_same_events() {
    for (line, expected) in [
        ("Peer 1001 is unchocked by 1002", UnchokedBy(1002)),
        ("Peer 1001 is chocked by Peer [1002].", ChokedBy(1002)),
        ("Peer [1001] received the 'unchoke' message from peer 1002", UnchokedBy(1002)),
        ("Peer 1001 recieved the \u{2018}choke\u{2019} message from [1002].", ChokedBy(1002)),
        ("Peer 1001 received choke message from 1002", ChokedBy(1002)),
        ("Peer 1001 completed downloading piece 17 from Peer 1002", downloaded(1002, None)),
        ("Peer 1001 has finished downloading the piece 17 from 1002.", downloaded(1002, None)),
        ("Peer 1001 has the complete file.", Complete),
        ("\u{1b}[32m[t]:\u{1b}[0m Peer \u{1b}[1m1001\u{1b}[0m has downloaded the complete file\u{1b}[0m", Complete),
        (
            "2026-11-21 14:03:09,123 [main] INFO  peer.Log - Peer 1001  has  the preferred neighbors {1002,1003,}",
            preferred([1002, 1003]),
        ),
        ("[Sat, 12 Dec 2020 05:24:12 PM]: Peer 1001 is unchoked by 1002", UnchokedBy(1002)),
        ("2026-11-21T14:03:09.123456+00:00 Peer 1001 is unchoked by 1002", UnchokedBy(1002)),
        ("[2024-12-04 22:23:01] Peer 1001 is unchoked by 1002", UnchokedBy(1002)),
    ] {
        check_all(line, &[(Some(1001), expected)]);
    }
    check_all("[t]: TCP connection is built between Peer 1001 and Peer 1002.", &[(None, Between(1001, 1002))]);
    let no_index = Downloaded { index: None, from: Some(1002), piece_count: None };
    check_all("Peer 1001 has downloaded the piece from 1002", &[(Some(1001), no_index)]);
}

#[test]
fn times_as_public_peers_write_them() {
    for time in [
        "[2024-12-04 22:23:01]: ",
        "[2024-12-04 22:23:01] ",
        "2025-04-22 10:02:21: ",
        "2025-04-22 10:02:21 ",
        "21/11/2023 10:00:00: ",
        "[Sat, 12 Dec 2020 05:24:12 PM]: ",
        "2026-11-21T14:03:09.123456+00:00 ",
        "[2026-11-21T14:03:09.123456789-05:00]: ",
        "2026-11-21T14:03:09Z: ",
        "2026-11-21 14:03:09,123 - INFO - ",
        "1700560800.123: ",
        "1700560800: ",
        "10:02:21 PM ",
        "",
    ] {
        let told = |sentence: &str, expected: Sentence| {
            check_all(&format!("{time}Peer 1001 {sentence}"), &[(Some(1001), expected.clone())]);
            check_all(&format!("{time}Peer [1001] {sentence}."), &[(Some(1001), expected)]);
        };
        told("makes a connection to Peer 1002", Makes(1002));
        told("has the preferred neighbors 1002,1003", preferred([1002, 1003]));
        told("is unchoked by 1002", UnchokedBy(1002));
        let counted = "has downloaded the piece 17 from 1002. Now the number of pieces it has is 18";
        told(counted, downloaded(1002, 18));
        told("has downloaded the complete file", Complete);
        for other in ["received the 'have' message from 1002 for the piece 17", "is initialized with 1002 pieces"] {
            check_all(&format!("{time}Peer 1001 {other}."), &[]);
        }
    }
}

#[test]
fn header_and_debug_lines_tell_nothing() {
    for line in [
        "Log of peer 1001",
        "=== Peer 1001 started at 2025-04-22 10:02:21 ===",
        "##### log_peer_1001.log #####",
        "Time, Peer, Event",
        "Number of preferred neighbors: 3",
        "NumberOfPreferredNeighbors 2",
        "UnchokingInterval 5, OptimisticUnchokingInterval 15",
        "FileName TheFile.dat FileSize 10000232 PieceSize 32768",
        "Number of pieces: 306",
        "Peer 1001 variables set to: complete file 1, number of pieces 306",
        "[DEBUG] sending handshake to 1002",
        "[DEBUG] bitfield received from 1002, number of pieces 306",
        "Reselecting preferred neighbors",
        "Waiting for connections on port 6001",
        "",
        "   ",
    ] {
        check_all(line, &[]);
    }
}

#[test]
fn a_sentence_names_its_peer() {
    check_all("Peer 1003 has downloaded the complete file", &[(Some(1003), Complete)]);
    check_all("[x] Peer 1001: 1003 has downloaded the complete file", &[(Some(1003), Complete)]);
    check_all("14:03:09 has downloaded the complete file", &[(None, Complete)]);
    check_all("Now the number of pieces it has is 18", &[(None, PieceCount(18))]);
}

#[test]
fn a_line_of_a_log_is_known_by_a_sentence_and_nothing_of_another_peer() {
    let check = |line: &str, expected: bool| assert_eq!(is_of_log(line.as_bytes(), 1001), expected, "{line}");
    check("Peer [1001] makes a connection to Peer [1002]", true);
    check("14:03:09 has downloaded the complete file", true);
    check("Peer [1003] makes a connection to Peer [1002]", false);
    check("Peer 1001 is unchoked by 1002. Peer 1002 is unchoked by 1001.", false);
    check("Peer 1001 is slow", false);
    check("", false);
}

#[test]
fn what_has_not_come_to_pass_is_not_told() {
    for line in [
        "All peers have downloaded the complete file",
        "Peer 1001: all peers have downloaded the complete file",
        "Peer 1001 is waiting until all has downloaded the complete file",
        "waiting until Peer 1001 has downloaded the complete file",
        "Peer 1001 is waiting for Peer 1003, which has the complete file",
        "Peer 1001 is not unchoked by 1002",
    ] {
        check_all(line, &[]);
    }
    check_all("waiting. Peer 1001 has the complete file, until all have it", &[(Some(1001), Complete)]);
}

#[test]
fn sentences_glued_into_one_line_are_all_read() {
    check_all(
        "[2026-11-21 14:03:09]: Peer 1001 has the preferred neighbors 1002,1003[2026-11-21 14:03:09]: Peer 1001 \
         is unchoked by 1002.[2026-11-21 14:03:09]: Peer 1001 received the 'have' message from 1002 for the piece \
         3Peer 1001 has downloaded the piece 17 from 1002. Now the number of pieces it has is 1.Peer 1001 has \
         downloaded the complete file",
        &[
            (Some(1001), preferred([1002, 1003])),
            (Some(1001), UnchokedBy(1002)),
            (Some(1001), Have { from: 1002, index: Some(3) }),
            (Some(1001), downloaded(1002, 1)),
            (Some(1001), Complete),
        ],
    );
}

#[test]
fn what_is_no_sentence_of_the_course_tells_nothing() {
    for line in [
        "",
        "Nov 21, 2026 2:03:09 PM P2PLogger log_downloaded_piece",
        "Sat Nov 21 14:03:09 2026: Peer[1001]  received the \u{2018} not interested\u{2019} message from Peer[1002]",
        "Nov 21 Peer 1001 received the have message from 1002 for the piece 17",
        "=== Log start for Peer 1001 ===",
        "Connection to Peer 1002 refused, trying again",
        "14:03:09 : Peer 1001 has downloaded the complete file from 1002",
        "Peer 1001 is not connected to 1002",
        "Peer 1001 unchoked 1002",
        "Peer 1001 is unchoked by nobody",
        "Peer 1001 has the optimistically unchoked neighbor null",
        "Peer 1001 is choked by 0",
        "Peer 1001 is choked by 99999999999",
        "java.lang.NumberFormatException: number 12",
        "it has downloaded 12 bytes",
    ] {
        check(line, None);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(
        line: Vec<u8>,
        words in "(Peer|has|is|downloaded|piece|from|number|pieces|unchoked|by|\\x1b\\[|[0-9 ]| ){0,20}",
    ) {
        sentences(&line).count();
        sentences(words.as_bytes()).count();
    }
}
