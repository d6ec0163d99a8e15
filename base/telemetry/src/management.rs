//! The management port: for Prometheus, load balancers and people; by default on loopback only.

use crate::{Health, Metrics};
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing,
};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `/metrics`, `/healthz` (200 as long as the program answers at all) and `/readyz` (200, or 503 while a check
/// says unready; both with every check in JSON).
pub fn management_router(metrics: Metrics, health: Health) -> Router {
    Router::new()
        .route("/metrics", routing::get(show_metrics).with_state(metrics))
        .route(
            "/healthz",
            routing::get(async || Json(serde_json::json!({ "alive": true }))),
        )
        .route("/readyz", routing::get(show_readiness).with_state(health))
}

/// Serves [`management_router`] until the task is dropped; that it ended before is logged.
pub async fn serve_management(listener: tokio::net::TcpListener, metrics: Metrics, health: Health) {
    if let Err(error) = axum::serve(listener, management_router(metrics, health)).await {
        tracing::error!(%error, "metrics are not served any more");
    }
}

async fn show_metrics(State(metrics): State<Metrics>) -> Response {
    match metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn show_readiness(State(health): State<Health>) -> Response {
    let report = health.report();
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(report)).into_response()
}
