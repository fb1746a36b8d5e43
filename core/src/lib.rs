//! What Madang knows without HTTP and without Redis: parsed values, the tables it owns, the job
//! queue, settings and telemetry. Every other crate stands on this one.

pub mod accounts;
pub mod aliases;
pub mod cashtags;
pub mod changes;
pub mod db;
pub mod export;
pub mod follows;
pub mod handle;
pub mod idempotency;
pub mod ids;
pub mod import;
pub mod jobs;
pub mod month;
pub mod nicknames;
pub mod notices;
pub mod passwords;
pub mod polls;
pub mod posts;
pub mod reactions;
pub mod relations;
pub mod search_log;
pub mod sessions;
pub mod settings;
pub mod shutdown;
pub mod signing;
pub mod standing;
pub mod telemetry;
pub mod text;
pub mod tickers;
pub mod users;
pub mod viewer;
pub mod visibility;
