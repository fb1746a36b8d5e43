//! What the people of a batch hold, move by move, and which of its rows fit in. Late rows are checked against
//! everything after them too: a row that would make a later sale impossible is refused.

use std::collections::HashMap;

use chrono::NaiveDate;
use madang_core::ids::{TickerId, UserId};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::{
    held::{self, Move, Short, Step},
    intake::Candidate,
    row::{Kind, Refusal, Row},
};

/// Rows of this batch come after all that are here, for moves of one time.
const NEW: i64 = i64::MAX / 2;

/// A row that is not accepted.
pub(super) struct Verdict {
    pub(super) place: usize,
    pub(super) refusal: Refusal,
}

/// A row another one may correct.
#[derive(Debug, Clone, Copy)]
struct Target {
    user: UserId,
    order: i64,
    ticker: Option<TickerId>,
    voided: bool,
}

/// The holdings of a batch.
#[derive(Default)]
pub(super) struct Books {
    holdings: HashMap<(UserId, TickerId), Vec<Step>>,
    targets: HashMap<String, Target>,
    splits: HashMap<(TickerId, NaiveDate), (i32, i32)>,
}

/// How a row of that kind moves a holding.
fn change(kind: Kind, quantity: Option<Decimal>, ratio: Option<(i32, i32)>) -> Option<Move> {
    match kind {
        Kind::Buy | Kind::SharesIn => quantity.map(Move::In),
        Kind::Sell | Kind::SharesOut => quantity.map(Move::Out),
        Kind::Split => ratio.map(|(new, old)| Move::Split(new, old)),
        _ => None,
    }
}

fn step(candidate: &Candidate) -> Option<Step> {
    let Row { kind, quantity, ratio, executed_at, day, .. } = &candidate.row;
    let order = NEW + i64::try_from(candidate.place).unwrap_or(0);
    Some(Step { at: *executed_at, order, day: *day, change: change(*kind, *quantity, *ratio)? })
}

impl Books {
    /// Loads the holdings the rows move, and the rows they correct.
    pub(super) async fn load(tx: &mut PgConnection, candidates: &[Candidate]) -> sqlx::Result<Self> {
        let mut books = Self::default();
        let corrected: Vec<String> = candidates.iter().filter_map(|c| c.row.corrects.clone()).collect();
        let rows = sqlx::query!(
            r#"SELECT e.trade_id, e.id, e.user_id, e.ticker_id, e.kind,
                      EXISTS (SELECT FROM ledger_entries c WHERE c.corrects = e.id) AS "voided!"
               FROM ledger_entries e WHERE e.trade_id = ANY($1)"#,
            &corrected
        )
        .fetch_all(&mut *tx)
        .await?;
        let mut touched: Vec<(UserId, TickerId)> =
            candidates.iter().filter_map(|c| Some((c.user, c.row.ticker?))).collect();
        for row in rows {
            let (user, ticker) = (UserId::new(row.user_id), row.ticker_id.map(TickerId::new));
            touched.extend(ticker.map(|ticker| (user, ticker)));
            let voided = row.voided || row.kind == Kind::Cancellation.as_str();
            books.targets.insert(row.trade_id, Target { user, order: row.id, ticker, voided });
        }
        touched.sort_unstable();
        touched.dedup();
        books.load_holdings(tx, &touched).await?;
        books.load_splits(tx, candidates).await?;
        Ok(books)
    }

