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

use crate::body::Segments;
use crate::error::ApiError;
use crate::room::Request;
use crate::server::Server;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default)]
    after: Round,
}

pub(super) async fn memberships(
    State(server): State<Server>,
    Segments((room, arm)): Segments<(String, String)>,
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

pub(super) async fn distances(
    State(server): State<Server>,
    Segments((room, arm)): Segments<(String, String)>,
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
