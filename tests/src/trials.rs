//! How many trials are run.

/// The short count, or the long one where `MADANG_TRIALS` is `long`.
pub fn trials(short: usize, long: usize) -> usize {
    let wanted = std::env::var("MADANG_TRIALS").unwrap_or_default();
    if wanted == "long" { long } else { short }
}
