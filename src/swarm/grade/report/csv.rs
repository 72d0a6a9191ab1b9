//! The report as CSV (RFC 4180): a line for each directory, for a class.

use csv::{Terminator, WriterBuilder};

use crate::grade::sheet::Sheet;
use crate::rubric::Item;

/// The columns before the items of the rubric.
const BEFORE: [&str; 2] = ["directory", "points_a_log_can_show"];
/// The columns behind them.
const BEHIND: [&str; 7] =
    ["violations", "violated", "unclear", "missing_logs", "lines_not_understood", "logs", "fault"];

/// Returns the report as CSV, with a header.
pub fn csv(sheets: &[Sheet]) -> String {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let items = Item::ALL.iter().filter(|item| **item != Item::Beside).map(|item| item.name());
    writer.write_record(BEFORE.into_iter().chain(items).chain(BEHIND)).expect("memory takes everything");
    for sheet in sheets {
        writer.write_record(row(sheet)).expect("memory takes everything, and all rows are equally long");
    }
    String::from_utf8(writer.into_inner().expect("memory takes everything")).expect("all parts are text")
}

fn row(sheet: &Sheet) -> Vec<String> {
    if let Some(fault) = &sheet.fault {
        let mut row = vec![String::new(); BEFORE.len() + Item::ALL.len() - 1 + BEHIND.len()];
        (row[0], *row.last_mut().expect("there are columns")) = (safe(&sheet.dir), safe(fault));
        return row;
    }
    let names: Vec<_> = sheet.violated.iter().map(|row| row.name).collect();
    let missing: Vec<_> = sheet.missing_logs.iter().map(ToString::to_string).collect();
    let unclear: u64 = sheet.unclear.iter().map(|row| row.count).sum();
    let before = [safe(&sheet.dir), format!("{:.1}", sheet.points.unwrap_or_default())];
    let behind = [
        sheet.violation_count().to_string(),
        names.join(" "),
        unclear.to_string(),
        missing.join(" "),
        sheet.unread().to_string(),
        sheet.logs.len().to_string(),
        String::new(),
    ];
    let status = |item: &Item| {
        let row = sheet.rubric.iter().find(|row| row.item == item.name());
        row.map_or_else(String::new, |row| row.status.to_owned())
    };
    let items = Item::ALL.iter().filter(|item| **item != Item::Beside).map(status);
    before.into_iter().chain(items).chain(behind).collect()
}

/// Returns a text that a spreadsheet does not take for a formula.
fn safe(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::report::sample::sheet;

    #[test]
    fn a_line_for_each_directory() {
        let mut hostile = sheet();
        hostile.dir = "=a,\"b\"\nc".into();
        let faulty = Sheet::faulty("groups/README".into(), "it is a file".into());
        let text = csv(&[sheet(), hostile.clone(), faulty]);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let width = reader.headers().expect("a header").len();
        assert_eq!(width, 2 + 15 + 7);
        let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
        assert_eq!(rows.len(), 3);
        assert_eq!((&rows[0][0], &rows[0][1], &rows[0][18]), ("groups/a", "18.0", "count-jumps"));
        assert_eq!(&rows[1][0], format!("'{}", hostile.dir).as_str());
        assert_eq!((&rows[2][0], &rows[2][1], &rows[2][23]), ("groups/README", "", "it is a file"));
        assert!(text.ends_with("\r\n"));
    }
}
