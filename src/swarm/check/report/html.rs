//! The report as one page, without a script and without anything from a network.
//!
//! Everything in it that is not our own word goes through [`escaped`].

use std::borrow::Cow;
use std::fmt::Write as _;

use peer_process::output::console::counted;
use quick_xml::escape::escape;

use super::case::place;
use super::ending::Ending;
use super::hex;
use super::lines::printable;
use super::score::{Sum, items};
use super::shared::{explained, repeat};
use super::text::{last_line, secs};
use crate::check::verdict::{Bytes, Finding, Outcome, Summary, Verdict};

/// The looks of the page.
const STYLE: &str = include_str!("page.css");

/// Returns the report as an HTML page.
pub fn html(summary: &Summary, ending: Ending) -> String {
    let command = escaped(&summary.command);
    let parts = [
        format!("<h1>swarm check</h1>\n<p class=\"command\"><code>{command}</code></p>\n"),
        counts(summary),
        format!("<p>{}</p>\n", escaped(&last_line(summary, ending))),
        jumps(summary),
        mistakes(summary),
        rubric(summary),
        cases(summary),
    ];
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>swarm check: {command}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
        parts.concat()
    )
}

/// Returns the anchor of a case: `handshake-first` for `handshake/first`.
fn anchor(address: &str) -> String {
    address.replace('/', "-")
}

/// Escapes a text for a page, also what a person could not see or what would turn the text around.
fn escaped(text: &str) -> String {
    escape(Cow::from(printable(text))).into_owned()
}

fn link(address: &str) -> String {
    format!("<a href=\"#{}\"><code>{}</code></a>", escaped(&anchor(address)), escaped(address))
}

fn badge(verdict: Verdict) -> String {
    let word = verdict.word();
    format!("<span class=\"badge {word}\">{word}</span>")
}

fn counts(summary: &Summary) -> String {
    let order = [Verdict::Fail, Verdict::Warn, Verdict::Unclear, Verdict::Pass];
    let count = |verdict| format!("<li>{} {}</li>", summary.count(verdict), badge(verdict));
    format!("<ul class=\"counts\">{}</ul>\n", order.map(count).concat())
}

/// Returns links to the cases that do not pass, by verdict.
fn jumps(summary: &Summary) -> String {
    let mut page = String::new();
    for verdict in [Verdict::Fail, Verdict::Warn, Verdict::Unclear] {
        let own = summary.outcomes.iter().filter(|outcome| outcome.verdict == verdict);
        let links: Vec<_> = own.map(|outcome| link(outcome.clause.address)).collect();
        if !links.is_empty() {
            writeln!(page, "<p>{} {}</p>", badge(verdict), links.join(", ")).expect("memory");
        }
    }
    page
}

fn mistakes(summary: &Summary) -> String {
    let explained = explained(summary);
    if explained.is_empty() {
        return String::new();
    }
    let mut page = "<h2>Likely mistakes, in the order to fix them</h2>\n".to_owned();
    for explained in explained {
        let mistake = explained.mistake;
        let links: Vec<_> = explained.addresses.iter().map(|address| link(address)).collect();
        let count = counted(explained.addresses.len(), "case");
        let behind = match explained.hides {
            0 => String::new(),
            hides => format!("; {hides} unclear because of that"),
        };
        writeln!(
            page,
            "<section class=\"mistake {4}\" id=\"mistake-{0}\">\n<h3>{0}</h3>\n<p>{1}</p>\n<p><b>Cure:</b> {2}</p>\n\
             <p class=\"small\">Explains {count}: {3}{behind}</p>\n</section>",
            escaped(mistake.name),
            escaped(mistake.what),
            escaped(mistake.cure),
            links.join(", "),
            explained.worst.word()
        )
        .expect("memory");
    }
    page
}

fn rubric(summary: &Summary) -> String {
    let mut rows = String::new();
    for (item, tally) in items(summary) {
        let number = |count: u32| if count == 0 { "-".into() } else { count.to_string() };
        writeln!(
            rows,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{} of {}</td><td>{}</td><td>{}</td></tr>",
            escaped(item.name()),
            escaped(item.text()),
            tally.passed,
            tally.asked,
            number(tally.warned),
            number(tally.unclear),
        )
        .expect("memory");
    }
    format!(
        "<h2>By item of the rubric</h2>\n<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">item</th><th scope=\"col\">what</th>\
         <th scope=\"col\">passed</th><th scope=\"col\">warn</th><th scope=\"col\">unclear</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n<p>{} This is not a grade.</p>\n",
        escaped(&Sum::sentence(summary))
    )
}

