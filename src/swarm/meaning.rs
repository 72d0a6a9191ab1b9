//! What the two configuration files mean, as digests: equal for files that only look different, such as by their line ends. Pure.

use peer_process::config::{Common, PeerInfo, plain_host};
use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of what `Common.cfg` means: the six values, however the file writes them.
pub fn of_common(common: &Common) -> [u8; 32] {
    let Common { preferred_count, unchoking_interval_secs, optimistic_interval_secs, file_name, layout, .. } = common;
    let (size, piece) = (layout.file_size(), layout.piece_size());
    let text = format!(
        "common 1\n{preferred_count}\n{unchoking_interval_secs}\n{optimistic_interval_secs}\n{file_name}\n{size}\n{piece}\n"
    );
    Sha256::digest(text).into()
}

/// Returns the SHA-256 of what `PeerInfo.cfg` means: the lines in their order, which decides who dials whom (protocol A3).
pub fn of_peers(peers: &[PeerInfo]) -> [u8; 32] {
    let line = |peer: &PeerInfo| {
        let host = plain_host(&peer.host).to_lowercase();
        format!("{} {host} {} {}\n", peer.id, peer.port, u8::from(peer.has_file))
    };
    let lines: String = peers.iter().map(line).collect();
    Sha256::digest(format!("peers 1\n{lines}")).into()
}

#[cfg(test)]
mod tests {
    use peer_process::config::{parse_common, parse_peer_info};

    use super::*;

    #[test]
    fn the_form_of_a_file_does_not_count_and_each_value_does() {
        let common = "NumberOfPreferredNeighbors 2\nUnchokingInterval 5\nOptimisticUnchokingInterval 15\nFileName a\nFileSize 100\n\
            PieceSize 30\n";
        let of = |text: &str| of_common(&parse_common(text).expect("it is right"));
        assert_eq!(of(common), of(&format!("\u{feff}\n{}", common.replace('\n', " \r\n"))));
        for (from, to) in [("s 2", "s 3"), ("l 5", "l 6"), ("15", "16"), ("e a", "e A"), ("100", "101"), ("30", "31")] {
            assert_ne!(of(common), of(&common.replacen(from, to, 1)), "{to}");
        }
        let peers = "1 lab 6001 1\n2 fd00::2 6001 0\n";
        let of = |text: &str| of_peers(&parse_peer_info(text).expect("it is right"));
        assert_eq!(of(peers), of("1  LAB 6001 1\r\n\r\n2 [fd00::2] 6001 0"));
        for (from, to) in [("1 lab", "3 lab"), ("lab", "lab1"), ("6001 1", "6002 1"), ("6001 0", "6001 1")] {
            assert_ne!(of(peers), of(&peers.replacen(from, to, 1)), "{to}");
        }
        assert_ne!(of(peers), of("2 fd00::2 6001 0\n1 lab 6001 1\n"));
    }
}
