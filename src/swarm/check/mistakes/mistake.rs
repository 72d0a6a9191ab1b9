//! `Mistake`: what each mistake has, and the form in which the groups declare theirs.

/// A mistake of a peer's author.
#[derive(PartialEq, Eq, Debug)]
pub struct Mistake {
    /// Its name in reports, such as `java-object-stream`.
    pub name: &'static str,
    /// What the author most likely did, in one sentence.
    pub what: &'static str,
    /// What to do instead, in one sentence.
    pub cure: &'static str,
}

/// Declares mistakes; for tests also the list of them.
macro_rules! mistakes {
    ($($constant:ident $name:literal $what:literal $cure:literal)*) => {
        $(#[doc = concat!("`", $name, "`")] pub static $constant: $crate::check::mistakes::Mistake =
            $crate::check::mistakes::Mistake { name: $name, what: $what, cure: $cure };)*
        /// All mistakes of this group.
        #[cfg(test)]
        pub(super) static GROUP: &[&$crate::check::mistakes::Mistake] = &[$(&$constant),*];
    };
}
pub(super) use mistakes;
