//! What the people of a batch hold, move by move, and which of its rows fit in. Late rows are checked against
//! everything after them too: a row that would make a later sale impossible is refused.

use std::collections::HashMap;

use madang_core::ids::{TickerId, UserId};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::{
    held::{self, Move, Short, Step},
    intake::Candidate,
    renames::Renames,
    row::{Kind, Refusal, Row},
    splits::{Split, Splits},
};

/// Rows of this batch come after all that are here, for moves of one time.
const NEW: i64 = i64::MAX / 2;

/// A row that is not accepted.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) place: usize,
    pub(super) refusal: Refusal,
}

/// A row another one may correct.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    user: UserId,
    order: i64,
    ticker: Option<TickerId>,
    pub(super) split: Option<Split>,
    voided: bool,
}

/// The holdings of a batch.
#[derive(Default, Clone)]
pub(super) struct Books {
    holdings: HashMap<(UserId, TickerId), Vec<Step>>,
    pub(super) targets: HashMap<String, Target>,
    pub(super) splits: Splits,
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
    pub(super) async fn load(
        tx: &mut PgConnection,
        candidates: &[Candidate],
        renames: &Renames,
    ) -> sqlx::Result<Self> {
        let mut books = Self::default();
        let corrected: Vec<String> = candidates.iter().filter_map(|c| c.row.corrects.clone()).collect();
        let rows = sqlx::query!(
            r#"SELECT e.trade_id, e.id, e.user_id, e.ticker_id, e.kind, e.day, e.split_new, e.split_old,
                      EXISTS (SELECT FROM ledger_entries c WHERE c.corrects = e.id) AS "voided!"
               FROM ledger_entries e WHERE e.trade_id = ANY($1)"#,
            &corrected
        )
        .fetch_all(&mut *tx)
        .await?;
        let mut touched: Vec<(UserId, TickerId)> =
            candidates.iter().filter_map(|c| Some((c.user, c.row.ticker?))).collect();
        for row in rows {
            let user = UserId::new(row.user_id);
            let ticker = row.ticker_id.map(|id| renames.current(TickerId::new(id)));
            let ratio = row.split_new.zip(row.split_old);
            let split = ticker.zip(ratio).map(|(ticker, ratio)| Split { ticker, day: row.day, ratio });
            touched.extend(ticker.map(|ticker| (user, ticker)));
            let voided = row.voided || row.kind == Kind::Cancellation.as_str();
            books.targets.insert(row.trade_id, Target { user, order: row.id, ticker, split, voided });
        }
        touched.sort_unstable();
        touched.dedup();
        books.load_holdings(tx, &touched, renames).await?;
        let splits = candidates.iter().filter_map(|c| Split::of(&c.row));
        let splits = splits.chain(books.targets.values().filter_map(|target| target.split));
        books.splits = Splits::load(tx, splits.map(|split| split.ticker), renames).await?;
        Ok(books)
    }

    async fn load_holdings(
        &mut self,
        tx: &mut PgConnection,
        touched: &[(UserId, TickerId)],
        renames: &Renames,
    ) -> sqlx::Result<()> {
        let named =
            touched.iter().flat_map(|(user, ticker)| renames.names(*ticker).map(|name| (*user, name)));
        let (users, tickers): (Vec<i64>, Vec<i32>) =
            named.map(|(user, ticker)| (user.get(), ticker.get())).unzip();
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
            let key = (UserId::new(row.user_id), renames.current(TickerId::new(row.ticker_id)));
            let step = change.map(|change| Step { at: row.executed_at, order: row.id, day: row.day, change });
            self.holdings.entry(key).or_default().extend(step);
        }
        Ok(())
    }

    /// Says which rows fit: first those that stand for themselves, in order of time, then corrections, in the
    /// order in which they came, then once more those of the first that did not fit.
    pub(super) fn judge(&mut self, candidates: Vec<Candidate>) -> (Vec<Verdict>, Vec<Candidate>) {
        let mut verdicts = Vec::new();
        let (correcting, plain): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|candidate| candidate.row.corrects.is_some());
        let (mut accepted, mut short) = self.judge_plain(plain);
        let (mut corrected, mut waiting) = (false, Vec::new());
        for candidate in correcting {
            match self.correct(&candidate) {
                Ok(()) => {
                    corrected = true;
                    accepted.push(candidate);
                }
                // Others may be corrected in the same way.
                Err(refusal) if refusal.code == "split_conflict" => waiting.push((candidate, refusal)),
                Err(refusal) => verdicts.push(Verdict { place: candidate.place, refusal }),
            }
        }
        let (together, others) = self.correct_together(waiting);
        corrected |= !together.is_empty();
        accepted.extend(together);
        verdicts.extend(others);
        // What was too much before may fit now.
        if corrected && !short.is_empty() {
            let (fitting, still) =
                self.judge_plain(short.into_iter().map(|(candidate, _)| candidate).collect());
            accepted.extend(fitting);
            short = still;
        }
        verdicts.extend(
            short.into_iter().map(|(candidate, refusal)| Verdict { place: candidate.place, refusal }),
        );
        accepted.sort_unstable_by_key(|candidate| candidate.place);
        (verdicts, accepted)
    }

    /// Adds the rows that fit. Returns them, and the others with what is wrong.
    fn judge_plain(&mut self, plain: Vec<Candidate>) -> (Vec<Candidate>, Vec<(Candidate, Refusal)>) {
        let (plain, mut others) = self.splits.sift(plain);
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
                    self.splits.forget(Split::of(&candidate.row));
                    others.push((candidate, oversold(*short, order)));
                }
                None => {
                    self.remember(&candidate);
                    accepted.push(candidate);
                }
            }
        }
        (accepted, others)
    }

    fn remember(&mut self, candidate: &Candidate) {
        let order = NEW + i64::try_from(candidate.place).unwrap_or(0);
        let voided = candidate.row.kind == Kind::Cancellation;
        let (ticker, split) = (candidate.row.ticker, Split::of(&candidate.row));
        let target = Target { user: candidate.user, order, ticker, split, voided };
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
        // It stands for the old one, so that the ratio may be another if nobody else reported the old one.
        self.splits.forget(target.split);
        let split = Split::of(&candidate.row);
        if let Err(refusal) = self.splits.check(split).and_then(|()| self.replace(candidate, target)) {
            self.splits.note(target.split);
            return Err(refusal);
        }
        self.splits.note(split);
        self.stand_for(named, candidate);
        Ok(())
    }

    /// The row of that id does not count any more, this one does.
    pub(super) fn stand_for(&mut self, named: &str, candidate: &Candidate) {
        if let Some(known) = self.targets.get_mut(named) {
            known.voided = true;
        }
        self.remember(candidate);
    }

    /// Takes the old move out and puts the new one in, or leaves all as it was.
    pub(super) fn replace(&mut self, candidate: &Candidate, target: Target) -> Result<(), Refusal> {
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
