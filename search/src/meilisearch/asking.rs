//! Queries in the server's words. Filters are made of numbers alone; what somebody typed is only ever searched for.

use meilisearch_sdk::search::SearchResult;

use crate::query::{PostFilter, Word, Words};

/// What to look for. The server takes the last word for a beginning unless a space follows, words in quotes for a
/// phrase, and a word behind a hyphen for one that must not occur: only letters and digits are let through, and the
/// quotes are ours.
pub(super) fn text(words: &Words, form: fn(&Word) -> &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    let mut open = false;
    for word in &words.words {
        let said: String = if word.quoted.is_some() { plain(&word.text) } else { plain(form(word)) };
        if said.is_empty() {
            continue;
        }
        if quote.is_some() && quote != word.quoted {
            out.push('"');
        }
        if !out.is_empty() {
            out.push(' ');
        }
        if word.quoted.is_some() && quote != word.quoted {
            out.push('"');
        }
        out.push_str(&said);
        quote = word.quoted;
        open = word.open && word.quoted.is_none();
    }
    if quote.is_some() {
        out.push('"');
    }
    if !out.is_empty() && !open {
        out.push(' ');
    }
    out
}

/// Letters, digits and the marks that belong to them.
fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(*c))
        .collect()
}

/// What must hold of a post; `None` where nothing must.
pub(super) fn filter(wanted: &PostFilter) -> Option<String> {
    let mut all = Vec::new();
    all.extend(wanted.ticker.map(|ticker| format!("tickers = {}", ticker.get())));
    all.extend(wanted.author.map(|author| format!("author = {}", author.get())));
    if let Some(among) = &wanted.among {
        let ids: Vec<String> = among.iter().map(|id| id.get().to_string()).collect();
        all.push(format!("author IN [{}]", ids.join(",")));
    }
    all.extend(wanted.stance.map(|stance| format!("stance = {stance}")));
    all.extend(wanted.from.map(|from| format!("created_at >= {from}")));
    all.extend(wanted.until.map(|until| format!("created_at < {until}")));
    all.extend(verified(wanted.verified));
    (!all.is_empty()).then(|| all.join(" AND "))
}

/// What to look for instead of instruments' names among words: the other words, and a filter for posts about those
/// instruments, of each name about one. A post holds the names that its instruments had when it was put in, which a
/// nickname given since is not among. `None` where no word names one; a quoted word stands for itself.
pub(super) fn about(words: &Words) -> Option<(Words, String)> {
    let names = |word: &&Word| word.quoted.is_none() && !word.tickers.is_empty();
    let (naming, others): (Vec<&Word>, Vec<&Word>) = words.words.iter().partition(names);
    let mut all: Vec<String> = naming
        .into_iter()
        .map(|word| {
            let ids: Vec<String> = word.tickers.iter().map(|id| id.get().to_string()).collect();
            format!("tickers IN [{}]", ids.join(","))
        })
        .collect();
    all.dedup();
    let others = Words { words: others.into_iter().cloned().collect(), ..Words::default() };
    (!all.is_empty()).then(|| (others, all.join(" AND ")))
}

/// Whether a hit has more than half of the words. The server drops words from the end until something matches; what it
/// says of a hit counts them as it split them, which for Korean is not for this side to know.
pub(super) fn is_most<T>(hit: &SearchResult<T>) -> bool {
    let words = hit.ranking_score_details.as_ref().and_then(|details| details.get("words"));
    let number = |name| words.and_then(|words| words.get(name)).and_then(serde_json::Value::as_u64);
    match (number("matchingWords"), number("maxMatchingWords")) {
        (Some(matching), Some(most)) => most == 0 || matching * 2 > most,
        _ => true,
    }
}

/// Only what the house has checked.
pub(super) fn verified(only: bool) -> Option<String> {
    only.then(|| "verified = true".to_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use madang_core::ids::{TickerId, UserId};

    use super::*;

    fn word(text: &str, quoted: Option<u8>, open: bool) -> Word {
        Word { text: text.into(), stem: text.into(), tickers: Vec::new(), quoted, open }
    }

    fn said(words: Vec<Word>) -> String {
        text(&Words { text: String::new(), words }, |word| &word.stem)
    }

    #[test]
    fn a_space_ends_what_is_not_open() {
        assert_eq!(said(vec![word("삼성", None, false), word("실", None, true)]), "삼성 실");
        assert_eq!(said(vec![word("실적", None, false)]), "실적 ");
        assert_eq!(said(vec![]), "");
        assert_eq!(said(vec![word("-\"", None, true)]), "");
    }

    #[test]
    fn words_of_one_quote_stand_together() {
        let words = vec![word("a", Some(0), false), word("b", Some(0), false), word("c", Some(1), false)];
        assert_eq!(said(words), "\"a b\" \"c\" ");
        assert_eq!(said(vec![word("a", Some(0), false), word("b", None, true)]), "\"a\" b");
        assert_eq!(said(vec![word("b", None, false), word("a", Some(0), false)]), "b \"a\" ");
    }

    #[test]
    fn operators_do_not_get_through() {
        assert_eq!(said(vec![word("-삼성\"", None, true)]), "삼성");
    }

    #[test]
    fn a_stem_is_searched_for_unless_quoted() {
        let particle =
            |quoted| Word { text: "실적이".into(), stem: "실적".into(), quoted, ..Word::default() };
        assert_eq!(said(vec![particle(None)]), "실적 ");
        assert_eq!(said(vec![particle(Some(0))]), "\"실적이\" ");
    }

    #[test]
    fn names_of_instruments_become_a_filter() {
        let named = |text: &str, ids: &[i32], quoted| Word {
            tickers: ids.iter().copied().map(TickerId::new).collect(),
            ..word(text, quoted, false)
        };
        let words = |words| Words { text: String::new(), words };
        let given =
            words(vec![named("삼성", &[5, 6], None), named("전자", &[5, 6], None), named("실적", &[], None)]);
        let (rest, filter) = about(&given).unwrap();
        assert_eq!((said(rest.words).as_str(), filter.as_str()), ("실적 ", "tickers IN [5,6]"));
        let two =
            words(vec![named("삼전", &[5], None), named("하닉", &[7], None), named("삼전", &[5], Some(0))]);
        let (rest, filter) = about(&two).unwrap();
        assert_eq!(
            (said(rest.words).as_str(), filter.as_str()),
            ("\"삼전\" ", "tickers IN [5] AND tickers IN [7]")
        );
        assert_eq!(about(&words(vec![named("삼전", &[5], Some(0)), word("실적", None, true)])), None);
    }

    #[test]
    fn filters_are_numbers() {
        let wanted = PostFilter {
            ticker: Some(TickerId::new(5)),
            author: Some(UserId::new(6)),
            among: Some(vec![UserId::new(7), UserId::new(8)]),
            stance: Some(-1),
            from: Some(10),
            until: Some(20),
            verified: true,
        };
        assert_eq!(
            filter(&wanted).unwrap(),
            "tickers = 5 AND author = 6 AND author IN [7,8] AND stance = -1 AND created_at >= 10 AND created_at < 20 \
             AND verified = true"
        );
        assert_eq!(filter(&PostFilter::default()), None);
    }
}
