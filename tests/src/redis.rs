//! A Redis of a test's own, for tests that empty, stop or kill it. It keeps nothing on disk.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::until;

/// A free port, as of now.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The server.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    child: Mutex<Option<Child>>,
}

impl Redis {
    /// Starts `redis-server` as found on the path.
    pub async fn start() -> Result<Self> {
        let redis = Self { port: free_port()?, child: Mutex::default() };
        redis.restart().await?;
        Ok(redis)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Starts it anew, empty, on the same port.
    pub async fn restart(&self) -> Result<()> {
        self.kill();
        let port = self.port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("failed to start redis-server")?;
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        until("Redis answers", 10, async || Ok(self.command("PING").await.is_ok())).await
    }

    /// Kills it; what it held is gone.
    pub fn kill(&self) {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut child) = child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Empties it.
    pub async fn flush(&self) -> Result<()> {
        self.command("FLUSHALL").await
    }

    async fn command(&self, command: &str) -> Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.write_all(format!("{command}\r\n").as_bytes()).await?;
        let mut first = [0_u8; 1];
        stream.read_exact(&mut first).await?;
        ensure!(first == *b"+", "Redis refused {command}");
        Ok(())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
