//! Everything a client can do wrong, as `application/problem+json` (RFC 9457).
//!
//! One variant per code. Codes never change their meaning; `docs/protocol.md` lists them all.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use constellation_core::rejection::Rejection;
use constellation_core::wire::WireError;
use serde::Serialize;
use thiserror::Error;
use utoipa::{IntoResponses, ToSchema};

use crate::config::limits;

/// A refusal: a status, a code, a sentence.
#[derive(Clone, Debug, PartialEq, Error)]
pub(crate) enum ApiError {
    /// The room's logic refused it.
    #[error(transparent)]
    Room(#[from] Rejection),
    #[error("there is no room \"{0}\" here; rooms end when nobody uses them for an hour")]
    UnknownRoom(String),
    #[error("no arm of this run is called \"{0}\"")]
    UnknownArm(String),
    #[error("arm \"{arm}\" has not published a model \"{model}\"")]
    UnknownModel { arm: String, model: String },
    #[error(
        "the desk knows start, pause, step, reset, remove, lock, unlock, configure and mischief, not \"{0}\""
    )]
    UnknownCommand(String),
    #[error("there is nothing at this address")]
    UnknownPath,
    #[error("this address does not take this method")]
    MethodNotAllowed,
    #[error("the address does not parse: {0}")]
    BadPath(String),
    #[error("{what} knows the formats {known}, not \"{found}\"")]
    UnknownFormat {
        what: &'static str,
        known: &'static str,
        found: String,
    },
    #[error("the header \"Authorization: Bearer <token>\" is missing")]
    MissingToken,
    #[error("the token is not the right one")]
    WrongToken,
    #[error("a page of another site may not use this server")]
    WrongOrigin,
    #[error(
        "rooms are made on the server's own computer, or with its admin token; whoever runs it can allow everybody with \
         --open-rooms"
    )]
    RoomsNotOpen,
    #[error("this address is a WebSocket's: {0}")]
    NotAWebSocket(String),
    #[error("the body must be JSON and say so with \"Content-Type: application/json\"")]
    WrongContentType,
    #[error("the body is not JSON: {0}")]
    MalformedJson(String),
    #[error("the body is JSON, and not what is asked for here: {0}")]
    WrongFields(String),
    #[error("the configuration does not parse: {0}")]
    UnreadableConfig(String),
    #[error("the name has {found} characters; it may have {max}, none of them control characters", max = limits::NAME)]
    BadName { found: usize },
    #[error("the body is longer than {limit} bytes, the most this can take")]
    BodyTooLarge { limit: usize },
    #[error("the body broke off")]
    BodyBroken,
    #[error("the body did not arrive in time")]
    BodyTimeout,
    #[error("too much at once; slow down")]
    TooManyRequests,
    #[error("the server has {0} rooms, as many as it takes")]
    RoomsFull(usize),
    #[error("the server stops")]
    ServerStops,
    /// Only over a socket.
    #[error("the first message must be {{\"message\":\"hello\",\"token\":…}}: {0}")]
    HelloExpected(String),
    /// Only over a socket.
    #[error("no hello came in time")]
    HelloTimeout,
    /// Only over a socket.
    #[error("the message is none that a device sends: {0}")]
    BadMessage(String),
    /// Only over a socket.
    #[error("a message may have {max} bytes", max = limits::SOCKET_MESSAGE)]
    MessageTooLarge,
    /// Only over a socket.
    #[error("nothing was heard for too long")]
    Silent,
    /// Only over a socket.
    #[error("messages leave more slowly than they arrive")]
    TooSlow,
    #[error(
        "the server cannot write its data, and takes nothing more in this room until that is mended and it is started \
         again; its log says why"
    )]
    StoreFailed,
    /// A failure of the server itself.
    #[error("the server failed; its log says more")]
    Internal,
}

/// The body of a refusal (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: `code` says what it is.
    r#type: &'static str,
    /// What the status is called.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What was wrong, for programs: docs/protocol.md lists all codes.
    code: &'static str,
    /// What was wrong, and what to do about it, for people.
    detail: String,
    /// Of an update for another round: the one under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_round: Option<u32>,
    /// The setting that cannot be run, as in `training.batch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

/// Whatever else a call is answered with.
#[derive(IntoResponses)]
#[response(
    status = "default",
    description = "A refusal",
    content_type = "application/problem+json"
)]
#[expect(dead_code, reason = "describes what ApiError becomes")]
pub(crate) struct Refusal(Problem);

