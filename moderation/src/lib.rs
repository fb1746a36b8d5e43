//! Moderation: what may be said, what reports do, who decides, and the record of it. No HTTP here; the
//! caller opens the transaction, answers only after the commit, and makes the change known.

pub mod appeals;
pub mod audit;
pub mod cases;
pub mod copies;
pub mod decisions;
pub mod dry_run;
mod evidence;
pub mod exposure;
mod fallback;
pub mod queue;
pub mod reports;
mod reputation;
pub mod rule;
pub mod screened;
pub mod screener;
pub mod settings;
pub mod simulation;
pub mod statements;
pub mod submissions;
pub mod text;
pub mod text_rules;
