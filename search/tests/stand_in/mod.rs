//! A stand-in for a Meilisearch server, on a port of this host. It does what the server's documentation and its own
//! tests (1.50) say of the routes that are used here, and refuses what they say is refused. Its search follows the
//! server's rules on small collections; its dictionary of Korean is a few words.

mod checks;
mod filter;
mod routes;
mod search;
mod settings;
mod tasks;
mod text;
mod wire;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

pub(crate) use self::tasks::{Mishap, State};
pub(crate) use self::wire::Request;
use self::wire::{Answer, Refusal};

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not heeded, and the connection closed.
    Cut,
    /// It is not heeded, and answered with this status.
    Status(u16),
    /// It is done, and the answer lost.
    Lost,
    /// It is not heeded and never answered.
    Hang,
    /// It is done, and the answer mangled.
    Garbled,
}

/// What the server is like.
#[derive(Debug)]
struct Inner {
    key: String,
    state: State,
    /// Requests heeded or not since it was made.
    seen: Vec<Request>,
    /// What goes wrong, by the number of the request.
    faults: BTreeMap<usize, Fault>,
    /// Whether everything goes wrong from the first fault on.
    down_after: bool,
    /// Most bytes of a body.
    most_bytes: usize,
    /// Whether tasks wait for `settle` instead of being done when looked at.
    idle: bool,
}

/// The server.
#[derive(Debug)]
pub(crate) struct StandIn {
    address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    listening: Mutex<Option<JoinHandle<()>>>,
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for StandIn {
    fn drop(&mut self) {
        if let Some(listening) = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take() {
            listening.abort();
        }
    }
}

impl StandIn {
    /// Starts one that asks for a key.
    pub(crate) async fn start(key: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let inner = Inner {
            key: key.to_owned(),
            state: State::default(),
            seen: Vec::new(),
            faults: BTreeMap::new(),
            down_after: false,
            most_bytes: 100 * 1024 * 1024,
            idle: false,
        };
        let inner = Arc::new(Mutex::new(inner));
        let listening = Mutex::new(Some(tokio::spawn(listen(listener, Arc::clone(&inner)))));
        Ok(Self { address, inner, listening })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops it: connections are refused. It keeps what it has.
    pub(crate) async fn stop(&self) {
        let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(listening) = listening {
            listening.abort();
            let _ = listening.await;
        }
    }

    /// Starts it again where it was.
    pub(crate) async fn resume(&self) -> std::io::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        let listening = tokio::spawn(listen(listener, Arc::clone(&self.inner)));
        *self.listening.lock().unwrap_or_else(PoisonError::into_inner) = Some(listening);
        Ok(())
    }

    /// Lets the request after so many others go wrong, and with `down` all behind it, until `heal`.
    pub(crate) fn fault_after(&self, others: usize, fault: Fault, down: bool) {
        let mut inner = lock(&self.inner);
        let at = inner.seen.len() + others;
        inner.faults.insert(at, fault);
        inner.down_after = down;
    }

    /// Takes all faults back; tells whether one occurred.
    pub(crate) fn heal(&self) -> bool {
        let mut inner = lock(&self.inner);
        let seen = inner.seen.len();
        let occurred = inner.faults.keys().any(|at| *at < seen);
        inner.faults.clear();
        inner.down_after = false;
        occurred
    }

    /// Lets something happen to the next task that is done.
    pub(crate) fn mishap(&self, mishap: Mishap) {
        lock(&self.inner).state.mishaps.push(mishap);
    }

    /// Lets tasks wait, or not.
    pub(crate) fn idle(&self, idle: bool) {
        lock(&self.inner).idle = idle;
    }

    /// Does all tasks.
    pub(crate) fn settle(&self) {
        lock(&self.inner).state.settle();
    }

    /// The most bytes of a body from now on.
    pub(crate) fn most_bytes(&self, most: usize) {
        lock(&self.inner).most_bytes = most;
    }

    /// All that it keeps, as in a snapshot.
    pub(crate) fn snapshot(&self) -> State {
        lock(&self.inner).state.clone()
    }

    /// Puts back what a snapshot holds.
    pub(crate) fn restore(&self, state: State) {
        lock(&self.inner).state = state;
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        lock(&self.inner).seen.clone()
    }
}

async fn listen(listener: TcpListener, inner: Arc<Mutex<Inner>>) {
    // Dropped with this task, and with it all connections.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&inner)));
        while connections.try_join_next().is_some() {}
    }
}

/// Notes a request and says what goes wrong with it.
fn note(inner: &mut Inner, request: &Request) -> Option<Fault> {
    let at = inner.seen.len();
    inner.seen.push(request.clone());
    let fault = inner.faults.get(&at).copied();
    let down = inner.down_after && inner.faults.keys().any(|first| *first < at);
    fault.or_else(|| down.then_some(Fault::Cut))
}

fn allowed(inner: &Inner, request: &Request) -> Result<(), Refusal> {
    if request.path == "/health" {
        return Ok(());
    }
    let Some(given) = request.authorization.as_deref().and_then(|header| header.strip_prefix("Bearer "))
    else {
        return Err(Refusal::new("missing_authorization_header", "The Authorization header is missing."));
    };
    if given != inner.key {
        return Err(Refusal::new("invalid_api_key", "The provided API key is invalid."));
    }
    if request.body.len() > inner.most_bytes {
        return Err(Refusal::new("payload_too_large", "The provided payload reached the size limit."));
    }
    Ok(())
}

fn heed(inner: &mut Inner, request: &Request) -> Answer {
    if let Err(refusal) = allowed(inner, request) {
        return refusal.into();
    }
    // A look at a task takes the queue two steps further: waiting, being done, done.
    if request.path.starts_with("/tasks") && !inner.idle {
        inner.state.step();
        inner.state.step();
    }
    routes::answer(&mut inner.state, request)
}

async fn serve(mut stream: TcpStream, inner: Arc<Mutex<Inner>>) {
    let mut buffer = Vec::new();
    while let Some(request) = wire::read(&mut stream, &mut buffer).await {
        let fault = note(&mut lock(&inner), &request);
        let answer = match fault {
            Some(Fault::Cut) => return,
            Some(Fault::Status(status)) => Answer { status, body: None },
            Some(Fault::Hang) => return std::future::pending().await,
            Some(Fault::Lost) => {
                heed(&mut lock(&inner), &request);
                return;
            }
            Some(Fault::Garbled) => {
                heed(&mut lock(&inner), &request);
                let status =
                    if request.method == "GET" || request.path.ends_with("/search") { 200 } else { 202 };
                Answer::new(status, serde_json::json!("half an ans"))
            }
            None => heed(&mut lock(&inner), &request),
        };
        if wire::write(&mut stream, &answer).await.is_err() {
            return;
        }
    }
}
