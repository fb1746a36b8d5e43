//! How many trials are run.

/// The short count, or the long one where `MADANG_TRIALS` is `long`.
pub(crate) fn trials(short: u32, long: u32) -> u32 {
    let wanted = std::env::var("MADANG_TRIALS").unwrap_or_default();
    if wanted == "long" { long } else { short }
}
