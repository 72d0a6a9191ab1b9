//! `Usage`: a mistake of the caller, as opposed to a fault while running. The exit status distinguishes them.

use std::fmt;

use anyhow::Error;

/// A wrong usage or configuration, in one sentence; nothing was started.
#[derive(Debug)]
pub struct Usage(String);

impl Usage {
    /// Makes an error with this sentence.
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