fn cases(summary: &Summary) -> String {
    let (mut page, mut last) = ("<h2>Cases</h2>\n".to_owned(), "");
    for outcome in &summary.outcomes {
        let group = outcome.clause.group();
        if group != last {
            writeln!(page, "<h3>{}</h3>", escaped(group)).expect("memory");
            last = group;
        }
        page += &case(summary, outcome);
    }
    page
}

fn case(summary: &Summary, outcome: &Outcome) -> String {
    let clause = outcome.clause;
    let is_open = if matches!(outcome.verdict, Verdict::Fail | Verdict::Warn) { " open=\"open\"" } else { "" };
    let mut list = row(
        "clause",
        &format!(
            "{} <span class=\"small\">({})</span>",
            escaped(clause.text),
            escaped(&place(clause.section, clause.item.name(), clause.level))
        ),
    );
    if let Some(address) = outcome.because_of {
        list += &row("because of", &link(address));
    }
    for (number, finding) in (1..).zip(&outcome.findings) {
        if outcome.findings.len() > 1 {
            list += &row("finding", &format!("<b>{number} of {}</b>", outcome.findings.len()));
        }
        list += &self::finding(finding);
    }
    for (label, text) in [("note", &outcome.note), ("kept", &outcome.kept)] {
        list += &text.as_ref().map_or_else(String::new, |text| row(label, &escaped(text)));
    }
    list += &row("took", &secs(outcome.took));
    if outcome.verdict != Verdict::Pass {
        list += &row("repeat", &format!("<pre>{}</pre>", escaped(&repeat(summary, clause.address))));
    }
    format!(
        "<details class=\"{}\" id=\"{}\"{is_open}>\n<summary>{} <code>{}</code></summary>\n<dl>\n{list}</dl>\n</details>\n",
        outcome.verdict.word(),
        escaped(&anchor(clause.address)),
        badge(outcome.verdict),
        escaped(clause.address),
    )
}

/// Returns a row of a case's list; `page` is escaped already.
fn row(label: &str, page: &str) -> String {
    format!("<dt>{label}</dt><dd>{page}</dd>\n")
}

fn finding(finding: &Finding) -> String {
    let mut list = row("done", &escaped(&finding.done)) + &row("expected", &escaped(&finding.expected));
    list += &row("came", &escaped(&finding.came));
    list += &finding.bytes.as_ref().map_or_else(String::new, bytes);
    if !finding.events.is_empty() {
        let events: Vec<_> = finding.events.iter().map(|event| escaped(event)).collect();
        list += &row("events", &format!("<pre>{}</pre>", events.join("\n")));
    }
    if let Some(mistake) = finding.mistake {
        let name = escaped(mistake.name);
        list += &row("mistake", &format!("<a href=\"#mistake-{name}\">{name}</a>: {}", escaped(mistake.what)));
        list += &row("cure", &escaped(mistake.cure));
    }
    list
}

fn bytes(bytes: &Bytes) -> String {
    let block = |rows: Vec<String>| {
        let rows: Vec<_> = rows.iter().map(|row| marked(row)).collect();
        format!("<pre class=\"bytes\">{}</pre>", rows.join("\n"))
    };
    let extent = hex::extent(bytes).map_or_else(String::new, |extent| format!("<p class=\"small\">{extent}</p>"));
    let mut list = row("bytes", &(extent + &block(hex::came(bytes, None))));
    if let Some(at) = bytes.first_difference() {
        let right = block(hex::expected(bytes, None));
        list += &row("right", &format!("<p class=\"small\">the first difference is at byte {at}</p>{right}"));
    }
    if !bytes.decoded.is_empty() {
        list += &row("decoded", &escaped(&bytes.decoded.join("; ")));
    }
    list
}

