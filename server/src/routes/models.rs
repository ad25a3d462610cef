//! Published models, as safetensors files that PyTorch opens, and as ONNX files that run elsewhere.

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use constellation_core::config::DataConfig;
use constellation_core::ids::CoalitionId;
use constellation_core::model::Network;
use constellation_core::params::Params;
use constellation_core::wire::safetensors::Builder;
use serde::Deserialize;
use tokio::task::spawn_blocking;
use utoipa::IntoParams;

use super::paths::OfModel;
use crate::body::Segments;
use crate::error::{ApiError, Refusal};
use crate::openapi::File;
use crate::pages::{etag, not_modified};
use crate::room::Request;
use crate::server::Server;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// `safetensors`, which is the default, or `onnx`.
    #[serde(default)]
    #[param(pattern = "^(safetensors|onnx)$")]
    format: Option<String>,
}

/// The last published model of an arm, or of one of its coalitions.
#[utoipa::path(
    get,
    path = "/api/rooms/{room}/arms/{arm}/models/{model}",
    operation_id = "model",
    tag = "arms",
    params(OfModel, Wanted),
    responses(
        (status = OK, body = File, content_type = "application/octet-stream"),
        (status = NOT_MODIFIED, description = "It has the entity tag of If-None-Match"),
        Refusal
    )
)]
pub(super) async fn get(
    State(server): State<Server>,
    Segments(OfModel { room, arm, model }): Segments<OfModel>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(wanted) = wanted.map_err(|rejection| ApiError::BadPath(rejection.body_text()))?;
    let room = server.room(&room)?;
    if !room.models().arms.contains(&arm) {
        return Err(ApiError::UnknownArm(arm.chars().take(80).collect()));
    }
    let extension = match wanted.format.as_deref().unwrap_or("safetensors") {
        "safetensors" => "safetensors",
        "onnx" => "onnx",
        other => {
            return Err(ApiError::UnknownFormat {
                what: "a model",
                known: "safetensors and onnx",
                found: other.chars().take(20).collect(),
            });
        }
    };
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
    let mut names = vec![
        ("room", room.code().to_string()),
        ("arm", arm.clone()),
        ("model", model.clone()),
    ];
    let network = if extension == "onnx" {
        let config = room.ask(|reply| Request::View { reply }).await?.config;
        let network = Network::new(&config.model, config.data.shape());
        // The room may have begun another run since.
        if network.spec() != params.spec() {
            return Err(unknown());
        }
        names.push(labels(&config.data));
        Some(network)
    } else {
        None
    };
    let (bytes, tag) = spawn_blocking(move || {
        let bytes = match network {
            Some(network) => {
                let names: Vec<_> = names
                    .iter()
                    .map(|(key, name)| (*key, name.as_str()))
                    .collect();
                network.onnx(&params, &names)
            }
            None => safetensors(&params, &names),
        };
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
    let disposition = format!("attachment; filename=\"{arm}-{model}.{extension}\"");
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
fn safetensors(params: &Params, names: &[(&str, String)]) -> Vec<u8> {
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

/// What the logits stand for: a table's labels in their order, or the data set whose labels they are.
fn labels(data: &DataConfig) -> (&'static str, String) {
    match &data.table {
        Some(table) => (
            "labels",
            serde_json::to_string(&table.labels).unwrap_or_default(),
        ),
        None => ("dataset", data.dataset.as_str().to_owned()),
    }
}
