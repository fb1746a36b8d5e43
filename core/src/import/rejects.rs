//! The rejects file: `file,line,reason,text`, one row a line that was not imported.

use std::{fs::File, io::BufWriter, path::Path};

use anyhow::Context;

/// Most characters of a rejected line that are kept.
const TEXT_CHARS: usize = 200;

/// A line that cannot be imported.
#[derive(Debug)]
pub(super) struct Reject {
    /// Where it stands, counted from 1.
    pub(super) line: u64,
    /// Why.
    pub(super) reason: String,
    /// How it begins.
    pub(super) text: String,
}

/// The beginning of a line as the rejects file shows it.
pub(super) fn excerpt(line: &[u8]) -> String {
    // A character has at most four bytes, so what is cut here would be cut below.
    let start = line.get(..TEXT_CHARS * 4).unwrap_or(line);
    String::from_utf8_lossy(start)
        .chars()
        .take(TEXT_CHARS)
        .map(|c| if c == '\0' { '\u{FFFD}' } else { c })
        .collect()
}

/// The open rejects file.
pub(super) struct Rejects {
    to: csv::Writer<BufWriter<File>>,
}

impl Rejects {
    /// Goes on with a file that was begun.
    pub(super) fn append(path: &Path) -> anyhow::Result<Self> {
        let file = File::options().append(true).create(true).open(path);
        let file = file.with_context(|| format!("failed to open {}", path.display()))?;
        Ok(Self { to: csv::Writer::from_writer(BufWriter::new(file)) })
    }

    /// Starts the file anew, so that what stands in it is of this run.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("failed to create {}", path.display()))?;
        let mut to = csv::Writer::from_writer(BufWriter::new(file));
        to.write_record(["file", "line", "reason", "text"])?;
        to.flush()?;
        Ok(Self { to })
    }

    /// Adds a line.
    pub(super) fn add(&mut self, file: &str, reject: &Reject) -> anyhow::Result<()> {
        let line = reject.line.to_string();
        self.to
            .write_record([file, &line, &reject.reason, &reject.text])
            .context("failed to write the rejects file")
    }

    /// Writes out what is buffered.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        self.to.flush().context("failed to write the rejects file")
    }
}
