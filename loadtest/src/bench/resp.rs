//! A small Redis client: commands in pipelines over one plain connection, so that thousands of lengths are
//! read in a few milliseconds and the measuring itself costs little.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
};

use super::stores::RedisAddress;

/// Commands written before their answers are read.
const PIPELINE: usize = 1_000;
/// Longest wait for an answer; removing a large key takes its time.
const PATIENCE: Duration = Duration::from_secs(30);

/// An encoded command.
#[derive(Debug, Clone)]
pub(crate) struct Command(Vec<u8>);

impl Command {
    /// Encodes its words.
    pub(crate) fn new(words: &[&str]) -> Self {
        let mut out = format!("*{}\r\n", words.len());
        for word in words {
            out.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        Self(out.into_bytes())
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Nothing,
    Number(i64),
    Bytes(Vec<u8>),
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Resp {
    stream: BufStream<TcpStream>,
}

impl Resp {
    /// Connects, logs in and chooses the database.
    pub(crate) async fn connect(to: &RedisAddress) -> Result<Self> {
        let dialling = TcpStream::connect((to.host.as_str(), to.port));
        let stream = tokio::time::timeout(PATIENCE, dialling).await?.context("failed to connect to Redis")?;
        stream.set_nodelay(true)?;
        let mut redis = Self { stream: BufStream::with_capacity(1 << 16, 1 << 16, stream) };
        match (&to.user, &to.password) {
            (Some(user), Some(password)) => redis.ask(&["AUTH", user, password]).await?,
            (None, Some(password)) => redis.ask(&["AUTH", password]).await?,
            _ => Reply::Nothing,
        };
        redis.ask(&["SELECT", &to.database.to_string()]).await?;
        Ok(redis)
    }

    /// One command and its answer.
    pub(crate) async fn ask(&mut self, words: &[&str]) -> Result<Reply> {
        let command = Command::new(words);
        self.ask_all(&[&command]).await?.pop().context("Redis gave no answer")
    }

    /// One command whose answer is a number.
    pub(crate) async fn number(&mut self, words: &[&str]) -> Result<i64> {
        Ok(number(&self.ask(words).await?))
    }

    /// Many commands and their answers, in order.
    pub(crate) async fn ask_all(&mut self, commands: &[&Command]) -> Result<Vec<Reply>> {
        let mut replies = Vec::with_capacity(commands.len());
        for chunk in commands.chunks(PIPELINE) {
            let exchange = self.exchange(chunk, &mut replies);
            tokio::time::timeout(PATIENCE, exchange).await.context("Redis does not answer")??;
        }
        Ok(replies)
    }

    /// Many commands whose answers are numbers; a missing one counts as 0.
    pub(crate) async fn numbers(&mut self, commands: &[&Command]) -> Result<Vec<i64>> {
        Ok(self.ask_all(commands).await?.iter().map(number).collect())
    }

    async fn exchange(&mut self, commands: &[&Command], replies: &mut Vec<Reply>) -> Result<()> {
        for command in commands {
            self.stream.write_all(&command.0).await?;
        }
        self.stream.flush().await?;
        for _ in commands {
            replies.push(self.read().await?);
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Reply> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await?;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        match text.split_at_checked(1) {
            Some(("+", rest)) => Ok(Reply::Bytes(rest.as_bytes().to_vec())),
            Some((":", rest)) => Ok(Reply::Number(rest.parse()?)),
            Some(("$", "-1")) => Ok(Reply::Nothing),
            Some(("$", rest)) => self.read_bytes(rest.parse()?).await,
            Some(("-", rest)) => bail!("Redis refused a command: {rest}"),
            _ => bail!("Redis gave an answer that is not understood: {text:?}"),
        }
    }

    async fn read_bytes(&mut self, len: usize) -> Result<Reply> {
        let mut bytes = vec![0; len + 2];
        self.stream.read_exact(&mut bytes).await?;
        bytes.truncate(len);
        Ok(Reply::Bytes(bytes))
    }

    /// A field of `INFO`, as a number.
    pub(crate) async fn info(&mut self, section: &str, fields: &[&str]) -> Result<f64> {
        let Reply::Bytes(bytes) = self.ask(&["INFO", section]).await? else {
            bail!("Redis gave no INFO");
        };
        let text = String::from_utf8_lossy(&bytes);
        let value = |field: &&str| -> Result<f64> {
            text.lines()
                .find_map(|line| line.strip_prefix(*field)?.strip_prefix(':'))
                .and_then(|value| value.trim().parse().ok())
                .with_context(|| format!("Redis has no {field} in INFO {section}"))
        };
        fields.iter().map(value).sum()
    }

    /// Seconds of CPU that Redis has used.
    pub(crate) async fn cpu_secs(&mut self) -> Result<f64> {
        self.info("cpu", &["used_cpu_sys", "used_cpu_user"]).await
    }
}

const fn number(reply: &Reply) -> i64 {
    match reply {
        Reply::Number(number) => *number,
        Reply::Nothing | Reply::Bytes(_) => 0,
    }
}
