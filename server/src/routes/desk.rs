//! The controls of a room.

use axum::Json;
use axum::extract::State;
use constellation_core::coordinator::Command;
use constellation_core::ids::DeviceId;
use constellation_core::view::View;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::body::{Bearer, JsonBody, Segments, config};
use crate::error::ApiError;
use crate::room::Request;
use crate::server::Server;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    #[serde(default)]
    seed: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Remove {
    device: DeviceId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configure {
    config: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mischief {
    allowed: bool,
}

pub(super) async fn command(
    State(server): State<Server>,
    Segments((room, command)): Segments<(String, String)>,
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
