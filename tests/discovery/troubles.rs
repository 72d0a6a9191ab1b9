//! Trackers that refuse, lie, break off or are not there: each is told in one sentence, and the peer lives.

use std::net::{Ipv4Addr, TcpListener};

use crate::host::Told;
use crate::server::{Reply, Server, ok, status, with_head};
use crate::tracker::{ANSWER, gzip, other, own_name, played, start, with_own_names};

/// What people are told of a tracker that answers so; the part after its address and before the consequence.
#[track_caller]
fn told(script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> String {
    let server = Server::new(script);
    let played = played();
    let running = start(&played, &server.url());
    let sentence = played.wait_for_words("the tracker");
    running.stop();
    assert_eq!(played.found(), []);
    let rest = sentence.strip_prefix(&format!("the tracker {} ", server.url())).expect(&sentence);
    rest.strip_suffix("; the swarm goes on with the peers that it knows").expect(&sentence).to_owned()
}

#[test]
fn refusals_and_wrong_answers_are_told() {
    assert_eq!(
        told(|_, _| ok("d14:failure reason9:not\x07 heree")),
        "refuses: 'not  here'; perhaps this peer's FileName, FileSize, PieceSize, manifest or --swarm differs: compare the line \
         'for trackers, this swarm is ...' of all peers"
    );
    let page = "<html><title>400 Invalid Request</title></html>";
    assert_eq!(
        told(move |_, _| status("400 Bad Request", "Content-Type: text/html\r\n", page)),
        "answers with the status 400: '400 Invalid Request'"
    );
    assert_eq!(
        told(|_, _| ok("<html>It works!</html>")),
        "does not answer as a tracker: its answer is not bencode (byte 0: 0x3c starts no value): 'It works!'"
    );
    assert_eq!(
        told(|_, _| ok("de")),
        "does not answer as a tracker: its answer has neither peers nor an interval: 'de'"
    );
}

#[test]
fn a_page_at_an_address_without_announce_is_told_in_short_with_a_hint() {
    let css = ".a { color: red } ".repeat(30);
    let page = format!("<html><style>{css}</style><h1>Not Found</h1>{}</html>", "word ".repeat(100));
    let server = Server::new(move |_, _| status("404 Not Found", "Content-Type: text/html\r\n", &page));
    let played = played();
    let url = server.url().replace("announce", "");
    let running = start(&played, &url);
    let sentence = played.wait_for_words("the tracker");
    running.stop();
    let told = format!("the tracker {url} answers with the status 404: 'Not Found word ");
    assert!(sentence.starts_with(&told) && !sentence.contains("color"), "{sentence}");
    let hint = "…'; most trackers want a URL that ends in /announce; the swarm goes on with the peers that it knows";
    assert!(sentence.ends_with(hint), "{sentence}");
    assert_eq!(played.told().first(), Some(&Told::Warned(sentence)), "it is a warning");
}

#[test]
fn answers_that_break_off_are_told() {
    let closes = "closes the connection before its answer is complete";
    assert_eq!(told(|_, _| Reply::Bytes(Vec::new())), closes);
    assert_eq!(told(|_, _| Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec())), closes);
    assert_eq!(told(|_, _| Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nd8:inter".to_vec())), closes);
    assert_eq!(told(|_, _| with_head("Content-Encoding: gzip\r\n", ANSWER)), "sends an answer whose gzip is broken");
    let other = told(|_, _| Reply::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()));
    assert!(other.starts_with("does not answer as HTTP wants it: "), "{other}");
}

#[test]
fn answers_without_an_end_are_told() {
    let long = "sends an answer of more than 1048576 bytes";
    assert_eq!(told(|_, _| ok(vec![b'0'; (1 << 20) + 1])), long);
    // It counts after decompression.
    let packed = gzip(&vec![b'0'; 64 << 20]);
    assert!(packed.len() < 100_000);
    assert_eq!(told(move |_, _| with_head("Content-Encoding: gzip\r\n", &packed)), long);
    let head = told(|_, _| Reply::Bytes([b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 1 << 20]].concat()));
    assert!(head.starts_with("does not answer as HTTP wants it: "), "{head}");
}

#[test]
fn redirects_that_lead_nowhere_are_told() {
    let round = told(|request, _| status("302 Found", &format!("Location: {request}\r\n"), ""));
    assert_eq!(round, "leads from one address to another, more than 4 times");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let head = format!("Location: https://{address}/announce\r\n");
    let safe = told(move |_, _| status("301 Moved Permanently", &head, ""));
    assert_eq!(safe, "leads to an https:// address, but this program speaks to trackers over http:// only");
}

const SLOW: &str = "does not complete its answer within 10 s";

#[test]
fn a_tracker_that_never_answers_is_told() {
    assert_eq!(told(|_, _| Reply::Hangs(b"HTTP/1.1 200 OK\r\n".to_vec())), SLOW);
}

#[test]
fn a_tracker_that_stops_in_its_answer_is_told() {
    assert_eq!(told(|_, _| Reply::Hangs(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nd".to_vec())), SLOW);
}

#[test]
fn a_tracker_that_is_not_there_is_told_and_so_is_its_return() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("it is bound").port();
    let played = played();
    let url = format!("http://127.0.0.1:{free}/announce");
    let running = start(&played, &url);
    played.wait_for_words(&format!("the tracker {url} cannot be reached: connection refused"));
    let counted = |told: &[Told]| told.contains(&Told::Counted(url.clone(), None, None)).then_some(());
    played.wait_for("that nothing is counted", counted);
    let Some(server) = Server::at(Ipv4Addr::LOCALHOST.into(), free, |_, _| ok(ANSWER)) else {
        return crate::left_out::left_out("another program has taken the port meanwhile");
    };
    played.wait_for_words(&format!("the tracker {url} works again"));
    played.wait_for_peer(other());
    server.wait_for(&["event=started"]);
    running.stop();
    server.wait_for(&["event=stopped"]);
    assert_eq!(played.said().len(), 2, "{:?}", played.said());
}

#[test]
fn one_kind_of_trouble_is_told_once_and_another_one_too() {
    let server = Server::new(|_, before| match before {
        0 | 1 => status("503 Busy", "", ""),
        2 => ok("le"),
        _ => ok("d8:intervali1800e5:peers0:15:warning message6:hello!e"),
    });
    let played = played();
    let running = start(&played, &server.url());
    played.wait_for_words("warns: 'hello!'");
    running.stop();
    let said = played.said();
    let expected = ["answers with the status 503;", "is no dictionary", "works again", "warns"];
    assert!(said.len() == 4 && said.iter().zip(expected).all(|(said, part)| said.contains(part)), "{said:#?}");
}

/// Nothing listens at a name without an address; that is no reason for a delay at the end.
#[test]
fn a_name_without_an_address_is_told() {
    if own_name().is_none() {
        return with_own_names("troubles::a_name_without_an_address_is_told");
    }
    let played = played();
    let running = start(&played, "http://nobody.invalid/announce");
    let told = played.wait_for_words("the tracker http://nobody.invalid/announce cannot be reached");
    running.stop();
    assert!(told.contains("its name has no address"), "{told}");
}
