//! Cards against the real database: what they state is what the ledger says, and what is taken back is gone.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, NaiveDate, Utc};
use madang_core::{
    ids::{TickerId, UserId},
    tickers::Catalogue,
};
use madang_creators::{
    cards::CardKey,
    disclosure::{self, Scope},
    markets::{Markets, Snapshot},
    profit_cards::{self, Made, Refused, Request, State},
    records,
    returns::Window,
};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use support::{accept, market, market_days, people, today};

struct Desk {
    pool: PgPool,
    market: Arc<Snapshot>,
    catalogue: Catalogue,
    key: CardKey,
    user: UserId,
    days: Vec<NaiveDate>,
}

const WHOLE: Scope = Scope { ticker: None, holdings: true, trade_delay: None, amounts: false };

fn row(day: NaiveDate, id: &str, kind: &str, quantity: u32, price: u32) -> Value {
    json!({"trade_id": id, "user": "zq1", "kind": kind, "symbol": "XKRX:000001", "quantity": quantity, "price": price,
           "fee": 15, "executed_at": format!("{day}T15:20:00+09:00")})
}

/// Bought at 1,000 and 1,200, sold at 1,500: cost 22,030 with fees, 29,970 came back.
async fn desk(pool: &PgPool) -> Result<Desk> {
    let user = people(pool, 1).await?[0];
    let days = market_days(60);
    market(pool, &days, |_, day| 1_000.0 + 10.0 * day as f64).await?;
    accept(
        pool,
        &[
            row(days[5], "B1", "buy", 10, 1_000),
            row(days[20], "B2", "buy", 10, 1_200),
            row(days[50], "S1", "sell", 20, 1_500),
        ],
    )
    .await?;
    let market = Markets::new(pool.clone(), &[]).now().await?;
    let catalogue = Catalogue::load(pool).await?;
    let key = CardKey::derive(b"a key of tests");
    Ok(Desk { pool: pool.clone(), market, catalogue, key, user, days })
}

impl Desk {
    async fn agree(&self, scope: Scope, now: DateTime<Utc>) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        records::lock(&mut tx, self.user).await?;
        ensure!(disclosure::grant(&mut tx, self.user, scope, 1, now).await?.is_ok());
        profit_cards::withdraw(&mut tx, self.user).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn revoke(&self) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        records::lock(&mut tx, self.user).await?;
        disclosure::end(&mut tx, self.user, None, today()).await?;
        profit_cards::withdraw(&mut tx, self.user).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn make_in(&self, tx: &mut PgConnection, request: Request) -> Result<Made, Refused> {
        let with = (&*self.market, &self.catalogue, &self.key);
        profit_cards::make(tx, with, (self.user, "zq1", "zq"), request, today()).await
    }

    async fn make(&self, request: Request) -> Result<Made> {
        let mut tx = self.pool.begin().await?;
        let made = self.make_in(&mut tx, request).await?;
        tx.commit().await?;
        Ok(made)
    }

    async fn refresh(&self) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        records::lock(&mut tx, self.user).await?;
        profit_cards::refresh(&mut tx, (&self.market, &self.key), self.user, today()).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn state(&self, made: &Made) -> Result<State> {
        Ok(profit_cards::read(&self.pool, &self.key, made.id).await?.context("no card")?.1)
    }

    async fn shown(&self) -> Result<Vec<Value>> {
        let cards = profit_cards::list(&self.pool, self.user, i64::MAX, 1_000).await?;
        Ok(cards.into_iter().map(|(_, body)| body).collect())
    }
}

const POSITION: Request = Request::Position { ticker: TickerId::new(1), opened: None };
const WINDOW: Request = Request::Window { ticker: None, window: Window::All };

