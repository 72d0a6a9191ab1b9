//! Neighbors that send wrong bytes: the bytes are dropped, and other neighbors are asked.

use std::fs;

use peer_process::disk::hashing::HashKind;

use crate::client::{Client, HAVE, INTERESTED, REQUEST, UNCHOKE, full_bitfield, message, piece};
use crate::given::{give, swarm, text};
use crate::support::process::Process;
use crate::support::swarm::Swarm;

const PIECE_COUNT: usize = 60;
/// The clients that claim to have everything.
const LIAR: u32 = 1101;
const HONEST: u32 = 1102;

/// A leecher with a manifest whose seeder has not come, so it asks any client that claims to have something.
fn victim() -> (Swarm, Process) {
    let swarm = swarm(&[1002, LIAR, HONEST]);
    give(&swarm, &[1002], &text(&swarm, HashKind::Sha256, false));
    let victim = swarm.start(1002, &["-v"]);
    (swarm, victim)
}

/// Returns a client that claims to have everything and unchokes the victim.
fn join(swarm: &Swarm, id: u32) -> Client {
    let mut client = Client::join(swarm.address(1002), id);
    client.say(&full_bitfield(PIECE_COUNT));
    client.wait_for(INTERESTED);
    client.say(&message(UNCHOKE, &[]));
    client
}

/// Answers the next request with wrong bytes, and waits until the victim has reported it; returns the piece.
fn lie(swarm: &Swarm, victim: &Process, client: &mut Client) -> u32 {
    let asked = client.wait_for_request();
    let mut bytes = swarm.piece(asked).to_vec();
    // One bit is enough.
    *bytes.last_mut().expect("a piece has bytes") ^= 0x80;
    client.say(&piece(asked, &bytes));
    victim.wait_for(&dropped(asked));
    asked
}

/// Returns the sentence about a wrong piece.
fn dropped(piece: u32) -> String {
    format!("[WARN] neighbor {LIAR} sent wrong bytes for piece {piece}; dropping them")
}

/// Answers requests correctly until this many pieces were announced; returns the requested pieces.
fn serve(swarm: &Swarm, client: &mut Client, count: usize) -> Vec<u32> {
    let (mut asked, mut have_count) = (Vec::new(), 0);
    while have_count < count {
        let (message_type, payload) = client.hear().expect("the connection stays");
        let number = || u32::from_be_bytes(*payload.first_chunk().expect("4 bytes"));
        match message_type {
            REQUEST => {
                asked.push(number());
                client.say(&piece(number(), swarm.piece(number())));
            }
            HAVE => have_count += 1,
            _ => {}
        }
    }
    asked
}

/// The file is right, each piece was counted once, and either all or none of the liar's pieces, whose bytes the summary
/// reports.
fn check_end(swarm: &Swarm, victim: Process, all_from_liar: bool) {
    let (from_liar, bytes) = if all_from_liar { (PIECE_COUNT, swarm.file.len()) } else { (0, 0) };
    swarm.wait_for_file(1002);
    assert_eq!(swarm.count_in_log(1002, "has downloaded the piece"), PIECE_COUNT);
    assert_eq!(swarm.count_in_log(1002, &format!(" from {LIAR}. Now the number")), from_liar);
    let told = format!("peer 1002: {LIAR}: received {bytes} bytes, ");
    let ended = victim.terminate();
    assert!(ended.lines.iter().any(|line| line.starts_with(&told)), "{told} in {:#?}", ended.lines);
}

#[test]
fn a_wrong_piece_is_not_written_journaled_counted_logged_or_announced() {
    let (swarm, victim) = victim();
    let mut liar = join(&swarm, LIAR);
    lie(&swarm, &victim, &mut liar);
    // It is asked again, which is the next message that it receives.
    let (message_type, _) = liar.hear().expect("the connection stays");
    assert_eq!(message_type, REQUEST, "and no 'have' before it");
    victim.terminate();
    assert_eq!(swarm.count_in_log(1002, "has downloaded"), 0);
    let read = |ending: &str| fs::read(swarm.path(1002).with_file_name(format!("file.bin.{ending}"))).expect("a file");
    assert!(read("part").iter().all(|&byte| byte == 0), "nothing was written");
    let journal = String::from_utf8(read("journal")).expect("text");
    assert!(!journal.contains("\npiece "), "{journal}");
}

#[test]
fn a_wrong_piece_is_asked_of_someone_else() {
    let (swarm, victim) = victim();
    let mut liar = join(&swarm, LIAR);
    let wrong = lie(&swarm, &victim, &mut liar);
    let mut honest = join(&swarm, HONEST);
    // The other pieces that it was asked for are free again, and it cannot be asked once more.
    drop(liar);
    let mut asked = serve(&swarm, &mut honest, PIECE_COUNT);
    asked.sort_unstable();
    assert_eq!(asked, (0..60).collect::<Vec<_>>(), "{wrong} is one of them");
    assert_eq!(victim.warnings_about(&LIAR.to_string()).len(), 1);
    check_end(&swarm, victim, false);
}

#[test]
fn who_has_lied_twice_is_not_asked_again_where_others_have_the_piece() {
    let (swarm, victim) = victim();
    let mut liar = join(&swarm, LIAR);
    lie(&swarm, &victim, &mut liar);
    lie(&swarm, &victim, &mut liar);
    let mut honest = join(&swarm, HONEST);
    let mut asked = serve(&swarm, &mut honest, PIECE_COUNT);
    asked.sort_unstable();
    assert_eq!(asked, (0..60).collect::<Vec<_>>());
    check_end(&swarm, victim, false);
    while let Some((message_type, _)) = liar.hear() {
        assert_ne!(message_type, REQUEST);
    }
}

#[test]
fn the_only_holder_is_asked_again_after_a_pause_and_may_then_tell_the_truth() {
    let (swarm, victim) = victim();
    let mut liar = join(&swarm, LIAR);
    // This comes before the pause begins; otherwise a busy machine would make it look shorter.
    let started = std::time::Instant::now();
    lie(&swarm, &victim, &mut liar);
    let mut asked = serve(&swarm, &mut liar, PIECE_COUNT);
    assert!(started.elapsed().as_millis() >= 1000, "there was a pause");
    asked.sort_unstable();
    assert_eq!(asked, (0..60).collect::<Vec<_>>());
    assert_eq!(victim.warnings_about(&LIAR.to_string()).len(), 1);
    check_end(&swarm, victim, true);
}
