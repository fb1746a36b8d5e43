//! Making, storing and verifying cards again.

use chrono::{DateTime, Utc};
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
    chosen::choice,
    facts::{self, Maker},
    shown,
};
use crate::{
    cards::{BadFacts, CardFacts, CardKey, Choice, Seal, decode, encode},
    markets::Snapshot,
    records::{self, NoRecord},
};

/// Most cards a person's choice is judged by, the newest.
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
    pub(super) ticker: Option<TickerId>,
    pub(super) typical: Option<f64>,
    state: State,
    pub(super) attached: bool,
}

/// Computes, seals and stores a card. The person's ledger is locked meanwhile, as it is by whoever takes consent
/// back: of the two, the later one sees the other.
pub async fn make(
    tx: &mut PgConnection,
    (market, catalogue, key): (&Snapshot, &Catalogue, &CardKey),
    (author, handle, name): (UserId, &str, &str),
    request: Request,
    now: DateTime<Utc>,
) -> Result<Made, Refused> {
    records::lock(&mut *tx, author).await?;
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
        "INSERT INTO profit_cards (id, user_id, ticker_id, token, shown, percentile, typical, made_at, revision,
             has_amounts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id.get(),
        author.get(),
        request.ticker().map(TickerId::get),
        token,
        stated.facts.shown.fraction(),
        stated.facts.cherry_index.map(|index| index.value()),
        stated.typical,
        maker.made_at,
        computed.revision,
        stated.facts.amounts.is_some()
    )
    .execute(&mut *tx)
    .await?;
    let changes = refresh(tx, (market, key), author, now).await?;
    let body = attachments::own(&mut *tx, id, author).await?.map_or(Value::Null, |one| one.body);
    Ok(Made { id: maker.card, body, changes })
}

struct Consent {
    version: i32,
    amounts: bool,
}

/// What is agreed to about a card of that ticker or of the account, now. A card prints the whole account's return,
/// so that must be agreed to in any case.
async fn consent(
    tx: &mut PgConnection,
    user: UserId,
    ticker: Option<TickerId>,
) -> sqlx::Result<Option<Consent>> {
    let row = sqlx::query!(
        "SELECT consent_version, amounts FROM disclosures
         WHERE user_id = $1 AND revoked_at IS NULL AND card_disclosed($1, $2, false)
           AND (ticker_id = $2 OR ticker_id IS NULL)
         ORDER BY ticker_id NULLS LAST LIMIT 1",
        user.get(),
        ticker.map(TickerId::get)
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
    state: State,
    attached: bool,
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
        typical: row.typical,
        state: row.state,
        attached: row.attached,
    })
}

const fn state(disclosed: bool, changed: bool) -> State {
    match (disclosed, changed) {
        (false, _) => State::Withdrawn,
        (true, true) => State::Superseded,
        (true, false) => State::Valid,
    }
}

/// A card, and whether it holds: the seal is of these facts, what it shows is disclosed at this moment, and the
/// broker has reported nothing since about the time before it was made.
pub async fn read(
    executor: impl PgExecutor<'_>,
    key: &CardKey,
    id: CardId,
) -> sqlx::Result<Option<(Kept, State, Choice)>> {
    let row = sqlx::query!(
        r#"SELECT c.id, c.user_id, c.ticker_id, c.token, c.typical, a.body -> 'cherry_picked' = 'true' AS picked,
                  card_disclosed(c.user_id, c.ticker_id, c.has_amounts) AS "disclosed!",
                  ledger_changed(c.user_id, c.revision, c.made_at) AS "changed!"
           FROM profit_cards c JOIN attachments a ON a.id = c.id WHERE c.id = $1"#,
        id.get()
    )
    .fetch_optional(executor)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let choice = if row.picked == Some(true) { Choice::CherryPicked } else { Choice::Ordinary };
    let row = Row {
        id: row.id,
        user_id: row.user_id,
        ticker_id: row.ticker_id,
        token: row.token,
        typical: row.typical,
        state: state(row.disclosed, row.changed),
        attached: false,
    };
    Ok(kept(row, key).map(|card| {
        let state = card.state;
        (card, state, choice)
    }))
}

