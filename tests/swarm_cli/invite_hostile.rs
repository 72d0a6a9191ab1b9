//! `swarm invite` and `swarm join` against others who mean harm, or are other programs.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use crate::Place;
use crate::invite::{COMMON, Invitation, check};

const HELLO: &[u8] = b"swarm invite 1\n";

fn send(stream: &mut TcpStream, message: &[u8]) {
    let len = u32::try_from(message.len()).expect("it is short").to_be_bytes();
    // Who has heard enough has closed it.
    _ = stream.write_all(&[&len, message].concat());
}

fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let mut len = [0; 4];
    stream.read_exact(&mut len).expect("a length");
    let mut message = vec![0; u32::from_be_bytes(len) as usize];
    stream.read_exact(&mut message).expect("a message");
    message
}

/// Says a code to an inviter; returns the letter that it answers.
fn say_code(invitation: &Invitation, code: &str) -> (TcpStream, u8) {
    let mut stream = TcpStream::connect(("127.0.0.1", invitation.port)).expect("it listens");
    stream.write_all(HELLO).expect("it listens");
    send(&mut stream, code.as_bytes());
    let mut answer = [0; 16];
    stream.read_exact(&mut answer).expect("an answer");
    assert!(answer.starts_with(HELLO));
    (stream, answer[15])
}

#[test]
fn a_code_cannot_be_guessed() {
    let invitation = Invitation::new("");
    let wrong = invitation.place.run_line(&format!("join 000-000@127.0.0.1:{}", invitation.port)).sentence(1);
    assert_eq!(wrong, "127.0.0.1 has another code: compare it with the one that `swarm invite` prints there");
    for number in 1..10 {
        let (mut stream, letter) = say_code(&invitation, &format!("00{number}-000"));
        assert_eq!(letter, b'n');
        assert_eq!(stream.read(&mut [0]).expect("it is closed"), 0);
    }
    invitation.inviter.wait_for("127.0.0.1 has said a wrong code");
    // Now not even the right one counts.
    assert_eq!(say_code(&invitation, &invitation.code).1, b't');
    let many = invitation.place.run_line(&format!("join {}", invitation.word())).sentence(1);
    assert_eq!(many, "127.0.0.1 looks at no more codes, because too many were wrong; invite again there");
}

#[test]
fn other_programs_and_floods_do_not_disturb_an_invitation() {
    let invitation = Invitation::to("1001 localhost 6001 1\n1002 localhost 6002 0\n", "");
    let connect = || TcpStream::connect(("127.0.0.1", invitation.port)).expect("it listens");
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"P2PFILESHARINGPROJ", &[0xff; 5000]] {
        let mut stream = connect();
        stream.write_all(bytes).expect("it listens");
        // It says nothing to them. What it has not read, it resets.
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    }
    for message in ["", "x", "{}", r#"{"Ask":{"ids":[1002],"own":"x","dialed":"y"}}"#, &"[".repeat(60_000)] {
        let (mut stream, letter) = say_code(&invitation, &invitation.code);
        assert_eq!(letter, b'y');
        send(&mut stream, message.as_bytes());
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)), "{message}");
    }
    let (mut stream, _) = say_code(&invitation, &invitation.code);
    stream.write_all(&[0xff; 4]).expect("it listens");
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    // Callers that say nothing are turned away before they fill the place of others.
    let silent: Vec<_> = (0..10).map(|_| connect()).collect();
    let member = invitation.place.run_line(&format!("join {} new", invitation.word()));
    assert_eq!(member.status, Some(0), "{member:?}");
    drop(silent);
    check(&invitation.inviter.wait(), 0, "have the same files");
}

#[test]
fn a_member_that_does_not_take_the_files_is_told() {
    let invitation = Invitation::to("1001 localhost 6001 1\n1002 localhost 6002 0\n", "");
    let (mut stream, _) = say_code(&invitation, &invitation.code);
    send(&mut stream, br#"{"Ask":{"ids":[],"own":"127.0.0.1","dialed":"127.0.0.1"}}"#);
    let offer: Value = serde_json::from_slice(&receive(&mut stream)).expect("JSON");
    assert_eq!(offer["Offer"]["ids"], json!([1002]));
    loop {
        let message: Value = serde_json::from_slice(&receive(&mut stream)).expect("JSON");
        if message.get("Files").is_some() {
            break;
        }
        send(&mut stream, br#""Here""#);
    }
    send(&mut stream, "{\"Failed\":\"the disk is\\nfull\\u001b[31m\"}".as_bytes());
    let said = "1002 may lack the files: the disk is full\\u{1b}[31m; invite it again";
    check(&invitation.inviter.wait(), 1, said);
}

/// Plays an inviter that accepts each code and says this; returns the port.
fn inviter(messages: Vec<Vec<u8>>) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let playing = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("it is called");
        let mut said = [0; 15 + 4 + 7];
        stream.read_exact(&mut said).expect("a code");
        assert_eq!(said[..15], *HELLO);
        stream.write_all(&[HELLO, b"y"].concat()).expect("it is there");
        receive(&mut stream);
        for message in messages {
            send(&mut stream, &message);
        }
        // Until it has gone.
        _ = stream.read_to_end(&mut Vec::new());
    });
    (port, playing)
}

