//! Files of an archive that another crate takes in: their lines by column, and where wrong ones go.

use std::path::Path;

use super::{
    fields,
    rejects::{Reject, Rejects, excerpt},
    source::Source,
};

/// A line of the file: its number, and its values by column or what is wrong with it.
pub type Line = (u64, Result<Vec<(String, String)>, String>);

/// One CSV file of an archive.
pub struct TableFile {
    source: Source,
    rejects: Rejects,
}

impl TableFile {
    /// Finds `name` or `name.gz`; wrong lines are added to the rejects file of this import.
    pub fn find(dir: &Path, name: &str, rejects: &Path) -> anyhow::Result<Option<Self>> {
        let Some(source) = Source::find(dir, name) else {
            return Ok(None);
        };
        Ok(Some(Self { source, rejects: Rejects::append(rejects)? }))
    }

    /// Reads the lines behind the header.
    ///
    /// # Errors
    /// The file cannot be read, or its header lacks one of `required`.
    pub fn lines(&self, required: &[&str]) -> anyhow::Result<impl Iterator<Item = Line> + Send + use<>> {
        let mut lines = self.source.lines()?;
        let header = lines.next().map_or(Ok(String::new()), |(_, line)| line).unwrap_or_default();
        let header = fields::split(header.trim_start_matches('\u{FEFF}'));
        let header = header.map_err(|why| anyhow::anyhow!("the header of {} {why}", self.source.name))?;
        let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        for name in required {
            let found = header.iter().any(|column| column == name);
            anyhow::ensure!(found, "the header of {} lacks the column {name:?}", self.source.name);
        }
        Ok(lines
            .filter(|(_, line)| line.as_ref().is_ok_and(|line| !line.trim().is_empty()) || line.is_err())
            .map(move |(number, line)| {
                let values = line.and_then(|line| by_column(&header, &line));
                (number, values)
            }))
    }

    /// Notes a wrong line.
    pub fn reject(&mut self, line: u64, reason: String, text: &str) -> anyhow::Result<()> {
        self.rejects.add(&self.source.name, &Reject { line, reason, text: excerpt(text.as_bytes()) })
    }

    /// Writes out what was noted.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        self.rejects.flush()
    }
}

fn by_column(header: &[String], line: &str) -> Result<Vec<(String, String)>, String> {
    let values = fields::split(line)?;
    if values.len() != header.len() {
        return Err(format!("has {} fields, the header has {}", values.len(), header.len()));
    }
    Ok(header.iter().cloned().zip(values.iter().map(|value| value.trim().to_owned())).collect())
}
