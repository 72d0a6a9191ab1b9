//! `KeysSeen`: the keys in an event file that `docs/events.md` does not name, from samples of its lines.
//!
//! A later program may add keys (`docs/events.md`). They are no fault, but what is passed over is told.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Number of lines that are all looked at. Behind them it is one of as many, and the first one of each event.
const SAMPLES: u64 = 256;
/// Maximum number of keys that are kept, of those that are shown, and of events.
const MOST_KEYS: usize = 100;
const MOST_SHOWN: usize = 3;
const MOST_EVENTS: usize = 100;
/// Maximum number of characters of a key that is shown.
const LONGEST_SHOWN: usize = 40;

/// All keys of `docs/events.md`.
#[rustfmt::skip]
const KNOWN: [&str; 35] = [
    "event", "time", "mono", "version", "peer", "source", "program", "piece_count", "piece_size", "file_size",
    "preferred_neighbors", "unchoking_interval", "optimistic_unchoking_interval", "has_file", "pieces", "connection",
    "sent", "dialed", "neighbor", "address", "type", "piece", "tick", "neighbors", "candidates", "kept", "from",
    "in_order", "reason", "status", "count", "bytes", "length", "number", "bits",
];

/// The keys that are not known.
#[derive(Clone, Default, Debug)]
pub struct KeysSeen {
    unknown: BTreeSet<String>,
    events: BTreeSet<String>,
}

/// A line of which only the keys matter.
#[derive(Deserialize)]
#[expect(clippy::zero_sized_map_values, reason = "an object is read as a map")]
struct Keys<'a>(#[serde(borrow)] BTreeMap<Cow<'a, str>, IgnoredAny>);

impl KeysSeen {
    /// Takes the line with this number and event.
    pub fn line(&mut self, number: u64, event: &str, bytes: &[u8]) {
        let is_first = !self.events.contains(event) && self.events.len() < MOST_EVENTS;
        if number > SAMPLES && !number.is_multiple_of(SAMPLES) && !is_first {
            return;
        }
        if is_first {
            self.events.insert(event.to_owned());
        }
        let Ok(Keys(keys)) = serde_json::from_slice(bytes) else { return };
        for key in keys.into_keys().filter(|key| !KNOWN.contains(&&**key)) {
            if self.unknown.len() < MOST_KEYS {
                self.unknown.insert(key.chars().take(LONGEST_SHOWN).collect());
            }
        }
    }

    /// Returns what is to be said of them.
    pub fn told(&self) -> Option<String> {
        let first: Vec<_> = self.unknown.iter().take(MOST_SHOWN).map(|key| format!("`{key}`")).collect();
        match self.unknown.len() {
            0 => None,
            count if count > MOST_SHOWN => {
                Some(format!("{count} keys that are not known, such as {}", first.join(", ")))
            }
            _ => Some(format!("keys that are not known: {}", first.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> Option<String> {
        let mut seen = KeysSeen::default();
        for (number, line) in (1..).zip(lines) {
            seen.line(number, "weather", line.as_bytes());
        }
        seen.told()
    }

    #[test]
    fn keys_that_are_not_known_are_told() {
        assert_eq!(told(&[r#"{"event":"weather","mono":1}"#, "{", "[1]"]), None);
        let expected = "keys that are not known: `rain`, `sun`".to_owned();
        assert_eq!(told(&[r#"{"sun":[{}],"event":"weather"}"#, r#"{"rain":1}"#]), Some(expected));
        let expected = "5 keys that are not known, such as `a`, `b`, `c`".to_owned();
        assert_eq!(told(&[r#"{"a":1,"b":1,"c":1,"d":1,"e":1}"#]), Some(expected));
    }

    #[test]
    fn the_first_line_of_an_event_is_always_looked_at() {
        let mut seen = KeysSeen::default();
        seen.line(1_000_001, "rare", br#"{"sun":1}"#);
        seen.line(1_000_001, "rare", br#"{"rain":1}"#);
        assert_eq!(seen.told().as_deref(), Some("keys that are not known: `sun`"));
    }

    #[test]
    fn all_keys_of_the_schema_are_known() {
        let schema = serde_json::from_str(include_str!("../../../docs/events.schema.json")).expect("JSON");
        let mut keys = BTreeSet::new();
        collect(&schema, &mut keys);
        let known = KNOWN.map(ToOwned::to_owned).into();
        // `candidates` are objects of their own, whose keys are among those of the lines.
        assert_eq!(keys, known);
    }

    fn collect(schema: &serde_json::Value, keys: &mut BTreeSet<String>) {
        if let Some(properties) = schema["properties"].as_object() {
            keys.extend(properties.keys().cloned());
        }
        schema.as_object().into_iter().flat_map(|parts| parts.values()).for_each(|part| collect(part, keys));
        schema.as_array().into_iter().flatten().for_each(|part| collect(part, keys));
    }
}