fn offer(ids: &[u32], common: &str, peer_info: &str) -> Value {
    let bundle = json!({"common": common, "peer_info": peer_info, "manifest": null});
    json!({"Offer": {"ids": ids, "seen": "127.0.0.1", "bundle": bundle, "manifest_digest": null}})
}

#[test]
fn a_hostile_inviter_writes_nothing() {
    let peers = "1001 localhost 6001 1\n1002 localhost 6002 0\n";
    let good = offer(&[1002], COMMON, peers);
    let files = |common: &str, peer_info: &str, manifest: Value| json!({"Files": {"common": common, "peer_info": peer_info, "manifest": manifest}});
    let other = files(&COMMON.replace("FileSize 4", "FileSize 5"), peers, Value::Null);
    let path = |name: &str| offer(&[1002], &COMMON.replace("a.dat", name), peers);
    let place = Place::new();
    for (messages, part) in [
        (vec![path("../../a.dat")], "is not a plain file name"),
        (vec![path("/etc/passwd")], "is not a plain file name"),
        (vec![offer(&[1009], COMMON, peers)], "offers wrong files: it gives lines that PeerInfo.cfg does not have"),
        (vec![offer(&[], COMMON, peers)], "it gives lines that PeerInfo.cfg does not have"),
        (
            vec![offer(&[1002], COMMON, "1002 \u{1b}[31m\n")],
            "offers wrong files: PeerInfo.cfg line 1: '1002 \\u{1b}[31m' has 2",
        ),
        (
            vec![offer(&[1002], &" ".repeat(70_000), peers)],
            "Common.cfg has 70000 bytes, and an invitation takes at most 65536",
        ),
        (vec![json!({"Refused": "no\n\u{1b}[31m"})], "gives this machine no line: no \\u{1b}[31m"),
        (vec![json!({"Over": "x"})], "does not answer as `swarm invite` of this version does"),
        (vec![good.clone(), good.clone()], "does not answer as `swarm invite` of this version does"),
        (vec![good.clone(), json!({"Over": "\u{7}".repeat(5000)})], "has called it off: \\u{7}"),
        (vec![good.clone(), other], "the inviter sends other files than it has offered"),
        (vec![good.clone(), files(COMMON, "1001 a 1 1\n", Value::Null)], "sends other files than it has offered"),
        (vec![good.clone(), files(COMMON, peers, json!("{}"))], "the inviter sends wrong files: a.dat.meta.json: "),
        (vec![good, files(COMMON, "x", Value::Null)], "the inviter sends wrong files: PeerInfo.cfg line 1: "),
    ] {
        let (port, playing) = inviter(messages.iter().map(|message| message.to_string().into_bytes()).collect());
        let outcome = place.run_line(&format!("join k7m-4qx@127.0.0.1:{port} new"));
        playing.join().expect("no panic");
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""), "{part}: {outcome:?}");
        let last = outcome.stderr.lines().last().unwrap_or_default();
        assert!(last.contains(part) && last.len() < 3000, "{part}: {outcome:?}");
        assert!(!place.path("new").exists(), "{part}");
    }
    assert_eq!(fs::read_dir(place.0.path()).expect("a directory").count(), 0);
}

#[test]
fn an_inviter_that_says_too_much_or_is_another_program_is_left() {
    let place = Place::new();
    let (port, playing) = inviter(vec![vec![b' '; 3 << 20]]);
    let left = "127.0.0.1 does not answer as `swarm invite` of this version does; nothing was written here";
    assert_eq!(place.run_line(&format!("join k7m-4qx@127.0.0.1:{port}")).sentence(1), left);
    playing.join().expect("no panic");
    // A peer says nothing before it closes, and ssh says its version.
    let ended = "127.0.0.1 has ended the connection before it answered: another program listens there, or too many call at once";
    for (words, expected) in [(&b""[..], ended), (b"SSH-2.0-OpenSSH_9.2\r\n", left)] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let playing = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("it is called");
            stream.read_exact(&mut [0; 15 + 4 + 7]).expect("a code");
            stream.write_all(words).expect("it is there");
            if !words.is_empty() {
                _ = stream.read_to_end(&mut Vec::new());
            }
        });
        assert_eq!(place.run_line(&format!("join k7m-4qx@127.0.0.1:{port}")).sentence(1), expected);
        playing.join().expect("no panic");
    }
}
