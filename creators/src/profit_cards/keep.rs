//! Making, storing and verifying cards again.

use chrono::{DateTime, NaiveDate, Utc};
use madang_core::{
    changes::Change,
    ids::{AttachmentId, CardId, TickerId, UserId},
    posts::attachments,
    tickers::Catalogue,
};
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

use super::{
    Request,
    facts::{self, Maker},
    shown,
};
use crate::{
    cards::{
        BadFacts, CardFacts, CardKey, Choice, Judgement, Seal, ShownWindow, Subject, decode, encode, judge,
    },
    markets::Snapshot,
    records::{self, NoRecord},
    returns::{Record, Window},
};

/// Most cards a person's choice is judged by; older ones stay as they are.
const MAX_CARDS: i64 = 200;

/// Whether a card holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does.
    Valid,
    /// Its author no longer discloses.
    Withdrawn,
    /// The ledger says something else by now.
    Superseded,
}

impl State {
    /// The name in the table and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Withdrawn => "withdrawn",
            Self::Superseded => "superseded",
        }
    }
}

/// Why there is no card.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No consent is in force for it.
    #[error("not disclosed")]
    NotDisclosed,
    /// The record has no such position or window.
    #[error("no such position or window")]
    NothingToShow,
    /// Figures that no card can state.
    #[error(transparent)]
    Facts(#[from] BadFacts),
    /// The record cannot be had.
    #[error(transparent)]
    Record(#[from] NoRecord),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Record(error.into())
    }
}

/// A card that was made.
#[derive(Debug)]
pub struct Made {
    /// Its id.
    pub id: CardId,
    /// As it is shown.
    pub body: Value,
    /// Other cards whose judgement changed with it.
    pub changes: Vec<Change>,
}

/// A card as it is kept.
#[derive(Debug)]
pub struct Kept {
    /// Its id.
    pub id: CardId,
    /// Whose.
    pub author: UserId,
    /// What it states.
    pub facts: CardFacts,
    /// The seal.
    pub seal: Seal,
    /// The facts and the seal as they travel.
    pub token: String,
    ticker: Option<TickerId>,
    as_of: NaiveDate,
    typical: Option<f64>,
    checked_revision: i64,
    stored: String,
}

/// Computes, seals and stores a card.
pub async fn make(
    tx: &mut PgConnection,
    (market, catalogue, key): (&Snapshot, &Catalogue, &CardKey),
    (author, handle, name): (UserId, &str, &str),
    request: Request,
    now: DateTime<Utc>,
) -> Result<Made, Refused> {
    let consent = consent(tx, author, request.ticker()).await?.ok_or(Refused::NotDisclosed)?;
    let computed =
        records::compute(tx, market, author, now.date_naive()).await?.ok_or(Refused::NothingToShow)?;
    let id = attachments::add(tx, author, &Value::Null).await?;
    let maker = Maker {
        card: CardId::new(id.get()),
        author,
        handle: handle.to_owned(),
        name: if name.trim().is_empty() { handle.to_owned() } else { name.to_owned() },
        made_at: DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now),
        consent_version: consent.version,
        amounts: consent.amounts,
    };
    let stated = facts::state(&computed.record, request, &maker, computed.revision, catalogue)?
        .ok_or(Refused::NothingToShow)?;
    let token = encode(&stated.facts, key)?;
    sqlx::query!(
        "INSERT INTO profit_cards (id, user_id, ticker_id, token, shown, percentile, typical, as_of, made_at,
             checked_revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id.get(),
        author.get(),
        request.ticker().map(TickerId::get),
        token,
        stated.facts.shown.fraction(),
        stated.facts.cherry_index.map(|index| index.value()),
        stated.typical,
        computed.record.as_of,
        maker.made_at,
        computed.revision
    )
    .execute(&mut *tx)
    .await?;
    let changes = refresh(tx, (market, catalogue, key), author, now).await?;
    let body = attachments::own(&mut *tx, id, author).await?.map_or(Value::Null, |one| one.body);
    Ok(Made { id: maker.card, body, changes })
}

struct Consent {
    version: i32,
    amounts: bool,
}

