//! `phrase`: a digest in four words, which two people compare over the phone.
//!
//! A word stands for 11 bits, so four words are 44 bits: different contents agree by chance once in 18 million million times. That
//! finds mistakes. It does not protect from somebody who searches for a second content with the same words.

use bip39::Language;

/// Number of words.
const WORDS: usize = 4;
/// Number of bits of a word: the list has 2048.
const BITS: usize = 11;

/// Returns the first 44 bits of a digest as four English words with a blank between them. No two words of the list share their
/// first four letters.
pub fn phrase(sha256: &[u8; 32]) -> String {
    let list = Language::English.word_list();
    let bit = |number: usize| usize::from(sha256[number / 8] >> (7 - number % 8) & 1);
    let index = |word: usize| (word * BITS..(word + 1) * BITS).fold(0, |index, number| index << 1 | bit(number));
    let words: Vec<_> = (0..WORDS).map(|word| list[index(word)]).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_first_44_bits_become_four_words() {
        // The list's first and last words have the numbers 0 and 2047; its 4th is "about".
        assert_eq!(phrase(&[0; 32]), "abandon abandon abandon abandon");
        assert_eq!(phrase(&[0xff; 32]), "zoo zoo zoo zoo");
        let mut bytes = [0; 32];
        (bytes[1], bytes[5]) = (0b0110_0000, 0b0001_0000);
        assert_eq!(phrase(&bytes), "about abandon abandon ability");
        // The words of a seed of the standard's own test vectors begin alike, for it takes the same bits.
        assert_eq!(phrase(&[0x7f; 32]), "legal winner thank year");
        assert_eq!(phrase(&Sha256::digest(b"").into()), "together mail awful cradle");
    }

    #[test]
    fn each_of_the_44_bits_counts_and_no_other() {
        let of = |bit: usize| {
            let mut bytes = [0x5a; 32];
            bytes[bit / 8] ^= 0x80 >> (bit % 8);
            phrase(&bytes)
        };
        let phrases: BTreeSet<_> = (0..44).map(of).collect();
        assert_eq!(phrases.len(), 44);
        assert!((44..256).all(|bit| of(bit) == phrase(&[0x5a; 32])));
    }

    #[test]
    fn a_word_is_known_by_its_first_four_letters() {
        let starts: BTreeSet<_> = Language::English.word_list().iter().map(|word| &word[..word.len().min(4)]).collect();
        assert_eq!(starts.len(), 1 << BITS);
    }
}
