//! The programs measured beside the service: where they are, and running them to their end.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use tokio::{io::AsyncWriteExt, process::Command};

/// Lines of a failed program's words that are repeated.
const SHOWN_LINES: usize = 8;

/// All that a measurement may call; looked for before anything is started.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) psql: PathBuf,
    pub(crate) pgbench: PathBuf,
    pub(crate) redis_benchmark: PathBuf,
    pub(crate) wrk: PathBuf,
}

impl Tools {
    /// Finds them, or says at once what is missing and where it comes from.
    pub(crate) fn find() -> Result<Self> {
        let mut missing = Vec::new();
        let mut one = |name: &str, from: &str| {
            find(name).unwrap_or_else(|| {
                missing.push(format!("  {name}: {from}"));
                PathBuf::new()
            })
        };
        let tools = Self {
            psql: one("psql", "comes with PostgreSQL; or set PG_BIN to its folder"),
            pgbench: one("pgbench", "comes with PostgreSQL; or set PG_BIN to its folder"),
            redis_benchmark: one("redis-benchmark", "apt-get install redis-tools, brew install redis"),
            wrk: one("wrk", "apt-get install wrk, brew install wrk"),
        };
        if missing.is_empty() {
            return Ok(tools);
        }
        bail!("programs are missing:\n{}", missing.join("\n"))
    }
}

/// Looks in `PG_BIN`, then along `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let own = std::env::var_os("PG_BIN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    own.into_iter()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// Runs a program to its end and returns what it printed; its failure carries its words.
pub(crate) async fn run<S: AsRef<OsStr>>(
    program: &Path,
    args: &[S],
    variables: &[(&str, String)],
    input: &str,
) -> Result<String> {
    let shown = program.display();
    let mut child = Command::new(program)
        .args(args)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("failed to start {shown}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that has already failed reads no more; its status says why.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = child.wait_with_output().await?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let words = said + &String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = words.lines().collect();
    let from = lines.len().saturating_sub(SHOWN_LINES);
    let last = lines.get(from..).unwrap_or_default().join("\n");
    bail!("{shown} failed ({}):\n{last}", output.status)
}
