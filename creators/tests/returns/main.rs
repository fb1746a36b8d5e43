//! Returns: reference values, each convention, properties, and the worked examples of the document.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

mod conventions;
mod document;
mod outside;
mod properties;
mod rates;
mod support;
mod windows;
