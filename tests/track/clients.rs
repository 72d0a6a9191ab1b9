//! Real clients find each other by our tracker and exchange a file: aria2 and transmission.
//!
//! They get told of no other way to find each other, and use only loopback. Transmission never dials an address of loopback, so
//! here it has the file and is dialed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use peer_process::bencode::value::Value;
use sha1::{Digest, Sha1};
use tempfile::TempDir;

use crate::support::left_out::find_command;
use crate::support::process::wait_until;
use crate::tracker::Tracker;

const PIECE_SIZE: usize = 16_384;
const NAME: &str = "shared.bin";

/// A client; killed when dropped.
struct Client(Child);

impl Client {
    fn start(mut command: Command, home: &Path) -> Self {
        fs::create_dir_all(home).expect("a directory");
        let log = fs::File::create(home.join("log")).expect("there is room");
        let errors = log.try_clone().expect("a descriptor");
        command.env("HOME", home).current_dir(home).stdin(Stdio::null()).stdout(log).stderr(errors);
        Self(command.spawn().expect("it starts"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Both fail only if it has ended and was waited for.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// A file, the `.torrent` that names our tracker, and a place for each client.
struct World {
    root: TempDir,
    tracker: Tracker,
    file: Vec<u8>,
}

impl World {
    fn new() -> Self {
        let (root, tracker) = (TempDir::new().expect("a directory"), Tracker::start(&["--interval", "2"]));
        let file: Vec<u8> = (0..300_001_u32).map(|place| place.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        let pieces: Vec<u8> = file.chunks(PIECE_SIZE).flat_map(Sha1::digest).collect();
        let integer = |number: usize| Value::from(i64::try_from(number).expect("it is small"));
        let info = Value::dictionary([
            ("length", integer(file.len())),
            ("name", NAME.into()),
            ("piece length", integer(PIECE_SIZE)),
            ("pieces", pieces.into()),
        ]);
        let torrent = Value::dictionary([("announce", tracker.url.as_str().into()), ("info", info)]);
        fs::write(root.path().join("x.torrent"), torrent.to_bytes()).expect("there is room");
        Self { root, tracker, file }
    }

    fn home(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn give_file(&self, name: &str) {
        fs::create_dir_all(self.home(name)).expect("a directory");
        fs::write(self.home(name).join(NAME), &self.file).expect("there is room");
    }

    fn torrent(&self) -> PathBuf {
        self.root.path().join("x.torrent")
    }

    /// Starts aria2, if it is there. It ends when it has the file and `seeds` is false.
    fn start_aria2(&self, name: &str, seeds: bool) -> Option<Client> {
        let mut command = find_command("aria2c")?;
        let port = if seeds { "--listen-port=21000-21499" } else { "--listen-port=21500-21999" };
        command.args(["--no-conf", "--interface=127.0.0.1", "--disable-ipv6=true", "--file-allocation=none", port]);
        command.args([
            "--enable-dht=false",
            "--enable-dht6=false",
            "--bt-enable-lpd=false",
            "--enable-peer-exchange=false",
        ]);
        command.args([
            "--check-integrity=true",
            "--seed-ratio=0.0",
            if seeds { "--seed-time=600" } else { "--seed-time=0" },
        ]);
        command.arg(self.torrent());
        Some(Client::start(command, &self.home(name)))
    }

    /// Starts transmission with the file, if it is there.
    fn start_transmission(&self, name: &str) -> Option<Client> {
        let mut command = find_command("transmission-cli")?;
        let home = self.home(name);
        let settings = serde_json::json!({
            "bind-address-ipv4": "127.0.0.1", "bind-address-ipv6": "::1", "dht-enabled": false, "lpd-enabled": false,
            "pex-enabled": false, "utp-enabled": false, "port-forwarding-enabled": false, "peer-port-random-on-start": true,
            "peer-port-random-low": 22000, "peer-port-random-high": 22999, "blocklist-enabled": false,
        });
        fs::create_dir_all(&home).expect("a directory");
        fs::write(home.join("settings.json"), settings.to_string()).expect("there is room");
        command.arg("--config-dir").arg(&home).arg("--download-dir").arg(&home).arg(self.torrent());
        Some(Client::start(command, &home))
    }

    fn wait_for(&self, key: &str, count: u64) {
        wait_until(&format!("{count} {key}"), || self.tracker.stats()[key] == count);
    }

    fn check_download(&self, name: &str, mut client: Client) {
        wait_until("the end of the download", || client.0.try_wait().expect("our child").is_some());
        let log = fs::read_to_string(self.home(name).join("log")).unwrap_or_default();
        assert!(client.0.wait().expect("our child").success(), "{log}");
        assert!(fs::read(self.home(name).join(NAME)).expect("a file") == self.file, "{log}");
        // It has told that it goes; the seeder is still there.
        let stats = self.tracker.stats();
        assert_eq!(
            (&stats["seeders"], &stats["leechers"], &stats["refused"]),
            (&1.into(), &0.into(), &0.into()),
            "{stats}"
        );
    }
}

#[test]
fn aria2_gives_a_file_to_aria2() {
    let world = World::new();
    world.give_file("seeder");
    let Some(_seeder) = world.start_aria2("seeder", true) else { return };
    world.wait_for("seeders", 1);
    let Some(leecher) = world.start_aria2("leecher", false) else { return };
    world.check_download("leecher", leecher);
}

#[test]
fn transmission_gives_a_file_to_aria2() {
    let world = World::new();
    world.give_file("seeder");
    let Some(_seeder) = world.start_transmission("seeder") else { return };
    world.wait_for("seeders", 1);
    let Some(leecher) = world.start_aria2("leecher", false) else { return };
    world.check_download("leecher", leecher);
}
