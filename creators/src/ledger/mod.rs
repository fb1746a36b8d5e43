//! The trade ledger: what the broker reports, row by row. A row is parsed once (`row`), checked against what the
//! person holds (`held`) and taken in with its batch in one transaction (`intake`); what is refused is kept with
//! its reason (`refusals`). Rows are never changed: a correction or cancellation is a row of its own.
//!
//! `madang import` (`archive`) and `POST /v1/ledger/trades` take the same fields by the same road.

mod books;
mod corrections;
mod currencies;
mod held;
pub mod intake;
mod kind;
mod people;
mod raw;
pub mod refusals;
mod renames;
pub mod row;
mod splits;
mod store;

pub use intake::{Batch, MAX_ROWS, Outcome, Status, take};
pub use row::{RawRow, Refusal};
