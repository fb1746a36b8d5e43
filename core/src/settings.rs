//! Settings, read once from the environment. A wrong one stops the start and is named; `.env.example`
//! lists them all.

use std::{net::SocketAddr, str::FromStr, time::Duration};

use ipnet::IpNet;
use secrecy::SecretString;

/// Everything wrong with the environment, one line each.
#[derive(Debug, thiserror::Error)]
#[error("wrong settings:\n{}", .0.join("\n"))]
pub struct BadSettings(Vec<String>);

/// Reads variables and gathers what is wrong with them.
struct Source<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    wrong: Vec<String>,
}

impl Source<'_> {
    fn text(&self, name: &str) -> Option<String> {
        (self.get)(name).filter(|value| !value.trim().is_empty())
    }

    fn parse<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str, default: T) -> T {
        let Some(value) = self.text(name) else {
            return default;
        };
        match value.trim().parse() {
            Ok(parsed) => parsed,
            Err(error) => {
                self.wrong.push(format!("  {name}: {error}"));
                default
            }
        }
    }

    fn optional<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str) -> Option<T> {
        let value = self.text(name)?;
        value.trim().parse().map_err(|error| self.wrong.push(format!("  {name}: {error}"))).ok()
    }

    fn within<T>(&mut self, name: &str, default: T, range: std::ops::RangeInclusive<T>) -> T
    where
        T: FromStr<Err: std::fmt::Display> + PartialOrd + std::fmt::Display + Copy,
    {
        let value = self.parse(name, default);
        if range.contains(&value) {
            return value;
        }
        self.wrong.push(format!("  {name}: must be from {} to {}", range.start(), range.end()));
        default
    }

    fn millis(&mut self, name: &str, default: u64, range: std::ops::RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.within(name, default, range))
    }

    fn required(&mut self, name: &str) -> String {
        self.text(name).unwrap_or_else(|| {
            self.wrong.push(format!("  {name}: must be set"));
            String::new()
        })
    }
}

/// PostgreSQL.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `DATABASE_URL`: the role without ownership.
    pub url: SecretString,
    /// `MIGRATE_DATABASE_URL`: the role that owns the schema; only `madang migrate` uses it.
    pub migrate_url: Option<SecretString>,
    /// `DATABASE_POOL_SIZE`: connections, default 16.
    pub pool_size: u32,
    /// `DATABASE_ACQUIRE_TIMEOUT_MS`: wait for a connection, default 2000.
    pub acquire_timeout: Duration,
    /// `DATABASE_STATEMENT_TIMEOUT_MS`: longest statement of a request, default 8000.
    pub statement_timeout: Duration,
}

/// Redis.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// `REDIS_URL`.
    pub url: SecretString,
    /// `REDIS_PREFIX`: put before every key, default `madang:`.
    pub prefix: String,
    /// `REDIS_TIMEOUT_MS`: longest wait for an answer to a request, default 1000.
    pub timeout: Duration,
    /// `REDIS_BULK_TIMEOUT_MS`: longest wait for a batch of the worker, default 10000.
    pub bulk_timeout: Duration,
}

/// Timelines and boards.
#[derive(Clone, Copy, Debug)]
pub struct FeedSettings {
    /// `TIMELINE_CAP`: posts in a window of a timeline, default 500.
    pub timeline_cap: usize,
    /// `BOARD_CAP`: posts on a ticker's top board, default 1000.
    pub board_cap: usize,
    /// `FANOUT_PUSH_LIMIT`: followers above which an author is merged when read, default 10000.
    pub push_limit: i32,
    /// `FANOUT_SEEN_DAYS`: readers seen within so many days are written to, default 14; keys die a day sooner.
    pub seen_days: i64,
    /// `SNAPSHOT_REUSE_MS`: how long a frozen list serves those who come after, default 2000.
    pub snapshot_reuse_ms: u64,
    /// `SNAPSHOT_SECS`: how long a frozen list can be paged, default 900.
    pub snapshot_secs: u64,
}

