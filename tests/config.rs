//! The two configuration files as pure text: the variations that are tolerated, and one sentence for each fault (protocol
//! A1).

use peer_process::config::{Common, PeerInfo, parse_common, parse_peer_info};

const COMMON: &str = "NumberOfPreferredNeighbors 2
UnchokingInterval 5
OptimisticUnchokingInterval 15
FileName TheFile.dat
FileSize 10000232
PieceSize 32768
";

const PEER_INFO: &str = "1001 lin114-00.cise.ufl.edu 6008 1
1002 lin114-01.cise.ufl.edu 6008 0
";

fn common(text: &str) -> Common {
    parse_common(text).unwrap_or_else(|error| panic!("{text:?}: {error:#}"))
}

fn peer_info(text: &str) -> Vec<(u32, String, u16, bool)> {
    let peers = parse_peer_info(text).unwrap_or_else(|error| panic!("{text:?}: {error:#}"));
    peers.into_iter().map(|PeerInfo { id, host, port, has_file, .. }| (id.number(), host, port, has_file)).collect()
}

/// Checks that the course's `Common.cfg` with one change gives this sentence.
fn check_common(from: &str, to: &str, sentence: &str) {
    assert!(COMMON.contains(from), "'{from}'");
    let text = COMMON.replace(from, to);
    let error = parse_common(&text).expect_err(sentence);
    assert_eq!(format!("{error:#}"), sentence, "{text:?}");
}

/// Checks that the course's `PeerInfo.cfg` with one change gives this sentence.
fn check_peer_info(from: &str, to: &str, sentence: &str) {
    assert!(PEER_INFO.contains(from), "'{from}'");
    let text = PEER_INFO.replace(from, to);
    let error = parse_peer_info(&text).expect_err(sentence);
    assert_eq!(format!("{error:#}"), sentence, "{text:?}");
}

#[test]
fn common_cfg_says_what_the_course_means() {
    let common = common(COMMON);
    let intervals = (common.unchoking_interval_secs, common.optimistic_interval_secs);
    assert_eq!((common.preferred_count, intervals), (2, (5, 15)));
    assert_eq!((common.file_name.as_str(), common.layout.piece_count()), ("TheFile.dat", 306));
    assert_eq!(common.warnings, Vec::<String>::new());
}

#[test]
fn common_cfg_in_any_form() {
    let expected = common(COMMON);
    let mut reversed: Vec<_> = COMMON.lines().collect();
    reversed.reverse();
    for text in [
        COMMON.replace('\n', "\r\n"),
        COMMON.replace('\n', "  \n"),
        COMMON.replace('\n', " \t\r\n\r\n"),
        COMMON.replace(' ', "\t"),
        COMMON.replace(' ', " \t  "),
        COMMON.trim_end().into(),
        format!("\u{feff}{COMMON}"),
        format!("\n \n{COMMON}\n\t\n"),
        format!("  {}", COMMON.replace('\n', "\n  ")),
        reversed.join("\n"),
    ] {
        let common = common(&text);
        assert_eq!((common.preferred_count, common.unchoking_interval_secs), (2, 5), "{text:?}");
        assert_eq!((common.optimistic_interval_secs, common.file_name.as_str()), (15, "TheFile.dat"), "{text:?}");
        assert_eq!((common.layout, common.warnings), (expected.layout, vec![]), "{text:?}");
    }
}

#[test]
fn an_unknown_key_is_a_warning() {
    let common = common(&COMMON.replace("FileName", "Colour blue\nFileName"));
    assert_eq!(common.warnings, ["Common.cfg line 4: unknown key 'Colour' is ignored"]);
}

#[test]
fn where_a_key_is_missing_the_unknown_ones_are_named_for_one_may_be_misspelt() {
    let missing = "Common.cfg: key PieceSize is missing";
    check_common("PieceSize", "PeiceSize", &format!("{missing} (line 6 has the unknown key 'PeiceSize')"));
    check_common(
        "PieceSize",
        "Colour blue\n# a comment\npiecesize",
        &format!(
            "{missing} (line 6 has the unknown key 'Colour', line 7 has the unknown key '#', line 8 has the unknown key \
             'piecesize')"
        ),
    );
    let error = parse_common(&(COMMON.replace("PieceSize 32768", "") + &"x\n".repeat(12))).expect_err(missing);
    let sentence = format!("{error:#}");
    assert!(sentence.starts_with(&format!("{missing} (line 7 has the unknown key 'x', line 8 ")), "{sentence}");
    assert!(sentence.ends_with("line 16 has the unknown key 'x' and 2 more)"), "{sentence}");
}