    async fn load_holdings(
        &mut self,
        tx: &mut PgConnection,
        touched: &[(UserId, TickerId)],
    ) -> sqlx::Result<()> {
        let users: Vec<i64> = touched.iter().map(|(user, _)| user.get()).collect();
        let tickers: Vec<i32> = touched.iter().map(|(_, ticker)| ticker.get()).collect();
        let rows = sqlx::query!(
            r#"SELECT e.id, e.user_id, e.ticker_id AS "ticker_id!", e.kind, e.quantity, e.split_new, e.split_old,
                      e.executed_at, e.day
               FROM unnest($1::bigint[], $2::integer[]) AS t (user_id, ticker_id)
               JOIN ledger_entries e ON e.user_id = t.user_id AND e.ticker_id = t.ticker_id
               WHERE e.kind IN ('buy', 'sell', 'shares_in', 'shares_out', 'split')
                 AND NOT EXISTS (SELECT FROM ledger_entries c WHERE c.corrects = e.id)
               ORDER BY e.executed_at, e.id"#,
            &users,
            &tickers
        )
        .fetch_all(tx)
        .await?;
        for row in rows {
            let ratio = row.split_new.zip(row.split_old);
            let change = Kind::parse(&row.kind).and_then(|kind| change(kind, row.quantity, ratio));
            let key = (UserId::new(row.user_id), TickerId::new(row.ticker_id));
            let step = change.map(|change| Step { at: row.executed_at, order: row.id, day: row.day, change });
            self.holdings.entry(key).or_default().extend(step);
        }
        Ok(())
    }

    async fn load_splits(&mut self, tx: &mut PgConnection, candidates: &[Candidate]) -> sqlx::Result<()> {
        let splits = candidates.iter().filter(|c| c.row.kind == Kind::Split);
        let tickers: Vec<i32> = splits.filter_map(|c| c.row.ticker.map(TickerId::get)).collect();
        let rows =
            sqlx::query!("SELECT * FROM splits WHERE ticker_id = ANY($1)", &tickers).fetch_all(tx).await?;
        self.splits.extend(
            rows.into_iter()
                .map(|row| ((TickerId::new(row.ticker_id), row.day), (row.new_shares, row.old_shares))),
        );
        Ok(())
    }

