//! Creators: what the broker reports about trades, the returns computed from it, who agreed to show them,
//! and what is made of that: leaderboards, profit cards, suggestions, ambassadors.
//!
//! Amounts are decimals and exact; rates are `f64` fractions (0.1 is ten per cent).

pub mod ambassadors;
pub mod archive;
pub mod cards;
pub mod disclosure;
pub mod feeds;
pub mod ledger;
pub mod returns;