/// A refusal's code, for counters and logs.
#[derive(Clone, Copy)]
pub(crate) struct ErrorCode(pub(crate) &'static str);

impl ApiError {
    pub(crate) fn code(&self) -> &'static str {
        self.parts().1
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.parts().0
    }

    fn parts(&self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::Room(rejection) => (status_of(rejection), rejection.code()),
            Self::UnknownRoom(_) => (S::NOT_FOUND, "unknown_room"),
            Self::UnknownArm(_) => (S::NOT_FOUND, "unknown_arm"),
            Self::UnknownModel { .. } => (S::NOT_FOUND, "unknown_model"),
            Self::UnknownCommand(_) => (S::NOT_FOUND, "unknown_command"),
            Self::UnknownPath => (S::NOT_FOUND, "unknown_path"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::BadPath(_) => (S::BAD_REQUEST, "bad_path"),
            Self::UnknownFormat { .. } => (S::BAD_REQUEST, "unknown_format"),
            Self::MissingToken => (S::UNAUTHORIZED, "missing_token"),
            Self::WrongToken => (S::UNAUTHORIZED, "wrong_token"),
            Self::WrongOrigin => (S::FORBIDDEN, "wrong_origin"),
            Self::RoomsNotOpen => (S::FORBIDDEN, "rooms_not_open"),
            Self::NotAWebSocket(_) => (S::UPGRADE_REQUIRED, "websocket_expected"),
            Self::WrongContentType => (S::UNSUPPORTED_MEDIA_TYPE, "wrong_content_type"),
            Self::MalformedJson(_) => (S::BAD_REQUEST, "malformed_json"),
            Self::WrongFields(_) => (S::UNPROCESSABLE_ENTITY, "wrong_fields"),
            Self::UnreadableConfig(_) => (S::UNPROCESSABLE_ENTITY, "bad_config"),
            Self::BadName { .. } => (S::UNPROCESSABLE_ENTITY, "bad_name"),
            Self::BodyTooLarge { .. } => (S::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::BodyBroken => (S::BAD_REQUEST, "body_broken"),
            Self::BodyTimeout => (S::REQUEST_TIMEOUT, "body_timeout"),
            Self::TooManyRequests => (S::TOO_MANY_REQUESTS, "too_many_requests"),
            Self::RoomsFull(_) => (S::SERVICE_UNAVAILABLE, "rooms_full"),
            Self::ServerStops => (S::SERVICE_UNAVAILABLE, "server_stops"),
            Self::HelloExpected(_) => (S::BAD_REQUEST, "hello_expected"),
            Self::HelloTimeout => (S::REQUEST_TIMEOUT, "hello_timeout"),
            Self::BadMessage(_) => (S::BAD_REQUEST, "bad_message"),
            Self::MessageTooLarge => (S::PAYLOAD_TOO_LARGE, "message_too_large"),
            Self::Silent => (S::REQUEST_TIMEOUT, "silent"),
            Self::TooSlow => (S::REQUEST_TIMEOUT, "too_slow"),
            Self::StoreFailed => (S::INSUFFICIENT_STORAGE, "store_failed"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    /// The code that a socket is closed with: 4000 and the status, from the range that is free for applications.
    pub(crate) fn close_code(&self) -> u16 {
        4_000 + self.status().as_u16()
    }
}

fn status_of(rejection: &Rejection) -> StatusCode {
    match rejection {
        Rejection::UnknownDevice(_) => StatusCode::NOT_FOUND,
        Rejection::RoomLocked => StatusCode::LOCKED,
        Rejection::RoomFull(_)
        | Rejection::Stale { .. }
        | Rejection::SketchesClosed(_)
        | Rejection::Update(WireError::OtherRun { .. } | WireError::OtherReference { .. })
        | Rejection::WrongPhase { .. } => StatusCode::CONFLICT,
        Rejection::FutureRound { .. }
        | Rejection::RoundMismatch { .. }
        | Rejection::Capability(_)
        | Rejection::NotInCohort { .. }
        | Rejection::WrongKind(_)
        | Rejection::WrongCoalition(_)
        | Rejection::TooLarge { .. }
        | Rejection::Update(_)
        | Rejection::Config(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let current_round = match &self {
            Self::Room(
                Rejection::Stale { current, .. } | Rejection::FutureRound { current, .. },
            ) => Some(current.0),
            _ => None,
        };
        let field = match &self {
            Self::Room(Rejection::Config(error)) => Some(error.field.clone()),
            _ => None,
        };
        let problem = Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: self.code(),
            detail: self.to_string(),
            current_round,
            field,
        };
        let mut response = (status, Json(problem)).into_response();
        response.extensions_mut().insert(ErrorCode(self.code()));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        let extra = match self {
            Self::MissingToken | Self::WrongToken => Some((header::WWW_AUTHENTICATE, "Bearer")),
            Self::TooManyRequests | Self::ServerStops => Some((header::RETRY_AFTER, "1")),
            Self::NotAWebSocket(_) => Some((header::UPGRADE, "websocket")),
            _ => None,
        };
        if let Some((name, value)) = extra {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use constellation_core::aggregate::TooLarge;
    use std::collections::BTreeMap;

    use constellation_core::config::ConfigError;
    use constellation_core::ids::{DeviceId, Round};
    use constellation_core::params::ParamsError;
    use constellation_core::view::Phase;
    use constellation_core::wire::WireError;
    use constellation_core::wire::safetensors::FormatError;

    use super::*;

    /// One of every kind of refusal.
    fn all() -> Vec<ApiError> {
        let text = String::new;
        let (round, device) = (Round(1), DeviceId(1));
        let values = |source| WireError::Values {
            arm: text(),
            source,
        };
        let updates = [
            WireError::Format(FormatError::Trailing(1)),
            WireError::Metadata {
                entry: "update",
                detail: text(),
            },
            WireError::MissingTensor(text()),
            WireError::UnknownTensor(text()),
            WireError::WrongType {
                name: text(),
                dtype: text(),
                expected: "F32",
            },
            WireError::WrongShape {
                name: text(),
                found: vec![],
                expected: vec![],
            },
            values(ParamsError::NonFinite {
                count: 1,
                tensor: text(),
                first: 0,
            }),
            values(ParamsError::Length {
                found: 1,
                expected: 2,
            }),
            WireError::Index(text()),
            WireError::OtherReference {
                model: text(),
                reference: "0123456789abcdef".to_owned().try_into().unwrap(),
            },
            WireError::Report(text()),
        ];
        let config = ConfigError {
            field: text(),
            value: text(),
            allowed: text(),
        };
        let room = [
            Rejection::RoomFull(1),
            Rejection::RoomLocked,
            Rejection::Capability(-1.0),
            Rejection::UnknownDevice(device),
            Rejection::Stale {
                sent: round,
                current: round,
            },
            Rejection::FutureRound {
                sent: round,
                current: round,
            },
            Rejection::RoundMismatch {
                address: round,
                body: round,
            },
            Rejection::NotInCohort { device, round },
            Rejection::WrongKind(""),
            Rejection::SketchesClosed(round),
            Rejection::WrongCoalition(round),
            Rejection::TooLarge {
                arm: text(),
                source: TooLarge { value: 1e9 },
            },
            Rejection::Config(config),
            Rejection::WrongPhase {
                command: "start",
                phase: Phase::Finished,
            },
        ];
        let own = [
            ApiError::UnknownRoom(text()),
            ApiError::UnknownArm(text()),
            ApiError::UnknownModel {
                arm: text(),
                model: text(),
            },
            ApiError::UnknownCommand(text()),
            ApiError::UnknownPath,
            ApiError::MethodNotAllowed,
            ApiError::BadPath(text()),
            ApiError::UnknownFormat {
                what: "a model",
                known: "safetensors and onnx",
                found: text(),
            },
            ApiError::MissingToken,
            ApiError::WrongToken,
            ApiError::WrongOrigin,
            ApiError::RoomsNotOpen,
            ApiError::NotAWebSocket(text()),
            ApiError::WrongContentType,
            ApiError::MalformedJson(text()),
            ApiError::WrongFields(text()),
            ApiError::UnreadableConfig(text()),
            ApiError::BadName { found: 1 },
            ApiError::BodyTooLarge { limit: 1 },
            ApiError::BodyBroken,
            ApiError::BodyTimeout,
            ApiError::TooManyRequests,
            ApiError::RoomsFull(1),
            ApiError::ServerStops,
            ApiError::HelloExpected(text()),
            ApiError::HelloTimeout,
            ApiError::BadMessage(text()),
            ApiError::MessageTooLarge,
            ApiError::Silent,
            ApiError::TooSlow,
            ApiError::StoreFailed,
            ApiError::Internal,
        ];
        let updates = updates.into_iter().map(Rejection::Update);
        room.into_iter()
            .chain(updates)
            .map(ApiError::Room)
            .chain(own)
            .collect()
    }

    #[test]
    fn the_document_lists_every_code_with_its_status() {
        let known: BTreeMap<&str, String> = all()
            .iter()
            .map(|error| (error.code(), error.status().as_u16().to_string()))
            .collect();
        let document = include_str!("../../docs/protocol.md");
        let listed: BTreeMap<&str, String> = document
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
            .filter_map(|(code, rest)| Some((code, rest.split_once(" |")?.0.to_owned())))
            .filter(|(_, status)| status.parse::<u16>().is_ok())
            .collect();
        assert_eq!(listed, known);
    }

    #[test]
    fn sockets_close_with_codes_that_applications_may_use() {
        for error in [ApiError::WrongToken, ApiError::Silent, ApiError::Internal] {
            assert!((4_000..5_000).contains(&error.close_code()), "{error}");
        }
    }

    #[test]
    fn stale_is_a_conflict_and_the_rest_is_not() {
        let (sent, current) = (Round(1), Round(2));
        assert_eq!(
            ApiError::Room(Rejection::Stale { sent, current }).status(),
            StatusCode::CONFLICT
        );
        assert_eq!(
            ApiError::Room(Rejection::FutureRound { sent, current })
                .status()
                .as_u16(),
            422
        );
    }
}
