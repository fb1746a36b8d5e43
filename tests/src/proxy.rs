//! A TCP proxy that can be severed and healed: a store that is away and comes back.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Result;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// The proxy; it ends with its owner.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    open: Arc<watch::Sender<bool>>,
}

impl Proxy {
    /// Listens on a free port and passes everything on to `target`.
    pub async fn start(target: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let open = Arc::new(watch::Sender::new(true));
        tokio::spawn(run(listener, target, open.subscribe()));
        Ok(Self { address, open })
    }

    /// Cuts every connection, and new ones at once.
    pub fn sever(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn heal(&self) {
        self.open.send_replace(true);
    }
}

async fn run(listener: TcpListener, target: String, open: watch::Receiver<bool>) {
    while let Ok((stream, _)) = listener.accept().await {
        if open.has_changed().is_err() {
            return;
        }
        tokio::spawn(pass(stream, target.clone(), open.clone()));
    }
}

async fn pass(mut client: TcpStream, target: String, mut open: watch::Receiver<bool>) {
    if !*open.borrow_and_update() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else {
        return;
    };
    let severed = async {
        let _ = open.wait_for(|open| !open).await;
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        () = severed => {}
    }
}
