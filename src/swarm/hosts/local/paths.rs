//! Finding files by a pattern, as a shell of another machine finds them.

use std::fs;
use std::path::Path;

use crate::logs::fits;

use super::machine::Local;

impl Local {
    /// Returns the names in a directory below the swarm's, sorted; none if it cannot be read.
    pub fn names_in(&self, dir: &str) -> Vec<String> {
        names_in(&self.dir.join(dir))
    }

    /// Returns the names that fit a pattern, sorted. In it `*` stands for any run of characters but `/`, and `?` for one of them.
    /// A leading dot must be in the pattern. A part without either is not looked for, so the file may be missing.
    pub fn expand(&self, pattern: &str) -> Vec<String> {
        let mut found = vec![String::new()];
        for (place, part) in pattern.split('/').enumerate() {
            let slash = if place == 0 { "" } else { "/" };
            let is_plain = !part.contains(['*', '?']);
            let further = |start: String| -> Vec<String> {
                let start = start + slash;
                if is_plain {
                    return vec![start + part];
                }
                let fitting = |name: &String| {
                    fits(part.as_bytes(), name.as_bytes()) && (part.starts_with('.') || !name.starts_with('.'))
                };
                let names = self.names_in(&start).into_iter().filter(fitting);
                names.map(|name| format!("{start}{name}")).collect()
            };
            found = found.into_iter().flat_map(further).collect();
        }
        found
    }
}

fn names_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}
