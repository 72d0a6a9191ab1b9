//! The report as Gradescope's `results.json`: a test for each item of the rubric.
//!
//! An item that these files do not show has no points there, neither given nor taken: it counts for nothing.

use serde_json::{Value, json};

use crate::grade::sheet::{ItemRow, Sheet};

/// Returns the report as Gradescope's autograder hands it in. Of several directories each item is a test of its own.
pub fn gradescope(sheets: &[Sheet]) -> String {
    let of_sheet = |sheet| ungraded(sheet).into_iter().chain(sheet.rubric.iter().map(|row| test(sheets, sheet, row)));
    let tests: Vec<_> = sheets.iter().flat_map(of_sheet).collect();
    let points: f64 = sheets.iter().filter_map(|sheet| sheet.points).sum();
    let words = sheets.iter().map(|sheet| match sheet.fault {
        Some(_) => format!("{}: {}", sheet.dir, sheet.conclusion()),
        None => format!("{}: {}\n{}", sheet.dir, sheet.points_words(), sheet.conclusion()),
    });
    let words: Vec<_> = words.collect();
    let report = json!({
        // The format asks for it where a test has no score of its own.
        "score": (points * 10.0).round() / 10.0,
        "output": words.join("\n"),
        "output_format": "text",
        "test_output_format": "text",
        "stdout_visibility": "hidden",
        "tests": tests,
    });
    serde_json::to_string_pretty(&report).expect("it is JSON") + "\n"
}

/// Returns the only test of a directory that could not be graded.
fn ungraded(sheet: &Sheet) -> Option<Value> {
    sheet.fault.as_ref()?;
    Some(json!({
        "name": format!("{}: not graded", sheet.dir),
        "name_format": "text",
        "output": sheet.conclusion(),
        "output_format": "text",
        "status": "failed",
        "visibility": "visible",
    }))
}

fn test(sheets: &[Sheet], sheet: &Sheet, row: &ItemRow) -> Value {
    let dir = if sheets.len() > 1 { format!("{}: ", sheet.dir) } else { String::new() };
    let mut test = json!({
        "name": format!("{dir}{}", row.text),
        "name_format": "text",
        "number": row.item,
        "output": super::text::item_words(row),
        "output_format": "text",
        "tags": [row.status],
        "visibility": "visible",
    });
    if ["shown", "violated"].contains(&row.status) {
        test["score"] = json!(row.points);
        test["max_score"] = json!(row.of);
        test["status"] = json!(if row.status == "shown" { "passed" } else { "failed" });
    }
    test
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::report::sample::sheet;

    #[test]
    fn each_item_is_a_test_and_what_no_log_shows_has_no_points() {
        let report: Value = serde_json::from_str(&gradescope(&[sheet()])).expect("JSON");
        let tests = report["tests"].as_array().expect("tests");
        assert_eq!(tests.len(), 3);
        assert_eq!((&tests[0]["number"], &tests[0].get("score")), (&json!("1a"), &None));
        assert_eq!((&tests[1]["score"], &tests[1]["status"]), (&json!(18.0), &json!("passed")));
        assert_eq!(
            (&tests[2]["score"], &tests[2]["max_score"], &tests[2]["status"]),
            (&json!(0.0), &json!(5.0), &json!("failed"))
        );
        let mut unseen = sheet();
        (unseen.rubric[1].status, unseen.rubric[1].points) = ("not shown", 0.0);
        let other: Value = serde_json::from_str(&gradescope(&[unseen])).expect("JSON");
        assert_eq!((other["tests"][1].get("status"), other["tests"][1].get("score")), (None, None));
        assert_eq!(report["score"], json!(18.0));
        let mut tenth = sheet();
        tenth.points = Some(230.1);
        let faulty = Sheet::faulty("groups/README".into(), "it is a file".into());
        let several: Value =
            serde_json::from_str(&gradescope(&[tenth.clone(), tenth.clone(), tenth, faulty])).expect("JSON");
        assert_eq!(several["score"], json!(690.3), "the sum of tenths is one");
        let last = several["tests"].as_array().and_then(|tests| tests.last()).expect("a test");
        assert_eq!((&last["name"], &last["status"]), (&json!("groups/README: not graded"), &json!("failed")));
        assert!(report["output"].as_str().expect("text").contains("not a grade"));
    }
}
