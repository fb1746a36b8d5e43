//! Taking a batch in. One transaction: each row is accepted, known already, or refused with its reason, and
//! nothing is half-applied. The ledgers of all people in it are locked first, in one order.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use madang_core::{ids::UserId, tickers::Catalogue};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use super::{
    books::{Books, Verdict},
    people::{self, People},
    refusals,
    renames::Renames,
    row::{self, RawRow, Refusal, Row},
    store,
};
use crate::feeds;

pub use super::people::Names;

/// Most rows of a batch.
pub const MAX_ROWS: usize = 10_000;

/// Rows that came together.
#[derive(Debug)]
pub struct Batch<'a> {
    /// Each row, or why it could not even be read, with what came.
    pub rows: Vec<Result<RawRow, (Value, Refusal)>>,
    /// What `user` means first.
    pub names: Names,
    /// Who sent it, for the refusals.
    pub source: &'a str,
    /// When.
    pub now: DateTime<Utc>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It counts.
    Accepted,
    /// It was here already, the same.
    Duplicate,
    /// It does not count.
    Refused,
}

/// A row's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The broker's id as sent, empty if there was none.
    pub trade_id: String,
    /// What became of it.
    pub status: Status,
    /// Why, if it was refused.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

/// A row on its way, with its place in the batch.
pub(super) struct Candidate {
    pub(super) place: usize,
    pub(super) row: Row,
    pub(super) fingerprint: [u8; 32],
    pub(super) user: UserId,
}

/// A batch under way: what each place has become.
struct Desk {
    ids: Vec<String>,
    refused: HashMap<usize, Refusal>,
    known: Vec<usize>,
    /// places that repeat an earlier one
    repeats: Vec<(usize, usize)>,
}

impl Desk {
    fn refuse(&mut self, place: usize, refusal: Refusal) {
        self.refused.insert(place, refusal);
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let origin =
            |place: usize| self.repeats.iter().find(|(repeat, _)| *repeat == place).map(|(_, first)| *first);
        let outcome = |(place, trade_id): (usize, &String)| {
            let refusal = self.refused.get(&origin(place).unwrap_or(place)).cloned();
            let status = match (&refusal, origin(place)) {
                (Some(_), _) => Status::Refused,
                (None, Some(_)) => Status::Duplicate,
                (None, None) if self.known.contains(&place) => Status::Duplicate,
                (None, None) => Status::Accepted,
            };
            Outcome { trade_id: trade_id.clone(), status, refusal }
        };
        self.ids.iter().enumerate().map(outcome).collect()
    }
}

/// Takes a batch in and asks for the returns of everybody it concerns to be computed anew. At most
/// [`MAX_ROWS`] rows; the answers stand in their order.
///
/// # Errors
/// Those of the database. `ledger_entries_trade_unique` means that another batch with one of these ids was
/// taken in at the same moment: sent again, this one will do.
pub async fn take(
    tx: &mut PgConnection,
    catalogue: &Catalogue,
    batch: Batch<'_>,
) -> sqlx::Result<Vec<Outcome>> {
    let (mut desk, rows) = read(catalogue, &batch);
    let candidates = identify(tx, &mut desk, rows, batch.names).await?;
    let users: Vec<UserId> = candidates.iter().map(|candidate| candidate.user).collect();
    let begun = people::lock(tx, &users).await?;
    let candidates = unknown_so_far(tx, &mut desk, candidates).await?;
    let mut books = Books::load(tx, &candidates, &Renames::of(catalogue)).await?;
    let (verdicts, accepted) = books.judge(candidates);
    for Verdict { place, refusal } in verdicts {
        desk.refuse(place, refusal);
    }
    people::settle(tx, &begun, &first_currencies(&accepted)).await?;
    // All jobs at once, and last: see `feeds` for the order of locks.
    let concerned = store::insert(tx, &accepted).await?;
    feeds::ask(tx, &concerned).await?;
    keep_refusals(tx, &desk, &batch).await?;
    Ok(desk.outcomes())
}

