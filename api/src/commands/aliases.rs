//! `madang admin aliases …`

use anyhow::{Context, bail};
use clap::Subcommand;
use madang_core::{
    aliases::{self, Added},
    settings::Settings,
    tickers::{Catalogue, Ticker},
};
use sqlx::PgPool;

use crate::app::open_feed;

/// What can be done with nicknames.
#[derive(Debug, Subcommand)]
pub(crate) enum AliasesCommand {
    /// Print them, with where they come from.
    List {
        /// Symbol, code or name.
        symbol: String,
    },
    /// Add one.
    Add {
        /// Symbol, code or name.
        symbol: String,
        /// Nickname.
        alias: String,
    },
    /// Take one away; no import and no release brings it back.
    Remove {
        /// Symbol, code or name.
        symbol: String,
        /// Nickname.
        alias: String,
    },
}

fn find<'a>(catalogue: &'a Catalogue, symbol: &str) -> anyhow::Result<&'a Ticker> {
    let found = catalogue.find(symbol);
    found.map(|ticker| &**ticker).with_context(|| format!("there is no instrument called {symbol}"))
}

/// Does it.
pub(crate) async fn run(settings: &Settings, pool: &PgPool, command: AliasesCommand) -> anyhow::Result<()> {
    let catalogue = Catalogue::load(pool).await?;
    let mut tx = pool.begin().await?;
    match command {
        AliasesCommand::List { symbol } => {
            for alias in aliases::list(pool, find(&catalogue, &symbol)?.id).await? {
                println!("{} ({})", alias.alias, alias.source);
            }
            return Ok(());
        }
        AliasesCommand::Add { symbol, alias } => {
            let ticker = find(&catalogue, &symbol)?;
            let alias = aliases::parse(&alias)?;
            if let Some(other) = catalogue.find(&alias).filter(|other| other.id != ticker.id) {
                bail!("{alias} means {} already", other.symbol);
            }
            match aliases::add(&mut tx, ticker.id, &alias).await? {
                Added::Done => {}
                Added::Taken(other) => {
                    let other =
                        catalogue.get(other).map_or("another instrument", |other| other.symbol.as_str());
                    bail!("{alias} means {other} already");
                }
                Added::TooMany => bail!("{symbol} has {} nicknames already", aliases::MAX_ALIASES),
            }
            println!("{alias} means {}", ticker.symbol);
        }
        AliasesCommand::Remove { symbol, alias } => {
            let ticker = find(&catalogue, &symbol)?;
            let alias = aliases::parse(&alias)?;
            anyhow::ensure!(
                aliases::remove(&mut tx, ticker.id, &alias).await?,
                "{symbol} has no such nickname"
            );
            println!("{alias} no longer means {}", ticker.symbol);
        }
    }
    tx.commit().await?;
    let number = madang_core::changes::latest(pool).await?;
    open_feed(settings, pool.clone(), Vec::new())?.publish(number).await;
    Ok(())
}
