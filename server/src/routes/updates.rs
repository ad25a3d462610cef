//! Devices send their updates.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request as HttpRequest, State};
use axum::http::StatusCode;
use constellation_core::coordinator::Answer;
use constellation_core::ids::{DeviceId, Round};
use constellation_core::rejection::Rejection;
use constellation_core::wire::{Update, WireError};
use serde::Serialize;
use utoipa::ToSchema;

use super::paths::OfRound;
use crate::blocking::blocking;
use crate::body::{Segments, bearer, discard, read};
use crate::config::limits;
use crate::error::{ApiError, Refusal};
use crate::openapi::File;
use crate::room::{Request, RoomHandle};
use crate::server::Server;
use crate::token::TokenHash;

/// What became of an update.
#[derive(Serialize, ToSchema)]
pub(super) struct Receipt {
    status: Fate,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Fate {
    /// It counts, and is stored.
    Accepted,
    /// The device has sent it before.
    Duplicate,
}

/// Takes a device's update for the round under way.
#[utoipa::path(
    post,
    path = "/api/rooms/{room}/rounds/{round}/updates",
    operation_id = "update",
    tag = "devices",
    params(OfRound),
    request_body(
        content = File,
        content_type = "application/octet-stream",
        description = "A safetensors file, as docs/protocol.md says"
    ),
    responses((status = ACCEPTED, body = Receipt), (status = OK, body = Receipt), Refusal),
    security(("device_token" = []))
)]
pub(super) async fn post(
    State(server): State<Server>,
    Segments(OfRound { room, round }): Segments<OfRound>,
    request: HttpRequest,
) -> Result<(StatusCode, Json<Receipt>), ApiError> {
    let (room, device) = match admit(&server, &room, bearer(request.headers())) {
        Ok(admitted) => admitted,
        Err(error) => {
            discard(request.into_body(), server.config().limits.body).await;
            return Err(error);
        }
    };
    let (bytes, update) = match receive(&server, &room, round, request).await {
        Ok(received) => received,
        Err(error) => return Err(refuse(&room, device, error).await),
    };
    let answer = room
        .ask(|reply| Request::Update {
            device,
            bytes,
            update: Box::new(update),
            reply,
        })
        .await??;
    match answer {
        Answer::Duplicate => {
            server.metrics().duplicate(bytes);
            let status = Fate::Duplicate;
            Ok((StatusCode::OK, Json(Receipt { status })))
        }
        Answer::Accepted | Answer::Done | Answer::Joined(_) => {
            server.metrics().accepted(bytes);
            let status = Fate::Accepted;
            Ok((StatusCode::ACCEPTED, Json(Receipt { status })))
        }
    }
}

/// Checks who posts before the body is looked at.
fn admit(
    server: &Server,
    room: &str,
    token: Result<TokenHash, ApiError>,
) -> Result<(Arc<RoomHandle>, DeviceId), ApiError> {
    let room = server.room(room)?;
    let device = room.admit(token?)?;
    Ok((room, device))
}

/// Reads the update and checks all that can be checked without the room. Returns its length as well.
async fn receive(
    server: &Server,
    room: &RoomHandle,
    address: Round,
    request: HttpRequest,
) -> Result<(u64, Update), ApiError> {
    let body = read(
        request.into_body(),
        room.models().longest_update(),
        server.config().limits.body,
    )
    .await?;
    let len = body.as_bytes().len() as u64;
    // The body may have taken its time; the run may be another one by now.
    let models = room.models();
    let decode = || Update::decode_buffer(body, &models);
    let decoded = if models.longest_update() > limits::SMALL_UPDATE {
        blocking(decode)
    } else {
        decode()
    };
    let update = decoded.map_err(Rejection::Update)?;
    if update.round != address {
        return Err(Rejection::RoundMismatch {
            address,
            body: update.round,
        }
        .into());
    }
    Ok((len, update))
}

/// Has the room count a refusal, so that its boards show it.
async fn refuse(room: &RoomHandle, device: DeviceId, error: ApiError) -> ApiError {
    let code = error.code();
    let request = match error {
        // The device is behind, and has yet to answer for this run.
        ApiError::Room(Rejection::Update(WireError::OtherRun { .. })) => {
            Request::MessageRefused { device, code }
        }
        _ => Request::Refused { device, code },
    };
    // If the room is gone, so are its boards.
    let _ = room.tell(request).await;
    error
}
