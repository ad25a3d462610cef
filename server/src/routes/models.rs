//! Published models, as safetensors files that PyTorch opens.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use constellation_core::ids::CoalitionId;
use constellation_core::params::Params;
use constellation_core::wire::safetensors::Builder;
use tokio::task::spawn_blocking;

use crate::body::Segments;
use crate::error::ApiError;
use crate::pages::{etag, not_modified};
use crate::room::Request;
use crate::server::Server;

pub(super) async fn get(
    State(server): State<Server>,
    Segments((room, arm, model)): Segments<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let room = server.room(&room)?;
    if !room.models().arms.contains(&arm) {
        return Err(ApiError::UnknownArm(arm.chars().take(80).collect()));
    }
    let unknown = || ApiError::UnknownModel {
        arm: arm.clone(),
        model: model.chars().take(40).collect(),
    };
    let coalition = match model.as_str() {
        "global" => None,
        number => Some(CoalitionId(number.parse().map_err(|_| unknown())?)),
    };
    let asked = room
        .ask(|reply| Request::Model {
            arm: arm.clone(),
            coalition,
            reply,
        })
        .await?;
    let params = asked.ok_or_else(unknown)?;
    let names = [
        ("room", room.code().to_string()),
        ("arm", arm.clone()),
        ("model", model.clone()),
    ];
    let (bytes, tag) = spawn_blocking(move || {
        let bytes = encode(&params, &names);
        let tag = etag(&bytes);
        (bytes, tag)
    })
    .await
    .map_err(|_| ApiError::Internal)?;
    let tag_value = HeaderValue::from_str(&tag).map_err(|_| ApiError::Internal)?;
    if not_modified(&headers, &tag) {
        return Ok((
            [(header::ETAG, tag_value)],
            axum::http::StatusCode::NOT_MODIFIED,
        )
            .into_response());
    }
    // Both are names that have been looked up, without anything that a header could not take.
    let disposition = format!("attachment; filename=\"{arm}-{model}.safetensors\"");
    let answer = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&disposition).map_err(|_| ApiError::Internal)?,
        ),
        (header::ETAG, tag_value),
    ];
    Ok((answer, Bytes::from(bytes)).into_response())
}

/// The tensors under the names they have in the equivalent `torch.nn.Sequential`.
fn encode(params: &Params, names: &[(&str, String)]) -> Vec<u8> {
    let mut file = Builder::new();
    // What tools of that world look for.
    file.metadata("format", "pt");
    for (key, value) in names {
        file.metadata(key, value);
    }
    for tensor in params.spec().tensors() {
        file.tensor(&tensor.name, &tensor.shape, tensor.of(params.values()));
    }
    file.finish()
}