/// The worker.
#[derive(Clone, Copy, Debug)]
pub struct WorkSettings {
    /// `JOB_LEASE_SECS`: how long a claimed job is left alone, default 30.
    pub lease: Duration,
    /// `JOB_MAX_ATTEMPTS`: tries before a job is parked, default 10.
    pub max_attempts: i32,
    /// `JOB_BATCH`: jobs claimed at once, default 64.
    pub batch: i64,
    /// `JOB_POLL_MS`: poll behind the wake-up, default 500.
    pub poll: Duration,
    /// `WORKER_BIND`: where `madang work` answers `/healthz` and `/metrics`, default nowhere.
    pub bind: Option<SocketAddr>,
    /// `STOP_DEADLINE_SECS`: time to finish work in hand, default 20.
    pub stop_deadline: Duration,
}

/// A quota: `burst` at once, refilled evenly over `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Actions at once.
    pub burst: u32,
    /// Time in which the burst refills.
    pub per: Duration,
}

impl FromStr for Quota {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must look like 30/min (a count, then /s, /min, /h or /day)".to_owned();
        let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
        let burst = count.trim().parse().ok().filter(|n| (1..=1_000_000).contains(n)).ok_or_else(wrong)?;
        let secs = match unit.trim() {
            "s" => 1,
            "min" => 60,
            "h" => 3_600,
            "day" => 86_400,
            _ => return Err(wrong()),
        };
        Ok(Self { burst, per: Duration::from_secs(secs) })
    }
}

/// Rate limits by kind of action, `RATE_*`; each holds per person (or per address without a login), and
/// `RATE_ADDRESS` over all requests of an address.
#[derive(Clone, Copy, Debug)]
pub struct RateSettings {
    /// `RATE_POST`, default 30/min.
    pub post: Quota,
    /// `RATE_REPLY`, default 60/min.
    pub reply: Quota,
    /// `RATE_FOLLOW`, default 60/min.
    pub follow: Quota,
    /// `RATE_LIKE`, default 120/min.
    pub like: Quota,
    /// `RATE_REPORT`, default 20/day.
    pub report: Quota,
    /// `RATE_LOGIN`, default 10/min.
    pub login: Quota,
    /// `RATE_WRITE`: every other write, default 60/min.
    pub write: Quota,
    /// `RATE_READ`, default 600/min.
    pub read: Quota,
    /// `RATE_SEARCH`: searches and suggestions while typing, default 300/min.
    pub search: Quota,
    /// `RATE_ADDRESS`, default 3000/min.
    pub address: Quota,
}

/// The HTTP server.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// `HTTP_BIND`: address and port, default `127.0.0.1:8080`.
    pub bind: SocketAddr,
    /// `HTTP_WORKERS`: server threads, default one a core.
    pub workers: usize,
    /// `PUBLIC_URL`: what people type, default `http://127.0.0.1:8080`; `https` makes cookies secure.
    pub public_url: String,
    /// `TRUSTED_PROXIES`: networks whose `X-Forwarded-For` counts, comma-separated, default none.
    pub trusted_proxies: Vec<IpNet>,
    /// `HTTP_HEAD_TIMEOUT_MS`: time to send a request's head, default 5000.
    pub head_timeout: Duration,
    /// `HTTP_BODY_TIMEOUT_MS`: time to send a request's body, default 10000.
    pub body_timeout: Duration,
    /// `LIVE_CONNECTIONS`: open live streams a process holds, default 10000.
    pub live_connections: usize,
}

/// Logging in.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// `SIGNING_KEY`: at least 32 characters; signs cursors and view tokens.
    pub signing_key: SecretString,
    /// `SESSION_DAYS`: life of a login, default 30.
    pub session_days: i64,
    /// `OIDC_ISSUER` and `OIDC_AUDIENCE`: an outside identity provider, default none.
    pub oidc: Option<OidcSettings>,
}

/// An outside identity provider.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// `OIDC_ISSUER`: must equal `iss`; `/.well-known/openid-configuration` below it names the keys.
    pub issuer: String,
    /// `OIDC_AUDIENCE`: must be in `aud`.
    pub audience: String,
    /// `OIDC_ALGORITHMS`: pinned, default `RS256,ES256`.
    pub algorithms: Vec<String>,
}

