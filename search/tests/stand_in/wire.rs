//! HTTP/1.1, as much as a client of an API speaks.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) content_type: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// An answer; without a body where there is nothing to say.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
}

impl Answer {
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self { status, body: Some(body) }
    }
}

/// A refusal with the server's code, type and form.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn json(&self) -> Value {
        let kind = match self.code {
            "missing_authorization_header" | "invalid_api_key" => "auth",
            "internal" => "internal",
            "too_many_search_requests" | "no_space_left_on_device" => "system",
            _ => "invalid_request",
        };
        let link = format!("https://docs.meilisearch.com/errors#{}", self.code);
        json!({ "message": self.message, "code": self.code, "type": kind, "link": link })
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            "missing_authorization_header" => 401,
            "invalid_api_key" => 403,
            "index_not_found" | "document_not_found" | "task_not_found" => 404,
            "missing_content_type" | "invalid_content_type" => 415,
            "payload_too_large" => 413,
            "internal" => 500,
            "too_many_search_requests" => 503,
            _ => 400,
        };
        Self::new(status, refusal.json())
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn head(text: &str) -> Option<(Request, usize)> {
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?, first.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(n, v)| (decode(n), decode(v)))
        .collect();
    let mut request = Request { method: method.into(), path: path.into(), query, ..Request::default() };
    let mut length = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "content-type" => request.content_type = Some(value.into()),
            "authorization" => request.authorization = Some(value.into()),
            // Bodies of unknown length are not for this server.
            "transfer-encoding" => return None,
            _ => {}
        }
    }
    Some((request, length))
}

/// The next request of a connection; `None` at its end.
pub(crate) async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let (mut request, length) = head(std::str::from_utf8(&buffer[..end]).ok()?)?;
    buffer.drain(..end + 4);
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    request.body = buffer.drain(..length).collect();
    Some(request)
}

/// Sends an answer.
pub(crate) async fn write(stream: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    let body = answer.body.as_ref().map(Value::to_string).unwrap_or_default();
    let status = answer.status;
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await
}
