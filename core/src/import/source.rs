//! The files of an archive, plain or gzip, read line by line in a thread of their own.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::{Path, PathBuf},
};

use anyhow::Context;
use flate2::bufread::MultiGzDecoder;
use tokio::sync::mpsc::Sender;

use super::{
    copy::Row,
    rejects::{Reject, excerpt},
};

/// Longest line that is looked at.
const MAX_LINE_BYTES: u64 = 1 << 20;
/// How much is gathered before it goes to PostgreSQL.
const BATCH_BYTES: usize = 256 << 10;
const BATCH_LINES: u64 = 5_000;

/// A file of the archive that is there.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// Its name, as the rejects file says it.
    pub(super) name: String,
    path: PathBuf,
}

impl Source {
    /// Finds `name` or `name.gz` in the folder; where both are, the plain one counts.
    pub(super) fn find(dir: &Path, name: &str) -> Option<Self> {
        [name.to_owned(), format!("{name}.gz")].into_iter().find_map(|name| {
            let path = dir.join(&name);
            path.is_file().then_some(Self { name, path })
        })
    }

    fn open(&self) -> io::Result<Box<dyn BufRead + Send>> {
        let file = BufReader::with_capacity(1 << 16, File::open(&self.path)?);
        if self.name.ends_with(".gz") {
            return Ok(Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(file))));
        }
        Ok(Box::new(file))
    }

    /// Its lines, each with its number counted from 1; one that is too long or not UTF-8 is an error that says so.
    pub(super) fn lines(
        &self,
    ) -> io::Result<impl Iterator<Item = (u64, Result<String, String>)> + Send + use<>> {
        let mut from = self.open()?;
        let mut number = 0;
        let mut broken = false;
        Ok(std::iter::from_fn(move || {
            if broken {
                return None;
            }
            number += 1;
            let mut bytes = Vec::new();
            match (&mut from).take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes) {
                Ok(0) => None,
                Ok(_) if !bytes.ends_with(b"\n") && bytes.len() as u64 == MAX_LINE_BYTES => {
                    broken = true;
                    Some((number, Err("is longer than a mebibyte; nothing after it is read".to_owned())))
                }
                Ok(_) => {
                    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned());
                    Some((number, text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned())))
                }
                Err(error) => {
                    broken = true;
                    Some((number, Err(format!("the file breaks off: {error}"))))
                }
            }
        }))
    }
}

/// Turns lines into staging rows.
pub(super) trait Table: Send + 'static {
    /// Whether the first line names the columns.
    const HEADED: bool;

    /// Takes that first line; fails when the file is of another kind.
    fn header(&mut self, line: &str) -> anyhow::Result<()>;

    /// Writes the row of a line, or says why there is none.
    fn row(&mut self, line: &str, row: &mut Row<'_>) -> Result<(), String>;
}

/// Some lines, read.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Staging rows in PostgreSQL's text form.
    pub(super) rows: Vec<u8>,
    /// Lines that gave none.
    pub(super) rejects: Vec<Reject>,
    /// Lines read.
    pub(super) lines: u64,
}

/// A line's number among all files of a stage: rows sort by file, then line.
pub(super) const fn seq(file: usize, line: u64) -> u64 {
    ((file as u64) << 40) | line
}

/// The file and line behind such a number.
pub(super) const fn file_and_line(seq: u64) -> (usize, u64) {
    ((seq >> 40) as usize, seq & ((1 << 40) - 1))
}

/// Reads a file to its end, in batches. A file that breaks off gives the lines before the break and one
/// reject that says so.
pub(super) fn read<T: Table>(
    source: &Source,
    file: usize,
    mut table: T,
    to: &Sender<Batch>,
) -> anyhow::Result<()> {
    let shown = source.path.display();
    let mut from = source.open().with_context(|| format!("failed to open {shown}"))?;
    let mut batch = Batch::default();
    let mut buffer = Vec::new();
    for number in 1.. {
        let line = match next_line(&mut from, &mut buffer) {
            Ok(Read::End) => break,
            Ok(line) => line,
            Err(error) => {
                let reason = format!("the file cannot be read further: {error}");
                batch.reject(number, reason, String::new());
                break;
            }
        };
        if T::HEADED && number == 1 {
            read_header(&mut table, line).with_context(|| format!("{shown} is refused"))?;
            continue;
        }
        batch.take(file, number, line, &mut table);
        let full = batch.rows.len() >= BATCH_BYTES || batch.lines >= BATCH_LINES;
        // Nobody receives any more when the import has failed, and that says why.
        if full && to.blocking_send(std::mem::take(&mut batch)).is_err() {
            return Ok(());
        }
    }
    let _ = to.blocking_send(batch);
    Ok(())
}

fn read_header(table: &mut impl Table, line: Read<'_>) -> anyhow::Result<()> {
    let header = text(line).map_err(|why| anyhow::anyhow!("its header {why}"))?;
    table.header(header.trim_start_matches('\u{FEFF}'))
}

#[derive(Clone, Copy)]
enum Read<'a> {
    End,
    Line(&'a [u8]),
    TooLong(&'a [u8]),
}

fn next_line<'a>(from: &mut dyn BufRead, buffer: &'a mut Vec<u8>) -> io::Result<Read<'a>> {
    buffer.clear();
    (&mut *from).take(MAX_LINE_BYTES).read_until(b'\n', buffer)?;
    if buffer.is_empty() {
        return Ok(Read::End);
    }
    if buffer.last() == Some(&b'\n') {
        buffer.pop();
        if buffer.last() == Some(&b'\r') {
            buffer.pop();
        }
    } else if buffer.len() as u64 >= MAX_LINE_BYTES {
        skip_line(from)?;
        return Ok(Read::TooLong(buffer));
    }
    Ok(Read::Line(buffer))
}

fn skip_line(from: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let held = from.fill_buf()?;
        let (used, done) = match held.iter().position(|b| *b == b'\n') {
            Some(at) => (at + 1, true),
            None => (held.len(), held.is_empty()),
        };
        from.consume(used);
        if done {
            return Ok(());
        }
    }
}

fn text<'a>(line: Read<'a>) -> Result<&'a str, String> {
    match line {
        Read::End => Ok(""),
        Read::TooLong(_) => Err(format!("is longer than {MAX_LINE_BYTES} bytes")),
        Read::Line(bytes) if bytes.contains(&0) => Err("contains a NUL character".to_owned()),
        Read::Line(bytes) => std::str::from_utf8(bytes).map_err(|error| format!("is not UTF-8: {error}")),
    }
}

impl Batch {
    fn reject(&mut self, line: u64, reason: String, text: String) {
        self.rejects.push(Reject { line, reason, text });
    }

    fn take(&mut self, file: usize, number: u64, line: Read<'_>, table: &mut impl Table) {
        let (Read::Line(bytes) | Read::TooLong(bytes)) = line else {
            return;
        };
        self.lines += 1;
        if bytes.is_empty() {
            return;
        }
        let start = self.rows.len();
        let shown = excerpt(bytes);
        let taken = text(line).and_then(|line| {
            let mut row = Row::begin(&mut self.rows, seq(file, number), &shown);
            table.row(line, &mut row)?;
            row.end();
            Ok(())
        });
        if let Err(reason) = taken {
            self.rows.truncate(start);
            self.reject(number, reason, shown);
        }
    }
}
