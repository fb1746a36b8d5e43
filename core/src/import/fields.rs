//! CSV lines and the values in them. One record is one line, so that a broken quote spoils one line only.

use std::borrow::Cow;

use anyhow::bail;
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};

use super::{copy::Row, source::Table};

/// Longest id of another system that is taken.
const MAX_ID_BYTES: usize = 200;

/// A CSV file whose lines `parse` turns into rows.
pub(super) struct CsvTable<F> {
    required: &'static [&'static str],
    header: Vec<String>,
    parse: F,
}

impl<F> CsvTable<F>
where
    F: FnMut(&Fields<'_>, &mut Row<'_>) -> Result<(), String> + Send + 'static,
{
    /// Names the columns that must be there; others may be.
    pub(super) const fn new(required: &'static [&'static str], parse: F) -> Self {
        Self { required, header: Vec::new(), parse }
    }
}

impl<F> Table for CsvTable<F>
where
    F: FnMut(&Fields<'_>, &mut Row<'_>) -> Result<(), String> + Send + 'static,
{
    const HEADED: bool = true;

    fn header(&mut self, line: &str) -> anyhow::Result<()> {
        let names = split(line).map_err(|why| anyhow::anyhow!("its header {why}"))?;
        self.header = names.iter().map(|name| name.trim().to_owned()).collect();
        for name in self.required {
            match self.header.iter().filter(|column| column == name).count() {
                0 => bail!("its header lacks the column {name:?}"),
                1 => {}
                _ => bail!("its header has the column {name:?} twice"),
            }
        }
        Ok(())
    }

    fn row(&mut self, line: &str, row: &mut Row<'_>) -> Result<(), String> {
        let values = split(line)?;
        if values.len() != self.header.len() {
            return Err(format!("has {} fields, the header has {}", values.len(), self.header.len()));
        }
        (self.parse)(&Fields { header: &self.header, values: &values }, row)
    }
}

pub(super) fn split(line: &str) -> Result<Vec<Cow<'_, str>>, String> {
    if !line.contains('"') {
        return Ok(line.split(',').map(Cow::Borrowed).collect());
    }
    // The reader takes the end of the text for a closing quote.
    if line.bytes().filter(|b| *b == b'"').count() % 2 == 1 {
        return Err("has an unclosed quote".to_owned());
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
    let mut record = csv::StringRecord::new();
    reader.read_record(&mut record).map_err(|error| format!("is not CSV: {error}"))?;
    Ok(record.iter().map(|value| Cow::Owned(value.to_owned())).collect())
}

/// The values of a line, by column.
pub(super) struct Fields<'a> {
    header: &'a [String],
    values: &'a [Cow<'a, str>],
}

impl Fields<'_> {
    /// A value, trimmed; `None` where it is empty or the file has no such column.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let at = self.header.iter().position(|column| column == name)?;
        let value = self.values.get(at)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// A value that must be there.
    pub(super) fn need(&self, name: &str) -> Result<&str, String> {
        self.get(name).ok_or_else(|| format!("{name} is empty"))
    }

    /// A value that must be an id of the other system.
    pub(super) fn id(&self, name: &str) -> Result<&str, String> {
        self.need(name).and_then(|value| id(name, value))
    }

    /// A value that must be of the type.
    pub(super) fn parse<T: std::str::FromStr>(&self, name: &str, what: &str) -> Result<T, String> {
        self.need(name)?.parse().map_err(|_| format!("{name} is not {what}"))
    }
}

/// An id of the other system: short enough for an index, without NUL.
pub(super) fn id<'a>(name: &str, value: &'a str) -> Result<&'a str, String> {
    match value {
        "" => Err(format!("{name} is empty")),
        _ if value.len() > MAX_ID_BYTES => Err(format!("{name} is longer than {MAX_ID_BYTES} bytes")),
        _ if value.contains('\0') => Err(format!("{name} contains a NUL character")),
        _ => Ok(value),
    }
}

/// A time in RFC 3339 that an id can carry: since 1970 and not in the future, but for wrong clocks.
pub(super) fn time(name: &str, value: &str) -> Result<DateTime<Utc>, String> {
    let time =
        DateTime::parse_from_rfc3339(value).map_err(|_| format!("{name} is not a time as in RFC 3339"))?;
    plausible(name, time.to_utc())
}

/// A day, or a time.
pub(super) fn day_or_time(name: &str, value: &str) -> Result<DateTime<Utc>, String> {
    match value.parse::<NaiveDate>() {
        Ok(day) => plausible(name, day.and_time(NaiveTime::MIN).and_utc()),
        Err(_) => time(name, value).map_err(|_| format!("{name} is not a day or a time as in RFC 3339")),
    }
}

fn plausible(name: &str, time: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    if time.timestamp() < 0 {
        return Err(format!("{name} is before 1970"));
    }
    if time > Utc::now() + Duration::days(1) {
        return Err(format!("{name} is in the future"));
    }
    Ok(time)
}

/// A count of the other system: never negative; what our column cannot hold is cut to its most.
pub(super) fn count(name: &str, value: i64) -> Result<i32, String> {
    if value < 0 {
        return Err(format!("{name} is negative"));
    }
    Ok(i32::try_from(value).unwrap_or(i32::MAX))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_line_and_a_broken_quote_is_its_own_problem() {
        assert_eq!(split("a,,c").unwrap(), ["a", "", "c"]);
        assert_eq!(split("\"a,b\",\"c\"\"d\"").unwrap(), ["a,b", "c\"d"]);
        assert!(split("a,\"b").is_err());
    }

    #[test]
    fn times_lie_between_1970_and_now() {
        assert!(time("t", "2014-01-01T00:00:48Z").is_ok());
        assert!(time("t", "2014-01-01T09:00:48+09:00").is_ok());
        for bad in ["", "2014-01-01", "2014-13-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z"]
        {
            assert!(time("t", bad).is_err(), "{bad}");
        }
        assert!(day_or_time("t", "2012-09-24").is_ok());
    }
}
