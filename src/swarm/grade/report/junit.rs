//! The report as `JUnit` XML: a suite for each directory, a test for each item of the rubric.

use std::io;

use quick_xml::escape::escape;
use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::{ElementWriter, Writer};

use crate::grade::sheet::{ItemRow, Sheet};

/// Returns the report as XML, with a line feed at the end.
pub fn junit(sheets: &[Sheet]) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut xml, sheets).expect("memory takes everything");
    String::from_utf8(xml.into_inner()).expect("all parts are text") + "\n"
}

fn write(xml: &mut Writer<Vec<u8>>, sheets: &[Sheet]) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = with(xml.create_element("testsuites"), "name", super::text::PROGRAM);
    let rows = || sheets.iter().flat_map(|sheet| &sheet.rubric);
    let errors = sheets.iter().filter(|sheet| sheet.fault.is_some()).count();
    counted(root, &rows(), errors).write_inner_content(|xml| {
        for sheet in sheets {
            let suite = with(xml.create_element("testsuite"), "name", &sheet.dir);
            counted(suite, &sheet.rubric.iter(), sheet.fault.is_some().into()).write_inner_content(|xml| {
                if sheet.fault.is_some() {
                    let test = with(with(xml.create_element("testcase"), "name", "directory"), "classname", &sheet.dir);
                    test.write_inner_content(|xml| {
                        with(xml.create_element("error"), "message", &sheet.conclusion()).write_empty()?;
                        Ok(())
                    })?;
                    return Ok(());
                }
                for row in &sheet.rubric {
                    test(xml, sheet, row)?;
                }
                let words = format!("{}\n{}", sheet.points_words(), sheet.conclusion());
                text(xml.create_element("system-out"), &words)
            })?;
        }
        Ok(())
    })?;
    Ok(())
}

fn test(xml: &mut Writer<Vec<u8>>, sheet: &Sheet, row: &ItemRow) -> io::Result<()> {
    let test = with(xml.create_element("testcase"), "name", &format!("{} {}", row.item, row.text));
    let test = with(test, "classname", &sheet.dir);
    let words = super::text::item_words(row);
    match row.status {
        "shown" => test.write_inner_content(|xml| text(xml.create_element("system-out"), &words))?,
        "violated" => {
            test.write_inner_content(|xml| text(with(xml.create_element("failure"), "message", &row.note), &words))?
        }
        _ => test.write_inner_content(|xml| {
            with(xml.create_element("skipped"), "message", &words).write_empty()?;
            Ok(())
        })?,
    };
    Ok(())
}

fn counted<'a, 'r>(
    element: ElementWriter<'a, Vec<u8>>,
    rows: &(impl Iterator<Item = &'r ItemRow> + Clone),
    errors: usize,
) -> ElementWriter<'a, Vec<u8>> {
    let count = |is_it: fn(&str) -> bool| rows.clone().filter(|row| is_it(row.status)).count().to_string();
    let element = with(element, "tests", &(rows.clone().count() + errors).to_string());
    let element = with(element, "failures", &count(|status| status == "violated"));
    let element = with(element, "skipped", &count(|status| status.starts_with("not ")));
    with(element, "errors", &errors.to_string())
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

#[cfg(test)]
mod tests {
    use quick_xml::Reader;

    use super::*;
    use crate::grade::report::sample::sheet;

    #[test]
    fn it_is_xml_with_a_test_for_each_item() {
        let mut hostile = sheet();
        hostile.dir = "<&\"\u{1}".into();
        let faulty = Sheet::faulty("groups/README".into(), "it is a file".into());
        let xml = junit(&[sheet(), hostile, faulty]);
        let mut reader = Reader::from_str(&xml);
        let (mut tests, mut failures) = (0, 0);
        loop {
            match reader.read_event().expect("it is XML") {
                Event::Start(start) | Event::Empty(start) => {
                    tests += usize::from(start.name().as_ref() == "testcase");
                    failures += usize::from(start.name().as_ref() == "failure");
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!((tests, failures), (7, 2), "{xml}");
        assert!(
            xml.contains(r#"<testsuites name="swarm grade" tests="7" failures="2" skipped="2" errors="1">"#),
            "{xml}"
        );
    }
}
