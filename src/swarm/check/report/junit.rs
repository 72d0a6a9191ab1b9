//! The report as `JUnit` XML, as Jenkins and GitLab read it: a suite for each group, a test for each case.
//!
//! A warning is a test that passes and has words in `system-out`; an unclear case is a skipped one.

use std::io;
use std::time::Duration;

use quick_xml::escape::escape;
use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::{ElementWriter, Writer};

use super::case::case;
use super::ending::Ending;
use super::lines::Look;
use super::score::{self, Tally};
use crate::check::verdict::{Outcome, Summary, Verdict};

/// The XML that is made.
type Xml = Writer<Vec<u8>>;

/// Returns the report as XML, with a line feed at the end.
pub fn junit(summary: &Summary, ending: Ending) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut xml, summary, ending).expect("memory takes everything");
    String::from_utf8(xml.into_inner()).expect("all parts are text") + "\n"
}

fn write(xml: &mut Xml, summary: &Summary, ending: Ending) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let whole = score::tally(summary, |_| true);
    let root = counted(xml.create_element("testsuites"), "swarm check", whole, summary.took);
    root.write_inner_content(|xml| {
        for group in groups(summary) {
            suite(xml, summary, group, ending)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Returns the groups in the order of the list of cases, each once.
fn groups(summary: &Summary) -> Vec<&'static str> {
    let mut groups = Vec::new();
    for group in summary.outcomes.iter().map(|outcome| outcome.clause.group()) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

fn suite(xml: &mut Xml, summary: &Summary, group: &str, ending: Ending) -> io::Result<()> {
    let own = || summary.outcomes.iter().filter(|outcome| outcome.clause.group() == group);
    let tally = score::tally(summary, |outcome| outcome.clause.group() == group);
    let suite = counted(xml.create_element("testsuite"), group, tally, own().map(|outcome| outcome.took).sum());
    suite.write_inner_content(|xml| {
        xml.create_element("properties").write_inner_content(|xml| {
            for (name, value) in [("command", &summary.command), ("ending", &ending.reason())] {
                with(with(xml.create_element("property"), "name", name), "value", value).write_empty()?;
            }
            Ok(())
        })?;
        own().try_for_each(|outcome| test(xml, summary, outcome))
    })?;
    Ok(())
}

fn test(xml: &mut Xml, summary: &Summary, outcome: &Outcome) -> io::Result<()> {
    let clause = outcome.clause;
    let test = with(xml.create_element("testcase"), "name", clause.name());
    let test = with(with(test, "classname", clause.group()), "time", &secs(outcome.took));
    let told = case(summary, outcome, &[], Look::PLAIN);
    match outcome.verdict {
        Verdict::Pass => test.write_empty()?,
        Verdict::Warn => test.write_inner_content(|xml| {
            text(xml.create_element("system-out"), &told)?;
            Ok(())
        })?,
        Verdict::Unclear => test.write_inner_content(|xml| {
            let because = outcome.because_of.map(|address| format!("unclear because of {address}: "));
            let came = outcome.findings.first().map_or("the case did not reach its question", |finding| &finding.came);
            let message = because.unwrap_or_default() + came;
            with(xml.create_element("skipped"), "message", &message).write_empty()?;
            Ok(())
        })?,
        Verdict::Fail => test.write_inner_content(|xml| {
            let first = outcome.findings.first();
            let mistake = outcome.findings.iter().find_map(|finding| finding.mistake);
            let failure =
                with(xml.create_element("failure"), "type", mistake.map_or("unnamed", |mistake| mistake.name));
            let message = first.map_or(clause.text, |finding| &finding.came);
            text(with(failure, "message", message), &told)?;
            Ok(())
        })?,
    };
    Ok(())
}

fn counted<'a>(
    element: ElementWriter<'a, Vec<u8>>,
    name: &str,
    tally: Tally,
    took: Duration,
) -> ElementWriter<'a, Vec<u8>> {
    let numbers = [("tests", tally.asked), ("failures", tally.failed), ("errors", 0), ("skipped", tally.unclear)];
    let element = numbers.iter().fold(with(element, "name", name), |element, (attribute, number)| {
        with(element, attribute, &number.to_string())
    });
    with(element, "time", &secs(took))
}

/// Adds an attribute. In attributes a line feed counts as a blank.
fn with<'a>(element: ElementWriter<'a, Vec<u8>>, name: &str, value: &str) -> ElementWriter<'a, Vec<u8>> {
    element.with_attribute((name, &*allowed(value).replace('\n', " ")))
}

