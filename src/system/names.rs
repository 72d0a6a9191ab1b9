//! Names of files that Windows changes or refuses, by its published rules. Pure, and the same on every system.

/// Characters that no name may have on Windows. `:` would name a hidden stream of another file.
const FORBIDDEN: &[char] = &['<', '>', ':', '"', '/', '\\', '|', '?', '*'];
/// Names of devices, also with an extension: `NUL.txt` is `NUL`.
const DEVICES: &[&str] = &["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
/// Names of devices that a digit follows.
const NUMBERED: &[&str] = &["COM", "LPT"];
/// The digits that may follow them.
const DIGITS: &[char] = &['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '¹', '²', '³'];
/// Maximum number of UTF-16 units of a name.
const MOST_UNITS: usize = 255;

/// Returns what Windows does with a plain file name, if a file cannot keep that name there: `has ':', which no file name on
/// Windows may have`.
#[must_use]
pub fn trouble(name: &str) -> Option<String> {
    let forbidden = |c: &char| FORBIDDEN.contains(c) || c.is_ascii_control();
    if let Some(found) = name.chars().find(forbidden) {
        return Some(format!("has '{}', which no file name on Windows may have", found.escape_default()));
    }
    if name.ends_with(['.', ' ']) {
        return Some("ends with a dot or blank, which Windows removes".to_owned());
    }
    if is_device(name) {
        return Some("is the name of a device on Windows".to_owned());
    }
    let units = name.encode_utf16().count();
    (units > MOST_UNITS).then(|| format!("is longer than the {MOST_UNITS} characters that Windows allows"))
}

/// Reports whether Windows takes two names for one, because they differ only in case.
#[must_use]
pub fn differ_in_case_only(name: &str, other: &str) -> bool {
    name != other && folded(name).eq(folded(other))
}

/// The characters of a name as Windows compares them: it knows no letter that becomes two.
fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().map(|c| {
        let mut upper = c.to_uppercase();
        let first = upper.next().unwrap_or(c);
        if upper.next().is_none() { first } else { c }
    })
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_ascii_uppercase();
    let is_numbered = |device: &str| {
        let mut rest = stem.strip_prefix(device).unwrap_or_default().chars();
        rest.next().is_some_and(|digit| DIGITS.contains(&digit)) && rest.next().is_none()
    };
    DEVICES.contains(&stem.as_str()) || NUMBERED.iter().any(|device| is_numbered(device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], told: Option<&str>) {
        for name in names {
            let trouble = trouble(name);
            assert_eq!(trouble.is_some(), told.is_some(), "{name:?}: {trouble:?}");
            assert!(trouble.unwrap_or_default().contains(told.unwrap_or_default()), "{name:?}");
        }
    }

    #[test]
    fn what_windows_changes_or_refuses_is_found_and_nothing_else() {
        check(&["thefile", "tree.jpg", "ü.mkv", ".hidden", "a b", "a.b.c", "#1 (x) [y] {z} ~$%&'+,;=@^_`-!"], None);
        check(&["CONSOLE", "com", "COM10", "COMX", "lpt", "nul-", "xCON", "a.nul", "auxiliary.txt", "COM1x"], None);
        check(
            &["CON", "con", "Nul.txt", "aux.a.b", "PRN", "com1", "LPT9.x", "COM0", "com²", "CON .x"],
            Some("a device"),
        );
        check(&["CONIN$", "conout$"], Some("a device"));
        check(&["a:b"], Some("':'"));
        check(&["q?", "x|y", "a<b", "a>b", "a*", "\"a\"", "a/b", "a\\b", "a\tb", "a\u{1}"], Some("no file name"));
        check(&["a\tb"], Some("'\\t'"));
        check(&["tail.", "tail ", "...", " "], Some("Windows removes"));
        check(&[&"x".repeat(255), &"€".repeat(255)], None);
        check(&[&"x".repeat(256), &"😀".repeat(128)], Some("longer than the 255"));
    }

    #[test]
    fn names_that_differ_in_case_are_one_there() {
        for (name, other, are_one) in [
            ("file", "FILE", true),
            ("Ärger", "äRGER", true),
            ("file", "file", false),
            ("file", "files", false),
            ("ß", "SS", false),
        ] {
            assert_eq!(differ_in_case_only(name, other), are_one, "{name} {other}");
        }
    }
}
