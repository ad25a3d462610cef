//! For whoever runs the server.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::error::{ApiError, Refusal};
use crate::metrics::Present;
use crate::room::Request;
use crate::server::Server;

/// The process answers.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operation",
    responses((status = OK, body = String, content_type = "text/plain"))
)]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The server takes devices, into all of its rooms.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    responses((status = OK, body = String, content_type = "text/plain"), Refusal)
)]
pub(super) async fn readyz(State(server): State<Server>) -> Result<&'static str, ApiError> {
    if server.is_stopping() {
        Err(ApiError::ServerStops)
    } else if server.rooms().all().iter().any(|room| room.has_failed()) {
        Err(ApiError::StoreFailed)
    } else {
        Ok("ready\n")
    }
}

/// Counters and gauges, as Prometheus reads them; docs/operations.md says what each means.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    responses((status = OK, body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(State(server): State<Server>) -> impl IntoResponse {
    let rooms = server.rooms().all();
    let mut present = Present {
        rooms: rooms.len(),
        ..Present::default()
    };
    for room in rooms {
        present.waiting += room.waiting();
        // A room that is gone meanwhile has no devices.
        let states = room.ask(|reply| Request::DeviceStates { reply }).await;
        for state in states.unwrap_or_default() {
            *present.devices.entry(state.as_str()).or_default() += 1;
        }
    }
    let text = server.metrics().render(&present);
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
}
