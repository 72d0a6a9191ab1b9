//! Remarks about a case that are no judgement. Pure.

use super::raw::{MOST_LATE, Raw};

/// Number of lines that the peer printed last in a remark.
const PRINTED: usize = 3;

/// Returns remarks. If no name explains a finding, what the peer printed may. A traceback may explain all that was found.
pub fn note(raw: &Raw, has_findings: bool, is_unnamed: bool) -> Option<String> {
    let mut notes = Vec::new();
    if !raw.unconfirmed.is_empty() {
        let unconfirmed = raw.unconfirmed.join(", ");
        notes.push(format!("repeated alone, where this was not seen again: {unconfirmed}"));
    } else if raw.runs > 1 {
        notes.push("repeated alone, because something seemed wrong or the tester was late".to_owned());
    }
    if raw.case.measures && raw.late > MOST_LATE {
        notes.push(format!("the tester was up to {} ms late", raw.late.as_millis()));
    }
    if raw.was_killed {
        notes.push("the peer did not end on SIGTERM and was killed".to_owned());
    }
    if raw.went_to_background {
        notes.push("the command ended while the peer went on in the background; the tester waited for that".to_owned());
    }
    if has_findings && !raw.traceback.is_empty() {
        let traceback = raw.traceback.join(" | ");
        notes.push(format!("the peer printed a traceback and went on; a thread of it may have died: {traceback}"));
    }
    if is_unnamed && !raw.printed.is_empty() {
        let last = &raw.printed[raw.printed.len().saturating_sub(PRINTED)..];
        notes.push(format!("the peer printed last: {}", last.join(" | ")));
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}
