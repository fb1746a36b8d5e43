//! Creators: what the broker reports about trades, the returns computed from it, who agreed to show them,
//! and what is made of that: leaderboards, profit cards, suggestions, ambassadors.
//!
//! Amounts are decimals and exact; rates are `f64` fractions (0.1 is ten per cent).

pub mod ambassadors;
pub mod archive;
pub mod boards;
pub mod call_book;
pub mod calls;
pub mod cards;
pub mod contradictions;
pub mod deeds;
mod dice;
pub mod disclosed_trades;
pub mod disclosure;
pub mod feeds;
pub mod ledger;
pub mod markets;
pub mod profit_cards;
pub mod records;
pub mod returns;
pub mod shareholders;
pub mod skill;
pub mod suggest;
pub mod suggestions;
pub mod work;
