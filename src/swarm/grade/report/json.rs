//! The report as JSON: the sheets themselves.

use serde_json::json;

use crate::grade::sheet::Sheet;

/// Version of the format.
const VERSION: u32 = 1;

/// Returns the report as JSON.
pub fn json(sheets: &[Sheet]) -> String {
    let report = json!({ "version": VERSION, "program": super::text::PROGRAM, "directories": sheets });
    serde_json::to_string_pretty(&report).expect("a sheet is JSON") + "\n"
}
