//! Files that grow, begin again, go and come.

use super::*;
use crate::grade::load::open;

const MORE: Looked = Looked { has_more: true, begins: false, is_written: true };
const AGAIN: Looked = Looked { has_more: true, begins: true, is_written: true };
const NOTHING: Looked = Looked { has_more: false, begins: false, is_written: false };

fn follower() -> (tempfile::TempDir, Follower) {
    let dir = tempfile::tempdir().expect("a directory");
    let common = "NumberOfPreferredNeighbors 1\nUnchokingInterval 5\nOptimisticUnchokingInterval 10\nFileName thefile\n\
                  FileSize 200\nPieceSize 100\n";
    fs::write(dir.path().join("Common.cfg"), common).expect("a file");
    fs::write(dir.path().join("PeerInfo.cfg"), "1001 localhost 6001 1\n1002 localhost 6002 0\n").expect("a file");
    let follower = Follower::new(open(dir.path(), &[], &[]).expect("a swarm"));
    (dir, follower)
}

fn piece(count: u32) -> String {
    format!("Peer 1002 has downloaded the piece {count} from 1001. Now the number of pieces it has is {count}.\n")
}

fn events(follower: &Follower) -> Vec<Event> {
    let lines = follower.record.peers[1].log.as_ref();
    lines.map(|lines| lines.entries.iter().map(|entry| entry.event).collect()).unwrap_or_default()
}

#[test]
fn a_log_is_read_as_it_grows_and_again_when_it_begins_again() {
    let (dir, mut follower) = follower();
    let path = dir.path().join("log_peer_1002.log");
    assert_eq!(follower.look(), NOTHING);
    // The end of a line may come later.
    let first = piece(1);
    let (begin, end) = first.split_at(30);
    fs::write(&path, begin).expect("a file");
    follower.look();
    assert_eq!(events(&follower), []);
    fs::write(&path, [begin, end, &piece(2)].concat()).expect("a file");
    assert_eq!(follower.look(), MORE);
    assert_eq!(follower.look(), NOTHING);
    let all = [1, 2].map(|count| Event::Downloaded { index: count, from: 1001, count });
    assert_eq!(events(&follower), all);
    fs::write(&path, piece(1)).expect("a file");
    assert_eq!(follower.look(), AGAIN, "it is shorter");
    assert_eq!(events(&follower), all[..1]);
    fs::write(&path, [piece(2), piece(2)].concat()).expect("a file");
    assert_eq!(follower.look(), AGAIN, "it begins with other bytes");
    assert_eq!(events(&follower), [all[1], all[1]]);
    let other = dir.path().join("other");
    fs::write(&other, [piece(2), piece(2), piece(1)].concat()).expect("a file");
    fs::rename(&other, &path).expect("it takes the place");
    assert_eq!(follower.look(), AGAIN, "it is another file");
    fs::remove_file(&path).expect("it is there");
    assert_eq!(follower.look(), AGAIN);
    assert_eq!((events(&follower), follower.look()), (vec![], NOTHING));
}

#[test]
fn a_run_is_over_when_all_have_the_file_and_nobody_writes() {
    let (dir, mut follower) = follower();
    fs::write(dir.path().join("log_peer_1002.log"), piece(1)).expect("a file");
    follower.look();
    let ago = |secs| Instant::now().checked_sub(Duration::from_secs(secs)).expect("the machine runs longer");
    follower.grew = ago(3);
    assert!(!follower.is_over(), "a piece is missing");
    follower.grew = ago(16);
    assert!(follower.is_over(), "nobody has written for long");
    fs::write(dir.path().join("log_peer_1002.log"), [piece(1), piece(2)].concat()).expect("a file");
    follower.look();
    assert!(!follower.is_over(), "it was written just now");
    follower.grew = ago(3);
    assert!(follower.is_over());
    let named = follower.named();
    assert_eq!((named.logs, named.events), ([(1002, dir.path().join("log_peer_1002.log"))].into(), [].into()));
}

#[test]
fn a_log_that_is_emptied_and_grows_past_its_length_is_read_again_though_it_begins_alike() {
    let (dir, mut follower) = follower();
    let path = dir.path().join("log_peer_1002.log");
    let text = |pieces: &[u32]| pieces.iter().map(|count| piece(*count)).collect::<String>();
    assert!(text(&[1, 2, 3, 4]).len() > KNOWN);
    fs::write(&path, text(&[1, 2, 3, 4, 5])).expect("a file");
    assert_eq!(follower.look(), MORE);
    fs::write(&path, text(&[1, 2, 3, 4, 6, 7])).expect("a file");
    assert_eq!(follower.look(), AGAIN);
    assert_eq!(
        events(&follower),
        [1, 2, 3, 4, 6, 7].map(|count| Event::Downloaded { index: count, from: 1001, count })
    );
}

#[test]
fn a_run_with_too_many_lines_goes_on_while_somebody_writes() {
    let (dir, mut follower) = follower();
    follower.most = 1;
    let path = dir.path().join("log_peer_1002.log");
    fs::write(&path, piece(1)).expect("a file");
    assert_eq!(follower.look(), MORE);
    follower.grew = Instant::now().checked_sub(Duration::from_secs(16)).expect("the machine runs longer");
    assert!(follower.is_over());
    fs::write(&path, [piece(1), piece(2)].concat()).expect("a file");
    assert_eq!(follower.look(), Looked { is_written: true, ..NOTHING });
    assert!(!follower.is_over(), "it was written just now");
    assert_eq!(events(&follower).len(), 1);
    assert_eq!(follower.look(), NOTHING);
}

#[test]
fn an_event_file_is_followed_too_and_what_is_no_file_is_not() {
    let (dir, mut follower) = follower();
    fs::create_dir(dir.path().join("log_peer_1002.log")).expect("it is new");
    let start = r#"{"event":"start","time":1.5,"mono":0.5,"version":1,"peer":1002}"#;
    let path = dir.path().join("events_1002.jsonl");
    fs::write(&path, format!("{start}\n")).expect("a file");
    follower.look();
    let line = r#"{"event":"complete","time":2.5,"mono":1.5}"#;
    fs::write(&path, format!("{start}\n{line}\n")).expect("a file");
    assert_eq!(follower.look(), MORE);
    let entries = &follower.record.peers[1].events.as_ref().expect("an event file").entries;
    assert_eq!(
        entries.iter().map(|entry| (entry.at.0, entry.event)).collect::<Vec<_>>(),
        [(2_500_000, Event::Complete)]
    );
}
