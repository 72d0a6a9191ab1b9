//! Chances: how likely a correct peer's random choices look like those of a wrong one. Pure.

/// Maximum probability that a correct peer fails a test of randomness.
#[cfg(test)]
pub const MOST_ERROR: f64 = 1e-6;
/// Maximum probability that a correct peer fails one of the six parts of [`order_of`].
const MOST_ERROR_A_PART: f64 = 1e-7;

/// An order that a random one has only by a rare chance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// The lowest piece first.
    Ascending,
    /// The highest piece first.
    Descending,
    /// The pieces that few neighbors have first.
    RareFirst,
    /// The pieces that many neighbors have first.
    CommonFirst,
}

/// Returns the number of ways to choose `k` of `n`.
pub fn ways(n: u32, k: u32) -> f64 {
    (0..k).map(|i| f64::from(n - i) / f64::from(i + 1)).product()
}

/// Returns the order of numbers that are asked for, if a random order looks like this with a probability below one in a million.
///
/// Half of the numbers are common, the others rare.
pub fn order_of(asked: &[u32], is_common: impl Fn(u32) -> bool) -> Option<Order> {
    let descents = inversions(asked);
    let pairs = asked.len() * asked.len().saturating_sub(1) / 2;
    let follows = |step: i64| asked.windows(2).filter(|two| i64::from(two[0]) + step == i64::from(two[1])).count();
    if few_inversions(asked.len(), descents) <= MOST_ERROR_A_PART || successors(follows(1)) <= MOST_ERROR_A_PART {
        return Some(Order::Ascending);
    }
    if few_inversions(asked.len(), pairs - descents) <= MOST_ERROR_A_PART
        || successors(follows(-1)) <= MOST_ERROR_A_PART
    {
        return Some(Order::Descending);
    }
    let count = |numbers: &[u32]| u32::try_from(numbers.iter().filter(|&&number| is_common(number)).count()).ok();
    let (all, drawn) = (u32::try_from(asked.len()).ok()?, u32::try_from(asked.len() / 2).ok()?);
    let common = count(asked)?;
    let early = count(&asked[..asked.len() / 2])?;
    if few_marked(all, common, drawn, early) <= MOST_ERROR_A_PART {
        return Some(Order::RareFirst);
    }
    let rare_early = drawn - early;
    (few_marked(all, all - common, drawn, rare_early) <= MOST_ERROR_A_PART).then_some(Order::CommonFirst)
}

/// Returns the number of pairs that stand in descending order.
fn inversions(numbers: &[u32]) -> usize {
    let later = |at: usize| numbers[at + 1..].iter().filter(move |&&number| number < numbers[at]).count();
    (0..numbers.len()).map(later).sum()
}

/// Returns the probability that a random order of `count` numbers has at most this number of inversions.
fn few_inversions(count: usize, most: usize) -> f64 {
    // The number at each further place adds 0 to `place` inversions, all equally likely.
    let mut chances = vec![1.0];
    for place in 1..count {
        let mut next = vec![0.0; chances.len() + place];
        for (sum, chance) in chances.iter().enumerate() {
            for more in &mut next[sum..=sum + place] {
                *more += chance / as_float(place + 1);
            }
        }
        chances = next;
    }
    chances.iter().take(most + 1).sum()
}

/// Returns an upper bound of the probability that a random order has at least this number of direct successors.
///
/// Each choice of `least` places has such an order with the probability `(n - least)! / n!`; together that is below 1 / least!.
fn successors(least: usize) -> f64 {
    (1..=least).map(|factor| 1.0 / as_float(factor)).product()
}

/// Returns the probability that at most `most` of `drawn` are marked, if `marked` of `all` are.
fn few_marked(all: u32, marked: u32, drawn: u32, most: u32) -> f64 {
    let least = (marked + drawn).saturating_sub(all);
    let chance = |count| ways(marked, count) * ways(all - marked, drawn - count) / ways(all, drawn);
    (least..=most.min(marked).min(drawn)).map(chance).sum()
}

fn as_float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use rand::seq::SliceRandom;

    use super::*;

    const COUNT: u32 = 40;

    fn is_common(number: u32) -> bool {
        number * 17 % COUNT < COUNT / 2
    }

    fn is_close(chance: f64, expected: f64) -> bool {
        (chance / expected - 1.0).abs() < 1e-9
    }

    #[test]
    fn named_orders_are_found() {
        let ascending: Vec<u32> = (0..COUNT).collect();
        let descending: Vec<u32> = (0..COUNT).rev().collect();
        let mut rotated = ascending.clone();
        rotated.rotate_left(20);
        let (common, rare): (Vec<u32>, Vec<u32>) = shuffled(7).into_iter().partition(|&number| is_common(number));
        assert_eq!(order_of(&ascending, is_common), Some(Order::Ascending));
        assert_eq!(order_of(&rotated, is_common), Some(Order::Ascending), "it begins in the middle");
        assert_eq!(order_of(&descending, is_common), Some(Order::Descending));
        assert_eq!(order_of(&[rare.clone(), common.clone()].concat(), is_common), Some(Order::RareFirst));
        assert_eq!(order_of(&[common, rare].concat(), is_common), Some(Order::CommonFirst));
    }

    fn shuffled(seed: u64) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..COUNT).collect();
        numbers.shuffle(&mut StdRng::seed_from_u64(seed));
        numbers
    }

    #[test]
    fn random_orders_have_no_name() {
        for seed in 0..300 {
            assert_eq!(order_of(&shuffled(seed), is_common), None, "seed {seed}");
        }
    }

    #[test]
    fn chances_are_those_of_counting() {
        // Of the six orders of three numbers, one has no inversion, and two have one.
        assert!(is_close(few_inversions(3, 0), 1.0 / 6.0));
        assert!(is_close(few_inversions(3, 1), 0.5));
        assert!(is_close(few_inversions(COUNT as usize, 780), 1.0));
        // Two of four are marked; two are drawn: one of six draws has none of them.
        assert!(is_close(few_marked(4, 2, 2, 0), 1.0 / 6.0));
        assert!(is_close(few_marked(4, 2, 2, 2), 1.0));
        assert!(is_close(ways(14, 7), 3432.0));
        assert_eq!(inversions(&[2, 0, 1]), 2);
    }

    #[test]
    fn a_random_order_is_named_with_a_probability_below_one_in_a_million() {
        const { assert!(6.0 * MOST_ERROR_A_PART < MOST_ERROR) }
    }
}
