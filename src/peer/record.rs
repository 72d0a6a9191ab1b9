//! `Records`: the wrong pieces of a neighbor, separated by the origin of its connections.
//!
//! An ID proves nothing: a stranger that uses one and sends wrong pieces must not cost the real neighbor our trust.

use std::collections::BTreeSet;

use super::event::Origin;
use crate::protocol::layout::PieceIndex;

/// A neighbor with this many wrong pieces is asked only for pieces that no other connected neighbor has.
const MOST_WRONG: u32 = 2;
/// Maximum number of wrong pieces that are remembered by their index; of more, the file's later pieces are kept.
const MOST_REMEMBERED: usize = 1024;
/// Maximum number of origins with wrong pieces that are remembered beside the present one; the oldest is forgotten.
const MOST_ORIGINS: usize = 8;

/// The wrong pieces from one origin.
#[derive(Clone, Default, Debug)]
pub(super) struct Record {
    origin: Origin,
    /// Number of wrong pieces, on all connections.
    pub wrong_count: u32,
    /// The wrong pieces; others are requested first.
    pub wrong: BTreeSet<PieceIndex>,
    /// Whether the origin gets no requests until a pause ends, because its last piece was wrong.
    pub pausing: bool,
}

impl Record {
    fn note_wrong(&mut self, piece: PieceIndex) {
        self.wrong_count = self.wrong_count.saturating_add(1);
        if self.wrong.len() == MOST_REMEMBERED {
            self.wrong.pop_first();
        }
        self.wrong.insert(piece);
        self.pausing = true;
    }

    /// Reports whether its pieces were wrong too often; then it is only asked for pieces that no other neighbor has.
    pub fn is_distrusted(&self) -> bool {
        self.wrong_count >= MOST_WRONG
    }
}

/// The records of a neighbor, one of which is that of its present or last connection.
#[derive(Clone, Default, Debug)]
pub(super) struct Records {
    present: Record,
    /// The records with wrong pieces, the oldest first.
    others: Vec<Record>,
}

impl Records {
    /// Returns the record of the present or last connection.
    pub fn present(&self) -> &Record {
        &self.present
    }

    /// Returns the origin of the present or last connection.
    pub fn origin(&self) -> Origin {
        self.present.origin
    }

    /// Makes this origin the present one.
    pub fn turn_to(&mut self, origin: Origin) {
        if origin == self.present.origin {
            return;
        }
        let known = self.others.iter().position(|record| record.origin == origin);
        let next = known.map(|place| self.others.remove(place));
        let former = std::mem::replace(&mut self.present, next.unwrap_or(Record { origin, ..Record::default() }));
        if former.wrong_count > 0 {
            self.keep(former);
        }
    }

    fn keep(&mut self, record: Record) {
        if self.others.len() == MOST_ORIGINS {
            self.others.remove(0);
        }
        self.others.push(record);
    }

    /// Records a wrong piece; returns how many came from this origin, this one included.
    pub fn note_wrong(&mut self, origin: Origin, piece: PieceIndex) -> u32 {
        if self.of(origin).is_none() {
            self.keep(Record { origin, ..Record::default() });
        }
        let record = self.of(origin).expect("it is kept");
        record.note_wrong(piece);
        record.wrong_count
    }

    /// Ends the pause after the last wrong piece from this origin.
    pub fn end_pause(&mut self, origin: Origin) {
        if let Some(record) = self.of(origin) {
            record.pausing = false;
        }
    }

    fn of(&mut self, origin: Origin) -> Option<&mut Record> {
        if origin == self.present.origin {
            return Some(&mut self.present);
        }
        self.others.iter_mut().find(|record| record.origin == origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::layout::FileLayout;

    #[test]
    fn each_origin_has_a_record_of_its_own_that_outlives_its_connections() {
        let piece = FileLayout::new(9, 1).expect("a layout").piece(4).expect("there are 9");
        let [liar, honest] = [Origin(7), Origin(8)];
        let mut records = Records::default();
        records.turn_to(liar);
        assert_eq!([(); 2].map(|()| records.note_wrong(liar, piece)), [1, 2]);
        assert!(records.present().is_distrusted());
        records.turn_to(honest);
        assert!(!records.present().is_distrusted() && !records.present().pausing);
        // It was still being checked when the other connection came.
        assert_eq!(records.note_wrong(liar, piece), 3);
        assert_eq!(records.present().wrong_count, 0);
        records.turn_to(liar);
        assert!(records.present().is_distrusted() && records.present().pausing);
        records.end_pause(liar);
        assert!(!records.present().pausing);
    }

    #[test]
    fn what_many_origins_can_take_of_memory_is_bounded() {
        let layout = FileLayout::new(5000, 1).expect("a layout");
        let mut records = Records::default();
        for origin in (1..100).map(Origin) {
            records.turn_to(origin);
            layout.pieces().for_each(|piece| _ = records.note_wrong(origin, piece));
            assert!(records.others.len() <= MOST_ORIGINS && records.present().wrong.len() <= MOST_REMEMBERED);
        }
        records.turn_to(Origin(1));
        assert_eq!(records.present().wrong_count, 0, "forgotten");
    }
}
