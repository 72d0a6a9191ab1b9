//! The keys of the file in `Common.cfg`: the lines that a person copies, and the same in a file that may be there already.

use peer_process::config::Common;
use peer_process::protocol::layout::FileLayout;

use crate::setup::presets::Defaults;

/// The three keys that belong to the file.
const KEYS: [&str; 3] = ["FileName", "FileSize", "PieceSize"];

/// Returns the values of the keys.
fn values(name: &str, layout: FileLayout) -> [String; 3] {
    [name.to_owned(), layout.file_size().to_string(), layout.piece_size().to_string()]
}

/// Returns the three lines without the end of the last.
pub fn lines(name: &str, layout: FileLayout) -> String {
    let lines = KEYS.iter().zip(values(name, layout)).map(|(key, value)| format!("{key} {value}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns a whole `Common.cfg`. Its other keys have the values of `swarm init`.
pub fn whole(name: &str, layout: FileLayout) -> String {
    let Defaults { k, p_secs, m_secs, .. } = Defaults::of(None);
    format!(
        "NumberOfPreferredNeighbors {k}\nUnchokingInterval {p_secs}\nOptimisticUnchokingInterval {m_secs}\n{}\n",
        lines(name, layout)
    )
}

/// Returns in words which keys have other values in `common`, such as `FileSize '5'`.
pub fn differing(common: &Common, name: &str, layout: FileLayout) -> Vec<String> {
    let theirs = values(&common.file_name, common.layout);
    let pairs = KEYS.iter().zip(theirs.into_iter().zip(values(name, layout)));
    pairs.filter(|(_, (theirs, ours))| theirs != ours).map(|(key, (theirs, _))| format!("{key} '{theirs}'")).collect()
}

/// Returns the text of a `Common.cfg` with the values of these keys replaced. All else stays as it is.
pub fn replaced(text: &str, name: &str, layout: FileLayout) -> String {
    let values = values(name, layout);
    let line = |line: &str| {
        let content = line.trim_start_matches('\u{feff}').trim();
        let key = content.split(char::is_whitespace).next().unwrap_or_default();
        match KEYS.iter().position(|known| *known == key) {
            Some(place) => line.replacen(content, &format!("{key} {}", values[place]), 1),
            None => line.to_owned(),
        }
    };
    text.split_inclusive('\n').map(line).collect()
}

#[cfg(test)]
mod tests {
    use peer_process::config::parse_common;

    use super::*;

    #[test]
    fn only_the_keys_of_the_file_are_replaced() {
        let layout = FileLayout::new(7, 2).expect("4 pieces");
        let text = "\u{feff}FileName  old name \r\nUnchokingInterval 5\r\n\r\nOptimisticUnchokingInterval 6\n  PieceSize\t1\n\
                    FileSize 9\nNumberOfPreferredNeighbors 4";
        let changed = replaced(text, "$1 new", layout);
        let expected = "\u{feff}FileName $1 new \r\nUnchokingInterval 5\r\n\r\nOptimisticUnchokingInterval 6\n  PieceSize 2\n\
                        FileSize 7\nNumberOfPreferredNeighbors 4";
        assert_eq!(changed, expected);
        let (old, new) = (parse_common(text).expect("right"), parse_common(&changed).expect("right"));
        assert_eq!(differing(&old, "$1 new", layout), ["FileName 'old name'", "FileSize '9'", "PieceSize '1'"]);
        assert_eq!(differing(&new, "$1 new", layout), [""; 0]);
        let whole = parse_common(&whole("x", layout)).expect("right");
        assert_eq!(differing(&whole, "x", layout), [""; 0]);
    }
}
