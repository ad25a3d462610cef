//! The pages and the small data sets, from inside the binary.
//!
//! A debug build reads both from the source tree instead.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::ApiError;
use crate::token::hex;

#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Pages;

#[derive(RustEmbed)]
#[folder = "../data/mnist-small"]
struct MnistSmall;

#[derive(RustEmbed)]
#[folder = "../data/fashion-mnist-small"]
struct FashionMnistSmall;

/// Files whose names change with their contents.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Data sets do not change, but their names would not tell if they did.
const A_DAY: &str = "public, max-age=86400";
/// To be asked for again each time.
const ASK_AGAIN: &str = "no-cache";

pub(crate) async fn home(headers: HeaderMap) -> Response {
    page("index.html", &headers)
}

pub(crate) async fn board(headers: HeaderMap) -> Response {
    page("board.html", &headers)
}

pub(crate) async fn join(headers: HeaderMap) -> Response {
    page("join.html", &headers)
}

pub(crate) async fn guide(headers: HeaderMap) -> Response {
    page("guide.html", &headers)
}

pub(crate) async fn replay(headers: HeaderMap) -> Response {
    page("replay.html", &headers)
}

/// A file that the pages ask for, or nothing. Addresses of the API have none.
pub(crate) fn file(uri: &Uri, request: &Request) -> Option<Response> {
    let name = uri.path().trim_start_matches('/');
    if name.starts_with("api/") {
        return None;
    }
    let cache = if name.starts_with("assets/") {
        FOREVER
    } else {
        ASK_AGAIN
    };
    page_file(name, cache, request.headers())
}

/// A file of a data set, by its name without `.gz`. Browsers unzip it by themselves.
pub(crate) async fn data(
    Path((set, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let zipped = format!("{name}.gz");
    let file = match set.as_str() {
        "mnist-small" => MnistSmall::get(&zipped),
        "fashion-mnist-small" => FashionMnistSmall::get(&zipped),
        _ => None,
    };
    match file {
        Some(file) => answer(
            file,
            "application/octet-stream",
            A_DAY,
            Some("gzip"),
            &headers,
        ),
        None => ApiError::UnknownPath.into_response(),
    }
}

fn page(name: &str, headers: &HeaderMap) -> Response {
    page_file(name, ASK_AGAIN, headers).unwrap_or_else(|| {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "The pages are not in this build of the server; `cargo xtask build` makes one that has them.\n",
        )
            .into_response()
    })
}

/// A file of the pages, zipped if there is such a copy and the client takes it.
fn page_file(name: &str, cache: &'static str, request: &HeaderMap) -> Option<Response> {
    let zipped = if accepts_gzip(request) {
        Pages::get(&format!("{name}.gz"))
    } else {
        None
    };
    let encoding = zipped.is_some().then_some("gzip");
    let file = zipped.or_else(|| Pages::get(name))?;
    let mut response = answer(file, content_type(name), cache, encoding, request);
    let vary = HeaderValue::from_name(header::ACCEPT_ENCODING);
    response.headers_mut().insert(header::VARY, vary);
    Some(response)
}

/// Whether the client says that it takes gzip.
fn accepts_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get(header::ACCEPT_ENCODING);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    accepted.unwrap_or_default().split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().trim_start_matches("q=").parse();
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight: f32| weight > 0.0)
    })
}

fn answer(
    file: EmbeddedFile,
    content_type: &'static str,
    cache: &'static str,
    encoding: Option<&'static str>,
    request: &HeaderMap,
) -> Response {
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()[..16]));
    let mut response = if not_modified(request, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let bytes = match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        let mut response = Response::new(Body::from(bytes));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(encoding) = encoding {
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    // Weak: the same for the file as it is and for the file zipped.
    if let Ok(tag) = HeaderValue::from_str(&format!("W/{tag}")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// An entity tag from the contents.
pub(crate) fn etag(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!("\"{}\"", hex(&Sha256::digest(bytes)[..16]))
}

/// Whether the client has what it asks for.
pub(crate) fn not_modified(request: &HeaderMap, tag: &str) -> bool {
    let known = request
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    known.is_some_and(|known| {
        known
            .split(',')
            .map(str::trim)
            .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("json" | "map") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        let accepts = |value: &str| {
            let header = (header::ACCEPT_ENCODING, value.parse().unwrap());
            accepts_gzip(&[header].into_iter().collect())
        };
        assert!(accepts("gzip"));
        assert!(accepts("br;q=1.0, GZIP;q=0.5, *;q=0"));
        assert!(!accepts("br, deflate"));
        assert!(!accepts("gzip;q=0, identity"));
        assert!(!accepts("gzip;q=a"));
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_known_tag_is_not_sent_again() {
        let with = |value: &str| {
            [(header::IF_NONE_MATCH, value.parse().unwrap())]
                .into_iter()
                .collect()
        };
        let tag = etag(b"x");
        assert!(not_modified(&with(&tag), &tag));
        assert!(not_modified(&with(&format!("\"a\", W/{tag}")), &tag));
        assert!(!not_modified(&with("\"a\""), &tag));
        assert!(!not_modified(&HeaderMap::new(), &tag));
    }
}
