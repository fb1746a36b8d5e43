//! Nicknames by which investors call instruments, as a file beside the code. They are only put into the table, where
//! operators add others and take some away; what an operator took away never comes back from here.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use sqlx::PgConnection;

use crate::tickers::alias_key;

/// Columns `symbol` (`market:code`) and `nickname`. One nickname on several lines, as for two share classes or a listing
/// that moved, is for the first of them that exists.
const FILE: &str = include_str!("../data/nicknames.csv");

#[derive(Debug, Deserialize)]
struct Line {
    symbol: String,
    nickname: String,
}

fn lines() -> csv::Result<Vec<Line>> {
    csv::Reader::from_reader(FILE.as_bytes()).deserialize().collect()
}

/// What instruments are called now.
#[derive(Debug, Default)]
struct Known {
    ids: HashMap<String, i32>,
    /// Codes, names and nicknames, also those that were taken away.
    names: HashMap<String, HashSet<i32>>,
}

impl Known {
    async fn load(tx: &mut PgConnection) -> sqlx::Result<Self> {
        let mut known = Self::default();
        let tickers: Vec<(i32, String, String, String, Option<String>)> =
            sqlx::query_as("SELECT id, symbol, code, name, name_ko FROM tickers").fetch_all(&mut *tx).await?;
        for (id, symbol, code, name, name_ko) in tickers {
            for name in [Some(code), Some(name), name_ko].into_iter().flatten() {
                known.names.entry(alias_key(&name)).or_default().insert(id);
            }
            known.ids.insert(symbol, id);
        }
        let aliases: Vec<(String, i32)> =
            sqlx::query_as("SELECT alias, ticker_id FROM ticker_aliases").fetch_all(&mut *tx).await?;
        for (alias, id) in aliases {
            known.names.entry(alias).or_default().insert(id);
        }
        Ok(known)
    }

    /// Takes a nickname for an instrument that exists, unless it means another one.
    fn take(&mut self, line: &Line) -> Option<(String, i32)> {
        let id = *self.ids.get(&line.symbol)?;
        let alias = alias_key(&line.nickname);
        let meant = self.names.entry(alias.clone()).or_default();
        if meant.iter().any(|other| *other != id) {
            return None;
        }
        meant.insert(id);
        Some((alias, id))
    }
}

/// Gives the instruments that exist the nicknames they lack, and returns how many those were. A nickname that is the
/// code, the name or a nickname of another instrument is left out, and so is one that was taken away.
pub async fn seed(tx: &mut PgConnection) -> sqlx::Result<u64> {
    let lines = lines().map_err(|error| sqlx::Error::Decode(error.into()))?;
    let mut known = Known::load(tx).await?;
    let (aliases, ids): (Vec<String>, Vec<i32>) = lines.iter().filter_map(|line| known.take(line)).unzip();
    let done = sqlx::query(
        "INSERT INTO ticker_aliases (alias, ticker_id, source)
         SELECT alias, id, 'built_in' FROM unnest($1::text[], $2::int[]) AS n (alias, id)
         ON CONFLICT DO NOTHING",
    )
    .bind(aliases)
    .bind(ids)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    /// Symbols of one company that may share a nickname, beside those whose listing moved from one market to another.
    const ONE_COMPANY: [[&str; 2]; 3] =
        [["XNAS:FB", "XNAS:META"], ["XNAS:GOOG", "XNAS:GOOGL"], ["XNYS:BRK-A", "XNYS:BRK-B"]];

    fn of_one_company(one: &str, other: &str) -> bool {
        let code = |symbol: &str| symbol.split_once(':').map(|(_, code)| code.to_owned());
        code(one) == code(other)
            || ONE_COMPANY.iter().any(|pair| pair.contains(&one) && pair.contains(&other) && one != other)
    }

    #[test]
    fn every_line_is_well_formed() {
        let lines = lines().unwrap();
        assert!(lines.len() >= 250, "{} lines", lines.len());
        for line in lines {
            let (market, code) = line.symbol.split_once(':').unwrap();
            assert!(["XKRX", "XNAS", "XNYS"].contains(&market), "{line:?}");
            let capital = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
            assert!((1..=6).contains(&code.len()) && code.bytes().all(capital), "{line:?}");
            assert!(market != "XKRX" || code.len() == 6, "{line:?}");
            assert!((2..=200).contains(&alias_key(&line.nickname).chars().count()), "{line:?}");
        }
    }

    #[test]
    fn a_nickname_means_one_company() {
        let mut seen: HashMap<String, Vec<String>> = HashMap::new();
        for line in lines().unwrap() {
            let symbols = seen.entry(alias_key(&line.nickname)).or_default();
            let right = |other: &String| *other != line.symbol && of_one_company(other, &line.symbol);
            assert!(symbols.iter().all(right), "{line:?} beside {symbols:?}");
            symbols.push(line.symbol);
        }
    }
}
