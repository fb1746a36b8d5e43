//! The ranking against simulated traders whose skill is known: does it find them, and what does it say of
//! the next year? It calls the real [`standing_with`](super::standing_with).
//!
//! `people` draws traders and their days, `trial` lives through one seed, `report` adds up and prints.
//!
//! What it rests on. 10,000 people, 500 days each, of which the first 250 are the window and the last 250
//! are what came next. One in twenty has an edge: a yearly information ratio of 1 to 2. Nobody else has
//! any, and all pay costs. Volatility is log-normal, days have fat tails, one in ten holds illiquid things
//! whose prices lag, a third began during the window, and gamblers are concentrated and move more than the
//! market. An account that lost three fifths is closed; half of those people leave and half begin a new
//! account. Both are kept, on the person's one record, unless the trial asks what dropping them hides.
//! In the second year everybody trades on as before, those who had left too, so that no comparison rests on
//! who stayed.

mod people;
mod report;
mod trial;

pub use report::{Report, SeedResult};
pub use trial::{Board, simulate, simulate_with};
