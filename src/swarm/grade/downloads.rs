//! `Downloads`: where the first download of each piece stands among the entries of a log.

use crate::history::NO_NUMBER;

/// Number of pieces on a page.
const PAGE: usize = 1 << 10;

/// A place for each piece that was downloaded. One piece with a high index takes little memory.
#[derive(Default, Debug)]
pub struct Downloads {
    pages: Vec<Option<Box<[u32]>>>,
    len: usize,
}

impl Downloads {
    /// Returns the place of the download of a piece.
    pub fn get(&self, index: u32) -> Option<u32> {
        let at = usize::try_from(index).ok()?;
        let page = self.pages.get(at / PAGE)?.as_ref()?;
        Some(page[at % PAGE]).filter(|place| *place != NO_NUMBER)
    }

    /// Sets it.
    pub fn insert(&mut self, index: u32, place: u32) {
        let at = usize::try_from(index).expect("a number below the limit");
        if self.pages.len() <= at / PAGE {
            self.pages.resize(at / PAGE + 1, None);
        }
        self.pages[at / PAGE].get_or_insert_with(|| vec![NO_NUMBER; PAGE].into())[at % PAGE] = place;
        self.len = self.len.max(at + 1);
    }

    /// Returns the index behind the last one.
    pub fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_with_a_high_index_takes_one_page() {
        let mut downloads = Downloads::default();
        assert_eq!((downloads.get(0), downloads.len()), (None, 0));
        for (index, place) in [(16_777_000, 7), (3, 8), (3, 9)] {
            downloads.insert(index, place);
        }
        assert_eq!([0, 3, 16_777_000, u32::MAX].map(|index| downloads.get(index)), [None, Some(9), Some(7), None]);
        assert_eq!((downloads.len(), downloads.pages.iter().flatten().count()), (16_777_001, 2));
    }
}
