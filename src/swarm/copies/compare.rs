//! `compare`: compares the peers' copies of the file by their digests; pure.

use crate::hosts::digest::Digest;

/// The result for a peer's copy of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Copy {
    /// The file of the first seeder that has one, or has the right one. The others are compared with it.
    Original,
    /// The first existing copy. The others are compared with it, because no seeder's file can be read.
    Reference,
    /// The first copy on this machine, while the seeders' files are on other machines: people compare the words of the digests.
    Complete,
    /// The same bytes.
    Identical,
    /// Other bytes.
    Different,
    /// It is from before this run, in which the peer has not downloaded the file.
    Old,
    /// It is missing.
    Missing,
    /// It could not be read, for this reason.
    Unknown(String),
}

impl Copy {
    /// Reports whether it is right.
    pub fn is_well(&self) -> bool {
        matches!(self, Self::Original | Self::Complete | Self::Identical)
    }
}

/// The findings on a peer's copy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Whether the peer starts with the file.
    pub has_file: bool,
    /// Its digest, `None` if there is no copy, or the reason why it could not be read.
    pub digest: Result<Option<Digest>, String>,
}

/// Replaces what a copy without a seeder's file to compare with counts as, because that file is on another machine.
pub fn with_seeders_elsewhere(copies: &mut [Copy]) {
    for copy in copies.iter_mut().filter(|copy| **copy == Copy::Reference) {
        *copy = Copy::Complete;
    }
}

/// Returns the result for each copy, in the same order, which is that of `PeerInfo.cfg`.
///
/// If a manifest has the file's digest, only that counts, and a seeder's file may be wrong.
pub fn compare(found: &[Found], told: Option<Digest>) -> Vec<Copy> {
    let place = |wanted: &dyn Fn(&Found, Digest) -> bool| {
        found.iter().position(|found| matches!(found.digest, Ok(Some(digest)) if wanted(found, digest)))
    };
    let original = place(&|found, digest| found.has_file && told.is_none_or(|told| told == digest));
    let reference = original.or_else(|| place(&|_, _| told.is_none()));
    let digest = told.or_else(|| found[reference?].digest.clone().ok()?);
    let copies = found.iter().enumerate().map(|(place, found)| match &found.digest {
        Err(why) => Copy::Unknown(why.clone()),
        Ok(None) => Copy::Missing,
        Ok(Some(_)) if original == Some(place) => Copy::Original,
        Ok(Some(_)) if reference == Some(place) => Copy::Reference,
        Ok(found) if *found == digest => Copy::Identical,
        Ok(Some(_)) => Copy::Different,
    });
    copies.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the results. Each word is a peer: `S` starts with the file, `l` does not. Then comes the copy: `a`, `b`, `-` for
    /// a missing one, `?` for an unknown one.
    fn check(peers: &str, expected: &[Copy], well: bool) {
        check_told(None, peers, expected, well);
    }

    /// Checks the same with a manifest that has the right digest.
    fn check_told(told: Option<&str>, peers: &str, expected: &[Copy], well: bool) {
        let found = peers.split_whitespace().map(|peer| {
            let (role, copy) = peer.split_at(1);
            let digest = match copy {
                "-" => Ok(None),
                "?" => Err("permission denied".to_owned()),
                copy => Ok(Digest::parse(&copy.repeat(64))),
            };
            Found { has_file: role == "S", digest }
        });
        let told = told.and_then(|copy| Digest::parse(&copy.repeat(64)));
        let copies = compare(&found.collect::<Vec<_>>(), told);
        assert_eq!(copies, expected, "{peers}");
        assert_eq!(copies.iter().all(Copy::is_well), well, "{peers}");
    }

    #[test]
    fn copies_are_compared_with_the_first_seeder_s_file() {
        use super::Copy::*;
        let unknown = || Unknown("permission denied".into());
        check("", &[], true);
        check("Sa", &[Original], true);
        check("Sa la la", &[Original, Identical, Identical], true);
        check("la lb Sa Sa", &[Identical, Different, Original, Identical], false);
        check("Sa Sb la lb", &[Original, Different, Identical, Different], false);
        check("Sa l- l?", &[Original, Missing, unknown()], false);
        check("S- Sb lb", &[Missing, Original, Identical], false);
        check("S? Sb lb", &[unknown(), Original, Identical], false);
    }

    #[test]
    fn a_manifest_tells_which_copy_is_right() {
        use super::Copy::*;
        check_told(Some("a"), "Sa la lb", &[Original, Identical, Different], false);
        check_told(Some("a"), "Sb Sa la", &[Different, Original, Identical], false);
        check_told(Some("a"), "Sb la lb", &[Different, Identical, Different], false);
        check_told(Some("a"), "Sa Sa la", &[Original, Identical, Identical], true);
        check_told(Some("a"), "S- l-", &[Missing, Missing], false);
    }

    #[test]
    fn where_the_seeders_are_elsewhere_the_copies_here_are_compared_with_each_other() {
        use super::Copy::*;
        let digest = |copy: &str| Found { has_file: false, digest: Ok(Digest::parse(&copy.repeat(64))) };
        let mut copies = compare(&[digest("a"), digest("b"), digest("a")], None);
        with_seeders_elsewhere(&mut copies);
        assert_eq!(copies, [Complete, Different, Identical]);
        assert_eq!([&copies[0], &copies[1]].map(Copy::is_well), [true, false]);
    }

    #[test]
    fn without_a_seeder_s_file_they_are_compared_with_the_first_one_and_nothing_is_well() {
        use super::Copy::*;
        let unknown = || Unknown("permission denied".into());
        check("S- la la lb", &[Missing, Reference, Identical, Different], false);
        check("l- S? la", &[Missing, unknown(), Reference], false);
        check("la la", &[Reference, Identical], false);
        check("S- l-", &[Missing, Missing], false);
        check("S? l?", &[unknown(), unknown()], false);
    }
}
