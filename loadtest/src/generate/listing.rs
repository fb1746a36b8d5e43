//! More listed names, so that a search is judged among real neighbours. They are quiet: nobody in a community writes
//! about them or trades them, and they have no prices.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::tickers::{self, Exchange, Ticker};

const QUIET: &str = include_str!("listing.csv");

/// What `tickers.csv` tells of one listed name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Listed {
    pub(crate) exchange: Exchange,
    pub(crate) sector: String,
    pub(crate) symbol: String,
    pub(crate) company: String,
    pub(crate) name_ko: String,
    /// Nicknames, separated by `|`; quiet names have theirs from the service itself.
    #[serde(default)]
    pub(crate) aliases: String,
}

impl From<&Ticker> for Listed {
    fn from(ticker: &Ticker) -> Self {
        Self {
            exchange: ticker.exchange,
            sector: ticker.sector.to_owned(),
            symbol: ticker.symbol.to_owned(),
            company: ticker.company.to_owned(),
            name_ko: ticker.name_ko.to_owned(),
            aliases: ticker.aliases.to_owned(),
        }
    }
}

/// Every listed name: those a community talks about, then the quiet ones.
pub(crate) fn all() -> Result<Vec<Listed>> {
    let mut listed: Vec<Listed> = tickers::all().map(Listed::from).collect();
    for row in csv::Reader::from_reader(QUIET.as_bytes()).deserialize() {
        listed.push(row.context("failed to read the quiet names")?);
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use anyhow::Result;

    use super::all;
    use crate::generate::tickers::Exchange;

    #[test]
    fn codes_have_the_form_of_their_exchange() -> Result<()> {
        for listed in all()? {
            let code = listed.symbol.as_bytes();
            let right = match listed.exchange {
                Exchange::Krx => code.len() == 6 && code.iter().all(u8::is_ascii_digit),
                _ => {
                    (1..=5).contains(&code.len()) && code.iter().all(|b| b.is_ascii_uppercase() || *b == b'-')
                }
            };
            assert!(right, "{listed:?}");
        }
        Ok(())
    }

    #[test]
    fn no_code_is_listed_twice() -> Result<()> {
        let mut codes: Vec<String> = all()?.into_iter().map(|listed| listed.symbol).collect();
        let count = codes.len();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(count >= 40 + 180, "{count} names");
        Ok(())
    }
}
