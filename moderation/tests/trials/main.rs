//! Trials of moderation against the real database, in a short form that always runs and a long one for
//! `MADANG_TRIALS=long`: what dismissed reports may still do, any order of acts against a model of its own,
//! and the audit log as the service's own role.

mod at_once;
mod counts;
mod dismissals;
mod log_rights;
mod model;
mod scene;
