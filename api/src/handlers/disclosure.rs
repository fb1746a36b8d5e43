//! What a person agrees to show of their returns.

use actix_web::{HttpResponse, http::StatusCode};
use madang_core::{
    changes::{self, Change},
    ids::{TickerId, UserId},
    jobs::{self, JobKind},
};
use madang_creators::{
    contradictions,
    disclosure::{self, DELAYS, Refused, Scope},
    profit_cards, records,
};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;

use super::account::send;
use crate::{
    call::{Body, Call, Done, Effects},
    problem::Problem,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewDisclosure {
    consent_version: i32,
    ticker: Option<String>,
    #[serde(default)]
    holdings: bool,
    trade_delay: Option<i16>,
    #[serde(default)]
    amounts: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    ticker: Option<String>,
}

/// `GET /v1/me/disclosure`
pub(crate) async fn read(call: Call) -> Result<HttpResponse, Problem> {
    let user = call.who()?.user;
    let mut conn = call.app.pool.acquire().await?;
    Ok(send(&own(&mut conn, user).await?))
}

async fn own(conn: &mut PgConnection, user: UserId) -> Result<serde_json::Value, Problem> {
    let all = disclosure::of(&mut *conn, user).await?;
    let text = disclosure::consent_text(conn).await?;
    let (in_force, history): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.revoked_at.is_none());
    Ok(json!({"consent": text, "in_force": in_force, "history": history}))
}

async fn find(call: &Call, name: &str) -> Result<TickerId, Problem> {
    call.app.feed.catch_up().await?;
    let catalogue = call.app.feed.catalogue().await?;
    let ticker =
        catalogue.find(name).ok_or_else(|| Problem::field("ticker", "is not listed; write market:code"))?;
    Ok(catalogue.current(ticker.id))
}

/// `PUT /v1/me/disclosure`
pub(crate) async fn grant(call: Call, body: Body) -> Result<HttpResponse, Problem> {
    let user = call.who()?.user;
    let input: NewDisclosure = body.parse()?;
    if input.trade_delay.is_some_and(|delay| !DELAYS.contains(&delay)) {
        return Err(Problem::field("trade_delay", "must be 0, 1 or 20 market days, or null for never"));
    }
    let ticker = match &input.ticker {
        None => None,
        Some(name) => Some(find(&call, name).await?),
    };
    let scope =
        Scope { ticker, holdings: input.holdings, trade_delay: input.trade_delay, amounts: input.amounts };
    call.write(body.bytes(), async |tx| {
        records::lock(&mut *tx, user).await?;
        disclosure::grant(tx, user, scope, input.consent_version, call.now).await?.map_err(refused)?;
        let answer = own(tx, user).await?.to_string();
        let effects = shown_anew(&call, tx, user).await?;
        Ok(Done::json(StatusCode::OK, answer, effects))
    })
    .await
}

fn refused(why: Refused) -> Problem {
    match why {
        Refused::OtherText(version) => Problem::field(
            "consent_version",
            format!(
                "must be {version}: the text of that number is in force; read it at GET /v1/me/disclosure"
            ),
        ),
        Refused::NeverHeld => Problem::field("ticker", "you never held it, so there is nothing to show"),
    }
}

/// Cards and labels on posts follow the consent before the answer: what may not be shown any more goes here and now;
/// what may be shown again, a worker brings back.
async fn shown_anew(call: &Call, tx: &mut PgConnection, user: UserId) -> Result<Effects, Problem> {
    let mut changed = vec![Change::Disclosure(user)];
    changed.extend(contradictions::refresh(&mut *tx, user, call.now).await?);
    changed.extend(profit_cards::withdraw(&mut *tx, user).await?);
    jobs::enqueue(&mut *tx, JobKind::Returns, user.get(), 0, std::time::Duration::ZERO).await?;
    changes::record(tx, &changed).await?;
    Ok(Effects { changed: true, ..Effects::default() })
}

/// `DELETE /v1/me/disclosure`
pub(crate) async fn revoke(call: Call) -> Result<HttpResponse, Problem> {
    let user = call.who()?.user;
    let query: Which = call.query()?;
    let what = match &query.ticker {
        None => None,
        Some(name) => Some(Some(find(&call, name).await?)),
    };
    call.write(b"", async |tx| {
        records::lock(&mut *tx, user).await?;
        disclosure::end(tx, user, what, call.now).await?;
        Ok(Done::empty(shown_anew(&call, tx, user).await?))
    })
    .await
}