#[test]
fn numbers_at_their_limits() {
    let with = |from: &str, to: &str| common(&COMMON.replace(from, to));
    assert_eq!(with("Neighbors 2", "Neighbors 0").preferred_count, 0);
    assert_eq!(with("Neighbors 2", "Neighbors 4294967295").preferred_count, u32::MAX);
    assert_eq!(with("FileSize 10000232", "FileSize 0").layout.piece_count(), 0);
    let huge = COMMON.replace("10000232", "9223372036854775807").replace("32768", "2147483649");
    assert_eq!(common(&huge).layout.file_size(), i64::MAX.unsigned_abs());
}

#[test]
fn a_file_name_may_be_anything_that_is_no_path() {
    for name in ["tree.jpg", ".hidden", "..twice", "no dots at all", "日本.dat", "a..b"] {
        assert_eq!(common(&COMMON.replace("TheFile.dat", name)).file_name, name);
    }
}

#[test]
fn each_key_missing_or_doubled() {
    for line in COMMON.lines() {
        let key = line.split(' ').next().expect("a key");
        check_common(&format!("{line}\n"), "", &format!("Common.cfg: key {key} is missing"));
        let first = COMMON.lines().position(|other| other == line).expect("it is there") + 1;
        let (doubled, sentence) = (format!("{COMMON}\n{line}"), format!("already given in line {first}"));
        let error = parse_common(&doubled).expect_err(&sentence);
        assert_eq!(format!("{error:#}"), format!("Common.cfg line 8: {key} was {sentence}"));
    }
    let error = parse_common("").expect_err("nothing is there");
    assert_eq!(format!("{error:#}"), "Common.cfg: key NumberOfPreferredNeighbors is missing");
}

#[test]
fn numbers_that_are_none_or_out_of_range() {
    for (line, (key, value), range) in [
        (1, ("NumberOfPreferredNeighbors", "2"), "a number from 0 to 4294967295"),
        (2, ("UnchokingInterval", "5"), "a number from 1 to 4294967295"),
        (3, ("OptimisticUnchokingInterval", "15"), "a number from 1 to 4294967295"),
        (5, ("FileSize", "10000232"), "a number from 0 to 9223372036854775807"),
        (6, ("PieceSize", "32768"), "a number from 1 to 4294967290"),
    ] {
        let check = |text: &str, fault: &str| {
            // The line break keeps UnchokingInterval and OptimisticUnchokingInterval apart.
            let broken = format!("\n{COMMON}").replace(&format!("\n{key} {value}"), &format!("\n{key} {text}"));
            let error = parse_common(&broken[1..]).expect_err(fault);
            let place = format!("Common.cfg line {line}: {key} '{text}' is not");
            assert_eq!(format!("{error:#}"), format!("{place} {fault}"));
        };
        for text in ["", "two", "5s", "0x10", "1.5", "1e3", "+5", "-", "1,000", "5 5", "１"] {
            check(text, "a whole number");
        }
        for text in ["-1", "-5", "9223372036854775808", "99999999999999999999999999"] {
            check(text, range);
        }
        if range.contains(" 1 ") {
            check("0", range);
        }
    }
}

#[test]
fn more_pieces_than_an_index_counts() {
    check_common(
        "FileSize 10000232\nPieceSize 32768",
        "FileSize 4294967296\nPieceSize 1",
        "Common.cfg line 6: PieceSize '1' cuts 4294967296 bytes into 4294967296 pieces, more than the 4294967295 that a \
         4-byte index can count",
    );
}

#[test]
fn a_file_name_that_leaves_the_peer_s_directory() {
    check_common("FileName TheFile.dat", "FileName", "Common.cfg line 4: FileName '' is empty");
    for name in ["..", ".", "/etc/passwd", "../other", "sub/file", "file/", "a\\b", "nul\0"] {
        let fault = "is not a plain file name; the file must stay in the peer's directory";
        check_common("TheFile.dat", name, &format!("Common.cfg line 4: FileName '{name}' {fault}"));
    }
}

#[test]
fn a_file_name_that_windows_changes_or_refuses() {
    for (name, trouble) in [
        ("a:b", "has ':', which no file name on Windows may have"),
        ("what?", "has '?', which no file name on Windows may have"),
        ("con.txt", "is the name of a device on Windows"),
        ("tail.", "ends with a dot or blank, which Windows removes"),
    ] {
        let text = COMMON.replace("TheFile.dat", name);
        if cfg!(windows) {
            check_common("TheFile.dat", name, &format!("Common.cfg line 4: FileName '{name}' {trouble}"));
        } else {
            let warning = format!("Common.cfg line 4: FileName '{name}' {trouble}, so no peer runs there");
            assert_eq!(common(&text).warnings, [warning]);
        }
    }
}

