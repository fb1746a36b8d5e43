//! Who trades, and what their days bring.

use crate::{
    dice::Dice,
    skill::{Day, Facts, HeldPosition, YEAR_DAYS},
};

/// Days of the window, and of the time after it.
pub(super) const WINDOW: usize = 250;
const CLOSED_AT_LOSS: f64 = 0.6;
const DAYS_UNTIL_NEW_ACCOUNT: usize = 5;

/// What a person is like; yearly figures.
pub(super) struct Person {
    pub(super) skilled: bool,
    edge: f64,
    deviation: f64,
    beta: f64,
    lag: f64,
    invested: f64,
    first_day: usize,
    closed_positions: u32,
    begins_again: bool,
}

/// What became of a person.
pub(super) struct Life {
    /// The person's days in the window, through closed and new accounts.
    pub(super) days: Vec<Day>,
    /// Facts of the person's whole record.
    pub(super) facts: Facts,
    /// From which of `days` on the present account exists; nothing if the last was closed for good.
    pub(super) present_account: Option<usize>,
    /// Log return over the market in the time after the window.
    pub(super) next_excess: f64,
}

impl Person {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let kind = dice.uniform();
        let around = |dice: &mut Dice, median: f64, sigma: f64| median * (sigma * dice.normal()).exp();
        let skilled = kind < 0.05;
        let gambler = (0.85..1.0).contains(&kind);
        let hugger = (0.65..0.85).contains(&kind);
        let (deviation, beta, cost) = if gambler {
            (around(dice, 0.7, 0.35), 1.5 + 0.4 * dice.normal(), dice.between(0.03, 0.15))
        } else if hugger {
            (dice.between(0.03, 0.06), 1.0 + 0.05 * dice.normal(), dice.between(0.0, 0.01))
        } else {
            (around(dice, 0.2, 0.45), 1.0 + 0.3 * dice.normal(), dice.between(0.0, 0.05))
        };
        let edge = if skilled { dice.between(1.0, 2.0) * deviation } else { -cost };
        let first_day = if dice.uniform() < 0.3 { (dice.uniform() * 240.0) as usize } else { 0 };
        Self {
            skilled,
            edge,
            deviation,
            beta,
            lag: if dice.uniform() < 0.1 { 0.3 } else { 0.0 },
            invested: if dice.uniform() < 0.07 { dice.between(0.02, 0.3) } else { dice.between(0.6, 1.0) },
            first_day,
            closed_positions: (dice.uniform() * 40.0) as u32,
            begins_again: dice.uniform() < 0.5,
        }
    }

    /// Goes through the window and the time after it.
    pub(super) fn live(&self, market: &[f64], dice: &mut Dice) -> Life {
        let mut days = Vec::with_capacity(WINDOW);
        let mut purse = Purse::new();
        let mut invested_sum = 0.0;
        let mut own = 0.0;
        let mut next_excess = 0.0;
        for (at, market_return) in market.iter().copied().enumerate() {
            own = self.lag * own + (1.0 - self.lag * self.lag).sqrt() * fat_tailed(dice);
            let drawn = self.account_return(market_return, own);
            if at >= WINDOW {
                next_excess += drawn.ln_1p() - market_return.ln_1p();
            } else if at >= self.first_day {
                let open = purse.is_open(at, self.begins_again);
                let (account_return, invested) = if open { (drawn, self.invested) } else { (0.0, 0.0) };
                purse.grow(at, at - self.first_day, account_return);
                invested_sum += invested;
                days.push(Day { account_return, market_return, invested });
            }
        }
        let trading_days = days.len() as u32;
        Life {
            facts: Facts {
                trading_days,
                closed_positions: self.closed_positions,
                largest_held: (trading_days >= 40).then_some(HeldPosition { weight: 0.2, days: 30 }),
                mean_invested: invested_sum / f64::from(trading_days.max(1)),
                max_drawdown: purse.max_drawdown,
            },
            present_account: purse.present_account(self.begins_again),
            days,
            next_excess,
        }
    }

    fn account_return(&self, market_return: f64, own: f64) -> f64 {
        let drift = self.edge / YEAR_DAYS;
        let own_move = self.deviation / YEAR_DAYS.sqrt() * own;
        (self.invested * (self.beta * market_return + drift + own_move)).max(-0.95)
    }
}

/// The market's days, some years good, some bad.
pub(super) fn market(dice: &mut Dice) -> Vec<f64> {
    let drift = (0.06 + 0.12 * dice.normal()) / YEAR_DAYS;
    (0..2 * WINDOW).map(|_| (drift + 0.01 * fat_tailed(dice)).max(-0.3)).collect()
}

/// Variance 1 and kurtosis 11: one day in twenty-five is three times as wild as a usual one.
fn fat_tailed(dice: &mut Dice) -> f64 {
    let scale = if dice.uniform() < 0.04 { 3.0 } else { 0.816_5 };
    scale * dice.normal()
}

/// The money of a person: it closes at a loss, and perhaps opens anew.
struct Purse {
    record: f64,
    record_peak: f64,
    max_drawdown: f64,
    account: f64,
    account_start: usize,
    closed_on: Option<usize>,
}

impl Purse {
    fn new() -> Self {
        Self {
            record: 1.0,
            record_peak: 1.0,
            max_drawdown: 0.0,
            account: 1.0,
            account_start: 0,
            closed_on: None,
        }
    }

    fn is_open(&mut self, at: usize, begins_again: bool) -> bool {
        match self.closed_on {
            Some(day) if begins_again && at > day + DAYS_UNTIL_NEW_ACCOUNT => {
                self.closed_on = None;
                self.account = 1.0;
                self.account_start = usize::MAX;
                true
            }
            Some(_) => false,
            None => true,
        }
    }

    fn grow(&mut self, at: usize, in_record: usize, rate: f64) {
        if self.account_start == usize::MAX {
            self.account_start = in_record;
        }
        self.record *= 1.0 + rate;
        self.record_peak = self.record_peak.max(self.record);
        self.max_drawdown = self.max_drawdown.max(1.0 - self.record / self.record_peak);
        self.account *= 1.0 + rate;
        if self.closed_on.is_none() && self.account < 1.0 - CLOSED_AT_LOSS {
            self.closed_on = Some(at);
        }
    }

    fn present_account(&self, begins_again: bool) -> Option<usize> {
        (self.closed_on.is_none() || begins_again).then_some(self.account_start)
    }
}
