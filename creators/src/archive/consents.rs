//! `disclosures.csv`: consents that were given elsewhere, with their time. One that is in force here stays.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use madang_core::{
    changes::{self, Change},
    handle::Handle,
    ids::UserId,
    import::{Progress, TableFile, Tally},
    jobs::{self, JobKind},
    tickers::Catalogue,
};
use sqlx::{PgConnection, PgPool};

use super::{read, value};
use crate::disclosure::{DELAYS, Scope};

const COLUMNS: &[&str] =
    &["user", "symbol", "holdings", "trade_delay", "amounts", "consent_version", "granted_at"];

struct Consent {
    user: UserId,
    scope: Scope,
    version: i32,
    granted_at: DateTime<Utc>,
}

pub(super) async fn import(
    pool: &PgPool,
    file: &mut TableFile,
    progress: &dyn Progress,
) -> anyhow::Result<Tally> {
    let catalogue = Catalogue::load(pool).await?;
    let mut chunks = read(file, COLUMNS)?;
    let mut tally = Tally::default();
    while let Some(chunk) = chunks.recv().await {
        progress.advance(chunk.len() as u64);
        let mut tx = pool.begin().await?;
        let named =
            chunk.iter().filter_map(|(_, values)| Some(value(values.as_ref().ok()?, "user").to_owned()));
        let people = find(&mut tx, named.collect()).await?;
        let mut agreed = Vec::new();
        for (line, values) in chunk {
            let parsed = values.and_then(|values| parse(&values, &people, &catalogue));
            let added = match parsed {
                Ok(consent) => {
                    agreed.push(consent.user.get());
                    add(&mut tx, &consent).await?
                }
                Err(reason) => Err(reason),
            };
            match added {
                Ok(true) => tally.new += 1,
                Ok(false) => tally.here += 1,
                Err(reason) => {
                    tally.rejected += 1;
                    file.reject(line, reason, "")?;
                }
            }
        }
        // What hangs on consent is looked at anew.
        jobs::enqueue_many(&mut *tx, JobKind::Returns, &agreed, 0, std::time::Duration::ZERO).await?;
        agreed.sort_unstable();
        agreed.dedup();
        let shown: Vec<Change> = agreed.iter().map(|user| Change::Disclosure(UserId::new(*user))).collect();
        if !shown.is_empty() {
            changes::record(&mut tx, &shown).await?;
        }
        tx.commit().await?;
    }
    file.flush()?;
    Ok(tally)
}

async fn find(tx: &mut PgConnection, users: Vec<String>) -> sqlx::Result<HashMap<String, UserId>> {
    let fold = |user: &String| Handle::parse(user).ok().map(|handle| handle.fold());
    let folded: Vec<String> = users.iter().filter_map(fold).collect();
    let rows = sqlx::query!(
        "SELECT id, handle_fold, external_id FROM users
         WHERE (external_id = ANY($1) OR handle_fold = ANY($2)) AND deleted_at IS NULL",
        &users,
        &folded
    )
    .fetch_all(tx)
    .await?;
    let mut found = HashMap::new();
    for row in &rows {
        found.insert(row.handle_fold.clone(), UserId::new(row.id));
    }
    // An archive's own ids win over handles.
    for row in rows {
        found.extend(row.external_id.map(|external| (external, UserId::new(row.id))));
    }
    Ok(found)
}

fn parse(
    values: &[(String, String)],
    people: &HashMap<String, UserId>,
    catalogue: &Catalogue,
) -> Result<Consent, String> {
    let name = value(values, "user");
    let fold = || people.get(&Handle::parse(name).ok()?.fold());
    let user = people.get(name).or_else(fold).ok_or_else(|| format!("user {name:?} is unknown"))?;
    let ticker = match value(values, "symbol") {
        "" => None,
        symbol => {
            let ticker = catalogue.find(symbol).ok_or_else(|| format!("symbol {symbol:?} is unknown"))?;
            Some(catalogue.current(ticker.id))
        }
    };
    let flag = |column: &str| {
        value(values, column).parse::<bool>().map_err(|_| format!("{column} is not true or false"))
    };
    let trade_delay = match value(values, "trade_delay") {
        "" => None,
        delay => {
            Some(delay.parse().ok().filter(|d| DELAYS.contains(d)).ok_or("trade_delay is not 0, 1 or 20")?)
        }
    };
    let at = DateTime::parse_from_rfc3339(value(values, "granted_at"));
    let granted_at = at.map_err(|_| "granted_at is not a time as in RFC 3339")?.to_utc();
    if granted_at > Utc::now() {
        return Err("granted_at is in the future".to_owned());
    }
    let version = value(values, "consent_version").parse().map_err(|_| "consent_version is not a number")?;
    let scope = Scope { ticker, holdings: flag("holdings")?, trade_delay, amounts: flag("amounts")? };
    Ok(Consent { user: *user, scope, version, granted_at })
}

/// Whether it was added; an error says what it lacks here.
async fn add(tx: &mut PgConnection, consent: &Consent) -> sqlx::Result<Result<bool, String>> {
    let Consent { user, scope, version, granted_at } = consent;
    let known = sqlx::query!("SELECT FROM consent_texts WHERE version = $1", version)
        .fetch_optional(&mut *tx)
        .await?;
    if known.is_none() {
        return Ok(Err(format!("consent_version {version} is unknown")));
    }
    // Taken back since stays taken back.
    let added = sqlx::query!(
        "INSERT INTO disclosures (user_id, ticker_id, holdings, trade_delay, amounts, consent_version, granted_at)
         SELECT $1, $2, $3, $4, $5, $6, $7 WHERE NOT EXISTS (
             SELECT FROM disclosures WHERE user_id = $1 AND ticker_id IS NOT DISTINCT FROM $2
               AND (revoked_at IS NULL OR granted_at >= $7))",
        user.get(),
        scope.ticker.map(|ticker| ticker.get()),
        scope.holdings,
        scope.trade_delay,
        scope.amounts,
        version,
        granted_at
    )
    .execute(tx)
    .await?;
    Ok(Ok(added.rows_affected() == 1))
}
