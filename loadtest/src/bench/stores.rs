//! PostgreSQL and Redis of the measured service: their addresses from the environment, and SQL through `psql`.
//! Both must be empty, so that a measurement can never be let loose on anybody's data.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Url;

use super::{resp::Resp, tools};

/// A database, as `psql` and `pgbench` are told: by variables, where other users do not see the password.
#[derive(Debug)]
pub(crate) struct Postgres {
    psql: PathBuf,
    pub(crate) variables: Vec<(&'static str, String)>,
}

/// Where Redis listens.
#[derive(Debug)]
pub(crate) struct RedisAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: u32,
}

fn variable(name: &str) -> Result<Url> {
    let text = std::env::var(name)
        .with_context(|| format!("{name} must be set; ./dev bench and ./dev soak set it"))?;
    Url::parse(&text).with_context(|| format!("{name} is not a URL"))
}

/// `%41` becomes `A`; what is no escape stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, escape) = rest.split_at(at);
        bytes.extend_from_slice(before.as_bytes());
        let byte = escape.get(1..3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let (byte, used) = byte.map_or((b'%', 1), |byte| (byte, 3));
        bytes.push(byte);
        rest = escape.get(used..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Postgres {
    /// The role that owns the schema.
    pub(crate) fn owner(psql: PathBuf) -> Result<Self> {
        let url = variable("MIGRATE_DATABASE_URL").or_else(|_| variable("DATABASE_URL"))?;
        let mut variables = vec![("PGCONNECT_TIMEOUT", "10".to_owned())];
        let mut set = |name, value: Option<String>| {
            variables.extend(value.filter(|v| !v.is_empty()).map(|v| (name, v)));
        };
        set("PGHOST", url.host_str().map(decoded));
        set("PGPORT", url.port().map(|port| port.to_string()));
        set("PGUSER", Some(decoded(url.username())));
        set("PGPASSWORD", url.password().map(decoded));
        set("PGDATABASE", Some(decoded(url.path().trim_start_matches('/'))));
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "host" => set("PGHOST", Some(value.into_owned())),
                "sslmode" => set("PGSSLMODE", Some(value.into_owned())),
                _ => {}
            }
        }
        Ok(Self { psql, variables })
    }

    /// Runs SQL; rows come one a line, columns with `|` between.
    pub(crate) async fn sql(&self, sql: &str) -> Result<String> {
        let args = ["-qAtX", "-v", "ON_ERROR_STOP=1", "-f", "-"];
        tools::run(&self.psql, &args, &self.variables, sql).await
    }

    /// Refuses a database in which somebody lives.
    pub(crate) async fn require_empty(&self) -> Result<()> {
        let people = self.sql("SELECT count(*) FROM users").await?;
        ensure!(
            people.trim() == "0",
            "the database has {} people in it: measurements want an empty one, as ./dev bench makes",
            people.trim()
        );
        Ok(())
    }
}

impl RedisAddress {
    /// From `REDIS_URL`.
    pub(crate) fn from_env() -> Result<Self> {
        let url = variable("REDIS_URL")?;
        if url.scheme() != "redis" {
            bail!("REDIS_URL must begin with redis:// here: measurements go without TLS");
        }
        let database = url.path().trim_start_matches('/');
        Ok(Self {
            host: url.host_str().unwrap_or("127.0.0.1").to_owned(),
            port: url.port().unwrap_or(6379),
            user: Some(decoded(url.username())).filter(|user| !user.is_empty()),
            password: url.password().map(decoded),
            database: if database.is_empty() {
                0
            } else {
                database.parse().context("REDIS_URL does not end in a number")?
            },
        })
    }

    /// Connects, and refuses a Redis that holds anything.
    pub(crate) async fn connect_empty(&self) -> Result<Resp> {
        let mut redis = Resp::connect(self).await?;
        let keys = redis.number(&["DBSIZE"]).await?;
        ensure!(keys == 0, "Redis holds {keys} keys: measurements want an empty one, as ./dev bench makes");
        Ok(redis)
    }
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn escapes_are_decoded_and_a_lone_percent_stays() {
        assert_eq!(decoded("a%40b%2Fc"), "a@b/c");
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%ED%95%9C"), "한");
    }
}
