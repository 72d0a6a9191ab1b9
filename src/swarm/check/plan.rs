//! `Plan`: the swarm of one world: who is in it, what `Common.cfg` says, and in which form both files are written.
//!
//! Pure. The peer that is checked has one line of `PeerInfo.cfg`; the tester plays all others.

use std::fmt::Write as _;

use peer_process::protocol::layout::{FileLayout, PieceIndex};
use peer_process::protocol::peer_id::PeerId;
use peer_process::protocol::piece_set::PieceSet;

/// The number of a neighbor that the tester plays: lines of `PeerInfo.cfg` without the peer's own, in order, then strangers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Nb(pub usize);

/// How both files are written (the course's samples have all of these).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Form {
    /// What ends a line.
    pub newline: &'static str,
    /// What stands at the end of each line before that.
    pub trailing: &'static str,
    /// Whether the last line ends, too.
    pub ends_last_line: bool,
    /// Whether a blank line stands behind each line.
    pub has_blank_lines: bool,
}

impl Form {
    /// One line feed after each line.
    pub const PLAIN: Self = Self { newline: "\n", trailing: "", ends_last_line: true, has_blank_lines: false };
}

/// The swarm of one world.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Number of neighbors on the lines before the peer's.
    pub earlier: usize,
    /// Number of neighbors on the lines after it.
    pub later: usize,
    /// Whether the peer starts with the file.
    pub has_file: bool,
    /// The neighbors whose lines say that they start with the file.
    pub seeders: Vec<Nb>,
    /// `NumberOfPreferredNeighbors`.
    pub k: u32,
    /// `UnchokingInterval`, in seconds.
    pub p: u32,
    /// `OptimisticUnchokingInterval`, in seconds.
    pub m: u32,
    /// `FileSize`, in bytes.
    pub file_size: u64,
    /// `PieceSize`, in bytes.
    pub piece_size: u32,
    /// How both files are written.
    pub form: Form,
    /// Whether the keys of `Common.cfg` stand in the reverse order.
    pub has_keys_reversed: bool,
    /// Whether the IDs descend from line to line.
    pub has_ids_descending: bool,
    /// Whether the earlier neighbors listen before the peer starts.
    pub earlier_are_up: bool,
}

impl Plan {
    /// A peer without the file, with this number of neighbors on earlier and on later lines.
    ///
    /// There are 11 pieces, so the bitfield has five spare bits; the last piece is shorter. k = 2, p = 1 s, m = 1 s.
    pub fn leecher(earlier: usize, later: usize) -> Self {
        Self {
            earlier,
            later,
            has_file: false,
            seeders: Vec::new(),
            k: 2,
            p: 1,
            m: 1,
            file_size: 10 * 256 + 100,
            piece_size: 256,
            form: Form::PLAIN,
            has_keys_reversed: false,
            has_ids_descending: false,
            earlier_are_up: true,
        }
    }

    /// A peer that starts with the file; the rest is as for [`leecher`](Self::leecher).
    pub fn seeder(earlier: usize, later: usize) -> Self {
        Self { has_file: true, ..Self::leecher(earlier, later) }
    }

    /// Lets this neighbor's line say that it has the file.
    pub fn with_seeder(mut self, nb: Nb) -> Self {
        self.seeders.push(nb);
        self
    }

    /// Sets k, and the intervals p and m in seconds.
    pub const fn with_choking(mut self, k: u32, p: u32, m: u32) -> Self {
        (self.k, self.p, self.m) = (k, p, m);
        self
    }

    /// Cuts the file into this number of pieces of this size; the last one is half as long.
    pub fn with_pieces(mut self, count: u32, piece_size: u32) -> Self {
        self.piece_size = piece_size;
        self.file_size = u64::from(count - 1) * u64::from(piece_size) + u64::from(piece_size.div_ceil(2));
        self
    }

    /// Returns the number of neighbors.
    pub const fn neighbors(&self) -> usize {
        self.earlier + self.later
    }

    /// Returns the pieces of the file.
    pub fn layout(&self) -> FileLayout {
        FileLayout::new(self.file_size, self.piece_size).expect("cases have small files")
    }

    /// Returns the ID in this line of `PeerInfo.cfg`, from 0.
    pub fn id_of_line(first_id: u32, line: usize) -> PeerId {
        let number = u32::try_from(line).ok().and_then(|line| first_id.checked_add(line));
        number.and_then(PeerId::new).expect("the command line allows only IDs with room above")
    }

    /// Returns the number in order of the ID of this line; behind them are strangers.
    fn rank(&self, line: usize) -> usize {
        let last = self.neighbors();
        if self.has_ids_descending && line <= last { last - line } else { line }
    }

    /// Returns the peer's own ID.
    pub fn own_id(&self, first_id: u32) -> PeerId {
        Self::id_of_line(first_id, self.rank(self.earlier))
    }

