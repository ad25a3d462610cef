//! Rooms: create one, look at one, find the way into one.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use constellation_core::view::View;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::body::{Host, JsonBody, Segments, bearer, config};
use crate::config::{AdminToken, RoomMakers};
use crate::connections::Peer;
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
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Create>,
) -> Result<(StatusCode, Json<NewRoom>), ApiError> {
    check_maker(&server, peer.map(|Extension(peer)| peer), &headers)?;
    let config = config(body.config.unwrap_or_else(|| Value::Object(Map::new())))?;
    let room = server.create_room(config, Lifetime::WhileUsed, host.as_deref())?;
    Ok((StatusCode::CREATED, Json(room)))
}

/// Whether a request may make a room.
fn check_maker(server: &Server, peer: Option<Peer>, headers: &HeaderMap) -> Result<(), ApiError> {
    let config = server.config();
    // Behind a proxy everybody seems to be here.
    let is_here = config.addresses.public_url.is_none() && peer.is_some_and(|peer| peer.is_here);
    match &config.room_makers {
        RoomMakers::Everybody => Ok(()),
        _ if is_here => Ok(()),
        RoomMakers::Here => Err(ApiError::RoomsNotOpen),
        RoomMakers::HereOr(AdminToken(admin)) => match bearer(headers) {
            Ok(token) if token == *admin => Ok(()),
            Ok(_) => Err(ApiError::WrongToken),
            Err(_) => Err(ApiError::RoomsNotOpen),
        },
    }
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
