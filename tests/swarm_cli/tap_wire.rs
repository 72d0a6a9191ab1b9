//! The relay of `swarm start --tap`, byte by byte: the test plays both peers on sockets, and `swarm` runs processes that only wait.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;
use socket2::SockRef;

use crate::running::Running;
use crate::support::process::{PATIENCE, wait_until};
use crate::swarm::Swarm;
use crate::tap::{number, tapped};

/// Two peers behind a tap. The second one calls the first one.
struct Stage {
    swarm: Swarm,
    run: Option<Running>,
    /// Where the first peer listens.
    own: SocketAddr,
    /// Where the second one calls it.
    relay: SocketAddr,
}

impl Stage {
    fn new(host: &str) -> Self {
        let swarm = Swarm::new("1001* 1002");
        let info = swarm.text("PeerInfo.cfg").replacen("localhost", host, 1);
        swarm.place.write("PeerInfo.cfg", info.as_bytes());
        let run = swarm.start_by("start --tap", "exec sleep 600");
        swarm.wait_for_alive(&[1001, 1002]);
        let port = |name: &str| {
            let line = swarm.text(name).lines().next().expect("a line").to_owned();
            line.split(' ').nth(2).and_then(|port| port.parse::<u16>().ok()).expect("a port")
        };
        let host = if host == "localhost" { "127.0.0.1" } else { host };
        let own = SocketAddr::new(host.parse().expect("an address"), port("PeerInfo.cfg"));
        assert_eq!(port("swarm.tap/1001/PeerInfo.cfg"), own.port(), "the own line stays");
        let relay = (Ipv4Addr::LOCALHOST, port("swarm.tap/1002/PeerInfo.cfg")).into();
        Self { swarm, run: Some(run), own, relay }
    }

    fn listen(&self) -> TcpListener {
        TcpListener::bind(self.own).expect("the port of this test")
    }

    /// Connects the second peer with the first one, once the relay knows that it listens.
    fn meet(&self, listener: &TcpListener) -> (TcpStream, TcpStream) {
        let mut caller = None;
        wait_until("an open door", || {
            caller = TcpStream::connect(self.relay).ok();
            caller.is_some()
        });
        let (caller, (answerer, _)) = (caller.expect("it is open"), listener.accept().expect("it is called"));
        for stream in [&caller, &answerer] {
            stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
            stream.set_nodelay(true).expect("a socket");
        }
        (caller, answerer)
    }

    /// Ends the run; gives the events of both peers.
    fn end(mut self) -> [Vec<Value>; 2] {
        let run = self.run.take().expect("it is taken once");
        run.kill("INT");
        run.end().assert_status(130);
        self.swarm.assert_no_process();
        [1001, 1002].map(|id| tapped(&self.swarm, id))
    }
}

fn handshake(id: u32) -> Vec<u8> {
    [b"P2PFILESHARINGPROJ".as_slice(), &[0; 10], &id.to_be_bytes()].concat()
}

fn message(kind: u8, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).expect("it is short") + 1;
    [&len.to_be_bytes(), &[kind][..], payload].concat()
}

fn read(mut stream: &TcpStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).expect("they come");
    bytes
}

fn assert_closed(mut stream: &TcpStream) {
    assert_eq!(stream.read(&mut [0]).expect("an end of the stream"), 0);
}

fn assert_reset(mut stream: &TcpStream) {
    let end = stream.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
}

/// The names of the events, and for messages their types.
fn names(events: &[Value]) -> Vec<&str> {
    let name = |event: &Value| event["type"].as_str().or(event["event"].as_str()).map(str::len);
    assert!(events.iter().all(|event| name(event).is_some()));
    events.iter().filter_map(|event| event["type"].as_str().or(event["event"].as_str())).collect()
}

