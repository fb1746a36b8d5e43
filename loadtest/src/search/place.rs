//! Where search is measured: empty stores with the demo community and perhaps an archive in them, the index, and the
//! running service.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::ask::Ask;
use crate::bench::{
    rig::Folder,
    server::{self, Server},
    stores::{Postgres, RedisAddress},
    tools::{self, Tools},
};

/// The demo community as `./dev demo` has it, but always of the same days: what is drawn from it shall not change.
const DEMO: [&str; 8] =
    ["--people", "2000", "--posts", "20000", "--seed", "42", "--until", "2026-03-02T00:00:00Z"];

/// Everything at hand.
#[derive(Debug)]
pub(crate) struct Place {
    // Dropped in this order: the server goes before the folder that holds its log.
    pub(crate) server: Server,
    pub(crate) ask: Ask,
    pub(crate) database: Postgres,
    pub(crate) tools: Tools,
    pub(crate) folder: Folder,
    pub(crate) symbols: HashSet<String>,
    /// What was loaded, in words.
    pub(crate) loaded: String,
    madang: PathBuf,
}

impl Place {
    /// Loads, indexes, starts the service.
    pub(crate) async fn set_up(archive: Option<&Path>) -> Result<Self> {
        let tools = Tools::find()?;
        let madang = server::executable()?;
        let database = Postgres::owner(tools.psql.clone())?;
        let redis = RedisAddress::from_env()?;
        run(&madang, &["migrate"]).await?;
        database.require_empty().await?;
        drop(redis.connect_empty().await?);
        let folder = Folder::create()?;
        let demo = folder.path().join("demo");
        generate(&demo).await?;
        for archive in std::iter::once(demo.as_path()).chain(archive) {
            import(&madang, archive, &folder).await?;
        }
        database.sql("ANALYZE").await?;
        eprint!("{}", run(&madang, &["search", "reindex"]).await?);
        let symbols = database.sql("SELECT symbol FROM tickers").await?.lines().map(str::to_owned).collect();
        let loaded = counts(&database).await?;
        let server = Server::start(&madang, folder.path()).await?;
        let ask = Ask::new(&server.url)?;
        let place = Self { server, ask, database, tools, folder, symbols, loaded, madang };
        place.ask.ready().await?;
        Ok(place)
    }

    /// Builds the index anew and returns what was said.
    pub(crate) async fn reindex(&self) -> Result<String> {
        run(&self.madang, &["search", "reindex"]).await
    }
}

async fn run(madang: &Path, args: &[&str]) -> Result<String> {
    tools::run(madang, args, &server::settings(), "").await
}

async fn generate(to: &Path) -> Result<()> {
    let own = std::env::current_exe().context("failed to find this program")?;
    let to = to.display().to_string();
    let args: Vec<&str> = ["generate", "--out", &to].into_iter().chain(DEMO).collect();
    tools::run(&own, &args, &[], "").await.map(|_| ())
}

/// Archives have lines that are rejected; that is told, and no failure.
async fn import(madang: &Path, archive: &Path, folder: &Folder) -> Result<()> {
    let name = archive.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let rejects = folder.path().join(format!("rejects-{name}.csv")).display().to_string();
    let archive = archive.display().to_string();
    let said = run(madang, &["import", &archive, "--rejects", &rejects]).await?;
    eprintln!("{}", said.lines().last().unwrap_or_default());
    Ok(())
}

async fn counts(database: &Postgres) -> Result<String> {
    let sql =
        "SELECT (SELECT count(*) FROM tickers) || ' tickers, ' || (SELECT count(*) FROM users) || ' people, '
        || (SELECT count(*) FROM posts WHERE listed AND repost_of IS NULL) || ' posts'";
    Ok(database.sql(sql).await?.trim().to_owned())
}
