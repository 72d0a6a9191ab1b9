//! `Figure`: one measured value and its baseline; as a line of a table, and as JSON.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::machine::Machine;

/// The bar that a figure must reach.
#[derive(Clone, Copy)]
pub enum Bar {
    LeastRatio(f64),
    MostRatio(f64),
    /// Maximum distance from 1.
    RatioOffBy(f64),
    MostValue(f64),
}

/// One measured value: the median of all rounds.
pub struct Figure {
    name: String,
    unit: &'static str,
    value: f64,
    baseline: Option<f64>,
    ratio: Option<f64>,
    bar: Option<Bar>,
}

impl Figure {
    /// Returns a value without a baseline.
    pub fn new(name: impl Into<String>, unit: &'static str, values: &[f64]) -> Self {
        Self { name: name.into(), unit, value: median(values), baseline: None, ratio: None, bar: None }
    }

    /// Returns a value and its baseline of the same rounds. The ratio is the median of the rounds' own ratios, so a fault
    /// that slows a whole round matters little.
    pub fn against(name: impl Into<String>, unit: &'static str, values: &[f64], baselines: &[f64]) -> Self {
        let ratios: Vec<_> = values.iter().zip(baselines).map(|(value, baseline)| value / baseline).collect();
        let (baseline, ratio) = (Some(median(baselines)), Some(median(&ratios)));
        Self { baseline, ratio, ..Self::new(name, unit, values) }
    }

    /// Returns a value and its baseline, with a bar.
    #[must_use]
    pub fn bar(self, bar: Bar) -> Self {
        Self { bar: Some(bar), ..self }
    }

    /// With little data, a bar is neither reached nor missed.
    pub fn take_bar(&mut self) {
        self.bar = None;
    }

    fn meets_bar(&self) -> Option<bool> {
        Some(match self.bar? {
            Bar::LeastRatio(bar) => self.ratio? >= bar,
            Bar::MostRatio(bar) => self.ratio? <= bar,
            Bar::RatioOffBy(bar) => (self.ratio? - 1.0).abs() <= bar,
            Bar::MostValue(bar) => self.value <= bar,
        })
    }

    fn to_json(&self) -> String {
        let (bar, kind) = match self.bar {
            None => (None, "null"),
            Some(Bar::LeastRatio(bar)) => (Some(bar), "\"least ratio\""),
            Some(Bar::MostRatio(bar)) => (Some(bar), "\"most ratio\""),
            Some(Bar::RatioOffBy(bar)) => (Some(bar), "\"most distance of ratio from 1\""),
            Some(Bar::MostValue(bar)) => (Some(bar), "\"most value\""),
        };
        format!(
            "{{\"name\": {}, \"value\": {}, \"unit\": {}, \"baseline\": {}, \"ratio\": {}, \"bar\": {}, \"bar_is\": {kind}, \
             \"meets_bar\": {}}}",
            json_string(&self.name),
            json_number(Some(self.value)),
            json_string(self.unit),
            json_number(self.baseline),
            json_number(self.ratio),
            json_number(bar),
            self.meets_bar().map_or("null".into(), |meets| meets.to_string()),
        )
    }

    fn to_line(&self) -> String {
        let optional = |number: Option<f64>| number.map_or(String::new(), short);
        let bar = match self.bar {
            None => String::new(),
            Some(Bar::LeastRatio(bar)) => format!("ratio >= {bar}"),
            Some(Bar::MostRatio(bar)) => format!("ratio <= {bar}"),
            Some(Bar::RatioOffBy(bar)) => format!("ratio 1 +- {bar}"),
            Some(Bar::MostValue(bar)) => format!("<= {bar} {}", self.unit),
        };
        let meets = match self.meets_bar() {
            None => "",
            Some(true) => "  yes",
            Some(false) => "  NO",
        };
        let (value, baseline, ratio) = (short(self.value), optional(self.baseline), optional(self.ratio));
        format!("{:<62} {value:>8} {:<9} {baseline:>8} {ratio:>7}  {bar}{meets}", self.name, self.unit)
    }
}

/// Shows a group as a table.
pub fn print(group: &str, figures: &[Figure]) {
    println!("\n{group:<62} {:>8} {:<9} {:>8} {:>7}  bar", "value", "unit", "baseline", "ratio");
    for figure in figures {
        println!("{}", figure.to_line().trim_end());
    }
}

/// Writes a group to `<dir>/<group>.json`.
pub fn write(dir: &Path, group: &str, runs: u32, quick: bool, machine: &Machine, figures: &[Figure]) -> Result<()> {
    let mut json = String::new();
    write!(json, "{{\n  \"group\": {}, \"runs\": {runs}, \"quick\": {quick},\n", json_string(group))?;
    write!(json, "  \"machine\": {{")?;
    for (place, (key, value)) in machine.fields().iter().enumerate() {
        write!(json, "{}\"{key}\": {}", if place == 0 { "" } else { ", " }, json_string(value))?;
    }
    let figures: Vec<_> = figures.iter().map(|figure| format!("    {}", figure.to_json())).collect();
    write!(json, "}},\n  \"figures\": [\n{}\n  ]\n}}\n", figures.join(",\n"))?;
    let path = dir.join(format!("{group}.json"));
    fs::write(&path, json).with_context(|| format!("cannot write {}", path.display()))
}

/// Returns the middle of the values, or the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { f64::midpoint(values[middle - 1], values[middle]) } else { values[middle] }
}

/// Shows three significant digits or more.
fn short(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 0.1 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

fn json_number(number: Option<f64>) -> String {
    number.filter(|number| number.is_finite()).map_or("null".into(), |number| format!("{number:.6}"))
}

fn json_string(text: &str) -> String {
    let escaped = text.chars().flat_map(|c| match c {
        '"' | '\\' => vec!['\\', c],
        c if c.is_control() => vec![' '],
        c => vec![c],
    });
    format!("\"{}\"", escaped.collect::<String>())
}
