//! A second server beside the first, on the same stores: what one process does, the other must know.

use anyhow::{Result, bail};

use crate::{Api, Service, redis::free_port, server::Process, until};

/// The second server; it is killed at the end.
#[derive(Debug)]
pub struct Beside {
    /// Begin of every address.
    pub base: String,
    _process: Process,
}

impl Beside {
    /// Starts one, without a worker, and waits until it is ready.
    pub async fn start(service: &Service) -> Result<Self> {
        for _ in 0..5 {
            let port = free_port()?;
            let process = service.spawn_at(port, &["serve"])?;
            let beside = Self { base: format!("http://127.0.0.1:{port}"), _process: process };
            let nobody = Api::anonymous(&beside.base)?;
            let ready = async || Ok(nobody.get("/readyz").await.is_ok_and(|answer| answer.status == 200));
            // Another program may have taken the port meanwhile.
            if until("the second server is ready", 30, ready).await.is_ok() {
                return Ok(beside);
            }
        }
        bail!("a second server does not start")
    }

    /// The same person, asking the second server.
    pub fn ask_as(&self, person: &Api) -> Api {
        let mut there = person.clone();
        there.base.clone_from(&self.base);
        there
    }
}
