//! The figures of several windows that end on one day, gathered in one sweep backwards through the points.

use chrono::NaiveDate;

use super::{
    rates::NoRate,
    record::DayPoint,
    risk::{Spread, risk_score},
    windows::{Figures, Window},
};

/// What is known of the points from some day on to the last.
pub(super) struct Sweep {
    count: u32,
    twr: f64,
    market: f64,
    invested: f64,
    /// The lowest that the chained index gets, from 1 at the start.
    low: f64,
    drawdown: f64,
    spread: Spread,
}

impl Sweep {
    pub(super) fn new(points: &[DayPoint]) -> Self {
        let spread = Spread::around(points.iter().map(|point| point.factor));
        Self { count: 0, twr: 1.0, market: 1.0, invested: 0.0, low: 1.0, drawdown: 0.0, spread }
    }

    /// Takes the point before those seen.
    #[inline]
    pub(super) fn step(&mut self, point: &DayPoint) {
        self.count += 1;
        self.twr *= point.factor;
        self.market *= 1.0 + point.market;
        self.invested += point.invested;
        self.low = (self.low * point.factor).min(1.0);
        self.drawdown = self.drawdown.max(1.0 - self.low);
        self.spread.add(point.factor);
    }

    /// What the sweep knows; the rest is the caller's to fill in.
    pub(super) fn figures(&self, window: Window, last: NaiveDate) -> Figures {
        let volatility = self.spread.volatility();
        Figures {
            window,
            from: last,
            to: last,
            complete: false,
            twr: self.twr - 1.0,
            money_weighted: Err(NoRate::Zero),
            market: self.market - 1.0,
            excess: (self.market > 0.0).then(|| self.twr / self.market - 1.0),
            volatility,
            drawdown: self.drawdown.clamp(0.0, 1.0),
            risk: volatility.map(risk_score),
            days: self.count,
            invested: self.invested / f64::from(self.count.max(1)),
            closed: 0,
        }
    }
}
