//! Rows in the text form of PostgreSQL's COPY.

use std::fmt::{Display, Write as _};

/// One staging row in the making: columns in the table's order, the line's number and beginning first.
pub(super) struct Row<'a> {
    to: &'a mut Vec<u8>,
}

impl<'a> Row<'a> {
    /// Begins a row with what every staging table has.
    pub(super) fn begin(to: &'a mut Vec<u8>, seq: u64, raw: &str) -> Self {
        to.extend_from_slice(seq.to_string().as_bytes());
        let mut row = Self { to };
        row.text(Some(raw));
        row
    }

    /// Ends it.
    pub(super) fn end(self) {
        self.to.push(b'\n');
    }

    /// A text, or NULL.
    pub(super) fn text(&mut self, value: Option<&str>) {
        self.to.push(b'\t');
        match value {
            Some(text) => self.escaped(text.as_bytes()),
            None => self.to.extend_from_slice(b"\\N"),
        }
    }

    /// Anything that shows as PostgreSQL reads it and needs no escapes: numbers, days, times.
    pub(super) fn plain(&mut self, value: Option<impl Display>) {
        match value {
            Some(value) => self.text(Some(&value.to_string())),
            None => self.text(None),
        }
    }

    /// A `bytea`.
    pub(super) fn bytes(&mut self, value: Option<&[u8]>) {
        let hex = value.map(|bytes| {
            bytes.iter().fold("\\x".to_owned(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            })
        });
        self.text(hex.as_deref());
    }

    /// A `text[]`.
    pub(super) fn texts<T: AsRef<str>>(&mut self, values: &[T]) {
        let quoted: Vec<String> = values
            .iter()
            .map(|value| format!("\"{}\"", value.as_ref().replace('\\', "\\\\").replace('"', "\\\"")))
            .collect();
        self.text(Some(&format!("{{{}}}", quoted.join(","))));
    }

    /// An `int[]`.
    pub(super) fn numbers(&mut self, values: &[i32]) {
        let shown: Vec<String> = values.iter().map(i32::to_string).collect();
        self.text(Some(&format!("{{{}}}", shown.join(","))));
    }

    fn escaped(&mut self, text: &[u8]) {
        for byte in text {
            match byte {
                b'\\' => self.to.extend_from_slice(b"\\\\"),
                b'\t' => self.to.extend_from_slice(b"\\t"),
                b'\n' => self.to.extend_from_slice(b"\\n"),
                b'\r' => self.to.extend_from_slice(b"\\r"),
                other => self.to.push(*other),
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_row_escapes_what_copy_would_take_for_its_own() {
        let mut to = Vec::new();
        let mut row = Row::begin(&mut to, 7, "a\tb");
        row.text(None);
        row.texts(&["x\"y", "\\"]);
        row.numbers(&[1, 2]);
        row.bytes(Some(&[0, 255]));
        row.end();
        let row = String::from_utf8(to).unwrap();
        assert_eq!(row, "7\ta\\tb\t\\N\t{\"x\\\\\"y\",\"\\\\\\\\\"}\t{1,2}\t\\\\x00ff\n");
    }
}
