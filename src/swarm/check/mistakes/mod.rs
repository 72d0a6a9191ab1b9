//! The mistakes that public peers really made, by name: what the author most likely did, and what to do instead.
//!
//! `mistake` has the form of one; the others are groups of them, in the order of the rubric.

mod bytes;
mod choosing;
mod connecting;
mod ending;
mod exchange;
mod logging;
mod mistake;

pub use self::bytes::*;
pub use self::choosing::*;
pub use self::connecting::*;
pub use self::ending::*;
pub use self::exchange::*;
pub use self::logging::*;
pub use self::mistake::Mistake;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{bytes, choosing, connecting, ending, exchange, logging};

    #[test]
    fn each_has_a_name_of_its_own_in_kebab_case_and_two_whole_sentences() {
        let groups = [connecting::GROUP, bytes::GROUP, choosing::GROUP, exchange::GROUP, ending::GROUP, logging::GROUP];
        let mut names = BTreeSet::new();
        for mistake in groups.into_iter().flatten() {
            let name = mistake.name;
            assert!(names.insert(name), "two mistakes have the name {name}");
            let is_word =
                |word: &str| !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
            assert!(name.split('-').all(is_word), "{name} is not in kebab case");
            for sentence in [mistake.what, mistake.cure] {
                assert!(sentence.ends_with('.') && !sentence.contains('\n'), "{name}: '{sentence}' is no sentence");
            }
        }
    }
}
