//! A run's record for other programs, and the run as its boards saw it.

use std::fmt::Write as _;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use constellation_core::view::View;
use serde::Deserialize;
use utoipa::IntoParams;

use super::paths::OfRoom;
use crate::body::Segments;
use crate::error::{ApiError, Refusal};
use crate::room::Request;
use crate::server::Server;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// `jsonl`, which is the default, `csv`, or `replay`.
    #[serde(default)]
    #[param(pattern = "^(jsonl|csv|replay)$")]
    format: Option<String>,
}

/// A run's record for other programs, or the run as its boards saw it.
#[utoipa::path(
    get,
    path = "/api/rooms/{room}/export",
    operation_id = "export",
    tag = "rooms",
    params(OfRoom, Wanted),
    responses(
        (
            status = OK,
            description = "`jsonl` and `replay`: a JSON document per line; `csv`: a table",
            content((String = "application/x-ndjson"), (String = "text/csv"))
        ),
        Refusal
    )
)]
pub(super) async fn get(
    State(server): State<Server>,
    Segments(OfRoom { room }): Segments<OfRoom>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(wanted) = wanted.map_err(|rejection| ApiError::BadPath(rejection.body_text()))?;
    let room = server.room(&room)?;
    let code = room.code();
    let (text, extension, content_type) = match wanted.format.as_deref().unwrap_or("jsonl") {
        "jsonl" => (
            room.ask(|reply| Request::Record { reply }).await?,
            "jsonl",
            "application/x-ndjson",
        ),
        "replay" => (
            room.ask(|reply| Request::Recording { reply }).await?,
            "replay.jsonl",
            "application/x-ndjson",
        ),
        "csv" => (
            csv(&room.ask(|reply| Request::View { reply }).await?),
            "csv",
            "text/csv; charset=utf-8",
        ),
        other => {
            return Err(ApiError::UnknownFormat {
                what: "export",
                known: "jsonl, csv and replay",
                found: other.chars().take(20).collect(),
            });
        }
    };
    let disposition = HeaderValue::from_str(&format!(
        "attachment; filename=\"constellation-{code}.{extension}\""
    ))
    .map_err(|_| ApiError::Internal)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, text).into_response())
}

/// One row per arm and measured round. Arms' names are letters, digits, `_` and `-`, so nothing needs quotes.
///
/// Accuracies are fractions of 1; without hidden groups, `agreement` is empty.
fn csv(view: &View) -> String {
    let mut text = String::from(
        "arm,round,mean,worst,best,worst_group,own_mean,own_worst,own_best,agreement,coalitions\r\n",
    );
    for arm in &view.arms {
        for row in &arm.history {
            let agreement = row
                .agreement
                .map(|value| value.to_string())
                .unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "{},{},{},{},{},{},{},{},{},{agreement},{}\r\n",
                arm.name,
                row.round,
                row.mean,
                row.worst,
                row.best,
                row.worst_group,
                row.own_mean,
                row.own_worst,
                row.own_best,
                row.coalitions
            );
        }
    }
    text
}
