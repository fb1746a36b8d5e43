//! Stopping: the first signal asks everybody to finish, and a task that ends on its own is an error.

use std::{future::Future, time::Duration};

use anyhow::bail;
use tokio::{signal::unix, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Cancelled by the first SIGINT or SIGTERM.
pub fn on_signal() -> anyhow::Result<CancellationToken> {
    let mut interrupt = unix::signal(unix::SignalKind::interrupt())?;
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stop asked for, finishing work in hand");
        cancelled.cancel();
    });
    Ok(token)
}

/// The tasks of a process.
#[derive(Debug)]
pub struct Tasks {
    set: JoinSet<(&'static str, anyhow::Result<()>)>,
    stop: CancellationToken,
}

impl Tasks {
    /// Tasks that are to end when `stop` is cancelled.
    pub fn new(stop: CancellationToken) -> Self {
        Self { set: JoinSet::new(), stop }
    }

    /// Starts a task that runs until `stop`.
    pub fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.set.spawn(async move { (name, task.await) });
    }

    /// Waits for the stop, then for the tasks within `deadline`. A task that ended, failed or panicked
    /// before the stop makes this an error, so that the process ends non-zero and is restarted.
    pub async fn run(mut self, deadline: Duration) -> anyhow::Result<()> {
        let early = tokio::select! {
            // First, since what ends because of the stop may be seen in the same moment.
            biased;
            () = self.stop.cancelled() => None,
            ended = self.set.join_next() => ended,
        };
        self.stop.cancel();
        let left = tokio::time::timeout(deadline, async {
            while let Some(ended) = self.set.join_next().await {
                log_end(ended);
            }
        })
        .await;
        if left.is_err() {
            bail!(
                "failed to finish within {} s, {} tasks ended by force",
                deadline.as_secs(),
                self.set.len()
            );
        }
        match early {
            None => Ok(()),
            Some(Ok((name, Ok(())))) => bail!("task {name} ended though nobody asked it to"),
            Some(Ok((name, Err(error)))) => Err(error.context(format!("task {name} failed"))),
            Some(Err(error)) => bail!("a task died: {error}"),
        }
    }
}

fn log_end(ended: Result<(&'static str, anyhow::Result<()>), tokio::task::JoinError>) {
    match ended {
        Ok((_, Ok(()))) => {}
        Ok((task, Err(error))) => {
            tracing::error!(task, error = format!("{error:#}"), "task failed while stopping")
        }
        Err(error) => tracing::error!(%error, "task died while stopping"),
    }
}
