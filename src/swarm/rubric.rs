//! The course's rubric: its items and their weights.

/// An item of the rubric.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Item {
    /// Reads both files.
    I1a,
    /// Connects to all peers that started before it.
    I1b,
    /// Exchanges as soon as one connection stands; ends when all have the file.
    I1c,
    /// Handshake.
    I2a,
    /// Bitfield.
    I2b,
    /// Interested and not interested.
    I2c,
    /// Preferred neighbors.
    I2d,
    /// The optimistically unchoked neighbor.
    I2e,
    /// Request.
    I3a,
    /// Have sent.
    I3b,
    /// Not interested during the exchange.
    I3c,
    /// Interested during the exchange.
    I3d,
    /// Piece.
    I3e,
    /// Have received, bitfield updated.
    I3f,
    /// Stops correctly.
    I4,
    /// Not an item of the rubric, such as robustness.
    Beside,
}

impl Item {
    /// All items, in the order of the rubric.
    pub const ALL: [Self; 16] = [
        Self::I1a,
        Self::I1b,
        Self::I1c,
        Self::I2a,
        Self::I2b,
        Self::I2c,
        Self::I2d,
        Self::I2e,
        Self::I3a,
        Self::I3b,
        Self::I3c,
        Self::I3d,
        Self::I3e,
        Self::I3f,
        Self::I4,
        Self::Beside,
    ];

    /// Returns its name in the rubric, such as `2d`; `-` for what is beside it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I1a => "1a",
            Self::I1b => "1b",
            Self::I1c => "1c",
            Self::I2a => "2a",
            Self::I2b => "2b",
            Self::I2c => "2c",
            Self::I2d => "2d",
            Self::I2e => "2e",
            Self::I3a => "3a",
            Self::I3b => "3b",
            Self::I3c => "3c",
            Self::I3d => "3d",
            Self::I3e => "3e",
            Self::I3f => "3f",
            Self::I4 => "4",
            Self::Beside => "-",
        }
    }

    /// Returns what is shown for it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::I1a => "reads both files",
            Self::I1b => "connects to all peers before it",
            Self::I1c => "exchanges at once, ends when all are complete",
            Self::I2a => "handshake",
            Self::I2b => "bitfield",
            Self::I2c => "interested and not interested",
            Self::I2d => "k preferred neighbors every p seconds",
            Self::I2e => "one optimistic neighbor every m seconds",
            Self::I3a => "request",
            Self::I3b => "have sent",
            Self::I3c => "not interested during the exchange",
            Self::I3d => "interested during the exchange",
            Self::I3e => "piece",
            Self::I3f => "have received",
            Self::I4 => "stops correctly",
            Self::Beside => "beside the rubric",
        }
    }

    /// Returns the weight of its heading in percent, and the heading: 1 = 35, 2 = 30, 3 = 30, 4 = 5.
    pub const fn heading(self) -> Option<(u8, u32)> {
        match self {
            Self::I1a | Self::I1b | Self::I1c => Some((1, 35)),
            Self::I2a | Self::I2b | Self::I2c | Self::I2d | Self::I2e => Some((2, 30)),
            Self::I3a | Self::I3b | Self::I3c | Self::I3d | Self::I3e | Self::I3f => Some((3, 30)),
            Self::I4 => Some((4, 5)),
            Self::Beside => None,
        }
    }
}
