//! Every return that is shown, computed from the ledger. Pure: no database, no clock, no input that panics.
//!
//! [`rates`] holds the textbook formulas of plain numbers, [`replay`] turns a person's entries and the markets into a
//! daily [`Record`], [`windows`] makes the figures of it. Quantities, cash and gains are decimals and exact;
//! valuation and rates are `f64`. The conventions, their sources and worked examples: `docs/RETURNS.md`.

mod account;
mod apply;
mod chain;
pub mod day_count;
mod entry;
mod exact;
mod finish;
mod holdings;
mod market;
mod position;
pub mod rates;
mod record;
mod replay;
pub mod risk;
mod roots;
mod series;
mod sweep;
mod trip;
mod vector_inputs;
pub mod vectors;
pub mod windows;

pub use entry::{Charge, Currency, Entry, Kind, Trade};
pub use holdings::check_holdings;
pub(crate) use holdings::split as split_quantity;
pub use market::{CARRIED_DAYS, DELISTED_DAYS, Market, MarketBuilder};
pub use record::{
    Closed, DayPoint, Flow, FlowKind, Holding, Incomplete, Oversold, Record, TickerRecord, Unreplayable,
};
pub use replay::replay;
pub use windows::{Figures, Window};
