//! `Defaults`: the default values of a new swarm, and the course's three configurations.

use crate::cli::Preset;

/// The values of a new swarm that no option changes.
pub struct Defaults {
    /// Number of peers.
    pub peer_count: u32,
    /// The places of the seeders in the list of peers.
    pub seeders: &'static [usize],
    /// `FileName`
    pub file_name: &'static str,
    /// `FileSize`
    pub file_size: u64,
    /// `PieceSize`, or `None` for one that suits the file.
    pub piece_size: Option<u32>,
    /// `NumberOfPreferredNeighbors`
    pub k: u32,
    /// `UnchokingInterval`
    pub p_secs: u32,
    /// `OptimisticUnchokingInterval`
    pub m_secs: u32,
}

impl Defaults {
    /// Returns the values of a preset, or our own.
    pub fn of(preset: Option<Preset>) -> Self {
        let own = Self {
            peer_count: 6,
            seeders: &[0],
            file_name: "file.dat",
            file_size: 24_000_000,
            piece_size: None,
            k: 3,
            p_secs: 1,
            m_secs: 2,
        };
        match preset {
            None => own,
            Some(Preset::Spec) => Self {
                file_name: "TheFile.dat",
                file_size: 10_000_232,
                piece_size: Some(32_768),
                k: 2,
                p_secs: 5,
                m_secs: 15,
                ..own
            },
            Some(Preset::Small) => Self {
                peer_count: 9,
                seeders: &[0, 5],
                file_name: "thefile",
                file_size: 2_167_705,
                piece_size: Some(16_384),
                p_secs: 5,
                m_secs: 10,
                ..own
            },
            Some(Preset::Large) => Self {
                file_name: "tree.jpg",
                file_size: 24_301_474,
                piece_size: Some(16_384),
                p_secs: 5,
                m_secs: 10,
                ..own
            },
        }
    }
}
