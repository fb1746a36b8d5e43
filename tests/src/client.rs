//! A client that keeps the whole answer, and people who are logged in.
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is not there")]

use std::{
    sync::{
        Once,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, Method, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};

/// Password of everybody who signs up here.
pub const PASSWORD: &str = "correct horse 마당";
/// Characters of handles that no other one is confused with.
const LETTERS: [char; 8] = ['a', 'b', 'c', 'd', 'e', 'h', 'k', 'p'];

static CRYPTO: Once = Once::new();
static PEOPLE: AtomicU64 = AtomicU64::new(0);

/// A client with a time-out, which follows no redirects.
pub fn client() -> Result<Client> {
    CRYPTO.call_once(|| {
        // Installed already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Ok(Client::builder().timeout(Duration::from_secs(30)).redirect(Policy::none()).build()?)
}

/// A handle nobody else of this process has.
pub fn new_handle() -> String {
    let mut rest = PEOPLE.fetch_add(1, Ordering::Relaxed);
    let mut handle = String::from("u");
    for _ in 0..6 {
        let at = usize::try_from(rest % 8).unwrap_or_default();
        handle.push(LETTERS.get(at).copied().unwrap_or('a'));
        rest /= 8;
    }
    handle
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body as sent.
    pub body: Vec<u8>,
    /// Body as JSON, or null.
    pub json: Value,
    asked: String,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Fails unless the status is this one.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(
            self.status == status,
            "{}: {} instead of {status}: {}",
            self.asked,
            self.status,
            self.text()
        );
        Ok(self)
    }

    /// Fails unless this is a refusal as promised: status, problem+json, code.
    pub fn refused(self, status: u16, code: &str) -> Result<Self> {
        let answer = self.expect(status)?;
        let media = answer.header("content-type");
        ensure!(media == "application/problem+json", "{}: a problem sent as {media:?}", answer.asked);
        ensure!(
            answer.json["code"] == code && answer.json["status"] == status,
            "{}: not {code}: {}",
            answer.asked,
            answer.json
        );
        for member in ["type", "title", "detail"] {
            ensure!(
                answer.json[member].as_str().is_some_and(|text| !text.is_empty()),
                "{}: a problem without {member}",
                answer.asked
            );
        }
        Ok(answer)
    }

    /// Fails unless this is a 422 that names the field.
    pub fn names(self, field: &str) -> Result<Self> {
        let answer = self.refused(422, "invalid_input")?;
        let errors = answer.json["errors"].as_array().cloned().unwrap_or_default();
        ensure!(
            errors.iter().any(|error| error["field"] == field),
            "{}: {field} is not named: {}",
            answer.asked,
            answer.json
        );
        Ok(answer)
    }

    /// The items of a page.
    pub fn items(&self) -> &[Value] {
        self.json["items"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The ids of a page's items.
    pub fn ids(&self) -> Vec<String> {
        self.items().iter().map(id_of).collect()
    }
}

/// The id of an item.
pub fn id_of(item: &Value) -> String {
    item["id"].as_str().unwrap_or_default().to_owned()
}

/// Somebody who asks: a person, a program, or nobody.
#[derive(Debug, Clone)]
pub struct Api {
    /// Begin of every address.
    pub base: String,
    /// Login token, if any.
    pub token: Option<String>,
    /// Handle, empty for nobody.
    pub handle: String,
    /// Id, empty for nobody.
    pub id: String,
    client: Client,
}

impl Api {
    /// Nobody.
    pub fn anonymous(base: &str) -> Result<Self> {
        Ok(Self {
            base: base.to_owned(),
            token: None,
            handle: String::new(),
            id: String::new(),
            client: client()?,
        })
    }

    /// The same with another token.
    pub fn with_token(&self, handle: &str, token: &str) -> Self {
        Self { token: Some(token.to_owned()), handle: handle.to_owned(), ..self.clone() }
    }

    /// Signs a new person up.
    pub async fn signup(&self) -> Result<Self> {
        self.signup_as(&new_handle()).await
    }

    /// Signs a new person up with that handle.
    pub async fn signup_as(&self, handle: &str) -> Result<Self> {
        let body = json!({"handle": handle, "password": PASSWORD});
        let answer = self.post("/v1/auth/signup", &body).await?.expect(201)?;
        let token = answer.json["token"].as_str().context("no token")?;
        let mut person = self.with_token(handle, token);
        person.id = id_of(&answer.json["user"]);
        Ok(person)
    }

    /// Several new people.
    pub async fn signup_many<const N: usize>(&self) -> Result<[Self; N]> {
        let tasks: Vec<_> = (0..N)
            .map(|_| {
                let api = self.clone();
                async move { api.signup().await }
            })
            .collect();
        let people = crate::all(tasks).await?;
        people.try_into().map_err(|_| anyhow::anyhow!("not {N} people"))
    }

    /// Sends anything.
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer> {
        let asked = format!("{method} {path}");
        let method = Method::from_bytes(method.as_bytes())?;
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.body(body);
        }
        let response = request.send().await.context(asked.clone())?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.context(asked.clone())?.to_vec();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Answer { status, headers, body, json, asked })
    }

    /// Opens a stream of events; read it with `chunk`.
    pub async fn stream(&self, path: &str, last_event: Option<&str>) -> Result<reqwest::Response> {
        let mut request = self.client.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(last) = last_event {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await?;
        if response.status() != 200 {
            bail!("GET {path}: {}", response.status());
        }
        Ok(response)
    }

    /// Sends JSON.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Answer> {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        self.raw(method, path, &headers, body.to_string().into_bytes()).await
    }

    /// GET
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.raw("GET", path, &[], Vec::new()).await
    }

    /// PUT without a body
    pub async fn put(&self, path: &str) -> Result<Answer> {
        self.raw("PUT", path, &[], Vec::new()).await
    }

    /// DELETE without a body
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.raw("DELETE", path, &[], Vec::new()).await
    }

    /// POST
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send("POST", path, &[], body).await
    }

    /// PATCH
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send("PATCH", path, &[], body).await
    }

    /// Publishes a post and returns its id.
    pub async fn publish(&self, body: Value) -> Result<String> {
        let answer = self.post("/v1/posts", &body).await?.expect(201)?;
        Ok(id_of(&answer.json))
    }

    /// Publishes a post of text alone.
    pub async fn say(&self, text: &str) -> Result<String> {
        self.publish(json!({"body": text})).await
    }

    /// Follows somebody.
    pub async fn follow(&self, other: &Self) -> Result<()> {
        let path = format!("/v1/users/{}/follow", other.handle);
        self.put(&path).await?.expect(204).map(drop)
    }

    /// A page's ids.
    pub async fn ids(&self, path: &str) -> Result<Vec<String>> {
        Ok(self.get(path).await?.expect(200)?.ids())
    }

    /// All ids of a list, page by page; `path` names the limit.
    pub async fn all_ids(&self, path: &str) -> Result<Vec<String>> {
        let (mut ids, mut page) = (Vec::new(), path.to_owned());
        for _ in 0..1_000 {
            let answer = self.get(&page).await?.expect(200)?;
            ids.extend(answer.ids());
            match answer.json["next_cursor"].as_str() {
                Some(cursor) => page = format!("{path}&cursor={cursor}"),
                None => return Ok(ids),
            }
        }
        bail!("{path} does not end")
    }
}
