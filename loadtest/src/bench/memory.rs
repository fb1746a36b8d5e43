//! Bytes of Redis a timeline entry, over timelines whose lengths lie between the cap and twice the cap.

use anyhow::{Context, Result, ensure};

use super::{
    community::{self, READERS},
    figures::{Report, Series},
    resp::{Command, Reply},
    rig::Rig,
};

/// The stored form: a header of 28 bytes, 8 more for each author it names (their number stands in bytes 6
/// and 7), then entries of 16.
const HEADER: i64 = 28;
const NAME: i64 = 8;
const ENTRY: i64 = 16;
const DEFAULT_CAP: i64 = 500;

/// Measures and reports.
pub(crate) async fn measure(rig: &mut Rig, report: &mut Report) -> Result<()> {
    eprintln!("bytes an entry");
    rig.drained().await?;
    let cap =
        std::env::var("TIMELINE_CAP").ok().and_then(|text| text.trim().parse().ok()).unwrap_or(DEFAULT_CAP);
    let stored = entries(rig).await?;
    let used = ask_each(rig, |key| Command::new(&["MEMORY", "USAGE", key])).await?;
    let (mut lengths, mut bytes, mut total) = (Series::default(), 0.0, 0.0);
    for (entries, used) in stored.into_iter().zip(used) {
        let Reply::Number(used) = used else { continue };
        // One post more than twice the cap may have come since the last cut.
        if !(cap..=2 * cap).contains(&entries) {
            continue;
        }
        let (entries, used) = (f64::from(i32::try_from(entries)?), f64::from(i32::try_from(used)?));
        lengths.push(entries);
        bytes += used;
        total += entries;
    }
    ensure!(total > 0.0, "no timeline lies between the cap and twice the cap");
    let note = "sum of MEMORY USAGE over entries stored; aim ≤ 24, 16 of them the entry";
    report.number("bytes_per_entry", "bytes a timeline entry", bytes / total, note);
    let note = "of the timelines in that figure";
    report.single("entries_per_timeline", "entries stored", &lengths, note);
    Ok(())
}

async fn ask_each(rig: &mut Rig, ask: impl Fn(&str) -> Command) -> Result<Vec<Reply>> {
    let commands: Vec<Command> =
        (0..READERS).map(|number| ask(&rig.timeline(&community::reader(number)))).collect();
    let commands: Vec<&Command> = commands.iter().collect();
    rig.redis.ask_all(&commands).await
}

async fn entries(rig: &mut Rig) -> Result<Vec<i64>> {
    let lengths = ask_each(rig, |key| Command::new(&["STRLEN", key])).await?;
    let heads = ask_each(rig, |key| Command::new(&["GETRANGE", key, "0", "7"])).await?;
    let mut entries = Vec::with_capacity(lengths.len());
    for (length, head) in lengths.iter().zip(&heads) {
        let (Reply::Number(length), Reply::Bytes(head)) = (length, head) else {
            continue;
        };
        let names = match head.as_slice() {
            [_, _, _, _, _, _, low, high] => i64::from(u16::from_le_bytes([*low, *high])),
            _ => 0,
        };
        entries.push((length - HEADER - names * NAME).max(0) / ENTRY);
    }
    (entries.len() == READERS).then_some(entries).context("Redis did not tell all lengths")
}