/// Logs and traces.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// `RUST_LOG`: filter, default `info`.
    pub filter: String,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where traces go (OTLP over HTTP), default nowhere.
    pub otlp_endpoint: Option<String>,
}

/// Search.
#[derive(Clone, Debug)]
pub struct SearchSettings {
    /// `SEARCH_DIR`: where the embedded index lives, default `search-index` below the working directory.
    pub dir: std::path::PathBuf,
    /// `MEILI_URL`: the Meilisearch server to use instead, default none.
    pub meili: Option<MeiliSettings>,
}

/// A Meilisearch server.
#[derive(Clone, Debug)]
pub struct MeiliSettings {
    /// `MEILI_URL`.
    pub url: String,
    /// `MEILI_KEY`: its key, default none.
    pub key: Option<SecretString>,
    /// `MEILI_PREFIX`: put before the names of indexes, so that deployments can share a server, default `madang_`.
    pub prefix: String,
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// PostgreSQL.
    pub database: DatabaseSettings,
    /// Redis.
    pub redis: RedisSettings,
    /// Timelines and boards.
    pub feed: FeedSettings,
    /// The worker.
    pub work: WorkSettings,
    /// Rate limits.
    pub rates: RateSettings,
    /// The HTTP server.
    pub http: HttpSettings,
    /// Logging in.
    pub auth: AuthSettings,
    /// Search.
    pub search: SearchSettings,
    /// Logs and traces.
    pub telemetry: TelemetrySettings,
    /// `MARKET_INDEXES`: the index of each currency's market, `KRW=XKRX:KOSPI,USD=XNYS:SPX`, default none: then
    /// the market is the plain mean of its instruments.
    pub market_indexes: Vec<(String, String)>,
}

impl Settings {
    /// Reads the process's environment.
    pub fn from_env() -> Result<Self, BadSettings> {
        Self::read(&|name| std::env::var(name).ok())
    }

    /// Reads from any source; all that is wrong is told at once.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadSettings> {
        let mut source = Source { get, wrong: Vec::new() };
        let s = &mut source;
        let settings = Self {
            database: database(s),
            redis: redis(s),
            feed: feed(s),
            work: work(s),
            rates: rates(s),
            http: http(s),
            auth: auth(s),
            search: search(s),
            telemetry: TelemetrySettings {
                filter: s.text("RUST_LOG").unwrap_or_else(|| "info".into()),
                otlp_endpoint: s.text("OTEL_EXPORTER_OTLP_ENDPOINT"),
            },
            market_indexes: market_indexes(s),
        };
        if source.wrong.is_empty() { Ok(settings) } else { Err(BadSettings(source.wrong)) }
    }
}

fn database(s: &mut Source<'_>) -> DatabaseSettings {
    DatabaseSettings {
        url: s.required("DATABASE_URL").into(),
        migrate_url: s.text("MIGRATE_DATABASE_URL").map(Into::into),
        pool_size: s.within("DATABASE_POOL_SIZE", 16, 2..=500),
        acquire_timeout: s.millis("DATABASE_ACQUIRE_TIMEOUT_MS", 2_000, 100..=60_000),
        statement_timeout: s.millis("DATABASE_STATEMENT_TIMEOUT_MS", 8_000, 100..=600_000),
    }
}

fn redis(s: &mut Source<'_>) -> RedisSettings {
    RedisSettings {
        url: s.required("REDIS_URL").into(),
        prefix: s.text("REDIS_PREFIX").unwrap_or_else(|| "madang:".into()),
        timeout: s.millis("REDIS_TIMEOUT_MS", 1_000, 10..=60_000),
        bulk_timeout: s.millis("REDIS_BULK_TIMEOUT_MS", 10_000, 100..=600_000),
    }
}

