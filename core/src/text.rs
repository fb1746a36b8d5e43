//! Texts people write, as parsed values: past the constructor nothing re-checks them.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Most characters (Unicode scalars after NFC) of a post.
pub const MAX_BODY_CHARS: usize = 5_000;
/// Most characters of a person's display name.
pub const MAX_NAME_CHARS: usize = 40;
/// Most characters of a profile text.
pub const MAX_BIO_CHARS: usize = 500;
/// Most characters of a poll option.
pub const MAX_OPTION_CHARS: usize = 80;
/// Most characters of a muted keyword.
pub const MAX_KEYWORD_CHARS: usize = 50;
/// Most combining marks kept on one base character.
const MAX_MARKS: usize = 3;

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Nothing a reader could see is left.
    #[error("must contain at least one visible character")]
    Empty,
    /// Longer than allowed.
    #[error("must have at most {max} characters, has {has}")]
    TooLong {
        /// Most characters allowed.
        max: usize,
        /// Characters found.
        has: usize,
    },
    /// Contains U+0000, which no text has a use for.
    #[error("must not contain NUL characters")]
    Nul,
}

/// What a post says: 1 to 5,000 characters, NFC, without control and bidi-override characters and with
/// at most three combining marks a base character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostBody(String);

impl PostBody {
    /// Parses and normalises what somebody typed.
    pub fn parse(raw: &str) -> Result<Self, BadText> {
        clean(raw, MAX_BODY_CHARS, true).map(Self)
    }

    /// The text of a repost, which has none of its own.
    pub const fn empty() -> Self {
        Self(String::new())
    }

    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A one-line text: name, poll option, keyword.
pub fn parse_line(raw: &str, max: usize) -> Result<String, BadText> {
    clean(raw, max, false)
}

/// A profile text, which may be empty.
pub fn parse_bio(raw: &str) -> Result<String, BadText> {
    parse_note(raw, MAX_BIO_CHARS)
}

/// A text of several lines, which may be empty.
pub fn parse_note(raw: &str, max: usize) -> Result<String, BadText> {
    match clean(raw, max, true) {
        Err(BadText::Empty) => Ok(String::new()),
        other => other,
    }
}

/// A muted keyword: one line, lower case.
pub fn parse_keyword(raw: &str) -> Result<String, BadText> {
    parse_line(raw, MAX_KEYWORD_CHARS).map(|line| line.to_lowercase())
}

fn clean(raw: &str, max: usize, multiline: bool) -> Result<String, BadText> {
    if raw.contains('\0') {
        return Err(BadText::Nul);
    }
    // Nothing this long can shrink to the limit in good faith, and normalising it costs time.
    if raw.len() > max * 4 * (MAX_MARKS + 1) {
        return Err(BadText::TooLong { max, has: raw.chars().count() });
    }
    let unified = raw.replace("\r\n", "\n").replace('\r', "\n");
    let kept = unified.nfc().filter(|c| keeps(*c, multiline));
    let text = limit_marks(kept).trim().to_owned();
    if !text.chars().any(is_visible) {
        return Err(BadText::Empty);
    }
    let has = text.chars().count();
    if has > max { Err(BadText::TooLong { max, has }) } else { Ok(text) }
}

/// Removing marks can leave pairs that NFC would join, so the result is normalised once more.
fn limit_marks(chars: impl Iterator<Item = char>) -> String {
    let mut marks = 0;
    let limited: String = chars
        .filter(|c| {
            marks = if is_combining_mark(*c) { marks + 1 } else { 0 };
            marks <= MAX_MARKS
        })
        .collect();
    limited.nfc().collect()
}

fn keeps(c: char, multiline: bool) -> bool {
    if c.is_control() {
        return multiline && matches!(c, '\n' | '\t');
    }
    !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}')
}

/// Neither white space nor one of the characters that render as nothing.
fn is_visible(c: char) -> bool {
    !c.is_whitespace()
        && !is_combining_mark(c)
        && !matches!(c,
            '\u{00AD}' | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' | '\u{180E}' | '\u{FEFF}'
            | '\u{2800}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_body_has_between_1_and_5000_characters_after_nfc() {
        assert_eq!(PostBody::parse("  \n "), Err(BadText::Empty));
        assert_eq!(PostBody::parse("\u{200B}\u{3164}"), Err(BadText::Empty));
        assert!(PostBody::parse(&"😀".repeat(5_000)).is_ok());
        assert_eq!(PostBody::parse(&"가".repeat(5_001)), Err(BadText::TooLong { max: 5_000, has: 5_001 }));
        // 5,000 syllables typed as three jamo each are 5,000 characters
        assert!(PostBody::parse(&"\u{1112}\u{1161}\u{11AB}".repeat(5_000)).is_ok());
    }

    #[test]
    fn control_and_bidi_override_characters_are_removed_and_lines_kept() {
        assert_eq!(PostBody::parse("a\u{202E}b\u{7}c\r\nd\te").unwrap().as_str(), "abc\nd\te");
        assert_eq!(PostBody::parse("a\0b"), Err(BadText::Nul));
    }

    #[test]
    fn stacked_marks_are_cut_to_three() {
        let zalgo = format!("x{}", "\u{0323}\u{0331}\u{0336}\u{0337}\u{0338}".repeat(20));
        let body = PostBody::parse(&zalgo).unwrap();
        assert!(body.as_str().chars().filter(|c| is_combining_mark(*c)).count() <= 3, "{body:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn parsing_twice_is_parsing_once(raw in any::<String>()) {
            if let Ok(body) = PostBody::parse(&raw) {
                prop_assert_eq!(PostBody::parse(body.as_str()).unwrap(), body);
            }
        }
    }
}
