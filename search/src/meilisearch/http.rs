//! How requests reach the server: the SDK's requests over this service's HTTP client, with a time-out on each, and
//! errors that say whether another try can help. The key is in no message and no `Debug`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use meilisearch_sdk::{
    errors::Error,
    request::{HttpClient, Method},
};
use reqwest::{RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::SearchError;

/// Most characters of a server's message that are kept.
const MAX_MESSAGE_CHARS: usize = 500;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// To connect.
    pub connect: Duration,
    /// For a search, connecting included.
    pub search: Duration,
    /// For any other request.
    pub write: Duration,
    /// Until a task is done.
    pub task: Duration,
    /// The first wait between looks at a task, or before another try; it doubles each time.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            search: crate::PATIENCE,
            write: Duration::from_secs(10),
            task: Duration::from_secs(300),
            pause: Duration::from_millis(50),
        }
    }
}

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The server is not there, is too busy or broke down.
    #[error("{0}")]
    Away(String),
    /// It refused.
    #[error("{code}: {message}")]
    Refused {
        /// The server's word for it.
        code: String,
        /// The server's sentence.
        message: String,
    },
}

impl Trouble {
    /// Something of our own that is wrong.
    pub(super) fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::Refused { code: code.to_owned(), message: message.into() }
    }

    /// Whether the server said this.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == word)
    }
}

impl Trouble {
    /// For who reads from an index: one that does not exist is being built.
    pub(super) fn into_search_error(self) -> SearchError {
        if self.is("index_not_found") {
            return SearchError::Away("its index is being built".to_owned());
        }
        self.into()
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Other(inner) => match inner.downcast::<Self>() {
                Ok(trouble) => *trouble,
                Err(other) => Self::refused("request", other.to_string()),
            },
            other => Self::refused("request", other.to_string()),
        }
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        Self::Other(Box::new(trouble))
    }
}

impl From<Trouble> for SearchError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Away(why) => Self::Away(why),
            refused @ Trouble::Refused { .. } => Self::Failed(refused.to_string()),
        }
    }
}

/// The server's form of an error.
#[derive(Deserialize)]
struct Refusal {
    code: String,
    message: String,
}

/// The client under the SDK's.
#[derive(Clone, Debug)]
pub(super) struct Http(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    client: reqwest::Client,
    key: SecretString,
    patience: Patience,
}

impl Http {
    /// Makes a client; nothing is sent.
    pub(super) fn new(key: SecretString, patience: Patience) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(patience.connect)
            .timeout(patience.write)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self(Arc::new(Parts { client, key, patience })))
    }

    /// How long things may take.
    pub(super) fn patience(&self) -> Patience {
        self.0.patience
    }

    /// A request without its body.
    fn begin<Q: Serialize, B>(&self, url: &str, method: &Method<Q, B>) -> Result<RequestBuilder, Trouble> {
        let mut url = Url::parse(url).map_err(|error| Trouble::refused("url", error.to_string()))?;
        let query = serde_json::to_value(method.query())
            .map_err(|error| Trouble::refused("query", error.to_string()))?;
        for (name, value) in query.as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            url.query_pairs_mut().append_pair(name, &value);
        }
        let search = url.path().ends_with("/search");
        let mut request = self.0.client.request(verb(method), url);
        if search {
            request = request.timeout(self.0.patience.search);
        }
        let key = self.0.key.expose_secret();
        Ok(if key.is_empty() { request } else { request.bearer_auth(key) })
    }

    /// Sends a request and reads the answer.
    async fn send<Output: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        expected: u16,
    ) -> Result<Output, Trouble> {
        let answer = request.send().await.map_err(away)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(away)?;
        if status.as_u16() == expected {
            // An answer that was cut off or mangled on its way, as by a proxy: the server may well be all right.
            return serde_json::from_slice(&body)
                .map_err(|error| Trouble::refused("unreadable_answer", error.to_string()));
        }
        Err(refusal(status, &body))
    }
}

/// What a request that got no answer says.
fn away(error: reqwest::Error) -> Trouble {
    let why = if error.is_connect() {
        "it cannot be connected to"
    } else if error.is_timeout() {
        "it did not answer in time"
    } else {
        "the connection broke"
    };
    tracing::debug!(error = &error.without_url() as &dyn std::error::Error, "Meilisearch did not answer");
    Trouble::Away(why.to_owned())
}

/// What an answer of another status says.
fn refusal(status: StatusCode, body: &[u8]) -> Trouble {
    let told = serde_json::from_slice::<Refusal>(body).ok();
    if status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
    {
        let code = told.map_or_else(String::new, |told| format!(" {}", told.code));
        return Trouble::Away(format!("it answered {}{code}", status.as_u16()));
    }
    match told {
        Some(Refusal { code, message }) => {
            Trouble::Refused { code, message: message.chars().take(MAX_MESSAGE_CHARS).collect() }
        }
        None => Trouble::refused("unexpected_status", format!("it answered {}", status.as_u16())),
    }
}

const fn verb<Q, B>(method: &Method<Q, B>) -> reqwest::Method {
    match method {
        Method::Get { .. } => reqwest::Method::GET,
        Method::Post { .. } => reqwest::Method::POST,
        Method::Patch { .. } => reqwest::Method::PATCH,
        Method::Put { .. } => reqwest::Method::PUT,
        Method::Delete { .. } => reqwest::Method::DELETE,
    }
}

#[async_trait]
impl HttpClient for Http {
    async fn request<Query, Body, Output>(
        &self,
        url: &str,
        method: Method<Query, Body>,
        expected_status_code: u16,
    ) -> Result<Output, Error>
    where
        Query: Serialize + Send + Sync,
        Body: Serialize + Send + Sync,
        Output: DeserializeOwned + 'static + Send,
    {
        let mut request = self.begin(url, &method)?;
        if let Some(body) = method.body() {
            request = request.json(body);
        }
        Ok(self.send(request, expected_status_code).await?)
    }

    /// For bodies that are streamed; nothing here streams.
    async fn stream_request<
        Query: Serialize + Send + Sync,
        Body: Send + Sync + 'static,
        Output: DeserializeOwned + 'static,
    >(
        &self,
        _url: &str,
        _method: Method<Query, Body>,
        _content_type: &str,
        _expected_status_code: u16,
    ) -> Result<Output, Error> {
        Err(Error::InvalidRequest)
    }
}
