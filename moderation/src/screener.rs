//! What the text rules say of a post.

use crate::rule::TextVerdict;

/// The text rules in force.
#[derive(Debug, Default)]
pub struct Screener {}

impl Screener {
    /// What they say of a text, for the rule on reports.
    pub fn verdict(&self, _text: &str) -> TextVerdict {
        TextVerdict::default()
    }
}
