//! `GET /v1/live`: server-sent events. `home` for new posts by people I follow, `reply` for answers to me,
//! `board` for the ticker named in the query, `more` when too much was missed: reload then. Frames carry
//! ids only; the id of each event is its post, so a reader resumes with `Last-Event-ID`. What was sent in
//! the ten seconds before that id may come once more.

use std::{pin::Pin, time::Duration};

use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use madang_core::ids::PostId;
use madang_feed::live::{Frame, Subscription};
use serde::Deserialize;

use crate::{call::Call, problem::Problem};

/// A comment at least so often, so that a dead connection is noticed.
const PING: Duration = Duration::from_secs(15);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LiveQuery {
    ticker: Option<String>,
}

/// `GET /v1/live`
pub(crate) async fn live(call: Call, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let query: LiveQuery = call.query()?;
    let look = call.app.feed.look(call.viewer()).await?;
    let ticker = match &query.ticker {
        None => None,
        Some(name) => {
            let catalogue = call.app.feed.catalogue().await?;
            let found =
                catalogue.find(name).ok_or_else(|| Problem::field("ticker", "is not a known ticker"))?;
            Some(catalogue.current(found.id))
        }
    };
    if ticker.is_none() && look.who.is_none() {
        return Err(Problem::field("ticker", "must be named, or log in for your own updates"));
    }
    if call.app.hub.len() >= call.app.settings.http.live_connections || call.app.stopping.is_cancelled() {
        return Err(Problem::unavailable());
    }
    let last: Option<PostId> = match req.headers().get("last-event-id") {
        None => None,
        Some(value) => {
            let parsed = value.to_str().ok().and_then(|text| text.parse().ok());
            Some(parsed.ok_or_else(|| Problem::field("Last-Event-ID", "must be the id of the last event"))?)
        }
    };
    // Subscribed before the backlog is read, so that nothing falls between the two.
    let subscription = call.app.hub.subscribe(look.clone(), ticker);
    let missed = match last {
        Some(last) => call.app.feed.live_backlog(&look, ticker, last).await?,
        None => Vec::new(),
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("x-accel-buffering", "no"))
        .insert_header(("content-encoding", "identity"))
        .streaming(events(missed, subscription, call.app.stopping.clone())))
}

type Events = Pin<Box<dyn Stream<Item = Result<Bytes, actix_web::Error>>>>;

fn events(missed: Vec<Frame>, live: Subscription, stopping: tokio_util::sync::CancellationToken) -> Events {
    let head = stream::once(async { Ok(Bytes::from_static(b"retry: 2000\n: connected\n\n")) });
    let missed = stream::iter(missed.into_iter().map(|frame| Ok(event(&frame))));
    let live = stream::unfold((live, stopping), |(mut live, stopping)| async move {
        tokio::select! {
            () = stopping.cancelled() => None,
            frame = tokio::time::timeout(PING, live.frames.recv()) => match frame {
                Ok(Some(frame)) => Some((Ok(event(&frame)), (live, stopping))),
                Ok(None) => None,
                Err(_) => Some((Ok(Bytes::from_static(b": ping\n\n")), (live, stopping))),
            },
        }
    });
    Box::pin(head.chain(missed).chain(live))
}

fn event(frame: &Frame) -> Bytes {
    let Frame { reason, post } = frame;
    Bytes::from(format!("event: {}\nid: {post}\ndata: {{\"id\":\"{post}\"}}\n\n", reason.as_str()))
}