#[sqlx::test(migrations = "../migrations")]
async fn a_card_states_what_the_ledger_says_to_the_won(pool: PgPool) -> Result<()> {
    let desk = desk(&pool).await?;
    let mut tx = pool.begin().await?;
    ensure!(matches!(desk.make_in(&mut tx, POSITION).await, Err(Refused::NotDisclosed)));
    tx.rollback().await?;
    desk.agree(Scope { amounts: true, ..WHOLE }, today()).await?;
    let made = desk.make(POSITION).await?;
    let (cost, back) = (22_030.0_f64, 29_985.0_f64);
    let shown: f64 = made.body["shown"].as_str().context("no rate")?.parse()?;
    ensure!((shown - (back / cost - 1.0)).abs() < 5e-7, "{}", made.body);
    ensure!(made.body["amounts"]["realised"] == "7955", "{}", made.body);
    ensure!(made.body["from"] == desk.days[5].to_string() && made.body["to"] == desk.days[50].to_string());
    ensure!(made.body["denominator"] == "cost_of_position" && made.body["state"] == "valid");
    // The same again, of the same ledger: the same figures under another id.
    let again = desk.make(POSITION).await?;
    for member in ["shown", "account", "market", "record", "drawdown", "cherry_index", "ranked_among"] {
        ensure!(made.body[member] == again.body[member], "{member}");
    }
    let mut tx = pool.begin().await?;
    let other = Request::Position { ticker: TickerId::new(2), opened: None };
    ensure!(matches!(desk.make_in(&mut tx, other).await, Err(Refused::NothingToShow)));
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_card_goes_with_consent_and_comes_back_with_it(pool: PgPool) -> Result<()> {
    let desk = desk(&pool).await?;
    desk.agree(Scope { amounts: true, ..WHOLE }, today()).await?;
    let (with_money, window) = (desk.make(POSITION).await?, desk.make(WINDOW).await?);
    // Amounts are not ticked any more.
    desk.agree(WHOLE, today()).await?;
    ensure!(desk.state(&with_money).await? == State::Withdrawn && desk.state(&window).await? == State::Valid);
    // Holdings are not shown any more: nothing about a ticker is.
    let plain = desk.make(POSITION).await?;
    desk.agree(Scope { holdings: false, ..WHOLE }, today()).await?;
    ensure!(desk.state(&plain).await? == State::Withdrawn && desk.state(&window).await? == State::Valid);
    desk.revoke().await?;
    ensure!(desk.state(&window).await? == State::Withdrawn);
    for body in desk.shown().await? {
        let members: Vec<&String> = body.as_object().context("no object")?.keys().collect();
        ensure!(members == ["id", "state", "text"] && body["state"] == "withdrawn", "{body}");
    }
    // A ticker alone does not bring back what prints the whole account.
    desk.agree(Scope { ticker: Some(TickerId::new(1)), ..WHOLE }, today()).await?;
    desk.refresh().await?;
    ensure!(desk.shown().await?.iter().all(|body| body["state"] == "withdrawn"));
    desk.agree(WHOLE, today()).await?;
    desk.refresh().await?;
    ensure!(desk.state(&window).await? == State::Valid && desk.state(&with_money).await? == State::Withdrawn);
    ensure!(desk.shown().await?.iter().filter(|body| body["state"] == "valid").count() == 2);
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn taking_consent_back_needs_no_key_and_forgets_no_card(pool: PgPool) -> Result<()> {
    const CARDS: i64 = 230;
    let desk = desk(&pool).await?;
    desk.agree(WHOLE, today()).await?;
    let first = desk.make(WINDOW).await?;
    for _ in 1..CARDS {
        // As many rows as cards, made by hand: each would judge all others.
        sqlx::query(
            "WITH a AS (INSERT INTO attachments (author_id, body) SELECT author_id, body FROM attachments WHERE id = $1
                        RETURNING id)
             INSERT INTO profit_cards (id, user_id, ticker_id, token, shown, made_at, revision, has_amounts)
             SELECT a.id, c.user_id, c.ticker_id, c.token, c.shown, c.made_at, c.revision, c.has_amounts
             FROM a, profit_cards c WHERE c.id = $1",
        )
        .bind(first.id.get())
        .execute(&pool)
        .await?;
    }
    let rotated = Desk { key: CardKey::derive(b"another key"), ..desk };
    rotated.revoke().await?;
    let left: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM attachments WHERE body ? 'shown' OR body ->> 'state' = 'valid'",
    )
    .fetch_one(&pool)
    .await?;
    ensure!(left == 0, "{left} of {CARDS} cards show something yet");
    ensure!(
        profit_cards::read(&pool, &rotated.key, first.id).await?.is_none(),
        "a card of another key was read"
    );
    Ok(())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_correction_ends_a_card_and_what_came_later_does_not(pool: PgPool) -> Result<()> {
    let desk = desk(&pool).await?;
    desk.agree(WHOLE, today()).await?;
    let card = desk.make(POSITION).await?;
    // Later prices and later trades are no news about what was.
    sqlx::query("UPDATE prices SET close = close * 2 WHERE ticker_id = 2").execute(&pool).await?;
    let mut later = row(desk.days[59], "later", "buy", 1, 1_590);
    later["executed_at"] = json!((today() + chrono::Duration::minutes(30)).to_rfc3339());
    accept(&pool, &[later]).await?;
    desk.refresh().await?;
    ensure!(desk.state(&card).await? == State::Valid, "a later trade ended it");
    let mut corrected = row(desk.days[5], "C1", "buy", 10, 1_400);
    corrected["corrects"] = json!("B1");
    accept(&pool, &[corrected]).await?;
    ensure!(desk.state(&card).await? == State::Superseded);
    desk.refresh().await?;
    ensure!(desk.shown().await?[0]["state"] == "superseded", "{:?}", desk.shown().await?);
    desk.revoke().await?;
    ensure!(desk.shown().await?[0]["state"] == "withdrawn");
    Ok(())
}

/// A worker that computes cards, somebody who makes one, and their taking consent back, all at once: afterwards
/// nothing is shown.
#[sqlx::test(migrations = "../migrations")]
async fn no_race_brings_a_card_back_after_consent_is_gone(pool: PgPool) -> Result<()> {
    const ROUNDS: usize = 25;
    let desk = desk(&pool).await?;
    for _ in 0..ROUNDS {
        desk.agree(WHOLE, today()).await?;
        desk.make(WINDOW).await?;
        let (refreshed, made, revoked, again) =
            tokio::join!(desk.refresh(), desk.make(POSITION), desk.revoke(), desk.refresh());
        refreshed?;
        again?;
        revoked?;
        // Refused if it came after.
        drop(made);
        let shown = desk.shown().await?;
        ensure!(shown.iter().all(|body| body["state"] == "withdrawn"), "{shown:?}");
    }
    println!("{ROUNDS} rounds of two refreshes, a card and a revocation at once");
    Ok(())
}
