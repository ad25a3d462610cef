//! The controls of a room.

use axum::Json;
use axum::extract::State;
use constellation_core::config::RunConfig;
use constellation_core::coordinator::Command;
use constellation_core::ids::DeviceId;
use constellation_core::view::View;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use super::paths::OfDesk;
use crate::body::{Bearer, JsonBody, Segments, config};
use crate::error::{ApiError, Refusal};
use crate::room::Request;
use crate::server::Server;

/// For `start`, `pause`, `step`, `lock` and `unlock`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// For `reset`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reset {
    /// The next run's seed; left out, this run's once more.
    #[serde(default)]
    seed: Option<u32>,
}

/// For `remove`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Remove {
    /// Who goes for good.
    device: DeviceId,
}

/// For `configure`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Configure {
    /// The next run.
    #[schema(value_type = RunConfig)]
    config: Value,
}

/// For `mischief`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Mischief {
    /// Whether devices may be difficult.
    allowed: bool,
}

/// What a command needs to know: `{}` for those that need nothing.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what `parse` takes")]
enum Details {
    Reset(Reset),
    Remove(Remove),
    Configure(Configure),
    Mischief(Mischief),
}

/// Controls a room.
#[utoipa::path(
    post,
    path = "/api/rooms/{room}/desk/{command}",
    tag = "desk",
    params(OfDesk),
    request_body = Option<Details>,
    responses((status = OK, body = View), Refusal),
    security(("desk_token" = []))
)]
pub(super) async fn command(
    State(server): State<Server>,
    Segments(OfDesk { room, command }): Segments<OfDesk>,
    Bearer(token): Bearer,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<View>, ApiError> {
    let room = server.room(&room)?;
    room.check_desk(token)?;
    let command = parse(&command, body)?;
    Ok(Json(
        room.ask(|reply| Request::Desk { command, reply }).await??,
    ))
}

fn parse(command: &str, body: Value) -> Result<Command, ApiError> {
    Ok(match command {
        "start" => {
            let Nothing {} = fields(body)?;
            Command::Start
        }
        "pause" => {
            let Nothing {} = fields(body)?;
            Command::Pause
        }
        "step" => {
            let Nothing {} = fields(body)?;
            Command::Step
        }
        "lock" => {
            let Nothing {} = fields(body)?;
            Command::Lock
        }
        "unlock" => {
            let Nothing {} = fields(body)?;
            Command::Unlock
        }
        "reset" => {
            let Reset { seed } = fields(body)?;
            Command::Reset(seed)
        }
        "remove" => {
            let Remove { device } = fields(body)?;
            Command::Remove(device)
        }
        "configure" => {
            let Configure { config: raw } = fields(body)?;
            Command::Configure(Box::new(config(raw)?))
        }
        "mischief" => {
            let Mischief { allowed } = fields(body)?;
            Command::Mischief { allowed }
        }
        other => return Err(ApiError::UnknownCommand(other.chars().take(20).collect())),
    })
}

fn fields<T: DeserializeOwned>(body: Value) -> Result<T, ApiError> {
    serde_json::from_value(body).map_err(|error| ApiError::WrongFields(error.to_string()))
}
