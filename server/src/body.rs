//! What requests carry, taken apart with refusals of our own.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use constellation_core::config::{CheckedConfig, RunConfig};
use constellation_core::rejection::Rejection;
use constellation_core::wire::Buffer;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use crate::config::{check_for_room, limits};
use crate::error::ApiError;
use crate::server::Server;
use crate::token::TokenHash;

/// The parts of the path.
pub(crate) struct Segments<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Server> for Segments<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, server).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(rejection) => Err(ApiError::BadPath(rejection.body_text())),
        }
    }
}

/// The bearer token, hashed.
pub(crate) struct Bearer(pub(crate) TokenHash);

impl FromRequestParts<Server> for Bearer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Server) -> Result<Self, ApiError> {
        bearer(&parts.headers).map(Self)
    }
}

/// The bearer token, hashed.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<TokenHash, ApiError> {
    let value = text(headers, &AUTHORIZATION).and_then(|value| value.split_once(' '));
    match value {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(TokenHash::of(token.trim()))
        }
        _ => Err(ApiError::MissingToken),
    }
}

/// The host that the request came to, as the client names it.
pub(crate) struct Host(pub(crate) Option<String>);

impl FromRequestParts<Server> for Host {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Server) -> Result<Self, ApiError> {
        Ok(Self(text(&parts.headers, &HOST).map(ToOwned::to_owned)))
    }
}

/// A JSON body. No body at all, and `null`, count as `{}`.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Server> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, server: &Server) -> Result<Self, ApiError> {
        let is_json = text(request.headers(), &CONTENT_TYPE).is_some_and(is_json);
        let body = read(
            request.into_body(),
            limits::JSON_BODY,
            server.config().limits.body,
        )
        .await?;
        let bytes = body.as_bytes();
        let value = match bytes {
            [] => Value::Null,
            _ if !is_json => return Err(ApiError::WrongContentType),
            _ => serde_json::from_slice(bytes)
                .map_err(|error| ApiError::MalformedJson(error.to_string()))?,
        };
        let value = match value {
            Value::Null => Value::Object(serde_json::Map::new()),
            Value::Object(_) => value,
            // A list would pass for an object whose fields come in order.
            _ => return Err(ApiError::WrongFields("it must be an object".to_owned())),
        };
        let read = serde_json::from_value(value);
        read.map(Self)
            .map_err(|error| ApiError::WrongFields(error.to_string()))
    }
}

/// Reads a whole body of at most `limit` bytes within `time`.
///
/// A longer one is still read for a while: a client that is cut off while it sends sees a broken connection instead of
/// the refusal.
pub(crate) async fn read(mut body: Body, limit: usize, time: Duration) -> Result<Buffer, ApiError> {
    let reading = async {
        let expected = usize::try_from(body.size_hint().lower()).unwrap_or(limit);
        let mut buffer = Buffer::with_capacity(expected.min(limit));
        let mut len = 0_usize;
        while let Some(part) = next_part(&mut body).await? {
            len = len.saturating_add(part.len());
            if len <= limit {
                buffer.extend_from_slice(&part);
            } else if len > limit.saturating_add(limits::DISCARDED) {
                break;
            }
        }
        if len > limit {
            Err(ApiError::BodyTooLarge { limit })
        } else {
            Ok(buffer)
        }
    };
    timeout(time, reading)
        .await
        .unwrap_or(Err(ApiError::BodyTimeout))
}

/// Reads a body that nobody needs, for the same reason.
pub(crate) async fn discard(body: Body, time: Duration) {
    // It makes no difference how it ends.
    let _ = read(body, 0, time).await;
}

async fn next_part(body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
        match frame.map(|frame| frame.map(|frame| frame.into_data())) {
            None => return Ok(None),
            Some(Ok(Ok(part))) => return Ok(Some(part)),
            // Trailers.
            Some(Ok(Err(_))) => {}
            Some(Err(_)) => return Err(ApiError::BodyBroken),
        }
    }
}

/// Reads and checks a configuration.
pub(crate) fn config(value: Value) -> Result<CheckedConfig, ApiError> {
    if !value.is_object() {
        // A list of all fields in order would pass as well.
        return Err(ApiError::UnreadableConfig(
            "it must be an object".to_owned(),
        ));
    }
    let config: RunConfig = serde_json::from_value(value)
        .map_err(|error| ApiError::UnreadableConfig(error.to_string()))?;
    check_for_room(config).map_err(|error| ApiError::Room(Rejection::Config(error)))
}

/// A page of another site may not open sockets or change anything: browsers send along where a page is from.
pub(crate) fn check_origin(headers: &HeaderMap, public_url: Option<&str>) -> Result<(), ApiError> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().map_err(|_| ApiError::WrongOrigin)?;
    let authority = |url: &str| -> Option<String> {
        let (_, rest) = url.split_once("://")?;
        Some(rest.trim_end_matches('/').to_ascii_lowercase())
    };
    let from = authority(origin).ok_or(ApiError::WrongOrigin)?;
    let to = text(headers, &HOST).map(str::to_ascii_lowercase);
    if Some(&from) == to.as_ref()
        || public_url
            .and_then(authority)
            .is_some_and(|public| public == from)
    {
        Ok(())
    } else {
        Err(ApiError::WrongOrigin)
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, origin: &str) -> HeaderMap {
        [
            (HOST, host.parse().unwrap()),
            (ORIGIN, origin.parse().unwrap()),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn sockets_are_for_pages_of_this_server() {
        let own = headers("box:8080", "http://box:8080");
        assert_eq!(check_origin(&own, None), Ok(()));
        assert_eq!(check_origin(&HeaderMap::new(), None), Ok(()));
        let proxied = headers("127.0.0.1:8080", "https://example.org");
        assert_eq!(check_origin(&proxied, Some("https://example.org/")), Ok(()));
        for (host, origin) in [
            ("box:8080", "http://box"),
            ("box:8080", "http://box:8081"),
            ("box:8080", "http://evil.example"),
            ("box:8080", "null"),
            ("box", "http://box.evil.example"),
        ] {
            assert_eq!(
                check_origin(&headers(host, origin), None),
                Err(ApiError::WrongOrigin),
                "{origin}"
            );
        }
    }
}