#[test]
fn bytes_pass_one_at_a_time_and_a_half_closed_side_still_hears() {
    for host in ["localhost", "::1"] {
        if host == "::1" && TcpListener::bind((host, 0)).is_err() {
            crate::support::left_out::left_out("this machine has no IPv6");
            continue;
        }
        let stage = Stage::new(host);
        let listener = stage.listen();
        let (caller, answerer) = stage.meet(&listener);
        let said = [handshake(1002), message(5, &[0]), message(2, &[]), message(6, &3_u32.to_be_bytes())].concat();
        for byte in &said {
            (&caller).write_all(&[*byte]).expect("it is taken");
            assert_eq!(read(&answerer, 1), [*byte]);
        }
        caller.shutdown(Shutdown::Write).expect("it is open");
        assert_closed(&answerer);
        let piece = [&3_u32.to_be_bytes()[..], &[7; 16384]].concat();
        let answer = [handshake(1001), message(1, &[]), message(7, &piece), message(99, b"hi")].concat();
        for byte in &answer {
            (&answerer).write_all(&[*byte]).expect("it is taken");
        }
        assert_eq!(read(&caller, answer.len()), answer);
        answerer.shutdown(Shutdown::Write).expect("it is open");
        assert_closed(&caller);
        let [of_first, of_second] = stage.end();
        let expected = [
            "start",
            "handshake",
            "bitfield",
            "interested",
            "request",
            "handshake",
            "connected",
            "unchoke",
            "piece",
            "other",
            "closed",
            "end",
        ];
        assert_eq!(names(&of_second), expected);
        assert_eq!(names(&of_first), expected);
        for (file, is_caller) in [(&of_second, true), (&of_first, false)] {
            assert_eq!(file[1]["sent"], is_caller);
            assert_eq!((number(&file[1], "peer"), number(&file[5], "peer")), (1002, 1001));
            assert_eq!(
                (&file[6]["dialed"], number(&file[6], "neighbor")),
                (&is_caller.into(), 1001 + u32::from(!is_caller))
            );
            assert_eq!((number(&file[8], "piece"), number(&file[8], "length")), (3, 16384));
            assert_eq!((number(&file[9], "number"), number(&file[9], "length")), (99, 3));
            assert_eq!((&file[10]["in_order"], &file[11]["status"]), (&true.into(), &143.into()), "{file:?}");
        }
        assert_eq!(of_second[6]["address"], stage_address(&of_second));
    }
}

/// What the file of the caller must name as the other end: the peer's own port, not the relay's.
fn stage_address(file: &[Value]) -> Value {
    let address = file[6]["address"].as_str().expect("an address");
    address.parse::<SocketAddr>().expect("an address");
    file[6]["address"].clone()
}

#[test]
fn a_reset_is_a_reset_at_the_other_side_behind_what_came_before() {
    for caller_resets in [true, false] {
        let stage = Stage::new("localhost");
        let listener = stage.listen();
        let (caller, answerer) = stage.meet(&listener);
        let (resetting, other, id) = if caller_resets { (caller, answerer, 1002) } else { (answerer, caller, 1001) };
        (&resetting).write_all(&handshake(id)).expect("it is taken");
        assert_eq!(read(&other, 32), handshake(id));
        SockRef::from(&resetting).set_linger(Some(Duration::ZERO)).expect("a socket");
        drop(resetting);
        assert_reset(&other);
        for file in stage.end() {
            assert_eq!(names(&file), ["start", "handshake", "closed", "end"]);
            let reason = file[2]["reason"].as_str().expect("a text");
            assert_eq!((&file[2]["in_order"], reason), (&false.into(), format!("{id} reset it").as_str()));
        }
    }
}