fn feed(s: &mut Source<'_>) -> FeedSettings {
    FeedSettings {
        timeline_cap: s.within("TIMELINE_CAP", 500, 10..=5_000),
        board_cap: s.within("BOARD_CAP", 1_000, 10..=10_000),
        push_limit: s.within("FANOUT_PUSH_LIMIT", 10_000, 1..=100_000_000),
        seen_days: s.within("FANOUT_SEEN_DAYS", 14, 2..=365),
        snapshot_reuse_ms: s.within("SNAPSHOT_REUSE_MS", 2_000, 0..=60_000),
        snapshot_secs: s.within("SNAPSHOT_SECS", 900, 1..=86_400),
    }
}

fn work(s: &mut Source<'_>) -> WorkSettings {
    WorkSettings {
        lease: Duration::from_secs(s.within("JOB_LEASE_SECS", 30, 1..=60)),
        max_attempts: s.within("JOB_MAX_ATTEMPTS", 10, 1..=100),
        batch: s.within("JOB_BATCH", 64, 1..=1_000),
        bind: s.optional("WORKER_BIND"),
        poll: s.millis("JOB_POLL_MS", 500, 10..=60_000),
        stop_deadline: Duration::from_secs(s.within("STOP_DEADLINE_SECS", 20, 1..=600)),
    }
}

fn search(s: &mut Source<'_>) -> SearchSettings {
    let meili = s.text("MEILI_URL").map(|url| MeiliSettings {
        url: url.trim().trim_end_matches('/').to_owned(),
        key: s.text("MEILI_KEY").map(Into::into),
        prefix: s.text("MEILI_PREFIX").unwrap_or_else(|| "madang_".into()),
    });
    if let Some(meili) = &meili {
        if !(meili.url.starts_with("http://") || meili.url.starts_with("https://")) {
            s.wrong.push("  MEILI_URL: must begin with http:// or https://".into());
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !meili.prefix.chars().all(plain) || meili.prefix.len() > 64 {
            s.wrong.push("  MEILI_PREFIX: must be at most 64 letters, digits, - and _".into());
        }
    }
    SearchSettings { dir: s.text("SEARCH_DIR").unwrap_or_else(|| "search-index".into()).into(), meili }
}

fn market_indexes(s: &mut Source<'_>) -> Vec<(String, String)> {
    let text = s.text("MARKET_INDEXES").unwrap_or_default();
    let mut indexes = Vec::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some((currency, symbol)) if currency.len() == 3 && symbol.contains(':') => {
                indexes.push((currency.to_uppercase(), symbol.to_owned()));
            }
            _ => s.wrong.push(format!("  MARKET_INDEXES: {pair:?} is not like KRW=XKRX:KOSPI")),
        }
    }
    indexes
}

fn rates(s: &mut Source<'_>) -> RateSettings {
    let quota = |burst, secs| Quota { burst, per: Duration::from_secs(secs) };
    RateSettings {
        post: s.parse("RATE_POST", quota(30, 60)),
        reply: s.parse("RATE_REPLY", quota(60, 60)),
        follow: s.parse("RATE_FOLLOW", quota(60, 60)),
        like: s.parse("RATE_LIKE", quota(120, 60)),
        report: s.parse("RATE_REPORT", quota(20, 86_400)),
        login: s.parse("RATE_LOGIN", quota(10, 60)),
        write: s.parse("RATE_WRITE", quota(60, 60)),
        read: s.parse("RATE_READ", quota(600, 60)),
        search: s.parse("RATE_SEARCH", quota(300, 60)),
        address: s.parse("RATE_ADDRESS", quota(3_000, 60)),
    }
}

fn http(s: &mut Source<'_>) -> HttpSettings {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    HttpSettings {
        bind: s.parse("HTTP_BIND", SocketAddr::from(([127, 0, 0, 1], 8080))),
        workers: s.within("HTTP_WORKERS", cores, 1..=256),
        public_url: public_url(s),
        trusted_proxies: proxies(s),
        head_timeout: s.millis("HTTP_HEAD_TIMEOUT_MS", 5_000, 100..=60_000),
        body_timeout: s.millis("HTTP_BODY_TIMEOUT_MS", 10_000, 100..=600_000),
        live_connections: s.within("LIVE_CONNECTIONS", 10_000, 1..=1_000_000),
    }
}

