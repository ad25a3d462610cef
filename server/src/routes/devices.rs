//! Devices join.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use constellation_core::config::RunConfig;
use constellation_core::coordinator::Profile;
use constellation_core::encoding::Kind;
use constellation_core::ids::{DeviceId, Slot};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::paths::OfRoom;
use crate::body::{JsonBody, Segments};
use crate::config::limits;
use crate::error::{ApiError, Refusal};
use crate::room::{Joined, Request};
use crate::server::Server;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Join {
    /// What its user calls it.
    #[serde(default)]
    name: Option<String>,
    /// Free for what devices say of themselves; only its `capability`, examples that it trains per second, and its
    /// `encodings`, names of those that it knows, are read.
    #[serde(default)]
    profile: Option<Value>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Welcome {
    /// The device's number.
    device: DeviceId,
    /// Proves that it is this device. A secret.
    device_token: String,
    /// Its index in the partition of the data.
    slot: Slot,
    /// The room's run.
    config: RunConfig,
}

/// Takes a device into a room.
#[utoipa::path(
    post,
    path = "/api/rooms/{room}/devices",
    tag = "devices",
    params(OfRoom),
    request_body = Option<Join>,
    responses((status = CREATED, body = Welcome), Refusal)
)]
pub(super) async fn join(
    State(server): State<Server>,
    Segments(OfRoom { room }): Segments<OfRoom>,
    JsonBody(body): JsonBody<Join>,
) -> Result<(StatusCode, Json<Welcome>), ApiError> {
    let room = server.room(&room)?;
    let name = body.name.as_deref().map(check_name).transpose()?.flatten();
    let profile = profile(body.profile.as_ref())?;
    let Joined {
        device,
        token,
        slot,
        config,
    } = room
        .ask(|reply| Request::Join {
            name,
            profile,
            reply,
        })
        .await??;
    let welcome = Welcome {
        device,
        device_token: token.reveal().to_owned(),
        slot,
        config,
    };
    Ok((StatusCode::CREATED, Json(welcome)))
}

/// What a device says of itself. The range of its capability is the room's to check, and encodings that the room does
/// not know are passed over: a newer device may know more.
fn profile(said: Option<&Value>) -> Result<Profile, ApiError> {
    let field = |name| said.and_then(|said| said.get(name));
    let wrong = |name, value: &Value, allowed| {
        ApiError::WrongFields(format!("profile.{name} is {value}; allowed: {allowed}"))
    };
    let mut profile = Profile::default();
    if let Some(value) = field("capability") {
        let number = value.as_f64();
        profile.capability = number.ok_or_else(|| wrong("capability", value, "a number"))?;
    }
    if let Some(value) = field("encodings") {
        let names: Vec<String> =
            Vec::deserialize(value).map_err(|_| wrong("encodings", value, "a list of names"))?;
        let known = Kind::ALL.into_iter();
        let known = known.filter(|kind| names.iter().any(|name| name == kind.name()));
        profile.encodings = known.collect();
    }
    Ok(profile)
}

/// A name that can be shown, or none.
fn check_name(name: &str) -> Result<Option<String>, ApiError> {
    let name = name.trim();
    let found = name.chars().count();
    if found > limits::NAME || name.chars().any(char::is_control) {
        return Err(ApiError::BadName { found });
    }
    Ok((found > 0).then(|| name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_can_be_shown() {
        assert_eq!(check_name("  phone 3 "), Ok(Some("phone 3".to_owned())));
        assert_eq!(check_name("  "), Ok(None));
        assert_eq!(
            check_name(&"é".repeat(limits::NAME)),
            Ok(Some("é".repeat(limits::NAME)))
        );
        let found = limits::NAME + 1;
        assert_eq!(
            check_name(&"é".repeat(found)),
            Err(ApiError::BadName { found })
        );
        assert_eq!(check_name("a\nb"), Err(ApiError::BadName { found: 3 }));
    }
}
