//! Rooms: create one, look at one, find the way into one.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use constellation_core::view::View;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::body::{Host, JsonBody, Segments, config};
use crate::error::ApiError;
use crate::qr;
use crate::room::Request;
use crate::rooms::{Lifetime, NewRoom, join_url};
use crate::server::Server;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    #[serde(default)]
    config: Option<Value>,
}

#[derive(Serialize)]
pub(super) struct JoinAddress {
    join_url: String,
    qr_svg_url: String,
}

pub(super) async fn create(
    State(server): State<Server>,
    Host(host): Host,
    JsonBody(body): JsonBody<Create>,
) -> Result<(StatusCode, Json<NewRoom>), ApiError> {
    let config = config(body.config.unwrap_or_else(|| Value::Object(Map::new())))?;
    let room = server.create_room(config, Lifetime::WhileUsed, host.as_deref())?;
    Ok((StatusCode::CREATED, Json(room)))
}

pub(super) async fn view(
    State(server): State<Server>,
    Segments(room): Segments<String>,
) -> Result<impl IntoResponse, ApiError> {
    let view: View = server
        .room(&room)?
        .ask(|reply| Request::View { reply })
        .await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(view)))
}

pub(super) async fn join_address(
    State(server): State<Server>,
    Host(host): Host,
    Segments(room): Segments<String>,
) -> Result<Json<JoinAddress>, ApiError> {
    let code = server.room(&room)?.code();
    let join_url = join_url(&server.config().addresses.base(host.as_deref()), code);
    Ok(Json(JoinAddress {
        join_url,
        qr_svg_url: format!("/api/rooms/{code}/qr.svg"),
    }))
}

pub(super) async fn qr(
    State(server): State<Server>,
    Host(host): Host,
    Segments(room): Segments<String>,
) -> Result<Response, ApiError> {
    let code = server.room(&room)?.code();
    let join_url = join_url(&server.config().addresses.base(host.as_deref()), code);
    // Hosts have at most 255 characters, so the address fits.
    let picture = qr::svg(&join_url).ok_or(ApiError::Internal)?;
    Ok((
        [
            (header::CONTENT_TYPE, "image/svg+xml"),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        picture,
    )
        .into_response())
}
