//! Moderation: what may be said, what reports do, who decides, and the record of it. No HTTP here; the
//! caller opens the transaction, answers only after the commit, and makes the change known.

pub mod appeals;
pub mod audit;
pub mod cases;
pub mod claims;
mod closing;
pub mod copies;
pub mod decisions;
pub mod dry_run;
mod evidence;
pub mod exposure;
pub mod fallback;
pub mod learning;
pub mod legal;
pub mod queue;
pub mod reports;
mod reputation;
pub mod restitution;
pub mod rule;
pub mod sanctions;
pub mod screened;
pub mod screener;
pub mod settings;
pub mod simulation;
pub mod statements;
pub mod statistics;
pub mod submissions;
pub mod sweeps;
pub mod text;
pub mod text_rules;
mod told;
pub mod transparency;