fn read(catalogue: &Catalogue, batch: &Batch<'_>) -> (Desk, Vec<(usize, Row, [u8; 32])>) {
    let mut desk = Desk { ids: Vec::new(), refused: HashMap::new(), known: Vec::new(), repeats: Vec::new() };
    let mut first: HashMap<String, (usize, [u8; 32])> = HashMap::new();
    let mut rows = Vec::new();
    for (place, sent) in batch.rows.iter().enumerate() {
        let (id, parsed) = match sent {
            Ok(raw) => (raw.get("trade_id").unwrap_or_default(), row::parse(raw, catalogue, batch.now)),
            Err((value, refusal)) => {
                (value.get("trade_id").and_then(Value::as_str).unwrap_or_default(), Err(refusal.clone()))
            }
        };
        desk.ids.push(
            id.chars().take(128).map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c }).collect(),
        );
        match parsed {
            Err(refusal) => desk.refuse(place, refusal),
            Ok(row) => {
                let fingerprint = row.fingerprint();
                match first.get(&row.trade_id) {
                    Some((earlier, same)) if *same == fingerprint => desk.repeats.push((place, *earlier)),
                    Some(_) => desk.refuse(place, conflict("another row of this batch")),
                    None => {
                        first.insert(row.trade_id.clone(), (place, fingerprint));
                        rows.push((place, row, fingerprint));
                    }
                }
            }
        }
    }
    (desk, rows)
}

fn conflict(with: &str) -> Refusal {
    let words = format!(
        "{with} has this id and says something else; corrections are rows of their own with `corrects`"
    );
    Refusal::new("conflict", "trade_id", words)
}

async fn identify(
    tx: &mut PgConnection,
    desk: &mut Desk,
    rows: Vec<(usize, Row, [u8; 32])>,
    names: Names,
) -> sqlx::Result<Vec<Candidate>> {
    let all: Vec<&Row> = rows.iter().map(|(_, row, _)| row).collect();
    let people = People::find(tx, &all, names).await?;
    let mut candidates = Vec::with_capacity(rows.len());
    for (place, row, fingerprint) in rows {
        match people.of(&row) {
            Some(user) => candidates.push(Candidate { place, row, fingerprint, user }),
            None => {
                let field = if row.subject.is_some() { "subject" } else { "user" };
                desk.refuse(place, Refusal::new("unknown_person", field, "nobody here is called that"));
            }
        }
    }
    Ok(candidates)
}

/// What a ledger that begins now is kept in: the currency of its earliest row that has one.
fn first_currencies(accepted: &[Candidate]) -> HashMap<UserId, &'static str> {
    let mut first: HashMap<UserId, (DateTime<Utc>, &'static str)> = HashMap::new();
    for Candidate { row, user, .. } in accepted {
        let Some(currency) = row.currency else {
            continue;
        };
        let entry = first.entry(*user).or_insert((row.executed_at, currency));
        if row.executed_at < entry.0 {
            *entry = (row.executed_at, currency);
        }
    }
    first.into_iter().map(|(user, (_, currency))| (user, currency)).collect()
}

/// Leaves out rows that are here already. Under the lock, so that two batches cannot both think they are first.
async fn unknown_so_far(
    tx: &mut PgConnection,
    desk: &mut Desk,
    candidates: Vec<Candidate>,
) -> sqlx::Result<Vec<Candidate>> {
    let here = store::known(tx, candidates.iter().map(|candidate| candidate.row.trade_id.clone())).await?;
    let mut fresh = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        match here.get(&candidate.row.trade_id) {
            None => fresh.push(candidate),
            Some((owner, _)) if *owner != candidate.user => {
                let words = "this trade stands in the ledger of another (or deleted) account";
                desk.refuse(candidate.place, Refusal::new("conflict", "trade_id", words));
            }
            Some((_, same)) if same.as_slice() == candidate.fingerprint => desk.known.push(candidate.place),
            Some(_) => desk.refuse(candidate.place, conflict("a row taken in earlier")),
        }
    }
    desk.known.sort_unstable();
    Ok(fresh)
}

async fn keep_refusals(tx: &mut PgConnection, desk: &Desk, batch: &Batch<'_>) -> sqlx::Result<()> {
    let mut places: Vec<&usize> = desk.refused.keys().collect();
    places.sort_unstable();
    let kept: Vec<refusals::Kept> = places
        .into_iter()
        .filter_map(|place| {
            let sent = match batch.rows.get(*place)? {
                Ok(raw) => raw.to_json(),
                Err((value, _)) => value.clone(),
            };
            Some(refusals::Kept { trade_id: desk.ids.get(*place)?, refusal: desk.refused.get(place)?, sent })
        })
        .collect();
    refusals::keep(tx, &kept, batch.source, batch.now).await
}
