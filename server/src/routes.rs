//! The addresses of the server.

#[expect(unused_qualifications, reason = "utoipa's macro writes them")]
mod arms;
mod board_socket;
mod desk;
mod device_socket;
mod devices;
#[expect(unused_qualifications, reason = "utoipa's macro writes them")]
mod export;
mod health;
#[expect(unused_qualifications, reason = "utoipa's macro writes them")]
mod models;
mod paths;
mod rooms;
mod updates;

use std::time::Instant;

use axum::Router;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::set_header::SetResponseHeaderLayer;
use tracing::debug;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::body::check_origin;
use crate::error::{ApiError, ErrorCode};
use crate::openapi;
use crate::pages;
use crate::room::Request;
use crate::server::Server;

/// Sent with every answer. Workers take the policy of their own response, so it is on every path.
const SECURITY_HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; \
         style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// The addresses for programs. Each says of itself where it is, what it takes and what it gives.
fn api() -> OpenApiRouter<Server> {
    OpenApiRouter::with_openapi(openapi::Description::openapi())
        .routes(routes!(rooms::create))
        .routes(routes!(rooms::view))
        .routes(routes!(rooms::join_address))
        .routes(routes!(rooms::qr))
        .routes(routes!(board_socket::open))
        .routes(routes!(export::get))
        .routes(routes!(devices::join))
        .routes(routes!(device_socket::open))
        .routes(routes!(updates::post))
        .routes(routes!(desk::command))
        .routes(routes!(arms::memberships))
        .routes(routes!(arms::distances))
        .routes(routes!(models::get))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
}

/// All addresses of a server.
pub fn app(server: Server) -> Router {
    let (api, described) = api().split_for_parts();
    let described = openapi::complete(described).to_string();
    let app = api
        .route(
            "/api/openapi.json",
            get(async move || ([(header::CONTENT_TYPE, "application/json")], described)),
        )
        .route("/", get(pages::home))
        .route("/board/{room}", get(pages::board))
        .route("/join/{room}", get(pages::join))
        .route("/guide", get(pages::guide))
        .route("/replay", get(pages::replay))
        .route("/data/{set}/{file}", get(pages::data))
        .fallback(fallback)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(CompressionLayer::new().compress_when(zippable()))
        // The panic's message goes to standard error, where it cannot be overlooked, and not to the client.
        .layer(CatchPanicLayer::custom(|_| {
            ApiError::Internal.into_response()
        }))
        .layer(from_fn_with_state(server.clone(), around))
        .with_state(server);
    SECURITY_HEADERS
        .into_iter()
        .fold(app, |app, (name, value)| {
            app.layer(SetResponseHeaderLayer::overriding(
                name,
                HeaderValue::from_static(value),
            ))
        })
}

/// The addresses for programs, as OpenAPI describes them.
#[cfg(test)]
pub(crate) fn description() -> serde_json::Value {
    openapi::complete(api().into_openapi())
}

/// Answers that travel zipped to whoever accepts that. Weights hardly get smaller, and data sets are zipped already.
fn zippable() -> impl Predicate {
    SizeAbove::new(1_024).and(NotForContentType::const_new("application/octet-stream"))
}

/// A file of the pages, or nothing. Programs get a problem, people a sentence.
async fn fallback(uri: Uri, request: HttpRequest) -> Response {
    pages::file(&uri, &request).unwrap_or_else(|| ApiError::UnknownPath.into_response())
}

/// Refusals of posted updates that the room has not heard of: the device was not known yet, or not let in.
const BEFORE_ADMISSION: [&str; 4] = [
    "missing_token",
    "wrong_token",
    "too_many_requests",
    "bad_path",
];

/// Has a room count a refusal that it has not heard of, so that its boards show it.
async fn tell_room(server: &Server, path: &str, code: &'static str) {
    let Some((room, rest)) = path
        .strip_prefix("/api/rooms/")
        .and_then(|path| path.split_once('/'))
    else {
        return;
    };
    if rest.starts_with("rounds/") && !BEFORE_ADMISSION.contains(&code) {
        return;
    }
    if let Ok(room) = server.room(room) {
        // If the room is gone meanwhile, so are its boards.
        let _ = room.tell(Request::StrangerRefused { code }).await;
    }
}

/// What happens around every request: counters, a line in the log.
async fn around(State(server): State<Server>, request: HttpRequest, next: Next) -> Response {
    let started = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let public_url = server.config().addresses.public_url.as_deref();
    let response = match check_origin(request.headers(), public_url) {
        Err(error) if !method.is_safe() => error.into_response(),
        _ => next.run(request).await,
    };
    let code = response.extensions().get::<ErrorCode>().map(|code| code.0);
    if let Some(code) = code {
        server.metrics().refused(code);
        tell_room(&server, &path, code).await;
    }
    debug!(
        %method,
        path,
        status = response.status().as_u16(),
        code,
        ms = started.elapsed().as_secs_f64() * 1e3,
        "request"
    );
    response
}