fn public_url(s: &mut Source<'_>) -> String {
    let url = s.text("PUBLIC_URL").unwrap_or_else(|| "http://127.0.0.1:8080".into());
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        s.wrong.push("  PUBLIC_URL: must begin with http:// or https://".into());
    }
    url.trim_end_matches('/').to_owned()
}

fn proxies(s: &mut Source<'_>) -> Vec<IpNet> {
    let list = s.text("TRUSTED_PROXIES").unwrap_or_default();
    let mut networks = Vec::new();
    for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let single = part.parse::<std::net::IpAddr>().map(IpNet::from);
        match part.parse::<IpNet>().or(single) {
            Ok(network) => networks.push(network),
            Err(_) => s.wrong.push(format!("  TRUSTED_PROXIES: {part} is not a network such as 10.0.0.0/8")),
        }
    }
    networks
}

fn auth(s: &mut Source<'_>) -> AuthSettings {
    let signing_key = s.required("SIGNING_KEY");
    if !signing_key.is_empty() && signing_key.len() < 32 {
        s.wrong.push("  SIGNING_KEY: must have at least 32 characters".into());
    }
    let oidc = match (s.text("OIDC_ISSUER"), s.text("OIDC_AUDIENCE")) {
        (None, None) => None,
        (Some(issuer), Some(audience)) => {
            Some(OidcSettings { issuer, audience, algorithms: oidc_algorithms(s) })
        }
        _ => {
            s.wrong.push("  OIDC_ISSUER, OIDC_AUDIENCE: set both or none".into());
            None
        }
    };
    AuthSettings {
        signing_key: signing_key.into(),
        session_days: s.within("SESSION_DAYS", 30, 1..=365),
        oidc,
    }
}

/// Only signatures with a public key: a shared secret or `none` can never be pinned by mistake.
fn oidc_algorithms(s: &mut Source<'_>) -> Vec<String> {
    const KNOWN: [&str; 9] =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];
    let list = s.text("OIDC_ALGORITHMS").unwrap_or_else(|| "RS256,ES256".into());
    let names: Vec<String> = list.split(',').map(|name| name.trim().to_owned()).collect();
    if let Some(unknown) = names.iter().find(|name| !KNOWN.contains(&name.as_str())) {
        s.wrong.push(format!("  OIDC_ALGORITHMS: {unknown} is none of {}", KNOWN.join(", ")));
    }
    names
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, BadSettings> {
        let base = [
            ("DATABASE_URL", "postgres://a:secret@b/c"),
            ("REDIS_URL", "redis://localhost"),
            ("SIGNING_KEY", "0123456789abcdef0123456789abcdef"),
        ];
        let all: Vec<(String, String)> =
            base.iter().chain(pairs).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::read(&|name| all.iter().rev().find(|(k, _)| k == name).map(|(_, v)| v.clone()))
    }

    #[test]
    fn defaults_hold_when_only_the_required_are_set() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.feed.timeline_cap, 500);
        assert_eq!(settings.rates.post, Quota { burst: 30, per: Duration::from_secs(60) });
    }

    #[test]
    fn every_wrong_setting_is_named_at_once() {
        let error = read(&[
            ("HTTP_BIND", "here"),
            ("RATE_POST", "lots"),
            ("TIMELINE_CAP", "3"),
            ("SIGNING_KEY", "short"),
            ("TRUSTED_PROXIES", "10.0.0.0/8, nowhere"),
            ("OIDC_ISSUER", "https://id.example"),
            ("PUBLIC_URL", "ftp://x"),
        ])
        .unwrap_err()
        .to_string();
        for name in [
            "HTTP_BIND",
            "RATE_POST",
            "TIMELINE_CAP",
            "SIGNING_KEY",
            "TRUSTED_PROXIES",
            "OIDC_ISSUER",
            "PUBLIC_URL",
        ] {
            assert!(error.contains(name), "{name} missing in {error}");
        }
    }

    #[test]
    fn secrets_never_print() {
        let printed = format!("{:?}", read(&[]).unwrap());
        assert!(!printed.contains("secret@") && !printed.contains("0123456789abcdef"), "{printed}");
    }
}