/// What is agreed to about that return, now.
async fn consent(
    tx: &mut PgConnection,
    user: UserId,
    ticker: Option<TickerId>,
) -> sqlx::Result<Option<Consent>> {
    let row = sqlx::query!(
        "SELECT consent_version, amounts FROM disclosures
         WHERE user_id = $1 AND revoked_at IS NULL AND disclosed($1, $2)
           AND (ticker_id = $2 OR (ticker_id IS NULL AND ($2 = 0 OR holdings)))
         ORDER BY ticker_id NULLS LAST LIMIT 1",
        user.get(),
        ticker.map_or(0, TickerId::get)
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| Consent { version: row.consent_version, amounts: row.amounts }))
}

struct Row {
    id: i64,
    user_id: i64,
    ticker_id: Option<i32>,
    token: String,
    typical: Option<f64>,
    as_of: NaiveDate,
    state: String,
    checked_revision: i64,
}

/// A row whose seal does not fit was not made here, and is none.
fn kept(row: Row, key: &CardKey) -> Option<Kept> {
    let (facts, seal) = decode(&row.token, key).ok()?;
    (facts.card.get() == row.id && facts.author.get() == row.user_id).then_some(Kept {
        id: CardId::new(row.id),
        author: UserId::new(row.user_id),
        facts,
        seal,
        token: row.token,
        ticker: row.ticker_id.map(TickerId::new),
        as_of: row.as_of,
        typical: row.typical,
        checked_revision: row.checked_revision,
        stored: row.state,
    })
}

/// A card and whether it holds, computed again from the ledger as it is now.
pub async fn read(
    tx: &mut PgConnection,
    (market, catalogue, key): (&Snapshot, &Catalogue, &CardKey),
    id: CardId,
) -> Result<Option<(Kept, State, Choice)>, NoRecord> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, user_id, ticker_id, token, typical, as_of, state, checked_revision FROM profit_cards WHERE id = $1",
        id.get()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(card) = row.and_then(|row| kept(row, key)) else { return Ok(None) };
    let record = records::compute(tx, market, card.author, Utc::now().date_naive()).await?;
    let all = of(tx, card.author, key).await?;
    let choice = record.as_ref().map_or(Choice::Ordinary, |now| choice(&now.record, &all));
    // The consent is asked for last: what is taken back before this is not shown.
    let holds = still_says(tx, (market, catalogue), &card).await?;
    let state = match consent(tx, card.author, card.ticker).await? {
        None => State::Withdrawn,
        Some(_) if holds => State::Valid,
        Some(_) => State::Superseded,
    };
    Ok(Some((card, state, choice)))
}

async fn of(tx: &mut PgConnection, user: UserId, key: &CardKey) -> sqlx::Result<Vec<Kept>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, user_id, ticker_id, token, typical, as_of, state, checked_revision FROM profit_cards
         WHERE user_id = $1 ORDER BY id DESC LIMIT $2",
        user.get(),
        MAX_CARDS
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().filter_map(|row| kept(row, key)).collect())
}

/// Whether the ledger, of what had happened when the card was made, still gives these facts.
async fn still_says(
    tx: &mut PgConnection,
    (market, catalogue): (&Snapshot, &Catalogue),
    card: &Kept,
) -> Result<bool, NoRecord> {
    let facts = &card.facts;
    let then = (card.as_of, facts.made_at);
    let Some(computed) = records::compute_at(tx, market, card.author, then).await? else { return Ok(false) };
    let Some(request) = request(card) else { return Ok(false) };
    let maker = Maker {
        card: facts.card,
        author: facts.author,
        handle: facts.handle.clone(),
        name: facts.name.clone(),
        made_at: facts.made_at,
        consent_version: facts.consent_version,
        amounts: facts.amounts.is_some(),
    };
    let again = facts::state(&computed.record, request, &maker, facts.ledger_revision, catalogue);
    let same = |stated: &CardFacts| {
        // Names of tickers and people may have changed; what was earned may not.
        (stated.shown, stated.account, stated.market, stated.record, stated.drawdown)
            == (facts.shown, facts.account, facts.market, facts.record, facts.drawdown)
            && (stated.cherry_index, stated.ranked_among) == (facts.cherry_index, facts.ranked_among)
            && stated.amounts == facts.amounts
            && stated.subject.days() == facts.subject.days()
    };
    Ok(again.is_ok_and(|stated| stated.is_some_and(|stated| same(&stated.facts))))
}

fn request(card: &Kept) -> Option<Request> {
    Some(match &card.facts.subject {
        Subject::Position { opened, .. } => Request::Position { ticker: card.ticker?, opened: Some(*opened) },
        Subject::Window { window, .. } => {
            Request::Window { ticker: card.ticker, window: Window::parse(window.code())? }
        }
    })
}

