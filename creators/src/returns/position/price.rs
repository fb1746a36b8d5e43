//! Whether the last known price of a holding counts.

use super::{Position, Price};
use crate::returns::{
    market::{CARRIED_DAYS, DELISTED_DAYS, Instrument},
    record::Incomplete,
    series::date,
    trip::Trip,
};

impl Position<'_> {
    /// Takes the day's close, and says whether the holding can be valued.
    #[inline]
    pub(in crate::returns) fn settle(&mut self, day: i32) -> Price {
        if let Some(instrument) = self.instrument {
            let close = instrument.closes.at(day);
            if !close.is_nan() {
                (self.mark, self.marked) = (close, day);
                return Price::Known;
            }
        }
        self.price_on(day)
    }

    /// Whether the last known price counts on a day.
    pub(in crate::returns) fn price_on(&self, day: i32) -> Price {
        let age = day.saturating_sub(self.marked);
        let over = self.instrument.and_then(Instrument::ended).is_some_and(|end| end <= self.marked);
        match (self.mark.is_nan(), over) {
            (true, _) => Price::Stale,
            (false, true) if age > DELISTED_DAYS => Price::Void,
            (false, false) if age > CARRIED_DAYS => Price::Stale,
            _ => Price::Known,
        }
    }

    /// Worth nothing until a price is known again.
    pub(in crate::returns) fn void(&mut self) {
        self.mark = 0.0;
    }

    pub(in crate::returns) fn stale(&self) -> Incomplete {
        let entered = self.trip.as_ref().map_or(self.marked, Trip::opened);
        let since = if self.mark.is_nan() { entered } else { self.marked };
        Incomplete::StalePrice { ticker: self.record.ticker, since: date(since) }
    }
}
