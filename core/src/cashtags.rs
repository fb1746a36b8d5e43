//! Cashtags in a text: `$AAPL`, `$005930`, `$삼성전자`. This module finds what is meant to be one;
//! the catalogue of tickers (`tickers.rs`) says whether it is.

/// Most tickers one post may name.
pub const MAX_TICKERS: usize = 5;
/// Longest name looked at after a `$`, in characters.
const MAX_NAME: usize = 40;

/// Something written as a cashtag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cashtag {
    /// Starts with a Latin letter: a code. An unknown one is the writer's mistake.
    Code(String),
    /// Digits: a Korean code, or a sum of money. An unknown one is taken for money.
    Digits(String),
    /// Contains Hangul: a name to which particles may stick, so its longest known prefix counts.
    Name(String),
}

/// Finds cashtags in order of appearance.
pub fn find(text: &str) -> Vec<Cashtag> {
    let mut found = Vec::new();
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        let opens = c == '$' && !previous.is_alphanumeric() && previous != '$';
        previous = c;
        if !opens {
            continue;
        }
        let word: String = text
            .get(at + 1..)
            .unwrap_or_default()
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '&' | ':'))
            .take(MAX_NAME)
            .collect();
        found.extend(classify(&word));
    }
    found
}

fn classify(word: &str) -> Option<Cashtag> {
    // A sentence may end right behind a cashtag.
    let word = word.trim_end_matches(['.', '-', '_', '&', ':']);
    let first = word.chars().next()?;
    if word.chars().any(|c| ('가'..='힣').contains(&c)) {
        // `$AAPL은` is a code with a particle, `$SK하이닉스` a name: the catalogue's prefix decides.
        return Some(Cashtag::Name(word.to_owned()));
    }
    if first.is_ascii_digit() {
        let code = word.len() == 6 && word.chars().all(|c| c.is_ascii_alphanumeric());
        return code.then(|| Cashtag::Digits(word.to_ascii_uppercase()));
    }
    let plain = word.is_ascii() && first.is_ascii_alphabetic() && word.len() <= 16;
    plain.then(|| Cashtag::Code(word.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_digits_and_names_are_told_apart() {
        let text =
            "$AAPL, ($tsla) $005930! $삼성전자가 $100 $1.5B L$D BE$T US$ $$$ $BRK-A. a$AAPL $XKRX:005930";
        assert_eq!(
            find(text),
            vec![
                Cashtag::Code("AAPL".into()),
                Cashtag::Code("TSLA".into()),
                Cashtag::Digits("005930".into()),
                Cashtag::Name("삼성전자가".into()),
                Cashtag::Code("BRK-A".into()),
                Cashtag::Code("XKRX:005930".into()),
            ]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = find(&text);
        }
    }
}
