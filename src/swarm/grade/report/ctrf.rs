//! The report in the Common Test Report Format (CTRF): a test for each item of the rubric.

use serde_json::{Value, json};

use crate::grade::sheet::{ItemRow, Sheet};

/// The version of the specification.
const SPEC_VERSION: &str = "1.0.0";

/// Returns the report as CTRF. Durations are 0: nothing is run.
pub fn ctrf(sheets: &[Sheet]) -> String {
    let rows: Vec<_> = sheets.iter().flat_map(|sheet| sheet.rubric.iter().map(move |row| (sheet, row))).collect();
    let mut tests: Vec<_> = rows.iter().map(|(sheet, row)| test(sheet, row)).collect();
    tests.extend(sheets.iter().filter(|sheet| sheet.fault.is_some()).map(|sheet| {
        json!({
            "name": "directory",
            "status": "failed",
            "duration": 0,
            "suite": [sheet.dir],
            "message": sheet.conclusion(),
        })
    }));
    let count = |status: &str| tests.iter().filter(|test| test["status"] == status).count();
    let report = json!({
        "reportFormat": "CTRF",
        "specVersion": SPEC_VERSION,
        "generatedBy": super::text::PROGRAM,
        "results": {
            "tool": { "name": super::text::PROGRAM },
            "summary": {
                "tests": tests.len(),
                "passed": count("passed"),
                "failed": count("failed"),
                "skipped": count("skipped"),
                "pending": 0,
                "other": count("other"),
                "start": 0,
                "stop": 0,
            },
            "tests": tests,
        },
    });
    serde_json::to_string_pretty(&report).expect("it is JSON") + "\n"
}

fn test(sheet: &Sheet, row: &ItemRow) -> Value {
    json!({
        "name": format!("{} {}", row.item, row.text),
        "status": status_of(row),
        "duration": 0,
        "suite": [sheet.dir],
        "rawStatus": row.status,
        "message": super::text::item_words(row),
    })
}

fn status_of(row: &ItemRow) -> &'static str {
    match row.status {
        "shown" => "passed",
        "violated" => "failed",
        _ => "skipped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::report::sample::sheet;

    #[test]
    fn the_summary_counts_the_tests() {
        let report: Value = serde_json::from_str(&ctrf(&[sheet(), sheet()])).expect("JSON");
        let summary = &report["results"]["summary"];
        assert_eq!((&summary["tests"], &summary["passed"], &summary["failed"]), (&json!(6), &json!(2), &json!(2)));
        assert_eq!((&summary["skipped"], &summary["other"]), (&json!(2), &json!(0)));
        assert_eq!(report["results"]["tests"][2]["suite"], json!(["groups/a"]));
        assert_eq!(report["reportFormat"], "CTRF");
        let faulty = Sheet::faulty("groups/README".into(), "it is a file".into());
        let report: Value = serde_json::from_str(&ctrf(&[sheet(), faulty])).expect("JSON");
        assert_eq!(
            (&report["results"]["summary"]["tests"], &report["results"]["summary"]["failed"]),
            (&json!(4), &json!(2))
        );
        let mut unseen = sheet();
        unseen.rubric[1].status = "not shown";
        let report: Value = serde_json::from_str(&ctrf(&[unseen])).expect("JSON");
        assert_eq!(report["results"]["tests"][1]["status"], "skipped");
    }
}