#[test]
fn what_is_not_the_protocol_passes_and_is_told_once() {
    let stage = Stage::new("localhost");
    let listener = stage.listen();
    let (caller, answerer) = stage.meet(&listener);
    // One side is no peer at all, and the other one loses its way.
    let page = b"GET / HTTP/1.1\r\n\r\n".repeat(50);
    let lost = [handshake(1001), message(0, &[]), message(4, &[0, 0, 0, 200]), vec![255; 5000]].concat();
    for (from, to, bytes) in [(&caller, &answerer, page.as_slice()), (&answerer, &caller, lost.as_slice())] {
        for part in bytes.chunks(700) {
            (&*from).write_all(part).expect("it is taken");
            assert_eq!(read(to, part.len()), part);
        }
    }
    drop((caller, answerer));
    for (file, is_caller) in stage.end().into_iter().zip([false, true]) {
        let told: Vec<_> = file.iter().filter(|event| event["event"] == "undecoded").collect();
        assert_eq!(told.len(), 2, "{file:?}");
        let of = |sent: bool| *told.iter().find(|event| event["sent"] == sent).expect("one each way");
        let page_start = of(is_caller)["bytes"].as_str().expect("digits");
        assert!(page_start.starts_with("474554202f20"), "{page_start}");
        assert!(of(is_caller)["reason"].as_str().is_some_and(|reason| reason.contains("handshake")), "{told:?}");
        let lost = of(!is_caller);
        assert!(lost["bytes"].as_str().is_some_and(|bytes| bytes.starts_with("0000000504000000c8ff")), "{lost}");
        assert!(lost["reason"].as_str().is_some_and(|reason| reason.contains("200")), "{lost}");
        assert!(number(lost, "length") >= 64 && lost["bytes"].as_str().map(str::len) == Some(128), "{lost}");
        assert_eq!(names(&file).iter().filter(|name| **name == "choke").count(), 1);
        assert!(file.iter().any(|event| event["event"] == "handshake" && event["bytes"].is_string()), "{file:?}");
    }
}

#[test]
fn who_comes_late_is_refused_to_callers_until_then_and_many_may_call() {
    let stage = Stage::new("localhost");
    if cfg!(target_os = "linux") {
        let refused = TcpStream::connect(stage.relay).map(drop).map_err(|error| error.kind());
        assert_eq!(refused, Err(ErrorKind::ConnectionRefused));
    }
    let listener = stage.listen();
    let pairs: Vec<_> = (0..60).map(|_| stage.meet(&listener)).collect();
    for (place, (caller, answerer)) in (0_u32..).zip(&pairs) {
        (&*caller).write_all(&place.to_be_bytes()).expect("it is taken");
        assert_eq!(read(answerer, 4), place.to_be_bytes());
        (&*answerer).write_all(b"yes").expect("it is taken");
        assert_eq!(read(caller, 3), b"yes");
    }
    drop(pairs);
    drop(listener);
    // The peer has gone: the call is made, and reset.
    let gone = TcpStream::connect(stage.relay).expect("the relay's door is open");
    gone.set_read_timeout(Some(PATIENCE)).expect("a socket");
    assert_reset(&gone);
    let [of_first, of_second] = stage.end();
    let closed = |file: &[Value]| names(file).iter().filter(|name| **name == "closed").count();
    assert_eq!((closed(&of_first), closed(&of_second)), (60, 61));
    let last = of_second.iter().rfind(|event| event["event"] == "closed").expect("61 of them");
    assert!(last["reason"].as_str().is_some_and(|reason| reason.starts_with("1001 could not be reached: ")), "{last}");
}

/// The relay keeps no more than one read each way, so what a side does not take stays where it comes from.
#[test]
fn a_side_that_takes_nothing_holds_up_the_other_and_loses_nothing() {
    let stage = Stage::new("localhost");
    let listener = stage.listen();
    let (mut caller, mut answerer) = stage.meet(&listener);
    let bytes: Vec<u8> = (0..64_u32 << 20).map(|place| u8::try_from(place * 7 % 251).expect("it is small")).collect();
    caller.set_write_timeout(Some(Duration::from_secs(1))).expect("a socket");
    let mut sent = 0;
    loop {
        match caller.write(&bytes[sent..]) {
            Ok(count) => sent += count,
            Err(error) => break assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    assert!(sent < bytes.len(), "the system's buffers are far smaller");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            caller.set_write_timeout(None).expect("a socket");
            caller.write_all(&bytes[sent..]).expect("it is taken");
            caller.shutdown(Shutdown::Write).expect("it is open");
        });
        let mut came = Vec::new();
        answerer.read_to_end(&mut came).expect("all of it");
        assert!(came == bytes, "{} bytes of {} came", came.len(), bytes.len());
    });
    drop((caller, answerer));
    stage.end();
}