/// The newest cards of a person, for judging what they chose to show.
async fn of(tx: &mut PgConnection, user: UserId, key: &CardKey) -> sqlx::Result<Vec<Kept>> {
    let rows = sqlx::query!(
        r#"SELECT c.id, c.user_id, c.ticker_id, c.token, c.typical,
                  card_disclosed(c.user_id, c.ticker_id, c.has_amounts) AS "disclosed!",
                  ledger_changed(c.user_id, c.revision, c.made_at) AS "changed!",
                  EXISTS (SELECT FROM posts p WHERE p.attachment_id = c.id) AS "attached!"
           FROM profit_cards c WHERE c.user_id = $1 ORDER BY c.id DESC LIMIT $2"#,
        user.get(),
        MAX_CARDS
    )
    .fetch_all(tx)
    .await?;
    let rows = rows.into_iter().map(|row| Row {
        id: row.id,
        user_id: row.user_id,
        ticker_id: row.ticker_id,
        token: row.token,
        typical: row.typical,
        state: state(row.disclosed, row.changed),
        attached: row.attached,
    });
    Ok(rows.filter_map(|row| kept(row, key)).collect())
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

/// Takes every card of a person off that may not be shown now, or that the ledger does not bear out any more. Needs
/// neither key nor markets, so that nothing can keep it from happening. Returns the changes, for the caller to record
/// as its last act.
pub async fn withdraw(tx: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<Change>> {
    let mut changes = Vec::new();
    for (state, hidden) in [(State::Withdrawn, true), (State::Superseded, false)] {
        let gone = sqlx::query_scalar!(
            "UPDATE profit_cards SET state = $2 WHERE id IN (
                 SELECT c.id FROM profit_cards c WHERE c.user_id = $1 AND c.state <> $2
                   AND card_disclosed(c.user_id, c.ticker_id, c.has_amounts) <> $3
                   AND ($3 OR ledger_changed(c.user_id, c.revision, c.made_at))
                 ORDER BY c.id FOR UPDATE) RETURNING id",
            user.get(),
            state.as_str(),
            hidden
        )
        .fetch_all(&mut *tx)
        .await?;
        for id in gone {
            changes.extend(
                attachments::update(&mut *tx, AttachmentId::new(id), &shown::taken_off(id, state)).await?,
            );
        }
    }
    Ok(changes)
}

/// Brings what posts show of a person's cards up to date with consent, ledger and judgement. Returns the changes,
/// for the caller to record as its last act. The caller holds the person's ledger.
pub async fn refresh(
    tx: &mut PgConnection,
    (market, key): (&Snapshot, &CardKey),
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<Change>, NoRecord> {
    let mut changes = withdraw(tx, user).await?;
    let cards = of(tx, user, key).await?;
    if cards.iter().all(|card| card.state != State::Valid) {
        return Ok(changes);
    }
    let Some(computed) = records::compute(tx, market, user, now.date_naive()).await? else {
        return Ok(changes);
    };
    let choice = choice(&computed.record, &cards);
    for card in cards.iter().filter(|card| card.state == State::Valid) {
        let body = shown::json(card.id.get(), State::Valid, &card.facts, &card.seal, choice, &card.token);
        changes.extend(put(tx, card, &body).await?);
    }
    Ok(changes)
}

async fn put(tx: &mut PgConnection, card: &Kept, body: &Value) -> sqlx::Result<Vec<Change>> {
    let id = AttachmentId::new(card.id.get());
    if attachments::own(&mut *tx, id, card.author).await?.is_some_and(|known| known.body == *body) {
        return Ok(Vec::new());
    }
    sqlx::query!("UPDATE profit_cards SET state = 'valid' WHERE id = $1", card.id.get())
        .execute(&mut *tx)
        .await?;
    attachments::update(tx, id, body).await
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