/// What all cards of a person say together about the choice of what is shown.
fn choice(record: &Record, cards: &[Kept]) -> Choice {
    let mut closed: Vec<(TickerId, NaiveDate, Option<NaiveDate>, f64)> = facts::closed(record)
        .into_iter()
        .map(|(ticker, opened, closed, rate)| (ticker, opened, Some(closed), rate))
        .collect();
    let (mut shown, mut windows) = (Vec::new(), Vec::new());
    for card in cards {
        match &card.facts.subject {
            Subject::Position { opened, closed: until, .. } => {
                let same = |one: &(TickerId, NaiveDate, Option<NaiveDate>, f64)| {
                    Some(one.0) == card.ticker && one.1 == *opened && one.2 == *until
                };
                let at = closed.iter().position(same).unwrap_or_else(|| {
                    let ticker = card.ticker.unwrap_or(TickerId::new(0));
                    closed.push((ticker, *opened, *until, card.facts.shown.fraction()));
                    closed.len() - 1
                });
                shown.push(at);
            }
            Subject::Window { from, to, .. } => {
                windows.extend(card.facts.cherry_index.map(|index| ShownWindow {
                    from: *from,
                    to: *to,
                    index: index.value(),
                    shown: card.facts.shown.fraction(),
                    typical: card.typical.unwrap_or_default(),
                }))
            }
        }
    }
    let rates: Vec<f64> = closed.iter().map(|one| one.3).collect();
    let Judgement { picked, .. } = judge(&rates, &shown, &windows);
    if picked.is_some() { Choice::CherryPicked } else { Choice::Ordinary }
}

/// Whether somebody has made any card.
pub async fn any(executor: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM profit_cards WHERE user_id = $1) AS "any!""#,
        user.get()
    )
    .fetch_one(executor)
    .await
}

/// Brings what posts show of a person's cards up to date with consent and ledger. Returns the changes, for the
/// caller to record as its last act.
pub async fn refresh(
    tx: &mut PgConnection,
    (market, catalogue, key): (&Snapshot, &Catalogue, &CardKey),
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<Change>, NoRecord> {
    let cards = of(tx, user, key).await?;
    if cards.is_empty() {
        return Ok(Vec::new());
    }
    let Some(computed) = records::compute(tx, market, user, now.date_naive()).await? else {
        return Ok(Vec::new());
    };
    let choice = choice(&computed.record, &cards);
    let mut changes = Vec::new();
    for card in &cards {
        let was_valid = card.stored != State::Superseded.as_str();
        let holds = if card.checked_revision == computed.revision {
            was_valid
        } else {
            still_says(tx, (market, catalogue), card).await?
        };
        let state = match consent(tx, user, card.ticker).await? {
            None => State::Withdrawn,
            Some(_) if holds => State::Valid,
            Some(_) => State::Superseded,
        };
        // Withdrawn says nothing of the ledger, so that is looked at again when consent returns.
        let checked = if state == State::Withdrawn && !holds { 0 } else { computed.revision };
        let body = shown::json(card.id.get(), state, &card.facts, &card.seal, choice, &card.token);
        changes.extend(put(tx, card, state, checked, &body).await?);
    }
    Ok(changes)
}

async fn put(
    tx: &mut PgConnection,
    card: &Kept,
    state: State,
    checked: i64,
    body: &Value,
) -> sqlx::Result<Vec<Change>> {
    sqlx::query!(
        "UPDATE profit_cards SET state = $2, checked_revision = $3 WHERE id = $1",
        card.id.get(),
        state.as_str(),
        checked
    )
    .execute(&mut *tx)
    .await?;
    let id = AttachmentId::new(card.id.get());
    match attachments::own(&mut *tx, id, card.author).await? {
        Some(known) if known.body == *body => Ok(Vec::new()),
        _ => attachments::update(tx, id, body).await,
    }
}

/// One's own cards as they are shown, of ids below `below`, newest first.
pub async fn list(
    executor: impl PgExecutor<'_>,
    user: UserId,
    below: i64,
    limit: i64,
) -> sqlx::Result<Vec<(i64, Value)>> {
    let rows = sqlx::query!(
        "SELECT c.id, a.body FROM profit_cards c JOIN attachments a ON a.id = c.id
         WHERE c.user_id = $1 AND c.id < $2 ORDER BY c.id DESC LIMIT $3",
        user.get(),
        below,
        limit
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.body)).collect())
}
