//! The ledger's own statements.

use std::collections::{BTreeMap, HashMap};

use madang_core::ids::{TickerId, UserId};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::{intake::Candidate, row::Row, splits};

/// Whose the rows with these ids are that are here already, and what they say.
pub(super) async fn known(
    tx: &mut PgConnection,
    ids: impl Iterator<Item = String>,
) -> sqlx::Result<HashMap<String, (UserId, Vec<u8>)>> {
    let ids: Vec<String> = ids.collect();
    let rows = sqlx::query!(
        "SELECT trade_id, user_id, fingerprint FROM ledger_entries WHERE trade_id = ANY($1)",
        &ids
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.trade_id, (UserId::new(row.user_id), row.fingerprint))).collect())
}

/// The accepted rows by column.
#[derive(Default)]
struct Columns {
    ids: Vec<i64>,
    trade_ids: Vec<String>,
    fingerprints: Vec<Vec<u8>>,
    users: Vec<i64>,
    kinds: Vec<String>,
    tickers: Vec<Option<i32>>,
    quantities: Vec<Option<Decimal>>,
    prices: Vec<Option<Decimal>>,
    amounts: Vec<Option<Decimal>>,
    fees: Vec<Decimal>,
    taxes: Vec<Decimal>,
    split_news: Vec<Option<i32>>,
    split_olds: Vec<Option<i32>>,
    currencies: Vec<Option<String>>,
    times: Vec<chrono::DateTime<chrono::Utc>>,
    days: Vec<chrono::NaiveDate>,
    corrects: Vec<Option<String>>,
}

impl Columns {
    fn push(&mut self, id: i64, candidate: &Candidate) {
        let Candidate { row, fingerprint, user, .. } = candidate;
        let Row { trade_id, kind, ticker, quantity, price, amount, fee, tax, ratio, currency, .. } = row;
        self.ids.push(id);
        self.trade_ids.push(trade_id.clone());
        self.fingerprints.push(fingerprint.to_vec());
        self.users.push(user.get());
        self.kinds.push(kind.as_str().to_owned());
        self.tickers.push(ticker.map(TickerId::get));
        self.quantities.push(*quantity);
        self.prices.push(*price);
        self.amounts.push(*amount);
        self.fees.push(*fee);
        self.taxes.push(*tax);
        self.split_news.push(ratio.map(|(new, _)| new));
        self.split_olds.push(ratio.map(|(_, old)| old));
        self.currencies.push(currency.map(str::to_owned));
        self.times.push(row.executed_at);
        self.days.push(row.day);
        self.corrects.push(row.corrects.clone());
    }
}

/// Adds the rows. Returns whom they concern, in order.
pub(super) async fn insert(tx: &mut PgConnection, accepted: &[Candidate]) -> sqlx::Result<Vec<i64>> {
    let count = i64::try_from(accepted.len()).unwrap_or(i64::MAX);
    // Drawn before, so that a row can name another one of the same batch.
    let ids = sqlx::query_scalar!(
        r#"SELECT nextval(pg_get_serial_sequence('ledger_entries', 'id')) AS "id!" FROM generate_series(1, $1::bigint)"#,
        count
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut columns = Columns::default();
    ids.iter().zip(accepted).for_each(|(id, candidate)| columns.push(*id, candidate));
    insert_columns(tx, &columns).await?;
    note_currencies(tx, &columns).await?;
    let holders = splits::keep(tx, ids.iter().copied().zip(accepted)).await?;
    // The ids ascend, so that the last of a person is the greatest.
    let last: BTreeMap<i64, i64> = columns.users.iter().copied().zip(ids.iter().copied()).collect();
    let (users, revisions): (Vec<i64>, Vec<i64>) = last.into_iter().unzip();
    sqlx::query!(
        "UPDATE ledger_people p SET revision = greatest(p.revision, n.last)
         FROM unnest($1::bigint[], $2::bigint[]) AS n (u, last) WHERE p.user_id = n.u",
        &users,
        &revisions
    )
    .execute(tx)
    .await?;
    let mut concerned = [users, holders].concat();
    concerned.sort_unstable();
    concerned.dedup();
    Ok(concerned)
}

/// Notes which currencies a person's rows are in, so that a new rate finds whom it concerns.
async fn note_currencies(tx: &mut PgConnection, columns: &Columns) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO ledger_currencies (user_id, currency)
         SELECT DISTINCT u, c FROM unnest($1::bigint[], $2::text[]) AS n (u, c) WHERE c IS NOT NULL
         ORDER BY u, c ON CONFLICT DO NOTHING",
        &columns.users,
        &columns.currencies as &[Option<String>]
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert_columns(tx: &mut PgConnection, columns: &Columns) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH rows AS (
             SELECT * FROM unnest(
                 $1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::text[], $6::integer[], $7::numeric[],
                 $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::integer[], $13::integer[],
                 $14::text[], $15::timestamptz[], $16::date[], $17::text[])
             AS r (id, trade_id, fingerprint, user_id, kind, ticker_id, quantity, price, amount, fee, tax, split_new,
                   split_old, currency, executed_at, day, corrects))
         INSERT INTO ledger_entries (id, trade_id, fingerprint, user_id, kind, ticker_id, quantity, price, amount,
             fee, tax, split_new, split_old, currency, executed_at, day, corrects)
         OVERRIDING SYSTEM VALUE
         SELECT r.id, r.trade_id, r.fingerprint, r.user_id, r.kind, r.ticker_id, r.quantity, r.price, r.amount,
             r.fee, r.tax, r.split_new, r.split_old, r.currency, r.executed_at, r.day,
             coalesce(mine.id, here.id)
         FROM rows r LEFT JOIN rows mine ON mine.trade_id = r.corrects
         LEFT JOIN ledger_entries here ON here.trade_id = r.corrects
         ORDER BY r.id",
        &columns.ids,
        &columns.trade_ids,
        &columns.fingerprints,
        &columns.users,
        &columns.kinds,
        &columns.tickers as &[Option<i32>],
        &columns.quantities as &[Option<Decimal>],
        &columns.prices as &[Option<Decimal>],
        &columns.amounts as &[Option<Decimal>],
        &columns.fees,
        &columns.taxes,
        &columns.split_news as &[Option<i32>],
        &columns.split_olds as &[Option<i32>],
        &columns.currencies as &[Option<String>],
        &columns.times,
        &columns.days,
        &columns.corrects as &[Option<String>]
    )
    .execute(tx)
    .await?;
    Ok(())
}
