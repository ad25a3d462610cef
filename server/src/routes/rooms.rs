//! Rooms: create one, look at one, find the way into one.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use constellation_core::config::RunConfig;
use constellation_core::view::View;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::paths::OfRoom;
use crate::body::{Host, JsonBody, Segments, bearer, config};
use crate::config::{AdminToken, RoomMakers};
use crate::connections::Peer;
use crate::error::{ApiError, Refusal};
use crate::qr;
use crate::room::Request;
use crate::rooms::{Lifetime, NewRoom, join_url};
use crate::server::Server;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    /// The room's run; left out, all defaults.
    #[serde(default)]
    #[schema(value_type = Option<RunConfig>)]
    config: Option<Value>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct JoinAddress {
    /// Where devices join.
    join_url: String,
    /// The same as a picture that phones read.
    qr_svg_url: String,
}

/// Makes a room.
///
/// On the server's own computer, with its admin token, or, with `--open-rooms`, for everybody.
#[utoipa::path(
    post,
    path = "/api/rooms",
    tag = "rooms",
    request_body = Option<Create>,
    responses((status = CREATED, body = NewRoom), Refusal),
    security((), ("admin_token" = []))
)]
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

/// A room as its boards see it.
#[utoipa::path(
    get,
    path = "/api/rooms/{room}",
    tag = "rooms",
    params(OfRoom),
    responses((status = OK, body = View), Refusal)
)]
pub(super) async fn view(
    State(server): State<Server>,
    Segments(OfRoom { room }): Segments<OfRoom>,
) -> Result<impl IntoResponse, ApiError> {
    let view: View = server
        .room(&room)?
        .ask(|reply| Request::View { reply })
        .await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(view)))
}

/// Where devices join a room.
#[utoipa::path(
    get,
    path = "/api/rooms/{room}/join",
    tag = "rooms",
    params(OfRoom),
    responses((status = OK, body = JoinAddress), Refusal)
)]
pub(super) async fn join_address(
    State(server): State<Server>,
    Host(host): Host,
    Segments(OfRoom { room }): Segments<OfRoom>,
) -> Result<Json<JoinAddress>, ApiError> {
    let code = server.room(&room)?.code();
    let join_url = join_url(&server.config().addresses.base(host.as_deref()), code);
    Ok(Json(JoinAddress {
        join_url,
        qr_svg_url: format!("/api/rooms/{code}/qr.svg"),
    }))
}

/// Where devices join a room, as a QR code.
#[utoipa::path(
    get,
    path = "/api/rooms/{room}/qr.svg",
    tag = "rooms",
    params(OfRoom),
    responses((status = OK, body = String, content_type = "image/svg+xml"), Refusal)
)]
pub(super) async fn qr(
    State(server): State<Server>,
    Host(host): Host,
    Segments(OfRoom { room }): Segments<OfRoom>,
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
