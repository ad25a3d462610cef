//! For whoever runs the server.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::error::ApiError;
use crate::server::Server;

/// The process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The server takes devices.
pub(super) async fn readyz(State(server): State<Server>) -> Result<&'static str, ApiError> {
    if server.is_stopping() {
        Err(ApiError::ServerStops)
    } else {
        Ok("ready\n")
    }
}

pub(super) async fn metrics(State(server): State<Server>) -> impl IntoResponse {
    let text = server.metrics().render(server.rooms().len());
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
}
