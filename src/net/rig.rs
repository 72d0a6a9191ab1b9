//! `Rig`: a peer whose threads were not started, for unit tests of what threads share. Sockets and file are real, but nothing
//! reads, writes or waits unless the test does.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tempfile::TempDir;

use super::disk::Disk;
use super::link::{Link, Made};
use super::membership::parting::Stay;
use super::options::Options;
use super::shared::Shared;
use super::stream::Stream;
use super::telling::hints::Pace;
use crate::config;
use crate::disk::storage::PieceStore;
use crate::limits::Limits;
use crate::output::event_log::LogFile;
use crate::peer::{Event, Membership, Opener, Peer, Select, Setup};
use crate::protocol::layout::FileLayout;
use crate::protocol::peer_id::PeerId;

/// Both unchoking intervals.
pub const INTERVAL: Duration = Duration::from_secs(5);

/// The peer, and the directory of its file.
pub struct Rig {
    /// The state that its threads would share.
    pub shared: Arc<Shared>,
    _dir: TempDir,
}

impl Rig {
    /// Creates the peer 1001 with the complete file; it dials 1000, and 1002 calls it.
    pub fn seeder() -> Self {
        Self::new(None)
    }

    /// Creates the same peer in an open swarm: others may join.
    pub fn open_seeder() -> Self {
        Self::new(Some(Stay { least: 2, linger: Duration::ZERO, forever: false }))
    }

    fn new(open: Option<Stay>) -> Self {
        let dir = TempDir::new().expect("a directory");
        let text = "NumberOfPreferredNeighbors 1\nUnchokingInterval 5\nOptimisticUnchokingInterval 5\nFileName f\n\
                    FileSize 100\nPieceSize 10\n";
        let common = config::parse_common(text).expect("it is right");
        let layout = FileLayout::new(100, 10).expect("a layout");
        let store = PieceStore::create(dir.path(), "f", layout).expect("an empty directory");
        let membership = open.map_or(Membership::Listed, |stay| Membership::Open { least: stay.least });
        let setup = Setup { membership, ..Setup::new([1000, 1002].map(id).into(), layout, true, 1) };
        let peer = Peer::new(setup, StdRng::seed_from_u64(1));
        let options = Options {
            request_timeout: Duration::from_secs(30),
            peer_timeout: None,
            fresh: false,
            select: Select::Random,
            eager: false,
            open,
            limits: Limits::default(),
            pace: Pace::of(&common),
            seed: Some(1),
            verbosity: LevelFilter::Off,
        };
        let log_file = LogFile::without_loggers(dir.path().join("log")).expect("an empty directory");
        let shared = Shared::new(id(1001), peer, Disk::new(store, None, None, log_file), options).dialing([id(1000)]);
        shared.apply(Event::Started);
        Self { shared: Arc::new(shared), _dir: dir }
    }

    /// Sends everything that waits for a neighbor.
    pub fn send_all(&self, link: &Link) {
        link.outbox.close();
        self.shared.write_outbox(link);
    }

    /// Makes a connection a neighbor's link; the test holds the other end.
    pub fn connect(&self, neighbor: u32, opened_by: Opener) -> (Link, TcpStream) {
        let (ours, theirs) = sockets();
        let made = if opened_by == Opener::Us { Made::Dialed } else { Made::Called };
        let link = self.shared.connect(id(neighbor), made, Arc::new(Stream::new(ours))).expect("it is let in");
        (link, theirs)
    }
}

/// Makes an ID.
pub fn id(number: u32) -> PeerId {
    PeerId::new(number).expect("it is positive")
}

/// Returns both ends of a connection.
fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let theirs = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
    (listener.accept().expect("somebody has called").0, theirs)
}
