//! The reports: pure functions from sheets to text.

mod csv;
mod ctrf;
mod gradescope;
mod json;
mod junit;
mod text;

#[cfg(test)]
mod sample;

use super::sheet::Sheet;
use crate::cli::GradeFormat;

pub use self::text::Look;

/// Returns the report on these directories, with a line feed at its end.
pub fn report(sheets: &[Sheet], format: GradeFormat, look: Look) -> String {
    match format {
        GradeFormat::Text => text::text(sheets, look),
        GradeFormat::Json => json::json(sheets),
        GradeFormat::Csv => csv::csv(sheets),
        GradeFormat::Junit => junit::junit(sheets),
        GradeFormat::Gradescope => gradescope::gradescope(sheets),
        GradeFormat::Ctrf => ctrf::ctrf(sheets),
    }
}
