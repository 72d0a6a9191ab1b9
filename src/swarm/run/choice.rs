//! `choose`: the peers that the live view of a swarm shows on a small terminal; pure.

/// A peer's need for attention. The most urgent comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Concern {
    /// It has failed, or its host cannot be reached.
    Failing,
    /// It has printed a warning. A warning that it waits does not count once it has the file.
    Warning,
    /// It lacks pieces.
    Behind,
    /// It has the file.
    Well,
}

/// The facts on a peer that the choice needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Standing {
    /// How much it needs attention.
    pub concern: Concern,
    /// Number of its pieces. Among equally urgent peers, the one with the fewest pieces comes first.
    pub pieces: u32,
}

/// The peers to show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// The places of the shown peers, in their own order.
    pub shown: Vec<usize>,
    /// Number of hidden peers. If there are any, their number takes a line.
    pub hidden: usize,
}

/// Chooses the peers to show on `lines` lines. The last line is for the number of the others.
pub fn choose(peers: &[Standing], lines: usize) -> Choice {
    let room = if peers.len() <= lines { peers.len() } else { lines.saturating_sub(1) };
    let mut shown: Vec<_> = (0..peers.len()).collect();
    // Among equal peers the first stay, so that lines do not jump.
    shown.sort_by_key(|place| peers[*place]);
    shown.truncate(room);
    shown.sort_unstable();
    Choice { hidden: peers.len() - shown.len(), shown }
}

#[cfg(test)]
mod tests {
    use super::Concern::{Behind, Failing, Warning, Well};
    use super::*;

    fn check(peers: &[(Concern, u32)], lines: usize, shown: &[usize], hidden: usize) {
        let standing = |(concern, pieces): &(Concern, u32)| Standing { concern: *concern, pieces: *pieces };
        let standings: Vec<_> = peers.iter().map(standing).collect();
        assert_eq!(choose(&standings, lines), Choice { shown: shown.to_vec(), hidden }, "{peers:?} on {lines}");
    }

    #[test]
    fn where_there_is_a_line_for_each_all_are_shown_in_their_order() {
        let peers = [(Well, 9), (Behind, 3), (Failing, 1)];
        for lines in [3, 4, 100] {
            check(&peers, lines, &[0, 1, 2], 0);
        }
        check(&[], 0, &[], 0);
        check(&[], 5, &[], 0);
    }

    #[test]
    fn those_that_matter_are_shown_first_and_the_others_counted() {
        let peers = [(Well, 9), (Behind, 3), (Behind, 2), (Warning, 5), (Failing, 8), (Well, 9)];
        check(&peers, 5, &[1, 2, 3, 4], 2);
        check(&peers, 4, &[2, 3, 4], 3);
        check(&peers, 3, &[3, 4], 4);
        check(&peers, 2, &[4], 5);
        check(&peers, 1, &[], 6);
        check(&peers, 0, &[], 6);
    }

    #[test]
    fn of_forty_on_a_small_terminal_the_count_is_told_and_equal_ones_keep_their_places() {
        let peers = [(Behind, 7); 40];
        check(&peers, 25, &(0..24).collect::<Vec<_>>(), 16);
        let lines_taken = |lines| {
            let choice = choose(&peers.map(|(concern, pieces)| Standing { concern, pieces }), lines);
            (choice.shown.len() + usize::from(choice.hidden > 0), choice.shown.len() + choice.hidden)
        };
        for lines in 1..40 {
            assert_eq!(lines_taken(lines), (lines, 40));
        }
    }
}