fn text(element: ElementWriter<'_, Vec<u8>>, value: &str) -> io::Result<()> {
    let value = allowed(value);
    element.write_text_content(BytesText::from_escaped(escape(&*value)))?;
    Ok(())
}

/// Returns a text with an escape for each character that XML has no way to write.
fn allowed(text: &str) -> String {
    let is_allowed = |c: char| matches!(c, '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..);
    let mut allowed = String::with_capacity(text.len());
    for c in text.chars() {
        if is_allowed(c) { allowed.push(c) } else { allowed.extend(c.escape_default()) }
    }
    allowed
}

fn secs(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;
    use quick_xml::events::BytesStart;

    use super::*;
    use crate::check::report::sample::all;

    /// The elements of a report, each as `name attribute=value,...: text`.
    fn elements(xml: &str) -> Vec<String> {
        let mut reader = Reader::from_str(xml);
        let (mut elements, mut open) = (Vec::<String>::new(), 0);
        loop {
            match reader.read_event().expect("XML") {
                Event::Start(start) => {
                    open += 1;
                    elements.push(element(&start));
                }
                Event::Empty(start) => elements.push(element(&start)),
                Event::End(_) => open -= 1,
                Event::Text(text) if !text.trim_ascii().is_empty() => {
                    let last = elements.last_mut().expect("text stands in an element");
                    *last += &text.xml10_content();
                }
                Event::GeneralRef(entity) => {
                    let character = match &*entity {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        "quot" => '"',
                        "apos" => '\'',
                        other => panic!("{other}"),
                    };
                    elements.last_mut().expect("text stands in an element").push(character);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(open, 0, "{xml}");
        elements
    }

    fn element(start: &BytesStart) -> String {
        let attribute = |attribute: Result<quick_xml::events::attributes::Attribute, _>| {
            let attribute = attribute.expect("an attribute");
            let value = quick_xml::escape::unescape(&attribute.value).expect("escaped").into_owned();
            format!("{}={value}", attribute.key.as_ref())
        };
        let attributes: Vec<_> = start.attributes().map(attribute).collect();
        format!("{} {}: ", start.name().as_ref(), attributes.join(","))
    }

    #[test]
    fn an_xml_reader_reads_it_back() {
        let summary = all();
        let xml = junit(&summary, Ending::of(&summary, false));
        let elements = elements(&xml);
        let starts = |start: &str| elements.iter().filter(|element| element.starts_with(start)).collect::<Vec<_>>();
        assert_eq!(elements[0], "testsuites name=swarm check,tests=8,failures=3,errors=0,skipped=2,time=41.234: ");
        let suites = starts("testsuite ");
        assert_eq!(suites.len(), 6);
        assert_eq!(suites[1], "testsuite name=handshake,tests=2,failures=2,errors=0,skipped=0,time=1.624: ");
        assert_eq!(starts("testcase ")[1], "testcase name=first,classname=handshake,time=0.812: ");
        let failures = starts("failure ");
        assert_eq!(failures.len(), 3);
        let head = "failure type=java-object-stream,message=32 bytes that are not a handshake.: FAIL handshake/first (";
        assert!(failures[0].starts_with(head), "{failures:?}");
        assert!(failures[2].contains("<script>alert(\"1\")</script> ]]> & \\u{1b}[31m\\u{0}"), "{failures:?}");
        let skipped = "skipped message=unclear because of handshake/first: No handshake that can be understood.: ";
        assert_eq!(starts("skipped "), [skipped; 2]);
        let told = starts("system-out ");
        assert!(told.len() == 1 && told[0].contains("WARN choking/changes"), "{told:?}");
    }

    #[test]
    fn no_character_stands_in_it_that_xml_forbids() {
        let summary = all();
        let xml = junit(&summary, Ending::of(&summary, false));
        assert!(xml.chars().all(|c| c == '\n' || !c.is_control()), "{xml}");
        assert_eq!(allowed("a\tb\nc\r\0\u{fffe}"), "a\tb\nc\\r\\u{0}\\u{fffe}");
    }
}