    /// Says which rows fit: first those that stand for themselves, in order of time, then corrections, in the
    /// order in which they came.
    pub(super) fn judge(&mut self, candidates: Vec<Candidate>) -> (Vec<Verdict>, Vec<Candidate>) {
        let mut verdicts = Vec::new();
        let (correcting, mut plain): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|candidate| candidate.row.corrects.is_some());
        plain.retain(|candidate| match self.same_split(candidate) {
            Ok(()) => true,
            Err(refusal) => {
                verdicts.push(Verdict { place: candidate.place, refusal });
                false
            }
        });
        let mut accepted = self.judge_plain(plain, &mut verdicts);
        for candidate in correcting {
            match self.correct(&candidate) {
                Ok(()) => accepted.push(candidate),
                Err(refusal) => verdicts.push(Verdict { place: candidate.place, refusal }),
            }
        }
        accepted.sort_unstable_by_key(|candidate| candidate.place);
        (verdicts, accepted)
    }

    /// A split is one for all who hold the share.
    fn same_split(&mut self, candidate: &Candidate) -> Result<(), Refusal> {
        let (Some(ratio), Some(ticker)) = (candidate.row.ratio, candidate.row.ticker) else {
            return Ok(());
        };
        let (new, old) = *self.splits.entry((ticker, candidate.row.day)).or_insert(ratio);
        if (new, old) == ratio {
            return Ok(());
        }
        let reason = format!("another account reported {new}:{old} for that day");
        Err(Refusal::new("split_conflict", "ratio", reason))
    }

    fn judge_plain(&mut self, plain: Vec<Candidate>, verdicts: &mut Vec<Verdict>) -> Vec<Candidate> {
        let mut by_holding: HashMap<(UserId, TickerId), Vec<Step>> = HashMap::new();
        for candidate in &plain {
            if let (Some(step), Some(ticker)) = (step(candidate), candidate.row.ticker) {
                by_holding.entry((candidate.user, ticker)).or_default().push(step);
            }
        }
        let mut refused: HashMap<i64, Short> = HashMap::new();
        for (key, mut fresh) in by_holding {
            fresh.sort_unstable_by_key(|step| (step.at, step.order));
            let held = self.holdings.entry(key).or_default();
            add(held, &fresh, &mut refused);
        }
        let mut accepted = Vec::with_capacity(plain.len());
        for candidate in plain {
            let order = NEW + i64::try_from(candidate.place).unwrap_or(0);
            match refused.get(&order) {
                Some(short) => {
                    verdicts.push(Verdict { place: candidate.place, refusal: oversold(*short, order) });
                }
                None => {
                    self.remember(&candidate);
                    accepted.push(candidate);
                }
            }
        }
        accepted
    }

    fn remember(&mut self, candidate: &Candidate) {
        let order = NEW + i64::try_from(candidate.place).unwrap_or(0);
        let voided = candidate.row.kind == Kind::Cancellation;
        let target = Target { user: candidate.user, order, ticker: candidate.row.ticker, voided };
        self.targets.insert(candidate.row.trade_id.clone(), target);
    }

    fn correct(&mut self, candidate: &Candidate) -> Result<(), Refusal> {
        let named = candidate.row.corrects.as_deref().unwrap_or_default();
        let target = self.targets.get(named).filter(|target| target.user == candidate.user).copied();
        let target = target.ok_or_else(|| {
            Refusal::new(
                "unknown_reference",
                "corrects",
                format!("no row {named:?} of this person was taken in"),
            )
        })?;
        if target.voided {
            let words = "was corrected or cancelled already; correct the row that stands for it now";
            return Err(Refusal::new("already_corrected", "corrects", words));
        }
        self.same_split(candidate)?;
        self.replace(candidate, target)?;
        if let Some(known) = self.targets.get_mut(named) {
            known.voided = true;
        }
        self.remember(candidate);
        Ok(())
    }

    /// Takes the old move out and puts the new one in, or leaves all as it was.
    fn replace(&mut self, candidate: &Candidate, target: Target) -> Result<(), Refusal> {
        let order = NEW + i64::try_from(candidate.place).unwrap_or(0);
        let mut after: HashMap<TickerId, Vec<Step>> = HashMap::new();
        for ticker in [target.ticker, candidate.row.ticker].into_iter().flatten() {
            let steps = self.holdings.get(&(candidate.user, ticker)).cloned().unwrap_or_default();
            after.insert(ticker, steps);
        }
        if let Some(steps) = target.ticker.and_then(|ticker| after.get_mut(&ticker)) {
            steps.retain(|step| step.order != target.order);
        }
        if let (Some(step), Some(steps)) =
            (step(candidate), candidate.row.ticker.and_then(|ticker| after.get_mut(&ticker)))
        {
            steps.push(step);
            steps.sort_unstable_by_key(|step| (step.at, step.order));
        }
        for steps in after.values() {
            held::walk(steps).map_err(|short| oversold(short, order))?;
        }
        for (ticker, steps) in after {
            self.holdings.insert((candidate.user, ticker), steps);
        }
        Ok(())
    }
}

/// Adds what fits: all at once if that goes, else half and half, so that few wrong rows among many cost little.
fn add(held: &mut Vec<Step>, fresh: &[Step], refused: &mut HashMap<i64, Short>) {
    if fresh.is_empty() {
        return;
    }
    let mut together: Vec<Step> = held.iter().chain(fresh).copied().collect();
    together.sort_unstable_by_key(|step| (step.at, step.order));
    match (held::walk(&together), fresh) {
        (Ok(_), _) => *held = together,
        (Err(short), [one]) => {
            refused.insert(one.order, short);
        }
        (Err(_), _) => {
            let (first, second) = fresh.split_at(fresh.len() / 2);
            add(held, first, refused);
            add(held, second, refused);
        }
    }
}

fn oversold(short: Short, order: i64) -> Refusal {
    let Short { held, wanted, day, .. } = short;
    let (held, wanted) = (held.normalize(), wanted.normalize());
    let reason = if short.order == order {
        format!("{wanted} of it cannot go out on {day}: {held} were held; short positions are not kept here")
    } else {
        format!("then only {held} would be left on {day}, when {wanted} of it went out")
    };
    Refusal::new("oversold", "quantity", reason)
}