    /// Returns the ID of a neighbor that has a line.
    pub fn id(&self, first_id: u32, nb: Nb) -> PeerId {
        Self::id_of_line(first_id, self.rank(if nb.0 < self.earlier { nb.0 } else { nb.0 + 1 }))
    }

    /// Reports whether the peer dials this neighbor.
    pub const fn is_earlier(&self, nb: Nb) -> bool {
        nb.0 < self.earlier
    }

    /// Returns the text of `Common.cfg`.
    pub fn common_cfg(&self, file_name: &str) -> String {
        let mut lines = vec![
            format!("NumberOfPreferredNeighbors {}", self.k),
            format!("UnchokingInterval {}", self.p),
            format!("OptimisticUnchokingInterval {}", self.m),
            format!("FileName {file_name}"),
            format!("FileSize {}", self.file_size),
            format!("PieceSize {}", self.piece_size),
        ];
        if self.has_keys_reversed {
            lines.reverse();
        }
        self.lines(&lines)
    }

    /// Returns the text of `PeerInfo.cfg`; `port` gives the port of a neighbor, or of the peer for `None`.
    pub fn peer_info_cfg(&self, first_id: u32, host: &str, port: impl Fn(Option<Nb>) -> u16) -> String {
        let line = |id: PeerId, port, has_file| format!("{id} {host} {port} {}", u8::from(has_file));
        let of = |nb: Nb| line(self.id(first_id, nb), port(Some(nb)), self.seeders.contains(&nb));
        let mut lines: Vec<_> = (0..self.earlier).map(|nb| of(Nb(nb))).collect();
        lines.push(line(self.own_id(first_id), port(None), self.has_file));
        lines.extend((self.earlier..self.neighbors()).map(|nb| of(Nb(nb))));
        self.lines(&lines)
    }

    fn lines(&self, lines: &[String]) -> String {
        let mut text = String::new();
        for (number, line) in lines.iter().enumerate() {
            let ends = self.form.ends_last_line || number + 1 < lines.len();
            let newline = if ends { self.form.newline } else { "" };
            let blank = if self.form.has_blank_lines { self.form.newline } else { "" };
            write!(text, "{line}{}{newline}{blank}", self.form.trailing).expect("a String takes everything");
        }
        text
    }

    /// Returns the bytes of the file. They are the same for the same sizes, and no two pieces are equal.
    pub fn file(&self) -> Vec<u8> {
        // A short linear congruence: each byte depends on its place in the whole file.
        let mut state = 0x2545_f491_u32 ^ self.piece_size;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..self.file_size).map(next).collect()
    }

    /// Returns a set with the pieces of these numbers.
    pub fn pieces(&self, numbers: impl IntoIterator<Item = u32>) -> PieceSet {
        let layout = self.layout();
        let mut set = PieceSet::empty(layout);
        for number in numbers {
            set.insert(piece(layout, number));
        }
        set
    }
}

/// Returns the piece of this number.
pub fn piece(layout: FileLayout, number: u32) -> PieceIndex {
    layout.piece(number).expect("cases name pieces that the file has")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_written_in_the_order_and_form_of_the_plan() {
        let mut plan = Plan::leecher(1, 1).with_seeder(Nb(0));
        plan.form = Form { newline: "\r\n", trailing: " ", ends_last_line: false, ..Form::PLAIN };
        let text =
            plan.peer_info_cfg(1001, "localhost", |nb| nb.map_or(6000, |Nb(nb)| 6001 + u16::try_from(nb).unwrap_or(0)));
        assert_eq!(text, "1001 localhost 6001 1 \r\n1002 localhost 6000 0 \r\n1003 localhost 6002 0 ");
        assert!(plan.common_cfg("a.dat").ends_with("FileName a.dat \r\nFileSize 2660 \r\nPieceSize 256 "));
        assert_eq!(plan.layout().piece_count(), 11);
        assert_eq!(plan.file().len(), 2660);
    }

    #[test]
    fn lines_can_be_blank_keys_reversed_and_ids_descend() {
        let mut plan = Plan::leecher(1, 1);
        plan.form.has_blank_lines = true;
        (plan.has_keys_reversed, plan.has_ids_descending) = (true, true);
        assert_eq!(plan.peer_info_cfg(1001, "h", |_| 6000), "1003 h 6000 0\n\n1002 h 6000 0\n\n1001 h 6000 0\n\n");
        assert!(plan.common_cfg("a.dat").starts_with("PieceSize 256\n\nFileSize 2660\n\n"));
        assert_eq!(plan.id(1001, Nb(2)).number(), 1004);
    }

    #[test]
    fn a_count_of_pieces_leaves_a_shorter_last_piece() {
        let layout = Plan::leecher(1, 1).with_pieces(5, 100).layout();
        assert_eq!((layout.piece_count(), layout.piece_len(piece(layout, 4))), (5, 50));
    }
}
