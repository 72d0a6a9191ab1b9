//! `Usage`: what the caller did wrong, as opposed to what fails while running; the exit status tells them apart.

use std::fmt;

use anyhow::Error;

/// A wrong usage or configuration, in one sentence; nothing was begun.
#[derive(Debug)]
pub struct Usage(String);

impl Usage {
    /// An error with this sentence.
    pub fn error(sentence: impl fmt::Display) -> Error {
        Error::new(Self(sentence.to_string()))
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