#[test]
fn peer_info_cfg_in_any_form() {
    let host = |number| format!("lin114-{number:02}.cise.ufl.edu");
    let expected = vec![(1001, host(0), 6008, true), (1002, host(1), 6008, false)];
    for text in [
        PEER_INFO.into(),
        PEER_INFO.replace('\n', " \r\n"),
        PEER_INFO.replace(' ', "\t \t"),
        PEER_INFO.trim_end().into(),
        PEER_INFO.replace('\n', "\n\n \n"),
        format!("\u{feff}  {PEER_INFO}"),
    ] {
        assert_eq!(peer_info(&text), expected, "{text:?}");
    }
}

#[test]
fn peers_keep_the_order_of_their_lines() {
    let peers = peer_info("7 a 1 0\n4294967295 a 65535 1\n3 b 1 0\n");
    let ids: Vec<_> = peers.iter().map(|(id, ..)| *id).collect();
    assert_eq!(ids, [7, 4_294_967_295, 3]);
}

#[test]
fn a_malformed_line() {
    for (line, count) in
        [("1002 lin114-01.cise.ufl.edu 6008", "3 columns"), ("1002", "1 column"), ("1002 a b 6008 0", "5 columns")]
    {
        let form = "instead of the 4 of '<peer ID> <host> <port> <1 or 0>'";
        let sentence = format!("PeerInfo.cfg line 2: '{line}' has {count} {form}");
        check_peer_info("1002 lin114-01.cise.ufl.edu 6008 0", line, &sentence);
    }
}

#[test]
fn the_format_has_no_comments() {
    for line in ["# the seeder", "#", "# 1002 a 6008 0", "#1002 a 6008 0"] {
        let sentence = format!("PeerInfo.cfg line 2: '{line}' starts with '#', but the format has no comments");
        check_peer_info("1002 lin114-01.cise.ufl.edu 6008 0", line, &sentence);
    }
    let common = common(&format!("# ours\n#p 5\n{COMMON}"));
    let ignored = ["line 1: unknown key '#'", "line 2: unknown key '#p'"];
    assert_eq!(common.warnings, ignored.map(|warning| format!("Common.cfg {warning} is ignored")));
}

#[test]
fn values_of_peer_info_cfg_out_of_range() {
    for (id, fault) in [
        ("0", "is not a number from 1 to 4294967295"),
        ("-1", "is not a number from 1 to 4294967295"),
        ("4294967296", "is not a number from 1 to 4294967295"),
        ("peer2", "is not a whole number"),
    ] {
        check_peer_info("1002", id, &format!("PeerInfo.cfg line 2: peer ID '{id}' {fault}"));
    }
    for (port, fault) in [
        ("0", "is not a number from 1 to 65535"),
        ("-6008", "is not a number from 1 to 65535"),
        ("65536", "is not a number from 1 to 65535"),
        ("70000", "is not a number from 1 to 65535"),
        ("http", "is not a whole number"),
    ] {
        check_peer_info("6008 0", &format!("{port} 0"), &format!("PeerInfo.cfg line 2: port '{port}' {fault}"));
    }
    for state in ["2", "-1", "yes", "01"] {
        let sentence = format!("PeerInfo.cfg line 2: last column '{state}' is neither 1 nor 0");
        check_peer_info("6008 0", &format!("6008 {state}"), &sentence);
    }
}

#[test]
fn what_no_two_peers_may_share() {
    check_peer_info("1002", "1001", "PeerInfo.cfg line 2: peer ID '1001' was already given in line 1");
    check_peer_info("1002", "01001", "PeerInfo.cfg line 2: peer ID '1001' was already given in line 1");
    let sentence = "PeerInfo.cfg line 2: 'LIN114-00.cise.ufl.edu 6008' was already given in line 1";
    check_peer_info("lin114-01", "LIN114-00", sentence);
    for (one, other) in [("[fd00::2]", "fd00::2"), ("localhost", "localhost."), ("LOCALHOST.", "localhost")] {
        let error = parse_peer_info(&format!("1001 {one} 6008 1\n1002 {other} 6008 0\n")).expect_err("one place");
        let sentence = format!("PeerInfo.cfg line 2: '{other} 6008' was already given in line 1");
        assert_eq!(format!("{error:#}"), sentence);
    }
}

#[test]
fn nobody_is_listed() {
    for text in ["", "\n", " \t\r\n\u{20}"] {
        let error = parse_peer_info(text).expect_err("there is nobody");
        assert_eq!(format!("{error:#}"), "PeerInfo.cfg: no peer is listed");
    }
}
