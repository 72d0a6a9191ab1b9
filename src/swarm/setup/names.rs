//! Names of files that `Common.cfg` can carry.

/// Reports whether a line of `Common.cfg` can carry this name, and its reader takes it for a plain name and not for a path.
pub fn is_plain(name: &str) -> bool {
    let is_path = matches!(name, "" | "." | "..") || name.contains(['/', '\\']);
    !is_path && name.trim() == name && !name.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use peer_process::config::parse_common;

    use super::*;

    #[test]
    fn a_plain_name_is_what_the_reader_of_the_configuration_reads_again() {
        for (name, expected) in [
            ("a b", true),
            ("#x", true),
            ("ü.mkv", true),
            ("FileName", true),
            ("...", true),
            ("", false),
            (".", false),
            ("..", false),
            ("a/b", false),
            ("/", false),
            ("a\\b", false),
            (" a", false),
            ("a\u{a0}", false),
            ("a\nb", false),
            ("a\tb", false),
            ("a\0b", false),
        ] {
            assert_eq!(is_plain(name), expected, "{name:?}");
            let text = format!(
                "NumberOfPreferredNeighbors 1\nUnchokingInterval 1\nOptimisticUnchokingInterval 1\nFileName {name}\n\
                 FileSize 1\nPieceSize 1\n"
            );
            let is_read = parse_common(&text).is_ok_and(|common| common.file_name == name);
            assert!(is_read || !expected, "{name:?}");
        }
    }
}
