//! Health, metrics and the API document.

use std::sync::{Arc, LazyLock};

use actix_web::{HttpRequest, HttpResponse, http::header::LOCATION};
use madang_core::jobs;
use serde_json::json;

use crate::{
    call::{Call, json},
    openapi,
    problem::Problem,
};

/// `GET /`
pub(crate) async fn root() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "/docs/")).finish()
}

/// `GET /healthz`: the process is alive, whatever its stores do.
pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// `GET /readyz`: 200 when PostgreSQL answers; Redis away is said but served around.
pub(crate) async fn readyz(call: Call) -> HttpResponse {
    let patience = std::time::Duration::from_secs(2);
    let database = tokio::time::timeout(patience, jobs::state(&call.app.pool)).await;
    let database = matches!(database, Ok(Ok(_)));
    let redis = call.app.feed.kv.ping().await;
    let stopping = call.app.stopping.is_cancelled();
    let ready = database && !stopping;
    let body = json!({"ready": ready, "postgresql": database, "redis": redis, "stopping": stopping});
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.content_type("application/json").body(body.to_string())
}

/// `GET /metrics`
pub(crate) async fn metrics(call: Call) -> HttpResponse {
    if let Ok(state) = jobs::state(&call.app.pool).await {
        #[expect(
            clippy::cast_precision_loss,
            reason = "gauges are floats; counts of jobs are far below 2^52"
        )]
        let (depth, parked) = (state.depth as f64, state.parked as f64);
        metrics::gauge!("madang_job_queue_depth").set(depth);
        metrics::gauge!("madang_jobs_parked").set(parked);
        metrics::gauge!("madang_job_oldest_seconds").set(state.oldest_secs);
    }
    let pool = &call.app.pool;
    metrics::gauge!("madang_database_connections").set(f64::from(pool.size()));
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    metrics::gauge!("madang_database_connections_idle").set(f64::from(idle));
    let live = u32::try_from(call.app.hub.len()).unwrap_or(u32::MAX);
    metrics::gauge!("madang_live_readers").set(f64::from(live));
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(call.app.metrics.render())
}

static DOCUMENT: LazyLock<String> = LazyLock::new(|| openapi::document().to_string());

/// `GET /openapi.json`
pub(crate) async fn openapi() -> HttpResponse {
    json(DOCUMENT.clone())
}

/// `GET /docs`: relative addresses of its files need the slash.
pub(crate) async fn docs() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "/docs/")).finish()
}

static SWAGGER: LazyLock<Arc<utoipa_swagger_ui::Config<'static>>> =
    LazyLock::new(|| Arc::new(utoipa_swagger_ui::Config::from("/openapi.json").validator_url("none")));

/// `GET /docs/{file}`: the viewer, with all its files in the executable.
pub(crate) async fn docs_file(req: HttpRequest) -> Result<HttpResponse, Problem> {
    let name = super::text_segment(&req, "file");
    match utoipa_swagger_ui::serve(&name, SWAGGER.clone()) {
        Ok(Some(file)) => {
            Ok(HttpResponse::Ok().content_type(file.content_type).body(file.bytes.into_owned()))
        }
        Ok(None) => Err(Problem::not_found("file")),
        Err(error) => Err(Problem::internal(error)),
    }
}
