//! Values of options: the errors are sentences that name the option and the text.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::limits::{NotRate, Rate};

/// Accepts a number of this range. The error is a sentence that names the option and the text.
pub fn number<T>(what: &'static str, range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + Display + Clone,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("{what} '{text}' is not a number from {} to {}", range.start(), range.end()))
    }
}

/// Accepts bytes a second, with or without a unit.
pub fn rate(what: &'static str) -> impl Fn(&str) -> Result<Rate, String> + Clone {
    move |text| text.parse().map_err(|error: NotRate| format!("{what} '{text}' is {error}"))
}
