//! Options that no neighbor can notice: a plain neighbor checks each message by the protocol, and receives the same with and
//! without them. (Manifests have their own tests.)

use crate::client::{
    BITFIELD, CHOKE, Client, HAVE, INTERESTED, Message, NOT_INTERESTED, PIECE, REQUEST, UNCHOKE, full_bitfield, index,
    listen,
};
use crate::swarm::{Plan, Swarm};

fn plan() -> Plan {
    Plan { file_size: 59_000, piece_size: 1000, ..Plan::default() }
}

/// Serves a leecher to its end, one piece at a time. Each piece must be requested once, and announced once it was sent.
///
/// Returns all of its messages, and the order of its requests.
fn transcript_of_a_leecher(options: &[&str]) -> (Vec<Message>, Vec<u32>) {
    let swarm = Swarm::new(plan());
    let listener = listen(&swarm, 1001);
    let leecher = swarm.env.start(&[options, &["--seed", "7", "1002"]].concat());
    let mut seeder = Client::seed(&swarm, &listener, 1001, 1002);
    let (mut heard, mut asked, mut has) = (Vec::new(), Vec::new(), 0);
    while has < swarm.plan.piece_count() as usize {
        let (kind, payload) = seeder.hear().expect("the connection stays");
        assert_eq!(payload.len(), 4, "{kind}");
        match kind {
            REQUEST => {
                let piece = index(&payload);
                assert!(!asked.contains(&piece), "each piece once");
                assert!(asked.len() <= has + 1, "one request at a time");
                asked.push(piece);
                seeder.say_piece(&swarm, piece);
            }
            HAVE => {
                assert_eq!(asked.get(has), Some(&index(&payload)), "in the order in which they came");
                has += 1;
            }
            other => panic!("a message of type {other}"),
        }
        heard.push((kind, payload));
    }
    heard.extend(seeder.hear_out());
    drop(seeder);
    assert_eq!(leecher.wait().status, Some(0));
    // A `have` may come before or after the next request, by chance.
    heard.sort();
    (heard, asked)
}

#[test]
fn a_leecher_says_the_same_whatever_its_options() {
    let (plain, order) = transcript_of_a_leecher(&[]);
    for options in [
        &["--unchoke", "eager"] as &[&str],
        &["--upload-limit", "1k", "--upload-limit-per-neighbor", "1k"],
        &["--download-limit", "100k"],
        &["--download-limit-per-neighbor", "1M", "--progress-json", "p.json"],
    ] {
        assert!(transcript_of_a_leecher(options) == (plain.clone(), order.clone()), "{options:?}");
    }
    // With one neighbor every piece is as rare as the others.
    for select in ["random", "rarest", "sequential"] {
        let (heard, asked) = transcript_of_a_leecher(&["--select", select]);
        assert!(heard == plain, "--select {select}: only the order may differ");
        assert_eq!(asked.is_sorted(), select == "sequential", "--select {select}");
    }
}

/// Returns what a seeder sends to a neighbor that requests every piece once.
fn transcript_of_a_seeder(options: &[&str]) -> Vec<Message> {
    let swarm = Swarm::new(plan());
    let seeder = swarm.env.start(&[options, &["1001"]].concat()).wait_until_up();
    let mut client = Client::join(&swarm, 1001, 1002);
    client.say(INTERESTED, &[]);
    let mut heard = vec![client.hear().expect("an unchoke")];
    for piece in 0..swarm.plan.piece_count() {
        client.say_index(REQUEST, piece);
        let came = client.hear().expect("a piece");
        assert!(came == (PIECE, [&piece.to_be_bytes(), swarm.piece(piece)].concat()), "piece {piece}");
        heard.push(came);
    }
    client.say_all_haves(&swarm);
    heard.extend(client.hear_out());
    drop(client);
    assert_eq!(seeder.wait().status, Some(0));
    heard
}

#[test]
fn a_seeder_says_the_same_whatever_its_options() {
    let plain = transcript_of_a_seeder(&[]);
    for options in [
        &["--unchoke", "eager"] as &[&str],
        &["--select", "rarest"],
        &["--upload-limit", "200k"],
        &["--upload-limit-per-neighbor", "5M", "--upload-limit", "1M"],
        &["--download-limit", "1k", "--download-limit-per-neighbor", "1k"],
        &["--progress-json", "p.json"],
    ] {
        assert!(transcript_of_a_seeder(options) == plain, "{options:?}");
    }
}

/// The next tick is a quarter of an hour away.
#[test]
fn an_eager_peer_fills_a_free_slot_at_once() {
    let peers = vec![(1001, true), (1002, false), (1003, false), (1004, false)];
    let swarm = Swarm::new(Plan { k: 1, p: 900, m: 900, peers, ..plan() });
    let seeder = swarm.env.start(&["-v", "--unchoke", "eager", "1001"]).wait_until_up();
    let [mut first, mut second, mut third] = [1002, 1003, 1004].map(|id| Client::join(&swarm, 1001, id));
    first.say(INTERESTED, &[]);
    assert_eq!(first.hear(), Some((UNCHOKE, vec![])));
    second.say(INTERESTED, &[]);
    assert_eq!(second.hear(), Some((UNCHOKE, vec![])), "it is the optimistically unchoked one");
    third.say(INTERESTED, &[]);
    seeder.wait_for_line("from 1004: interested");
    first.say(NOT_INTERESTED, &[]);
    assert_eq!(first.hear(), Some((CHOKE, vec![])));
    assert_eq!(third.hear(), Some((UNCHOKE, vec![])));
    third.say_index(REQUEST, 3);
    assert!(third.hear() == Some((PIECE, [&3_u32.to_be_bytes(), swarm.piece(3)].concat())), "piece 3");
    drop(seeder);
}

/// Two have the front of the file, one has all of it: that one is asked for the pieces that only it has.
#[test]
fn the_rarest_pieces_come_from_who_alone_has_them() {
    let peers = vec![(1001, true), (1002, true), (1003, true), (1004, false)];
    let swarm = Swarm::new(Plan { peers, ..plan() });
    let listeners = [1001, 1002, 1003].map(|id| (id, listen(&swarm, id)));
    let leecher = swarm.env.start(&["-v", "--select", "rarest", "1004"]);
    let mut front = full_bitfield(swarm.plan.piece_count());
    front[4..].fill(0);
    let mut clients = listeners.map(|(id, listener)| {
        let mut client = Client::accept(&listener);
        client.send(&crate::client::handshake(id));
        assert_eq!(client.receive(32), crate::client::handshake(1004));
        client.hear_bitfield(&swarm);
        if id == 1003 {
            client.say(BITFIELD, &full_bitfield(swarm.plan.piece_count()));
        } else {
            client.say(BITFIELD, &front);
        }
        assert_eq!(client.hear(), Some((INTERESTED, vec![])));
        leecher.wait_for_line(&format!("to {id}: interested"));
        client
    });
    clients[2].say(UNCHOKE, &[]);
    let (asked, _) = clients[2].serve(&swarm, 27);
    assert!(asked.iter().all(|piece| *piece >= 32), "{asked:?}");
    let (asked, _) = clients[2].serve(&swarm, 32);
    assert!(asked.iter().all(|piece| *piece < 32), "{asked:?}");
    drop(leecher);
}
