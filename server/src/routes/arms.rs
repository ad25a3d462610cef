//! What boards read of one arm besides the view: it would make every view long.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use constellation_core::ids::Round;
use constellation_core::view::{Distances, Memberships};
use serde::Deserialize;
use utoipa::IntoParams;

use super::paths::OfArm;
use crate::body::Segments;
use crate::error::{ApiError, Refusal};
use crate::room::Request;
use crate::server::Server;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only later rounds than this one.
    #[serde(default)]
    after: Round,
}

/// Who was in which coalition of an arm, round by round.
#[utoipa::path(
    get,
    path = "/api/rooms/{room}/arms/{arm}/memberships",
    tag = "arms",
    params(OfArm, Wanted),
    responses((status = OK, body = Memberships), Refusal)
)]
pub(super) async fn memberships(
    State(server): State<Server>,
    Segments(OfArm { room, arm }): Segments<OfArm>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let Query(Wanted { after }) =
        wanted.map_err(|rejection| ApiError::BadPath(rejection.body_text()))?;
    let asked: Option<Memberships> = server
        .room(&room)?
        .ask(|reply| Request::Memberships {
            arm: arm.clone(),
            after,
            reply,
        })
        .await?;
    let memberships = asked.ok_or_else(|| unknown(&arm))?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(memberships)))
}

/// How far the devices' weights are from each other in an arm.
#[utoipa::path(
    get,
    path = "/api/rooms/{room}/arms/{arm}/distances",
    tag = "arms",
    params(OfArm),
    responses((status = OK, body = Distances), Refusal)
)]
pub(super) async fn distances(
    State(server): State<Server>,
    Segments(OfArm { room, arm }): Segments<OfArm>,
) -> Result<impl IntoResponse, ApiError> {
    let asked: Option<Arc<Distances>> = server
        .room(&room)?
        .ask(|reply| Request::Distances {
            arm: arm.clone(),
            reply,
        })
        .await?;
    let distances = asked.ok_or_else(|| unknown(&arm))?;
    Ok((
        [(header::CACHE_CONTROL, "no-store")],
        Json(distances.as_ref()).into_response(),
    ))
}

fn unknown(arm: &str) -> ApiError {
    ApiError::UnknownArm(arm.chars().take(80).collect())
}
