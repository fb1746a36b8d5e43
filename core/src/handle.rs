//! Handles: the name by which a person is addressed (`@handle`).

use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton;

/// Fewest and most characters of a handle.
pub const HANDLE_CHARS: std::ops::RangeInclusive<usize> = 2..=20;

/// Names that would pass for the house itself.
const RESERVED: [&str; 18] = [
    "admin",
    "administrator",
    "moderator",
    "madang",
    "support",
    "help",
    "official",
    "staff",
    "system",
    "service",
    "root",
    "security",
    "me",
    "deleted",
    "운영자",
    "관리자",
    "마당",
    "고객센터",
];

/// Why a text is not a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHandle {
    /// Too short or too long.
    #[error("must have 2 to 20 characters")]
    Length,
    /// A character that handles do not have.
    #[error("may have only Latin letters, digits, `_` and Hangul syllables")]
    Character,
    /// Looks like the house speaking.
    #[error("is reserved")]
    Reserved,
}

/// A valid handle as shown, NFKC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle(String);

impl Handle {
    /// Parses what somebody typed, with or without a leading `@`.
    pub fn parse(raw: &str) -> Result<Self, BadHandle> {
        let trimmed = raw.trim();
        if trimmed.len() > 200 {
            return Err(BadHandle::Length);
        }
        let text: String = trimmed.strip_prefix('@').unwrap_or(trimmed).nfkc().collect();
        if !text.chars().all(is_handle_char) {
            return Err(BadHandle::Character);
        }
        if !HANDLE_CHARS.contains(&text.chars().count()) {
            return Err(BadHandle::Length);
        }
        Ok(Self(text))
    }

    /// Refuses names that would pass for the house; operators may still make them.
    pub fn for_signup(raw: &str) -> Result<Self, BadHandle> {
        let handle = Self::parse(raw)?;
        let looks = handle.skeleton();
        let reserved = RESERVED.iter().any(|name| look_of(name) == looks);
        if reserved { Err(BadHandle::Reserved) } else { Ok(handle) }
    }

    /// The handle as shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form to look it up by: `Kim` and `kim` are one person.
    pub fn fold(&self) -> String {
        self.0.to_lowercase()
    }

    /// What it looks like: two handles with the same skeleton can be confused (Unicode TS 39).
    pub fn skeleton(&self) -> String {
        look_of(&self.fold())
    }
}

/// The skeleton of a folded name. TS 39 makes `0` an upper-case `O`, so it is folded once more.
fn look_of(folded: &str) -> String {
    skeleton(folded).collect::<String>().to_lowercase()
}

/// Whether handles may have this character.
pub fn is_handle_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || ('가'..='힣').contains(&c)
}

/// The handles a text may mention, at most `limit`: for each `@` all prefixes that could be one,
/// longest first, folded. The writer's particle sticks to the name (`@존버왕님`), so only the
/// database can tell where it ends.
pub fn mention_candidates(text: &str, limit: usize) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut previous = ' ';
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        if c == '@' && !is_handle_char(previous) && found.len() < limit {
            let name: Vec<char> = after.chars().take_while(|c| is_handle_char(*c)).take(20).collect();
            let prefixes: Vec<String> = (*HANDLE_CHARS.start()..=name.len())
                .rev()
                .filter_map(|n| name.get(..n))
                .map(|chars| chars.iter().collect::<String>().to_lowercase())
                .collect();
            if !prefixes.is_empty() {
                found.push(prefixes);
            }
        }
        previous = c;
        rest = after;
    }
    found
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn handles_are_letters_digits_underscores_and_hangul() {
        for good in ["ab", "존버왕_27", "@Kim", "ＡＢ", "u_00009be3f12b"] {
            assert!(Handle::parse(good).is_ok(), "{good}");
        }
        for bad in ["a", "", "한", "a b", "a-b", "кim", "ㅋㅋ", "abcdefghijklmnopqrstu", "a\u{200B}b", "a\0b"]
        {
            assert!(Handle::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn look_alikes_share_a_skeleton() {
        for (a, b) in [("paypal", "paypa1"), ("Modern", "modem"), ("kim0", "kimO")] {
            assert_eq!(Handle::parse(a).unwrap().skeleton(), Handle::parse(b).unwrap().skeleton(), "{a} {b}");
        }
        assert_eq!(Handle::for_signup("Adm1n").is_err(), Handle::for_signup("Admln").is_err());
        assert_eq!(Handle::for_signup("운영자"), Err(BadHandle::Reserved));
    }

    #[test]
    fn a_mention_offers_every_prefix_so_that_a_particle_does_not_hide_it() {
        let found = mention_candidates("@존버왕님 메일은 a@bc.kr, @ab", 10);
        assert_eq!(found, vec![vec!["존버왕님", "존버왕", "존버"], vec!["ab"]]);
    }
}
