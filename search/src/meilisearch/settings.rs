//! The settings of the indexes. They are part of the code: an index made with others is out of date and is built anew.

use meilisearch_sdk::settings::{
    LocalizedAttributes, MinWordSizeForTypos, PaginationSetting, Settings, TypoToleranceSettings,
};
use sha2::{Digest, Sha256};

/// Raised with each change of the settings or of the shape of the documents; a test watches over the settings. An index
/// of a lower one is out of date. One of a higher one is a newer release's, which while releases change must not be
/// built anew by the older.
pub(super) const REVISION: u32 = 1;
/// The languages of texts and queries, in ISO 639-3. Without them the server guesses, and guesses short Hangul wrong.
pub(super) const LOCALES: [&str; 2] = ["kor", "eng"];
/// Most hits of a query; what lies beyond is silently cut by the server.
pub(super) const MAX_HITS: usize = 1000;
/// After so long the server answers with what it has found.
const CUTOFF_MS: u64 = 500;
/// From how many letters on one and two typos are forgiven. The server counts the letters of syllables that have been
/// taken apart: 삼성 has six.
const ONE_TYPO_LETTERS: u8 = 5;
const TWO_TYPOS_LETTERS: u8 = 9;

/// What stands between words besides what the server knows.
const SEPARATORS: [&str; 6] = ["$", "#", "@", "·", "ㆍ", "~"];
/// Words of the trade that a dictionary of standard Korean would take apart.
const JARGON: [&str; 18] = [
    "존버",
    "떡상",
    "떡락",
    "물타기",
    "손절",
    "익절",
    "물적분할",
    "공매도",
    "개미",
    "곱버스",
    "인버스",
    "레버리지",
    "영끌",
    "불장",
    "삼전",
    "하닉",
    "따상",
    "동학개미",
];

/// What both indexes have in common.
fn common(searchable: &[&str], filterable: &[&str], rules: &[&str], no_typos_in: &[&str]) -> Settings {
    let mut settings = Settings::new()
        .with_searchable_attributes(searchable)
        .with_filterable_attributes(filterable)
        .with_sortable_attributes(["id"])
        .with_ranking_rules(rules)
        .with_typo_tolerance(TypoToleranceSettings {
            enabled: Some(true),
            disable_on_attributes: Some(no_typos_in.iter().map(|name| (*name).to_owned()).collect()),
            disable_on_words: Some(Vec::new()),
            min_word_size_for_typos: Some(MinWordSizeForTypos {
                one_typo: Some(ONE_TYPO_LETTERS),
                two_typos: Some(TWO_TYPOS_LETTERS),
            }),
            // 005930 is not nearly 005935.
            disable_on_numbers: Some(true),
        })
        .with_pagination(PaginationSetting { max_total_hits: MAX_HITS })
        .with_dictionary(JARGON)
        .with_localized_attributes([LocalizedAttributes {
            locales: LOCALES.iter().map(|locale| (*locale).to_owned()).collect(),
            attribute_patterns: vec!["*".to_owned()],
        }]);
    settings.separator_tokens = Some(SEPARATORS.iter().map(|token| (*token).to_owned()).collect());
    settings.search_cutoff_ms = Some(CUTOFF_MS);
    settings
}

/// Those of posts.
pub(super) fn posts() -> Settings {
    common(
        &["body", "names", "codes"],
        &["id", "tickers", "author", "stance", "created_at", "verified"],
        // The ids, which rise with time, keep equals in one order.
        &["words", "typo", "proximity", "attribute", "sort", "exactness", "rank:desc", "id:desc"],
        &["codes"],
    )
}

/// Those of people: a whole handle or name is better than the beginning of one, wherever either stands.
pub(super) fn people() -> Settings {
    common(
        &["handle", "name", "joined", "initials", "ends"],
        &["id", "verified"],
        &["words", "typo", "proximity", "exactness", "attribute", "sort", "followers:desc"],
        &["initials", "ends"],
    )
}

/// What tells these settings and these shapes of documents from others.
pub(super) fn version() -> String {
    let mut hash = Sha256::new();
    hash.update(REVISION.to_le_bytes());
    for settings in [posts(), people()] {
        // They are plain texts and numbers: writing them cannot fail.
        hash.update(serde_json::to_vec(&settings).unwrap_or_default());
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_same_each_time() {
        assert_eq!(version(), version());
        assert_eq!(version().len(), 16);
    }

    #[test]
    fn whoever_changes_the_settings_raises_the_revision() {
        assert_eq!(
            (REVISION, version().as_str()),
            (1, "1ec0f4ede9b2500e"),
            "raise REVISION, and write both down here"
        );
    }
}
