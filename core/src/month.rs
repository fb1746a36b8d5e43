//! Months as people write them.

use chrono::{Datelike, NaiveDate};

/// The first day of a month written as `2026-11`, from 2010-01 to 2999-12; `None` for any other text.
pub fn parse_month(text: &str) -> Option<NaiveDate> {
    let plain = |part: &str, digits| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
    let (year, month) = text.split_once('-')?;
    if !plain(year, 4) || !plain(month, 2) {
        return None;
    }
    let first = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?;
    (2010..3000).contains(&first.year()).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_four_digits_and_two() {
        assert_eq!(parse_month("2026-11"), NaiveDate::from_ymd_opt(2026, 11, 1));
        for bad in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "2009-12",
            "3000-01",
            "26-11",
            "2026-1",
            "+026-11",
            "2026-11-01",
        ] {
            assert_eq!(parse_month(bad), None, "{bad}");
        }
    }
}