/// Escapes a row of bytes, and puts a mark around the byte that stands in brackets.
fn marked(row: &str) -> String {
    let (digits, text) = row.split_once('|').unwrap_or((row, ""));
    let bar = if row.contains('|') { "|" } else { "" };
    let digits = escaped(digits).replace('[', "<mark>[").replace(']', "]</mark>");
    format!("{digits}{bar}{}", escaped(text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;
    use crate::check::report::sample::{CLAUSES, all, only};

    fn page(summary: &Summary) -> String {
        html(summary, Ending::of(summary, false))
    }

    /// Returns the names of the page's elements and the values of an attribute; an XML reader finds each element closed.
    fn elements(page: &str, attribute: &str) -> (BTreeSet<String>, Vec<String>) {
        let mut reader = Reader::from_str(page);
        let (mut names, mut values, mut open) = (BTreeSet::new(), Vec::new(), 0);
        loop {
            let event = reader.read_event().expect("each element is closed");
            match &event {
                Event::Start(start) | Event::Empty(start) => {
                    open += i32::from(matches!(event, Event::Start(_)));
                    names.insert(start.name().as_ref().to_string());
                    for own in start.attributes().map(|own| own.expect("an attribute")) {
                        let value = own.value.to_string();
                        assert!(!own.key.as_ref().starts_with("on"), "a script: {value}");
                        values.extend((own.key.as_ref() == attribute).then_some(value));
                    }
                }
                Event::End(_) => open -= 1,
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(open, 0);
        (names, values)
    }

    #[test]
    fn what_a_peer_sent_is_text_and_nothing_else() {
        let page = page(&all());
        let (names, _) = elements(&page, "id");
        let ours = "a b body code dd details div dl dt h1 h2 h3 head html li main mark meta p pre section span style \
            summary table tbody td th thead title tr ul";
        assert_eq!(names, ours.split_whitespace().map(Into::into).collect());
        assert!(
            page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; ]]&gt; &amp; \\u{1b}[31m\\u{0}"),
            "{page}"
        );
        assert!(page.contains("<title>swarm check: java -cp &lt;out&gt; peerProcess {id}</title>"), "{page}");
        assert!(page.chars().all(|c| c == '\n' || !c.is_control()));
    }

    #[test]
    fn bytes_that_look_like_a_page_are_text() {
        assert_eq!(marked("0000 [3c]  |<&[b]>|"), "0000 <mark>[3c]</mark>  |&lt;&amp;[b]&gt;|");
        assert_eq!(marked("0000  7c 7c  ||||"), "0000  7c 7c  ||||");
    }

    #[test]
    fn each_case_has_an_anchor_and_each_link_a_target() {
        let page = page(&all());
        let (_, ids) = elements(&page, "id");
        let known: BTreeSet<_> = ids.iter().collect();
        assert_eq!(known.len(), ids.len(), "{ids:?}");
        for clause in CLAUSES {
            assert!(known.contains(&anchor(clause.address)), "{}", clause.address);
        }
        let (_, links) = elements(&page, "href");
        for outcome in all().outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Pass) {
            assert!(links.contains(&format!("#{}", anchor(outcome.clause.address))), "{links:?}");
        }
        for link in links {
            assert!(link.strip_prefix('#').is_some_and(|link| known.contains(&link.to_owned())), "{link}");
        }
    }

    #[test]
    fn only_rows_of_bytes_are_not_broken_into_lines() {
        let rule = |of: &str| {
            let (_, rest) = STYLE.split_once(&format!("\n\n{of} {{\n")).expect("a rule");
            rest.split_once('}').expect("its end").0
        };
        assert!(rule("pre").contains("white-space: pre-wrap;"), "{}", rule("pre"));
        assert_eq!(STYLE.matches("white-space: pre;").count(), 1);
        assert!(STYLE.contains("\npre.bytes {\n  white-space: pre;\n}"), "{STYLE}");
    }

    #[test]
    fn it_needs_no_network() {
        let page = page(&all());
        for word in ["http:", "https:", "url(", "@import", "src="] {
            assert!(!page.contains(word), "{word}");
        }
    }

    #[test]
    fn only_what_is_wrong_is_open() {
        let page = page(&all());
        assert_eq!(page.matches("<details class=\"fail\" ").count(), 3);
        assert_eq!(page.matches(" open=\"open\"").count(), 4);
        let (_, ids) = elements(&self::page(&only(&[Verdict::Pass])), "id");
        assert_eq!(ids, ["start-forms"]);
    }
}
